"""Two versions side by side, in all that is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.comparison_rows import ComparedRow, compared_rows
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.fields import CheckBox, ComboBox
from kronkers_studio.desktop.widgets.hints import set_hint
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.model_comparison import ModelComparison
from kronkers_studio.domain.models import ModelVersion

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session


class VersionComparison(QWidget):
    """Views: "rows", "same", "alone". ``failed`` carries why two could not be compared; ``rows_wanted`` two versions
    that are to be asked the same rows."""

    failed = Signal(object)
    rows_wanted = Signal(object, object)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self.comparison: ModelComparison | None = None
        self._shown = ""
        self.left, self.right = ComboBox(tr("Compare")), ComboBox(tr("With"))
        self.everything = CheckBox(tr("Also what is the same"))
        self.everything.setAccessibleName(self.everything.text())
        self.table: Table[ComparedRow] = Table(tr("What differs"), _columns())
        self.swap_button = Button("", self.swap, kind="icon", icon="swap", name=tr("Change sides"))
        self.file_words = label("", "muted")
        self.rows_button = Button(tr("On the same rows …"), self._ask_rows, icon="data")
        set_hint(self.rows_button, tr("Send one table to both, and see which answers change"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        row = QHBoxLayout()
        row.setSpacing(8)
        for widget, stretch in ((self.left, 1), (self.swap_button, 0), (self.right, 1)):
            row.addWidget(widget, stretch)
        column.addLayout(row)
        self.views = Views({"rows": lambda: self.table, "same": _same, "alone": _alone})
        self.views.show_view("rows")
        column.addWidget(self.views, 1)
        foot = QHBoxLayout()
        foot.addWidget(self.everything)
        foot.addStretch(1)
        foot.addWidget(self.file_words)
        foot.addSpacing(8)
        foot.addWidget(self.rows_button)
        column.addLayout(foot)
        self.left.currentIndexChanged.connect(self._compare)
        self.right.currentIndexChanged.connect(self._compare)
        self.everything.toggled.connect(lambda _on: self._show_rows())

    def show_version(
        self, version: ModelVersion, own: Sequence[ModelVersion], others: Sequence[ModelVersion] = ()
    ) -> None:
        """Offer ``own``, all versions of its model with the newest first, and ``others``, the newest of other models;
        another ``version`` than before is compared with the one before it."""
        choices = [(_words(each), (each.name, each.version)) for each in (*own, *others)]
        for box in (self.left, self.right):
            box.blockSignals(True)
            box.set_choices(choices)
            if version.label != self._shown:
                box.choose(_before(own, version) if box is self.left else (version.name, version.version))
            box.blockSignals(False)
        self._shown = version.label
        alone = len(choices) < 2
        for widget in (self.left, self.right, self.swap_button, self.everything, self.rows_button):
            widget.setEnabled(not alone)
        if alone:
            self.comparison = None
            self.file_words.setText("")
            self.views.show_view("alone")
        else:
            self._compare()

    def show_comparison(self, comparison: ModelComparison) -> None:
        """Show two versions beside each other."""
        self.comparison = comparison
        self.rows_button.setEnabled(comparison.left.label != comparison.right.label)
        same = tr("Both hold the same model file.")
        self.file_words.setText(same if comparison.same_file else tr("Their model files differ."))
        self._show_rows()

    def swap(self) -> None:
        """Put the left one to the right."""
        left, right = self.left.value, self.right.value
        self.left.choose(right)
        self.right.choose(left)

    def _ask_rows(self) -> None:
        if self.comparison is not None:
            self.rows_wanted.emit(self.comparison.left, self.comparison.right)

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
        self.rows_button.setEnabled(False)
        self.table.content.show_rows([])
        self.failed.emit(error)

    def _show_rows(self) -> None:
        comparison = self.comparison
        if comparison is None:
            return
        rows = compared_rows(comparison, everything=self.everything.isChecked())
        self.table.content.show_rows(rows)
        self.views.show_view("rows" if rows else "same")


def newest_of_others(versions: Sequence[ModelVersion], name: str) -> list[ModelVersion]:
    """The newest version of each model but ``name``, by their names."""
    newest: dict[str, ModelVersion] = {}
    for each in versions:
        if each.name != name and (each.name not in newest or newest[each.name].version < each.version):
            newest[each.name] = each
    return [newest[key] for key in sorted(newest)]


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


def _same() -> QWidget:
    return EmptyState("check", tr("No difference"), tr("All that is known of them is the same."))


def _alone() -> QWidget:
    return EmptyState(
        "data", tr("There is nothing to compare it with yet"), tr("Register another version, and they can be compared.")
    )
