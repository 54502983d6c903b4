"""What was found in a folder and what will become of each thing: four figures and one long table."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QVBoxLayout, QWidget

from kronkers_studio.desktop.text import counted, file_size, number, tr
from kronkers_studio.desktop.theme import GAP, Tone
from kronkers_studio.desktop.widgets.cards import Card, FigureCard, row_of
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.domain.content import SkippedItem, SkipReason
from kronkers_studio.domain.migration import Decision, FileKind, MigrationPlan, PlannedItem

Found = PlannedItem | SkippedItem

_ICONS = {
    FileKind.MODEL: "models",
    FileKind.DATA: "data",
    FileKind.CODE: "code",
    FileKind.NOTEBOOK: "notebook",
    FileKind.DOCUMENT: "document",
    FileKind.IMAGE: "image",
    FileKind.ARCHIVE: "archive",
    FileKind.OTHER: "file",
}
_CODE = (FileKind.CODE, FileKind.NOTEBOOK)


class PlanPanel(QWidget):
    """Shows a plan; nothing is copied by it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plan: MigrationPlan | None = None
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(GAP)
        self.files = FigureCard(tr("Files found"))
        self.keep = FigureCard(tr("To keep"))
        self.models = FigureCard(tr("Models"))
        self.look = FigureCard(tr("Worth a look"))
        whole.addLayout(row_of(self.files, self.keep, self.models, self.look))
        card = Card(tr("What was found"))
        self.filter = FilterPills(
            [
                ("all", tr("All")),
                ("models", tr("Models")),
                ("data", tr("Data")),
                ("code", tr("Code")),
                ("look", tr("Worth a look")),
                ("out", tr("Left out")),
            ],
            tr("Show"),
        )
        self.filter.chosen.connect(self._show_rows)
        card.add_to_head(self.filter)
        self.table: Table[Found] = Table(tr("What was found"), found_columns())
        card.body.addWidget(self.table, 1)
        whole.addWidget(card, 1)

    def show_plan(self, plan: MigrationPlan) -> None:
        """Show ``plan``, everything first."""
        self._plan = plan
        found = len(plan.items) + len(plan.skipped)
        total = sum(item.size for item in plan.items)
        self.files.show_figure(number(found), file_size(total), "accent")
        unchanged = sum(1 for item in plan.kept if item.unchanged)
        words = counted(unchanged, tr("{n} is unchanged"), tr("{n} are unchanged")) if unchanged else tr("all new")
        self.keep.show_figure(file_size(plan.size), words if plan.kept else "", "ok")
        models = plan.of_kind(FileKind.MODEL)
        ready = sum(1 for item in models if item.decision is Decision.KEEP)
        self.models.show_figure(
            number(len(models)),
            counted(ready, tr("{n} can be packaged"), tr("{n} can be packaged")) if ready else "",
            "ok",
        )
        self._show_look(plan)
        self.filter.choose("all")

    def _show_look(self, plan: MigrationPlan) -> None:
        look = [item for item in plan.items if item.decision is Decision.DECIDE]
        copies = sum(1 for item in look if item.conflict_of)
        unread = sum(1 for item in plan.skipped if not item.reason.expected)
        parts = [
            counted(copies, tr("{n} conflict copy"), tr("{n} conflict copies")) if copies else "",
            counted(unread, tr("{n} cannot be read"), tr("{n} cannot be read")) if unread else "",
        ]
        tone: Tone = "warn" if look or unread else "ok"
        pill = ", ".join(part for part in parts if part) or (tr("nothing in doubt") if not look else "")
        self.look.show_figure(number(len(look) + unread), pill, tone)

    def _show_rows(self, key: str) -> None:
        if self._plan is not None:
            self.table.content.show_rows(_rows(self._plan, key))
            self.table.scrollToTop()


def found_columns() -> list[Column[Found]]:
    """The columns of a table of found things."""
    return [
        Column(
            tr("Folder or file"),
            _path,
            stretch=6,
            middle=True,
            icon=_icon,
            hint=lambda r: r.path,
        ),
        Column(tr("What it is"), _what, stretch=4),
        Column(tr("Size"), lambda row: file_size(row.size) if isinstance(row, PlannedItem) else "–", 92, right=True),
        Column(tr("Will be"), lambda row: _fate(row)[0], 116, pill=lambda row: _fate(row)[1]),
        Column(tr("Why"), _why, stretch=4, muted=True),
    ]


def path_words(path: str) -> str:
    """``a/b.csv`` as "a / b.csv", as tables and labels show it."""
    return path.replace("/", " / ")


def skip_words(item: SkippedItem) -> str:
    """Why something was left out, as a sentence."""
    if item.detail:
        return item.detail
    words = {
        SkipReason.LOCK_FILE: tr("Lock file of an open document"),
        SkipReason.SYSTEM_FILE: tr("Written by the system, not content"),
        SkipReason.PLACEHOLDER: tr("Only online: not on this computer"),
        SkipReason.NO_PERMISSION: tr("You may not read it"),
        SkipReason.VANISHED: tr("It vanished meanwhile"),
        SkipReason.CHANGED_WHILE_READ: tr("It changed while it was read"),
        SkipReason.NOT_UTF8: tr("Its name cannot be read as text"),
        SkipReason.NAME_CLASH: tr("Two names differ only in case"),
        SkipReason.NAME_TOO_LONG: tr("Its name is too long"),
        SkipReason.SPECIAL_FILE: tr("A device or pipe, not a file"),
        SkipReason.READ_ERROR: tr("It could not be read"),
        SkipReason.EXCLUDED: tr("Excluded by a rule"),
    }
    return words[item.reason]


def _rows(plan: MigrationPlan, key: str) -> Sequence[Found]:
    left_out = [item for item in plan.items if item.decision is Decision.LEAVE_OUT]
    if key == "models":
        return plan.of_kind(FileKind.MODEL)
    if key == "data":
        return plan.of_kind(FileKind.DATA)
    if key == "code":
        return [item for item in plan.items if item.kind in _CODE]
    if key == "look":
        look: list[Found] = [item for item in plan.items if item.decision is Decision.DECIDE]
        return [*look, *(item for item in plan.skipped if not item.reason.expected)]
    if key == "out":
        return [*left_out, *plan.skipped]
    return [*plan.items, *plan.skipped]


def _path(row: Found) -> str:
    return path_words(row.path)


def _icon(row: Found) -> str:
    return _ICONS[row.kind] if isinstance(row, PlannedItem) else "file"


def _what(row: Found) -> str:
    return row.description if isinstance(row, PlannedItem) else skip_words(row)


def _fate(row: Found) -> tuple[str, Tone]:
    if isinstance(row, SkippedItem):
        return (tr("Left out"), "plain") if row.reason.expected else (tr("Not read"), "bad")
    if row.decision is Decision.LEAVE_OUT:
        return tr("Left out"), "plain"
    if row.decision is Decision.DECIDE:
        return tr("Kept, look"), "warn"
    return (tr("Unchanged"), "accent") if row.unchanged else (tr("Kept"), "ok")


def _why(row: Found) -> str:
    if isinstance(row, SkippedItem):
        return tr("Not content") if row.reason.expected else tr("Bring the folder in again once it can be read")
    return row.why
