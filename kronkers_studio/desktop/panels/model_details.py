"""Everything known of one model version: schema, quality, where it comes from, what it needs."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import counted, date_time, figure, file_size, tr
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
from kronkers_studio.domain.models import ContentRef, Framework, ModelFacts, ModelVersion, Tensor
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.releases import Release

_COLUMNS_SHOWN = 60


class ModelDetails(QWidget):
    """Shows a version; an alias can be given right here."""

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
        self.alias = LineField(tr("Alias"), placeholder=tr("Alias, e.g. champion"), on_return=self._set_alias)
        self.alias_button = Button(tr("Name it"), self._set_alias, hint=tr("An alias moves from version to version"))
        row.addWidget(self.alias, 1)
        row.addWidget(self.alias_button)
        whole.addLayout(row)

    def show_version(
        self, version: ModelVersion, running: Sequence[Release], heard_of: ReachabilityOf = nothing_heard
    ) -> None:
        """Show ``version``, and its releases that are ``running`` or should be, as they were heard."""
        if self._version is None or version.label != self._version.label:
            self.notice.clear()
            self.alias.clear()
        self._version = version
        self._title.setText(tr("{model}, version {version}").format(model=version.name, version=version.version))
        clear(self._pills)
        for release in running:
            heard = heard_of(release.model, release.place)
            state, tone = release_pill(release, heard)
            words = tr("{state} on {place}").format(state=state, place=place_words(release.place))
            self._pills.addWidget(Pill(words, tone, hint=silent_hint(heard)), 0, Qt.AlignmentFlag.AlignLeft)
        for alias in version.aliases:
            self._pills.addWidget(Pill(alias, "prod"), 0, Qt.AlignmentFlag.AlignLeft)
        clear(self._facts)
        self._show_facts(version)
        self._facts.addStretch(1)

    def _show_facts(self, version: ModelVersion) -> None:
        facts = version.facts
        if version.description:
            self._facts.addWidget(label(version.description, "text", wrap=True))
        self._section(
            tr("What it is"),
            [
                (tr("Made with"), f"{facts.framework.label} {facts.framework_version}"),
                (tr("Kind"), kind_words(facts)),
                (tr("Python"), facts.python_version),
                (tr("Size"), file_size(version.size)),
            ],
        )
        if version.metrics:
            self._section(tr("Quality"), [(name, figure(value)) for name, value in version.metrics.items()])
        self._section(tr("Takes"), [_tensor_words(tensor) for tensor in facts.signature.inputs])
        self._section(tr("Gives"), [_tensor_words(tensor) for tensor in facts.signature.outputs])
        columns = [name for tensor in facts.signature.inputs for name in tensor.columns]
        if columns:
            self._section_head(counted(len(columns), tr("{n} column"), tr("{n} columns")))
            self._facts.addWidget(label(", ".join(columns[:_COLUMNS_SHOWN]), "muted", wrap=True, selectable=True))
        self._section(tr("Where it comes from"), _lineage(version))
        if facts.requirements:
            self._section_head(tr("Needs"))
            self._facts.addWidget(label("\n".join(facts.requirements), "code", wrap=True, selectable=True))
        if facts.assumed:
            words = tr("Not found beside the model, so assumed: {facts}").format(facts=", ".join(facts.assumed))
            self._facts.addWidget(label(words, "caption", wrap=True))

    def _section(self, heading: str, rows: Sequence[tuple[str, str]]) -> None:
        if not rows:
            return
        self._section_head(heading)
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        grid.setColumnMinimumWidth(0, 92)
        grid.setColumnStretch(1, 1)
        for position, (name, value) in enumerate(rows):
            grid.addWidget(label(name, "muted"), position, 0)
            grid.addWidget(ElidedLabel(value, middle=True), position, 1)
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


def kind_words(facts: ModelFacts) -> str:
    """The estimator's class by its short name; for ONNX, the program that wrote it."""
    if facts.framework is Framework.SKLEARN:
        return facts.estimator.rsplit(".", 1)[-1] or "–"
    return facts.estimator or "–"


def _tensor_words(tensor: Tensor) -> tuple[str, str]:
    shape = " × ".join(tr("rows") if length == -1 else str(length) for length in tensor.shape)
    return tensor.name, f"{tensor.datatype.value}, {shape}" if shape else tensor.datatype.value


def _lineage(version: ModelVersion) -> list[tuple[str, str]]:
    rows = [
        (tr("Project"), version.source.project),
        (tr("File"), version.source.path),
        (tr("State"), version.source.commit[:12]),
        (tr("Registered"), f"{date_time(version.created)}, {version.author}"),
    ]
    if version.data is not None:
        rows.append((tr("Trained on"), _data_words(version.data)))
    return rows


def _data_words(data: ContentRef) -> str:
    return f"{data.project}: {data.path}"
