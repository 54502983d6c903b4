"""What one model version is, beside the list of all of them; the rest is on its model's own page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import counted, date_time, figure, file_size, path_words, tr
from kronkers_studio.desktop.model_words import kind_words, tensor_hint, tensor_words
from kronkers_studio.desktop.offer_buttons import OfferButton
from kronkers_studio.desktop.offers.models import package_version, show_version
from kronkers_studio.desktop.place_words import place_words, release_pill, silent_hint
from kronkers_studio.desktop.reachability import ReachabilityOf, nothing_heard
from kronkers_studio.desktop.widgets.cards import clear
from kronkers_studio.desktop.widgets.fact_grid import Fact, fact_grid
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.desktop.widgets.views import scrolling
from kronkers_studio.domain.model_rows import why_no_rows
from kronkers_studio.domain.models import ModelVersion, Tensor
from kronkers_studio.domain.releases import Release

_COLUMNS_SHOWN = 60


class ModelDetails(QWidget):
    """Shows a version. ``wanted`` carries the destination of a pressed button."""

    wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
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
        inner = QWidget()
        self._facts = QVBoxLayout(inner)
        self._facts.setContentsMargins(0, 0, 8, 0)
        self._facts.setSpacing(8)
        whole.addWidget(scrolling(inner, tr("Details of the version")), 1)

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
            clear(self._buttons)
            for action in (show_version(version), package_version(version)):
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
        inputs, outputs = version.signature.inputs, version.signature.outputs
        no_rows = why_no_rows(version.signature)
        self._section(
            tr("Takes whole tensors, no rows") if no_rows else tr("Takes, for each row"), _tensor_facts(inputs)
        )
        self._section(tr("Answers"), _tensor_facts(outputs))
        columns = [name for tensor in inputs for name in tensor.columns]
        if columns:
            self._section_head(counted(len(columns), tr("{n} column"), tr("{n} columns")))
            self._facts.addWidget(label(", ".join(columns[:_COLUMNS_SHOWN]), "muted", wrap=True, selectable=True))
        self._section(tr("Where it comes from"), _origin(version, brought_in))

    def _section(self, heading: str, facts: Sequence[Fact]) -> None:
        if facts:
            self._section_head(heading)
            self._facts.addWidget(fact_grid(facts))

    def _section_head(self, heading: str) -> None:
        if self._facts.count():
            self._facts.addSpacing(4)
        self._facts.addWidget(label(heading, "strong"))


def _tensor_facts(tensors: Sequence[Tensor]) -> list[Fact]:
    return [(tensor.name, tensor_words(tensor), tensor_hint(tensor)) for tensor in tensors]


def _origin(version: ModelVersion, brought_in: datetime | None) -> list[Fact]:
    state = tr("From {time}").format(time=date_time(brought_in)) if brought_in is not None else "–"
    registered = tr("{time}, by {author}").format(time=date_time(version.created), author=version.author)
    return [
        (tr("Project"), version.source.project, ""),
        (tr("File"), path_words(version.source.path), ""),
        (tr("State"), state, tr("State {commit} of the project").format(commit=version.source.commit[:12])),
        (tr("Registered"), registered, ""),
    ]
