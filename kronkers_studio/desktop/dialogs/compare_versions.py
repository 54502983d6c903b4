"""Versions of a model side by side: two of them in all that is known of them, or the quality of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.comparison_rows import ComparedRow, compared_rows, metric_names
from kronkers_studio.desktop.localization import figure, moment, tr
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import CheckBox, ComboBox
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.model_comparison import ModelComparison
from kronkers_studio.domain.models import ModelVersion

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_SIZE = (920, 600)
_TWO, _ALL = "two", "all"
_METRIC_WIDTH = 110  # pixels


class CompareVersionsDialog(Dialog):
    """Opens with ``version`` beside the one before it."""

    def __init__(
        self, parent: QWidget | None, studio: Studio, versions: Sequence[ModelVersion], version: ModelVersion
    ) -> None:
        """``versions`` are all that are registered."""
        title = tr("Versions of {model} side by side").format(model=version.name)
        super().__init__(parent, title, "", width=640)
        self.resize(*_SIZE)
        self._studio = studio
        self._versions = sorted(
            (each for each in versions if each.name == version.name), key=lambda each: each.version, reverse=True
        )
        self._sorted: tuple[int, bool] = (0, True)
        self.comparison: ModelComparison | None = None
        self.which = FilterPills([(_TWO, tr("Two versions")), (_ALL, tr("Quality of all"))], tr("What is compared"))
        row = QHBoxLayout()
        row.addWidget(self.which)
        row.addStretch(1)
        self.content.addLayout(row)
        choices = _choices(self._versions, versions, version.name)
        self.left = ComboBox(tr("Compare"), choices)
        self.right = ComboBox(tr("With"), choices)
        self.everything = CheckBox(tr("Also what is the same"))
        self.everything.setAccessibleName(self.everything.text())
        self.table: Table[ComparedRow] = Table(title, _columns())
        self.metrics = metric_names(self._versions)
        self.all: Table[ModelVersion] = Table(
            tr("Quality of all versions"), _metric_columns(self.metrics), sortable=True, wide=True
        )
        self.all.sort_wanted.connect(self._sort)
        views = Views({_TWO: self._two, _ALL: self._all})
        views.show_view(_TWO)
        self.content.addWidget(views, 1)
        self.which.chosen.connect(views.show_view)
        self.left.choose(_before(self._versions, version))
        self.right.choose((version.name, version.version))
        self.left.currentIndexChanged.connect(self._compare)
        self.right.currentIndexChanged.connect(self._compare)
        self.everything.toggled.connect(lambda _on: self._show_rows())
        self.add_cancel(tr("Close"))
        self._compare()

    def show_comparison(self, comparison: ModelComparison) -> None:
        """Show two versions beside each other."""
        self.comparison = comparison
        self.notice.clear()
        same = tr("Both hold the same model file.")
        self.file_words.setText(same if comparison.same_file else tr("Their model files differ."))
        self._show_rows()

    def swap(self) -> None:
        """Put the left one to the right."""
        left, right = self.left.value, self.right.value
        self.left.choose(right)
        self.right.choose(left)

    def _compare(self) -> None:
        left, right = self.left.value, self.right.value
        if not isinstance(left, tuple) or not isinstance(right, tuple):
            return

        def work(session: Session) -> ModelComparison:
            from kronkers_studio.workflows.model_versions import compare_models

            return compare_models(session, (*left, None), (*right, None))

        def done(comparison: ModelComparison) -> None:
            if (left, right) == (self.left.value, self.right.value):
                self.show_comparison(comparison)

        self._studio.read(work, done, owner=self, failed=self._failed)

    def _failed(self, error: StudioError) -> None:
        self.comparison = None
        self.table.content.show_rows([])
        self.notice.show_error(error)

    def _show_rows(self) -> None:
        comparison = self.comparison
        if comparison is None:
            return
        rows = compared_rows(comparison, everything=self.everything.isChecked())
        self.table.content.show_rows(rows)
        self._compared.show_view("rows" if rows else "same")

    def _sort(self, position: int) -> None:
        was, descending = self._sorted
        self._sorted = (position, not descending if position == was else position == 0 or bool(self.metrics))
        self._show_all()

    def _show_all(self) -> None:
        position, descending = self._sorted
        name = self.metrics[position - 1] if 0 < position <= len(self.metrics) else ""
        if name:
            known = [each for each in self._versions if name in each.metrics]
            known.sort(key=lambda each: each.metrics[name], reverse=descending)
            rows = [*known, *(each for each in self._versions if name not in each.metrics)]  # not measured comes last
        else:
            rows = sorted(self._versions, key=lambda each: (each.version, each.created), reverse=descending)
        self.all.content.show_rows(rows)
        self.all.show_sorted(position, descending=descending)

    def _two(self) -> QWidget:
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.left, 1)
        self.swap_button = Button("", self.swap, kind="icon", icon="swap", name=tr("Change sides"))
        row.addWidget(self.swap_button)
        row.addWidget(self.right, 1)
        column.addLayout(row)
        self._compared = Views({"rows": lambda: self.table, "same": _same})
        self._compared.show_view("rows")
        column.addWidget(self._compared, 1)
        foot = QHBoxLayout()
        foot.addWidget(self.everything)
        foot.addStretch(1)
        self.file_words = label("", "muted")
        foot.addWidget(self.file_words)
        column.addLayout(foot)
        return whole

    def _all(self) -> QWidget:
        if not self.metrics:
            return EmptyState(
                "models",
                tr("Nothing was measured yet"),
                tr("Add what you measured with “Describe …”, and the versions can be compared by it."),
            )
        self._show_all()
        return self.all


def _choices(
    own: Sequence[ModelVersion], versions: Sequence[ModelVersion], name: str
) -> list[tuple[str, tuple[str, int]]]:
    """All versions of the model, and the newest of each other one."""
    newest: dict[str, ModelVersion] = {}
    for each in versions:
        if each.name != name and (each.name not in newest or newest[each.name].version < each.version):
            newest[each.name] = each
    return [(_words(each), (each.name, each.version)) for each in (*own, *(newest[key] for key in sorted(newest)))]


def _words(version: ModelVersion) -> str:
    words = tr("{model} version {version}").format(model=version.name, version=version.version)
    return f"{words} ({', '.join(version.aliases)})" if version.aliases else words


def _before(own: Sequence[ModelVersion], version: ModelVersion) -> tuple[str, int]:
    """The version before it; of the first, the newest."""
    earlier = next((each for each in own if each.version < version.version), own[0])
    return earlier.name, earlier.version


def _columns() -> list[Column[ComparedRow]]:
    return [
        Column("", lambda row: row.about, 150, muted=True, needs=760),
        Column(tr("What"), lambda row: row.name, stretch=3, hint=lambda row: f"{row.about}\n{row.name}".strip()),
        Column(tr("Left"), lambda row: row.left, stretch=4, middle=True, hint=lambda row: row.left_hint),
        Column(tr("Right"), lambda row: row.right, stretch=4, middle=True, hint=lambda row: row.right_hint),
        Column(tr("Change"), lambda row: row.change, 90, right=True),
    ]


def _metric_columns(metrics: Sequence[str]) -> list[Column[ModelVersion]]:
    def column(name: str) -> Column[ModelVersion]:
        return Column(
            name, lambda row: figure(row.metrics[name]) if name in row.metrics else "–", _METRIC_WIDTH, right=True
        )

    return [
        Column(tr("Version"), lambda row: " · ".join((str(row.version), *row.aliases)), 150),
        *(column(name) for name in metrics),
        Column(tr("Registered"), lambda row: moment(row.created), 130, muted=True),
    ]


def _same() -> QWidget:
    return EmptyState("check", tr("No difference"), tr("All that is known of them is the same."))
