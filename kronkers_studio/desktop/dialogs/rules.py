"""Include and exclude rules of a folder: what each of them hits is shown before it is used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QWidget

from kronkers_studio.desktop.localization import counted, file_size, number, tr
from kronkers_studio.desktop.panels.choices import hits_words, rule_words
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import ComboBox, LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.desktop.work.tasks import Task
from kronkers_studio.domain.errors import Cancelled, StudioError
from kronkers_studio.domain.migration import MigrationOptions, MigrationPlan, RuleHits
from kronkers_studio.domain.progress import CancelToken, Progress

if TYPE_CHECKING:
    from kronkers_studio.workflows.plans import RulesPreview

_PAUSE_MS = 150  # in typing, before what was typed is tried


class RulesDialog(Dialog):
    """Asks; ``on_go(options)`` uses the rules. ``plan`` is what was found with the rules there are."""

    def __init__(
        self,
        parent: QWidget | None,
        studio: Studio,
        plan: MigrationPlan,
        on_go: Callable[[MigrationOptions], object],
    ) -> None:
        sentence = tr("Patterns as in a .gitignore file, in any case. They are remembered for this folder.")
        super().__init__(parent, tr("What is brought in of “{p}”").format(p=plan.project), sentence, width=680)
        self._studio, self._plan, self._on_go = studio, plan, on_go
        self._options = plan.options
        self._whole: MigrationPlan | None = None  # found without any rules
        self._task: Task | None = None
        self._asked = 0
        self._adding = False  # the typed rule is being tried, and becomes one of them if it is one
        self._build()
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._try)
        self.pattern.textChanged.connect(self._typed)
        self.kind.currentIndexChanged.connect(lambda _index: self._try())
        self.finished.connect(self._stop_looking)
        self.pattern.setFocus()
        self._look()

    def _build(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        self.kind = ComboBox(tr("What the rule does"), [(tr("Exclude"), False), (tr("Include only"), True)])
        self.pattern = LineField(
            tr("Pattern"), placeholder=tr("*.tmp   Archive/   /data/raw/**"), on_return=self.add_rule
        )
        self.add = Button(tr("Add"), self.add_rule, icon="plus", name=tr("Add the rule"))
        row.addWidget(self.kind)
        row.addWidget(self.pattern, 1)
        row.addWidget(self.add)
        self.content.addLayout(row)
        self.trial = label("", "caption", wrap=True)
        self.content.addWidget(self.trial)
        self.table: Table[RuleHits] = Table(tr("Rules"), _columns())
        self.table.setMinimumHeight(190)
        self.content.addWidget(self.table, 1)
        self.kept = label("", "medium", wrap=True)
        self.content.addWidget(self.kept)
        self.remove = Button(tr("Remove the rule"), self.remove_rule, kind="quiet", icon="trash")
        self.remove.setEnabled(False)
        self.table.picked.connect(lambda _row: self.remove.setEnabled(True))
        self.buttons.insertWidget(0, self.remove)
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Use these rules"), self._go, "primary")

    @property
    def options(self) -> MigrationOptions:
        """The options with the rules as they stand here."""
        return self._options

    # Rules

    def _typed(self, pattern: str) -> None:
        self.add.setEnabled(bool(pattern.strip()))
        self._pause.start()

    def add_rule(self) -> None:
        """Take the typed pattern among the rules, once it is known that it is one."""
        if self.pattern.text().strip():
            self._pause.stop()
            self._try(adding=True)

    def remove_rule(self) -> None:
        """Forget the chosen rule."""
        chosen = self.table.chosen
        if chosen is None or self._adding:
            return
        if chosen.includes:
            self._options = replace(self._options, include=_without(self._options.include, chosen.pattern))
        else:
            self._options = replace(self._options, exclude=_without(self._options.exclude, chosen.pattern))
        self.remove.setEnabled(False)
        self._try()

    def _with(self, pattern: str) -> MigrationOptions:
        options = self._options
        if self.kind.value:
            return replace(options, include=(*_without(options.include, pattern), pattern))
        return replace(options, exclude=(*_without(options.exclude, pattern), pattern))

    def _go(self) -> None:
        options = self._options
        self.accept()
        if options != self._plan.options:
            self._on_go(options)

    # Trying

    def _look(self) -> None:
        """What rules are tried on: the plan, or when it was made with rules, what the folder holds without them."""
        plan, session = self._plan, self._studio.session
        if not (plan.options.include or plan.options.exclude):
            self._whole = plan
            self._try()
            return
        if session is None:
            return

        def work(progress: Progress, cancel: CancelToken) -> MigrationPlan:
            from kronkers_studio.workflows.migrating import plan_migration

            options = replace(plan.options, include=(), exclude=())
            return plan_migration(
                session, Path(plan.folder), plan.project, options=options, progress=progress, cancel=cancel
            )

        def show(whole: MigrationPlan) -> None:
            self._whole = whole
            self._try()

        self._show_rules(plan.rules)
        self.kept.setText(tr("Looking through the folder …"))
        self._task = self._studio.runner.run("look", work, done=show, failed=self._failed, owner=self, shown=False)

    def _stop_looking(self) -> None:
        if self._task is not None and not self._task.state.ended:
            self._task.cancel()

    def _try(self, *, adding: bool = False) -> None:
        """Find out what the rules, and the typed one after them, would do; with ``adding``, it becomes one of them."""
        whole, pattern = self._whole, self.pattern.text().strip()
        if whole is None or (self._adding and not adding):
            return
        self._asked += 1
        self._set_adding(adding)
        asked, options = self._asked, self._options
        trial = self._with(pattern) if pattern else options
        including = bool(self.kind.value)

        def work(_progress: Progress, cancel: CancelToken) -> tuple[RulesPreview, RulesPreview]:
            from kronkers_studio.workflows.plans import preview_rules

            preview = preview_rules(whole, options, cancel)
            return preview, preview if trial == options else preview_rules(whole, trial, cancel)

        def show(answer: tuple[RulesPreview, RulesPreview]) -> None:
            if asked != self._asked:
                return
            self._set_adding(False)
            if adding:
                self._options = trial
                self.pattern.clear()
            self._show(answer[1] if adding else answer[0], whole)
            self._show_trial(answer[1], "" if adding else pattern, including=including)

        def failed(error: StudioError) -> None:
            if asked == self._asked:
                self._set_adding(False)
                self.add.setEnabled(False)
                self.trial.setText(f"{error.message} {error.next_step}".strip())

        self._stop_looking()
        self._task = self._studio.runner.run("try rules", work, done=show, failed=failed, owner=self, shown=False)

    def _set_adding(self, adding: bool) -> None:
        self._adding = adding
        self.go.setEnabled(not adding)  # it would use the rules without this one

    def _show(self, preview: RulesPreview, whole: MigrationPlan) -> None:
        self._show_rules(preview.rules)
        every = counted(len(whole.items), tr("{n} file"), tr("{n} files"))
        words = tr("{n} of {every} are brought in, {size}.")
        self.kept.setText(words.format(n=number(preview.files), every=every, size=file_size(preview.size)))

    def _show_rules(self, rules: tuple[RuleHits, ...]) -> None:
        self.table.content.show_rows(rules)
        self.remove.setEnabled(self.table.chosen is not None)

    def _show_trial(self, preview: RulesPreview, pattern: str, *, including: bool) -> None:
        self.add.setEnabled(bool(pattern))
        found = (hits for hits in preview.rules if hits.pattern == pattern and hits.includes == including)
        hits = next(found, None)
        if hits is None:
            self.trial.setText(tr("Type a pattern to see what it hits. A “!” before it takes back what matches."))
            return
        such = tr("such as {examples}").format(examples=", ".join(hits.examples)) if hits.examples else ""
        does = tr("It {does}").format(does=rule_words(hits))
        left = tr("{n} would be brought in").format(n=counted(preview.files, tr("{n} file"), tr("{n} files")))
        self.trial.setText(", ".join(part for part in (does, such) if part) + f". {left}.")

    def _failed(self, error: StudioError) -> None:
        if not isinstance(error, Cancelled):
            self.kept.setText("")
            self.notice.show_error(error)


def _without(patterns: tuple[str, ...], pattern: str) -> tuple[str, ...]:
    return tuple(each for each in patterns if each != pattern)


def _columns() -> list[Column[RuleHits]]:
    return [
        Column(tr("Rule"), lambda row: row.pattern, stretch=3, code=True),
        Column(
            tr("Does"),
            lambda row: tr("Includes") if row.includes else tr("Excludes"),
            104,
            pill=lambda row: "ok" if row.includes else "plain",
        ),
        Column(tr("What it hits"), _hits, stretch=4),
        Column(tr("Such as"), lambda row: ", ".join(row.examples), stretch=4, muted=True),
    ]


def _hits(row: RuleHits) -> str:
    if not row.files and not row.folders:
        return tr("nothing in this folder")
    return hits_words(row)
