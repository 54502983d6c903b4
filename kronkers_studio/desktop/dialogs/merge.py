"""Combine two branches: what would come in is shown first, and each place where both changed is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.branch_words import branch_title
from kronkers_studio.desktop.difference_rows import tree_words
from kronkers_studio.desktop.localization import counted, path_words, tr
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import clear
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import ComboBox, Field
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label
from kronkers_studio.desktop.widgets.views import scrolling
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.content import DEFAULT_BRANCH
from kronkers_studio.domain.differences import Choice, Conflict, ConflictKind, MergePlan, MergeResult
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.progress import CancelToken, Progress

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_SEEN, _CONFLICT_HEIGHT = 5, 52  # conflicts seen at once, and pixels of each
_NAME = 24  # characters of a branch's name in a choice
_SHOWN = 100  # conflicts that are decided one by one; the choice for all decides the others


class MergeDialog(Dialog):
    """``branches`` are those of ``project``; the workspace changes only when Merge is pressed."""

    def __init__(
        self, parent: QWidget | None, studio: Studio, project: str, branches: list[str], source: str = ""
    ) -> None:
        super().__init__(
            parent,
            tr("Combine two states"),
            tr("Brings what was changed in one into the other. The one it is taken from stays as it is."),
            width=600,
        )
        self._studio, self._project = studio, project
        self._plan: MergePlan | None = None
        self._asked = 0
        self._choices: dict[str, ComboBox] = {}
        names: list[tuple[str, object]] = [(branch_title(name), name) for name in branches]
        self.source = ComboBox(tr("Take from"), names)
        self.into = ComboBox(tr("Into"), names)
        self.into.choose(DEFAULT_BRANCH)
        others = [name for name in branches if name != self.into.value]
        self.source.choose(source if source in others else others[0] if others else None)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(Field(tr("Take from"), self.source), 1)
        row.addWidget(Field(tr("Into"), self.into), 1)
        self.content.addLayout(row)
        self.words = label("", "medium", wrap=True)
        self.content.addWidget(self.words)
        self._conflicts = QVBoxLayout()
        self._conflicts.setContentsMargins(0, 0, 8, 0)
        inside = QWidget()
        inside.setLayout(self._conflicts)
        self._area = scrolling(inside, tr("Places where both changed"))
        self.content.addWidget(self._area, 1)
        self.for_all = ComboBox(tr("For all of them"), [(tr("Decide for all …"), None)])
        self.for_all.currentIndexChanged.connect(self._decide_all)
        self.buttons.insertWidget(0, self.for_all)
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Combine"), self.merge, "primary")
        self.source.currentIndexChanged.connect(self._look)
        self.into.currentIndexChanged.connect(self._look)
        self._look()

    def _look(self) -> None:
        """Work out what the merge would do."""
        self._asked += 1
        asked, project = self._asked, self._project
        source, into = str(self.source.value), str(self.into.value)
        self._plan = None
        self._show_conflicts(())
        self.go.setEnabled(False)
        self.notice.clear()
        if source == into:
            self.words.setText(tr("Choose two different ones."))
            return
        self.words.setText(tr("Comparing both …"))

        def work(session: Session, cancel: CancelToken) -> MergePlan:
            from kronkers_studio.workflows.versions import plan_merge

            return plan_merge(session, project, source, into, cancel=cancel)

        def show(plan: MergePlan) -> None:
            if asked == self._asked:
                self.show_plan(plan)

        self._studio.look(work, show, owner=self, failed=self._failed)

    def show_plan(self, plan: MergePlan) -> None:
        """Show what would come in, and ask about the conflicts."""
        self._plan = plan
        self.words.setText(_plan_words(plan))
        self._show_conflicts(plan.conflicts)
        self._offer()

    def _show_conflicts(self, conflicts: tuple[Conflict, ...]) -> None:
        clear(self._conflicts)
        self._choices = {}
        self.for_all.set_choices([(tr("Decide for all …"), None), *self._offered()])
        for conflict in conflicts[:_SHOWN]:
            self._conflicts.addLayout(self._row(conflict))
        if len(conflicts) > _SHOWN:
            words = counted(len(conflicts) - _SHOWN, tr("and {n} more"), tr("and {n} more"))
            self._conflicts.addWidget(label(f"{words}. {tr('The choice for all decides them.')}", "muted", wrap=True))
        self._conflicts.addStretch(1)
        self._area.setVisible(bool(conflicts))
        self._area.setMinimumHeight(min(len(conflicts), _SEEN) * _CONFLICT_HEIGHT)
        self.for_all.setVisible(len(conflicts) > 1)
        self.for_all.setCurrentIndex(0)

    def _row(self, conflict: Conflict) -> QHBoxLayout:
        name = tr("Decide for {file}").format(file=conflict.path)
        choice = ComboBox(name, [(tr("Decide …"), None), *self._offered()])
        choice.currentIndexChanged.connect(self._offer)
        self._choices[conflict.path] = choice
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(ElidedLabel(path_words(conflict.path), "medium", middle=True))
        words.addWidget(label(conflict.detail or self._conflict_words(conflict), "caption", wrap=True))
        row = QHBoxLayout()
        row.setContentsMargins(0, 4, 0, 4)
        row.addLayout(words, 1)
        if conflict.ours is not None and conflict.theirs is not None:
            compare = tr("Compare {file}").format(file=conflict.path)
            row.addWidget(Button(tr("Compare"), lambda: self.compare(conflict), kind="link", name=compare))
        row.addWidget(choice)
        return row

    def _offered(self) -> list[tuple[str, object]]:
        """The choices, by the names of the branches."""
        into, source = _short(str(self.into.value)), _short(str(self.source.value))
        return [
            (tr("Keep that of “{into}”").format(into=into), Choice.OURS),
            (tr("Take that of “{source}”").format(source=source), Choice.THEIRS),
            (tr("Keep both files"), Choice.BOTH),
        ]

    def _conflict_words(self, conflict: Conflict) -> str:
        names = {"into": _short(str(self.into.value)), "source": _short(str(self.source.value))}
        words = {
            ConflictKind.BOTH_CHANGED: tr("Both changed it."),
            ConflictKind.BOTH_ADDED: tr("Both added it, with other content."),
            ConflictKind.REMOVED_BY_OURS: tr("“{into}” removed it, “{source}” changed it."),
            ConflictKind.REMOVED_BY_THEIRS: tr("“{source}” removed it, “{into}” changed it."),
            ConflictKind.DIFFERENT_KINDS: tr("It is a folder in one and a file in the other."),
        }
        return words[conflict.kind].format(**names)

    def compare(self, conflict: Conflict) -> None:
        """Show what differs between the two branches in one file."""
        from kronkers_studio.desktop.dialogs.compare import CompareDialog

        if self._plan is not None:
            CompareDialog(self, self._studio, self._plan, conflict).open()

    def _decide_all(self) -> None:
        if self.for_all.value is not None:
            for choice in self._choices.values():
                choice.choose(self.for_all.value)
        self._offer()

    @property
    def decided(self) -> dict[str, Choice]:
        """The choices made, by path."""
        conflicts = self._plan.conflicts if self._plan is not None else ()
        made = {conflict.path: self.for_all.value for conflict in conflicts[_SHOWN:]}
        made |= {path: choice.value for path, choice in self._choices.items()}
        return {path: value for path, value in made.items() if isinstance(value, Choice)}

    def _offer(self) -> None:
        plan = self._plan
        self.go.setEnabled(plan is not None and not plan.up_to_date and len(self.decided) == len(plan.conflicts))

    def merge(self) -> None:
        """Do what is shown; refused when a branch has moved since."""
        session, plan, choices = self._studio.session, self._plan, self.decided
        if session is None or plan is None:
            return

        def work(_progress: Progress, cancel: CancelToken) -> MergeResult:
            from kronkers_studio.workflows.versions import merge_branches

            return merge_branches(
                session, plan.project, plan.source, plan.branch, choices=choices, plan=plan, cancel=cancel
            )

        title = tr("Combining “{source}” with “{into}”").format(
            source=branch_title(plan.source), into=branch_title(plan.branch)
        )
        self.go.setEnabled(False)
        self._studio.change_content(title, work, lambda _: self.accept(), failed=self._failed, owner=self)

    def _failed(self, error: StudioError) -> None:
        self.words.setText("" if self._plan is None else self.words.text())
        self._offer()
        self.notice.show_error(error)


def _short(branch: str) -> str:
    """A branch's name as a choice has room for it."""
    title = branch_title(branch)
    return title if len(title) <= _NAME else f"{title[: _NAME - 1]}…"


def _plan_words(plan: MergePlan) -> str:
    if plan.up_to_date:
        return tr("“{into}” has everything of “{source}” already.").format(
            into=branch_title(plan.branch), source=branch_title(plan.source)
        )
    comes = tree_words(plan.incoming) or tr("nothing new")
    words = tr("Files that come in: {what}.").format(what=comes)
    if plan.merged:
        both = counted(len(plan.merged), tr("{n} file is put together"), tr("{n} files are put together"))
        words += " " + tr("{files} from both sides.").format(files=both)
    if plan.conflicts:
        asked = counted(len(plan.conflicts), tr("{n} place where both changed."), tr("{n} places where both changed."))
        return f"{words} {asked}"
    return words
