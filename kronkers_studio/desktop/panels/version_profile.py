"""How the features were spread in the data that a version was trained on, and making that profile."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from PySide6.QtCore import QRect, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import counted, figure, number, tr
from kronkers_studio.desktop.look import theme
from kronkers_studio.desktop.panels.table_choice import TableChoiceDialog
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.fields import Field, LineField, row_of
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.feature_profiles import FeatureKind, FeatureProfile, ReferenceProfile, Unprofiled
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.workflows.session import Session

_BARS = 132  # pixels that the bars of a feature take
_THINNEST = 3  # pixels of a bin whose values are all but one
_NAMED = 3  # categories that are told


class VersionProfile(QWidget):
    """Views: "looking", "none", "rows", "failed". ``told`` carries a sentence and None, as a profile that was made
    replaces the one before; ``failed`` an error."""

    told = Signal(str, object)
    failed = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._version: ModelVersion | None = None
        self.summary = label("", "caption")
        self.summary.setWordWrap(True)
        self.table: Table[FeatureProfile] = Table(tr("Features"), _columns())
        self.views = Views({"looking": _looking, "none": _none, "rows": lambda: self.table, "failed": _not_read})
        self.target = LineField(tr("Column with the true answers"), placeholder=tr("found by itself"))
        self._target = Field(tr("Column with the true answers, if it must be named"), self.target, " ", problem_lines=1)
        self.make_button = Button(tr("Make it of a table …"), self.choose_table, icon="data")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.summary)
        column.addWidget(self.views, 1)
        column.addLayout(row_of(self._target, self.make_button, widest=420))

    def show_version(self, version: ModelVersion) -> None:
        """Read and show the profile of ``version``."""
        if self._version is None or self._version.label != version.label:
            self.target.clear()
            self.summary.setText("")
            self.views.show_view("looking")
        self._version = version

        def work(session: Session, _cancel: CancelToken) -> ReferenceProfile | None:
            from kronkers_studio.workflows.feature_profiles import read_profile

            return read_profile(session, version.name, version.version).profile

        self._studio.look(work, self.show_profile, owner=self, failed=self._failed)

    def show_profile(self, profile: ReferenceProfile | None) -> None:
        """Show what was read."""
        self.views.show_view("none" if profile is None else "rows")
        if profile is None:
            self.summary.setText("")
            return
        answers = [profile.table.answers] if profile.table.answers is not None else []
        self.table.content.show_rows([*profile.table.features, *answers])
        self.summary.setText(summary_words(profile))

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

    def _failed(self, error: StudioError) -> None:
        self.views.show_view("failed")
        self.failed.emit(error)


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


def _columns() -> list[Column[FeatureProfile]]:
    return [
        Column(tr("Feature"), _name, stretch=2, middle=True),
        Column(tr("Values"), spread_words, stretch=4, lead=_draw_bars, spoken=spread_words),
        Column(tr("Missing"), lambda one: share_words(one, "missing"), 90, right=True),
    ]


def _name(one: FeatureProfile) -> str:
    return one.shown or tr("(its answers)")


def share_words(one: FeatureProfile, label: str) -> str:
    """The share of the rows in that bin: "2.5 %"."""
    return tr("{n} %").format(n=number(100 * one.count(label) / one.rows, 1)) if one.rows else "–"


def spread_words(one: FeatureProfile) -> str:
    """Where the values lie: "18 to 90, mean 41.2", or the most frequent names and their shares."""
    bins = one.bins
    if bins.kind is FeatureKind.NUMBER:
        words = tr("{least} to {greatest}").format(least=figure(bins.least), greatest=figure(bins.greatest))
        return words if one.mean is None else tr("{range}, mean {mean}").format(range=words, mean=figure(one.mean))
    named = [
        tr("{name} {n} %").format(name=name, n=number(100 * count / one.rows)) if one.rows else name
        for name, count in zip(bins.categories[:_NAMED], one.counts, strict=False)
    ]
    more = len(bins.categories) + len(bins.rare) - len(named)
    return ", ".join([*named, *([counted(more, tr("{n} other"), tr("{n} others"))] if more else [])])


def _draw_bars(painter: QPainter, rect: QRect, one: FeatureProfile) -> int:
    """Of numbers a histogram, each bin as wide as its values reach and as high as they lie close; of names a bar each,
    of those without a bin of their own in another colour. What is missing is told beside it."""
    bars = bars_of(one, _BARS - 14)
    highest = max((tall for _left, _wide, tall in bars), default=0.0)
    height, bottom = rect.height() - 12, rect.bottom() - 5
    for place, (left, wide, tall) in enumerate(bars):
        pixels = round(height * tall / highest) if highest else 0
        colour = theme.current().colour("accent" if place < one.bins.own else "muted")
        top = bottom - max(pixels, int(tall > 0))
        painter.fillRect(QRect(rect.left() + left, top, max(1, wide - 1), bottom - top), colour)
    return _BARS


def bars_of(one: FeatureProfile, width: int) -> list[tuple[int, int, float]]:
    """The left edge, the width (both in pixels of ``width``) and the height (in any unit) of a bar for each bin but
    those of values that are missing or out of range."""
    bins = one.bins
    if bins.kind is not FeatureKind.NUMBER:
        shown = one.counts[:-1]
        each = width / max(1, len(shown))
        return [(int(place * each), max(1, int(each)), float(count)) for place, count in enumerate(shown)]
    edges = [bins.least, *bins.cuts, bins.greatest]
    reach = bins.greatest / 2 - bins.least / 2 or 1.0  # halves, for the whole may be too large for a number
    places = [int((edge / 2 - bins.least / 2) / reach * width) for edge in edges]
    wide = [max(_THINNEST, end - begin) for begin, end in pairwise(places)]
    return [
        (min(left, width - _THINNEST), pixels, count / pixels)
        for left, pixels, count in zip(places, wide, one.counts, strict=False)
    ]


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
