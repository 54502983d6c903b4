"""How the features were spread in the data that a version was trained on, beside what comes into its services; and
making that profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.charts.ranges import RANGES, range_choices
from kronkers_studio.desktop.localization import counted, date_time, number, tr
from kronkers_studio.desktop.panels.feature_tables import comparison_table, profile_table
from kronkers_studio.desktop.panels.table_choice import TableChoiceDialog
from kronkers_studio.desktop.place_words import place_title, place_words
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.fields import ComboBox, Field, LineField, row_of
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.feature_profiles import ReferenceProfile, Unprofiled
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.workflows.feature_counts import FeaturesSeen

_SINCE_START = ""
_OFFERED = ("1h", "24h", "7d", "30d")
"""Ranges of the charts: what came in is known to the hour."""


class KnownProfile(NamedTuple):
    """A version's profile, and the places where the version is live."""

    profile: ReferenceProfile | None
    places: tuple[str, ...] = ()


class VersionProfile(QWidget):
    """Views: "looking", "none", "rows" (the training data alone), "compared" (beside what came in), "failed". ``told``
    carries a sentence and None, as a profile that was made replaces the one before; ``failed`` an error."""

    told = Signal(str, object)
    failed = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._version: ModelVersion | None = None
        self._profile: ReferenceProfile | None = None
        self._asked = 0
        self.summary = label("", "caption")
        self.summary.setWordWrap(True)
        self.table, self.compared = profile_table(), comparison_table()
        self.views = Views(
            {
                "looking": _looking,
                "none": _none,
                "rows": lambda: self.table,
                "compared": lambda: self.compared,
                "failed": _not_read,
            }
        )
        self.place = ComboBox(tr("What it is compared with"))
        self.range = ComboBox(tr("Of which time"), _ranges())
        self.place.currentIndexChanged.connect(self._compare)
        self.range.currentIndexChanged.connect(self._compare)
        self._choices = QWidget()
        choices = QHBoxLayout(self._choices)
        choices.setContentsMargins(0, 0, 0, 0)
        choices.setSpacing(8)
        choices.addWidget(self.place)
        choices.addWidget(self.range)
        choices.addStretch(1)
        self._choices.setVisible(False)
        self.target = LineField(tr("Column with the true answers"), placeholder=tr("found by itself"))
        self._target = Field(tr("Column with the true answers, if it must be named"), self.target, " ", problem_lines=1)
        self.make_button = Button(tr("Make it of a table …"), self.choose_table, icon="data")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self._choices)
        column.addWidget(self.summary)
        column.addWidget(self.views, 1)
        self._making = QWidget()
        row = row_of(self._target, self.make_button, widest=420)
        row.setContentsMargins(0, 0, 0, 0)
        self._making.setLayout(row)
        column.addWidget(self._making)

    def show_version(self, version: ModelVersion) -> None:
        """Read and show the profile of ``version``."""
        if self._version is None or self._version.label != version.label:
            self.target.clear()
            self.summary.setText("")
            self.views.show_view("looking")
            self._choices.setVisible(False)
            self._offer(())
        self._version = version

        def work(session: Session, _cancel: CancelToken) -> KnownProfile:
            from kronkers_studio.workflows.feature_counts import live_places
            from kronkers_studio.workflows.feature_profiles import read_profile

            found = read_profile(session, version.name, version.version)
            return KnownProfile(found.profile, live_places(session, version))

        self._studio.look(work, self.show_profile, owner=self, failed=self._failed)

    def show_profile(self, known: KnownProfile) -> None:
        """Show what was read."""
        self._profile = profile = known.profile
        self._offer(known.places)
        self._choices.setVisible(profile is not None and bool(known.places))
        if profile is None:
            self.views.show_view("none")
            self.summary.setText("")
            return
        answers = [profile.table.answers] if profile.table.answers is not None else []
        self.table.content.show_rows([*profile.table.features, *answers])
        self._compare()

    def show_seen(self, seen: FeaturesSeen) -> None:
        """Show what came in beside the profile."""
        answers = [seen.answers] if seen.answers is not None else []
        self.compared.content.show_rows([*seen.features, *answers])
        self.summary.setText(seen_words(seen))
        self.views.show_view("compared")
        self._making.setVisible(False)  # its room is for rows

    def choose_table(self) -> None:
        """Let somebody choose the table that it is made of."""
        project = self._version.source.project if self._version is not None else ""
        TableChoiceDialog(self.window(), self._studio, self.make, project=project).open()

    def make(self, data: ContentRef) -> None:
        """Make the profile of the table ``data``."""
        version, session, target = self._version, self._studio.session, self.target.text().strip()
        if version is None or session is None:
            return

        def work(progress: Progress, cancel: CancelToken) -> object:
            from kronkers_studio.workflows.feature_profiles import make_profile

            model = (version.name, version.version, None)
            return make_profile(session, model, data=data, target=target, progress=progress, cancel=cancel)

        def done(_made: object) -> None:
            words = tr("The profile of version {version} was made. It counts from its next package on.")
            self.told.emit(words.format(version=version.version), None)

        self._studio.do(
            tr("Looking at the training data of {model}").format(model=version.label),
            work,
            changes=("models",),
            done=done,
            failed=self.failed.emit,
            owner=self,
            resource="models",
        )

    def _offer(self, places: tuple[str, ...]) -> None:
        alone = (tr("The training data alone"), "")
        words = tr("Beside what came in: {place}")
        self.place.set_choices([alone, *((words.format(place=place_title(place)), place) for place in places)])
        if self.place.value is None:
            self.place.choose("")

    def _compare(self) -> None:
        """Show the profile alone, or beside what came into the place that is chosen."""
        self._asked += 1
        asked, profile, version, place = self._asked, self._profile, self._version, str(self.place.value or "")
        self.range.setEnabled(bool(place))
        self._making.setVisible(not place or self.views.shown != "compared")
        if profile is None or version is None:
            return
        if not place:
            self.summary.setText(summary_words(profile))
            self.views.show_view("rows")
            return
        seconds = RANGES.get(str(self.range.value))

        def work(session: Session, _cancel: CancelToken) -> FeaturesSeen:
            from kronkers_studio.workflows.feature_counts import features_seen

            return features_seen(session, version.name, place, seconds)

        def done(seen: FeaturesSeen) -> None:
            if asked == self._asked:
                self.show_seen(seen)

        def failed(error: StudioError) -> None:
            if asked == self._asked:
                self.place.choose("")  # which shows the profile alone
                self.failed.emit(error)

        self.summary.setText(tr("Asking what came in …"))
        self._studio.look(work, done, owner=self, failed=failed)

    def _failed(self, error: StudioError) -> None:
        self.views.show_view("failed")
        self.failed.emit(error)


def seen_words(seen: FeaturesSeen) -> str:
    """From when to when what came in was counted."""
    since, until = date_time(seen.since), date_time(seen.at)
    words = tr("What came into version {version} on {place} from {since} to {until}, beside its training data.")
    return words.format(version=seen.version, place=place_words(seen.place), since=since, until=until)


def _ranges() -> list[tuple[str, object]]:
    offered = [(words, key) for words, key in range_choices() if key in _OFFERED]
    return [(tr("Since its service began"), _SINCE_START), *offered]


def summary_words(profile: ReferenceProfile) -> str:
    """How many columns of how many rows were profiled, of which file, and what was not and why."""
    found = profile.table
    name = profile.data.path.rpartition("/")[2]
    rows = counted(found.rows, tr("{n} row"), tr("{n} rows"))
    said = tr("{n} of {all} columns profiled, {rows} of {file}.").format(
        n=number(len(found.features)), all=number(len(found.features) + len(found.left_out)), rows=rows, file=name
    )
    reasons: dict[Unprofiled, list[str]] = {}
    for one in found.left_out:
        reasons.setdefault(one.why, []).append(one.name)
    words = _reasons()
    left = [f"{words[why]}: {', '.join(names)}." for why, names in reasons.items()]
    return " ".join([said, *left])


def _reasons() -> Mapping[Unprofiled, str]:
    return {
        Unprofiled.ABSENT: tr("Not in the data"),
        Unprofiled.OTHER_KIND: tr("Of another kind than the model takes"),
        Unprofiled.FREE_TEXT: tr("Text, or names that few rows share"),
        Unprofiled.DATES: tr("Dates"),
        Unprofiled.EMPTY: tr("Empty"),
        Unprofiled.TOO_MANY: tr("Beyond what is profiled"),
    }


def _looking() -> QWidget:
    return EmptyState("search", tr("Looking it up …"), tr("How the features were spread in the training data."))


def _none() -> QWidget:
    return EmptyState(
        "data",
        tr("No profile of its training data was made yet"),
        tr("With one, its service counts what comes in, to be compared with what it was trained on. No row is kept."),
    )


def _not_read() -> QWidget:
    return EmptyState("warning", tr("The profile could not be read"), tr("Why is said at the bottom of this page."))
