"""What was measured of a model's versions, and what is added by hand."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from kronkers_studio.desktop.comparison_rows import metric_names
from kronkers_studio.desktop.localization import figure, moment, tr
from kronkers_studio.desktop.model_words import parse_quality
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.fields import Field, LineField, row_of
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import InvalidInput, StudioError
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import CancelToken, Progress

_METRIC_WIDTH = 110  # pixels


class VersionQuality(QWidget):
    """``told`` carries a sentence and None, as what was measured stays in the history; ``failed`` an error."""

    told = Signal(str, object)
    failed = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._version: ModelVersion | None = None
        self._versions: Sequence[ModelVersion] = ()
        self._sorted: tuple[int, bool] = (0, True)
        self.metrics: list[str] = []
        self.table: Table[ModelVersion] | None = None
        self.entry = LineField(tr("Quality"), placeholder=tr("accuracy 0.91, auc 0.88"), on_return=self.add)
        self._field = Field("", self.entry, " ", problem_lines=1)
        self.add_button = Button(tr("Add"), self.add, name=tr("Add what was measured"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        self._holder = QVBoxLayout()
        self.views = Views({"none": _none, "rows": self._rows})
        column.addWidget(self.views, 1)
        column.addLayout(row_of(self._field, self.add_button, widest=520))

    def show_version(self, version: ModelVersion, own: Sequence[ModelVersion]) -> None:
        """Show the quality of ``own``, all versions of the model; what is added is of ``version``."""
        if self._version is None or self._version.label != version.label:
            self.entry.clear()
        self._version, self._versions = version, own
        self._field.show_caption(tr("Add to the quality of version {version}").format(version=version.version))
        metrics = metric_names(own)
        if not metrics:
            self.views.show_view("none")
            return
        self.views.show_view("rows")
        if metrics != self.metrics:
            self._make_table(metrics)
        self._show_rows()

    def add(self) -> None:
        """Record what was typed."""
        version, session = self._version, self._studio.session
        if version is None or session is None or not self.entry.text().strip():
            return
        try:
            measured = parse_quality(self.entry.text())
        except InvalidInput as problem:
            self._field.show_problem(f"{problem.message} {problem.next_step}")
            self.entry.setFocus()
            return

        def work(_progress: Progress, _cancel: CancelToken) -> ModelVersion:
            from kronkers_studio.workflows.model_versions import add_metrics

            return add_metrics(session, (version.name, version.version, None), measured)

        def done(_version: ModelVersion) -> None:
            self.entry.clear()
            words = tr("The quality of version {version} was added to.").format(version=version.version)
            self.told.emit(words, None)

        def failed(error: StudioError) -> None:
            self.failed.emit(error)

        self._studio.do(
            tr("Adding to the quality of {model}").format(model=version.label),
            work,
            changes=("models",),
            done=done,
            failed=failed,
            owner=self,
            resource="models",
            cancellable=False,
        )

    def sort(self, position: int) -> None:
        """Sort by the column at ``position``: the other way round when it was sorted by it."""
        was, descending = self._sorted
        self._sorted = (position, not descending if position == was else True)
        self._show_rows()

    def _rows(self) -> QWidget:
        whole = QWidget()
        whole.setLayout(self._holder)
        self._holder.setContentsMargins(0, 0, 0, 0)
        return whole

    def _make_table(self, metrics: list[str]) -> None:
        """Its columns are what was measured."""
        self.metrics = metrics
        if self.table is not None:
            self._holder.removeWidget(self.table)
            self.table.hide()
            self.table.deleteLater()
        title = tr("Quality of all versions")
        self.table = Table(title, _columns(metrics), sortable=True, wide=True)
        self.table.sort_wanted.connect(self.sort)
        self._holder.addWidget(self.table)
        self._sorted = (0, True)

    def _show_rows(self) -> None:
        if self.table is None:
            return
        position, descending = self._sorted
        name = self.metrics[position - 1] if 0 < position <= len(self.metrics) else ""
        if name:
            known = [each for each in self._versions if name in each.metrics]
            known.sort(key=lambda each: each.metrics[name], reverse=descending)
            rows = [*known, *(each for each in self._versions if name not in each.metrics)]  # not measured comes last
        else:
            rows = sorted(self._versions, key=lambda each: (each.version, each.created), reverse=descending)
        self.table.content.show_rows(rows)
        self.table.show_sorted(position, descending=descending)


def _columns(metrics: Sequence[str]) -> list[Column[ModelVersion]]:
    def column(name: str) -> Column[ModelVersion]:
        return Column(
            name, lambda row: figure(row.metrics[name]) if name in row.metrics else "–", _METRIC_WIDTH, right=True
        )

    return [
        Column(tr("Version"), lambda row: " · ".join((str(row.version), *row.aliases)), 98),
        *(column(name) for name in metrics),
        Column(tr("Registered"), lambda row: moment(row.created), 130, muted=True),
    ]


def _none() -> QWidget:
    return EmptyState(
        "models",
        tr("Nothing was measured yet"),
        tr("Type below what you measured, and the versions can be compared by it."),
    )
