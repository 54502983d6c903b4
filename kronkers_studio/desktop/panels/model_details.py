"""Everything known of one model version: its columns, quality, where it comes from, what it needs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import counted, date_time, figure, file_size, tr
from kronkers_studio.desktop.model_words import assumed_words, kind_words, tensor_hint, tensor_words
from kronkers_studio.desktop.offer_buttons import OfferButton
from kronkers_studio.desktop.offers.models import compare_version, describe_version, libraries_of, lineage_of
from kronkers_studio.desktop.place_words import place_words, release_pill, silent_hint
from kronkers_studio.desktop.reachability import ReachabilityOf, nothing_heard
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import clear
from kronkers_studio.desktop.widgets.fields import LineField
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label, rule
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.desktop.widgets.states import Notice
from kronkers_studio.desktop.widgets.views import scrolling
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.model_rows import why_no_rows
from kronkers_studio.domain.models import ContentRef, ModelCard, ModelVersion, Tensor
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.releases import Release

_COLUMNS_SHOWN = 60
Fact = tuple[str, str, str]
"""A name, what it is, and a hint that says more; "" for none."""


class ModelDetails(QWidget):
    """Shows a version; a nickname can be given right here. ``wanted`` carries the destination of a pressed button."""

    wanted = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._version: ModelVersion | None = None
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(10)
        self._title = ElidedLabel("", "heading")
        self._pills = QVBoxLayout()  # below each other: beside each other they would be cut
        self._pills.setSpacing(4)
        whole.addWidget(self._title)
        whole.addLayout(self._pills)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)
        whole.addLayout(self._buttons)
        self.notice = Notice()
        whole.addWidget(self.notice)
        inner = QWidget()
        self._facts = QVBoxLayout(inner)
        self._facts.setContentsMargins(0, 0, 8, 0)
        self._facts.setSpacing(8)
        whole.addWidget(scrolling(inner, tr("Details of the version")), 1)
        whole.addWidget(rule())
        row = QHBoxLayout()
        row.setSpacing(8)
        self.alias = LineField(tr("Nickname"), placeholder=tr("Nickname, e.g. champion"), on_return=self._set_alias)
        self.alias_button = Button(
            tr("Name it"),
            self._set_alias,
            hint=tr("A nickname (alias) moves from version to version: programs that ask for it get the new one"),
        )
        row.addWidget(self.alias, 1)
        row.addWidget(self.alias_button)
        whole.addLayout(row)

    def show_version(
        self,
        version: ModelVersion,
        running: Sequence[Release],
        heard_of: ReachabilityOf = nothing_heard,
        *,
        brought_in: datetime | None = None,
    ) -> None:
        """Show ``version``, and its releases that are ``running`` or should be, as they were heard. ``brought_in`` is
        when the state of the folder was recorded that it comes from; None where that is not known."""
        if self._version is None or version.label != self._version.label:
            self.notice.clear()
            self.alias.clear()
            clear(self._buttons)
            for action in (compare_version(version), describe_version(version)):
                self._buttons.addWidget(OfferButton(action, self.wanted.emit, icon=False))
            self._buttons.addStretch(1)
        self._version = version
        self._title.setText(tr("{model}, version {version}").format(model=version.name, version=version.version))
        clear(self._pills)
        for release in running:
            heard = heard_of(release.model, release.place)
            state, tone = release_pill(release, heard)
            words = tr("{state} on {place}").format(state=state, place=place_words(release.place))
            self._pills.addWidget(Pill(words, tone, hint=silent_hint(heard)), 0, Qt.AlignmentFlag.AlignLeft)
        for alias in version.aliases:
            self._pills.addWidget(Pill(alias, "accent"), 0, Qt.AlignmentFlag.AlignLeft)
        clear(self._facts)
        self._show_facts(version, brought_in)
        self._facts.addStretch(1)

    def _show_facts(self, version: ModelVersion, brought_in: datetime | None) -> None:
        facts = version.facts
        if version.description:
            self._facts.addWidget(label(version.description, "text", wrap=True))
        if version.tags:
            self._facts.addWidget(label(" · ".join(version.tags), "caption", wrap=True))
        self._section(
            tr("What it is"),
            [
                (tr("Made with"), f"{facts.framework.label} {facts.framework_version}", ""),
                (tr("Kind"), kind_words(facts), facts.estimator),
                (tr("Python"), facts.python_version, ""),
                (tr("Size"), file_size(version.size), ""),
            ],
        )
        self._section(tr("Quality"), [(name, figure(value), "") for name, value in version.metrics.items()])
        inputs, outputs = facts.signature.inputs, facts.signature.outputs
        no_rows = why_no_rows(facts.signature)
        self._section(
            tr("Takes whole tensors, no rows") if no_rows else tr("Takes, for each row"), _tensor_facts(inputs)
        )
        self._section(tr("Answers"), _tensor_facts(outputs))
        columns = [name for tensor in inputs for name in tensor.columns]
        if columns:
            self._section_head(counted(len(columns), tr("{n} column"), tr("{n} columns")))
            self._facts.addWidget(label(", ".join(columns[:_COLUMNS_SHOWN]), "muted", wrap=True, selectable=True))
        self._section(tr("Where it comes from"), _lineage(version, brought_in))
        follow = OfferButton(lineage_of(version), self.wanted.emit, icon=False)
        self._facts.addWidget(follow, 0, Qt.AlignmentFlag.AlignLeft)
        self._show_card(version.card)
        self._section_head(tr("Libraries"))
        chosen = version.dependencies.requirements if version.dependencies is not None else ()
        if chosen:
            self._facts.addWidget(
                label(tr("Chosen: {libraries}").format(libraries=", ".join(chosen)), "text", wrap=True)
            )
        if facts.requirements:
            self._facts.addWidget(label("\n".join(facts.requirements), "code", wrap=True, selectable=True))
        if facts.assumed:
            self._facts.addWidget(label(assumed_words(facts), "caption", wrap=True))
        for note in facts.notes:
            self._facts.addWidget(label(note, "caption", wrap=True))
        choose = OfferButton(libraries_of(version), self.wanted.emit, icon=False)
        self._facts.addWidget(choose, 0, Qt.AlignmentFlag.AlignLeft)

    def _show_card(self, card: ModelCard) -> None:
        for heading, text in (
            (tr("What it is for"), card.intended_use),
            (tr("Data it was made from"), card.data),
            (tr("How its quality was measured"), card.metrics),
            (tr("What it must not be used for"), card.limits),
        ):
            if text:
                self._section_head(heading)
                self._facts.addWidget(label(text, "text", wrap=True, selectable=True))

    def _section(self, heading: str, facts: Sequence[Fact]) -> None:
        if not facts:
            return
        self._section_head(heading)
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        grid.setColumnMinimumWidth(0, 92)
        grid.setColumnStretch(1, 1)
        for position, (name, value, hint) in enumerate(facts):
            grid.addWidget(label(name, "muted"), position, 0)
            grid.addWidget(ElidedLabel(value, middle=True, hint=hint), position, 1)
        self._facts.addWidget(holder)

    def _section_head(self, heading: str) -> None:
        if self._facts.count():
            self._facts.addSpacing(4)
        self._facts.addWidget(label(heading, "strong"))

    def _set_alias(self) -> None:
        version, session, alias = self._version, self._studio.session, self.alias.text().strip()
        if version is None or session is None or not alias:
            return

        def work(_progress: Progress, _cancel: CancelToken) -> ModelVersion:
            from kronkers_studio.workflows.models import set_alias

            return set_alias(session, version.name, version.version, alias)

        def done(_version: ModelVersion) -> None:
            self.alias.clear()
            self.notice.clear()

        self._studio.do(
            tr("Naming {model} “{alias}”").format(model=version.label, alias=alias),
            work,
            changes=("models",),
            done=done,
            failed=self.notice.show_error,
            owner=self,
            resource="models",
            cancellable=False,
        )


def _tensor_facts(tensors: Sequence[Tensor]) -> list[Fact]:
    return [(tensor.name, tensor_words(tensor), tensor_hint(tensor)) for tensor in tensors]


def _lineage(version: ModelVersion, brought_in: datetime | None) -> list[Fact]:
    state = tr("From {time}").format(time=date_time(brought_in)) if brought_in is not None else "–"
    registered = tr("{time}, by {author}").format(time=date_time(version.created), author=version.author)
    facts = [
        (tr("Project"), version.source.project, ""),
        (tr("File"), version.source.path, ""),
        (tr("State"), state, tr("State {commit} of the project").format(commit=version.source.commit[:12])),
        (tr("Registered"), registered, ""),
    ]
    if version.data is not None:
        facts.append((tr("Trained on"), _data_words(version.data), ""))
    return facts


def _data_words(data: ContentRef) -> str:
    return f"{data.project}: {data.path}"
