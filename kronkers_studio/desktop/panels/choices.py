"""How a folder is to be brought in: what there is to decide about it, each with its choices beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import counted, file_size, tr
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import Card
from kronkers_studio.desktop.widgets.labels import ElidedLabel, rule
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.domain.migration import MigrationPlan, OnlineOnly, RuleHits, Undone

if TYPE_CHECKING:
    from kronkers_studio.desktop.plan_rows import PlanFigures

_RULES_NAMED = 3


class ChoicesCard(Card):
    """``chosen`` when another choice was made; ``rules_wanted`` asks for the rules to be shown."""

    chosen = Signal()
    rules_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.body.setSpacing(9)
        self.fold = FilterPills(
            [("keep", tr("Keep as files")), ("fold", tr("Keep as older versions"))],
            tr("Copies of files"),
        )
        self.fetch = FilterPills(
            [(OnlineOnly.SKIP.value, tr("Skip")), (OnlineOnly.FETCH.value, tr("Fetch"))], tr("Only in the cloud")
        )
        self.others = FilterPills(
            [("beside", tr("Keep both")), ("replace", tr("Only the folder counts"))], tr("What came from elsewhere")
        )
        self.rules_button = Button(tr("Rules …"), self.rules_wanted.emit, name=tr("Include and exclude rules"))
        self.copies = _ChoiceRow("copy", self.fold)
        self.online = _ChoiceRow("cloud", self.fetch)
        self.rules = _ChoiceRow("filter", self.rules_button)
        self.elsewhere = _ChoiceRow("warning", self.others)
        self._undone: Undone | None = None
        self._lines = (rule(), rule(), rule())
        rows = (self.elsewhere, self._lines[2], self.copies, self._lines[0], self.online, self._lines[1], self.rules)
        for widget in rows:
            self.body.addWidget(widget)
        self.others.chosen.connect(lambda _key: self._say_elsewhere())
        self.answered: set[str] = set()
        self.fold.chosen.connect(lambda _key: self._answer("copies"))
        self.fetch.chosen.connect(lambda _key: self._answer("cloud"))

    @property
    def fold_conflicts(self) -> bool:
        return self.fold.key == "fold"

    @property
    def keep_both(self) -> bool:
        """Whether what came from elsewhere stays beside what is in the folder."""
        return self.others.key == "beside"

    def ask_anew(self) -> None:
        """Of another plan nothing is chosen yet that would lose something."""
        self.others.select("beside")
        self.answered = set()

    def _answer(self, question: str) -> None:
        self.answered.add(question)
        self.chosen.emit()

    @property
    def online_only(self) -> OnlineOnly:
        return OnlineOnly(self.fetch.key)

    def show_choices(self, plan: MigrationPlan, figures: PlanFigures) -> None:
        """Show what there is to choose, and what is chosen in ``plan``."""
        self.fold.select("fold" if plan.options.fold_conflicts else "keep")
        self.fetch.select(plan.options.online_only.value)
        self.copies.say(_copies_title(figures), _copies_words(plan.options.fold_conflicts))
        self.online.say(_online_title(figures), _online_words(plan.options.online_only, figures))
        self.rules.say(_rules_title(plan), _rules_words(plan.rules))
        self._undone = plan.undone
        self._say_elsewhere()
        self.copies.setVisible(bool(figures.copies))
        self.online.setVisible(bool(figures.online_only))
        self._lines[0].setVisible(bool(figures.copies))
        self._lines[1].setVisible(bool(figures.online_only))

    def _say_elsewhere(self) -> None:
        undone = self._undone
        self.elsewhere.setVisible(undone is not None)
        self._lines[2].setVisible(undone is not None)
        if undone is not None:
            self.elsewhere.say(_elsewhere_title(undone), _elsewhere_words(undone, keep_both=self.keep_both))


class _ChoiceRow(QWidget):
    """What is asked, what the choice means, and the choice."""

    def __init__(self, icon: str, choice: QWidget) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        self._title = ElidedLabel("", "medium")
        self._words = ElidedLabel("", "caption")
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._title)
        words.addWidget(self._words)
        row.addWidget(IconLabel(icon, "muted", 20))
        row.addLayout(words, 1)
        row.addWidget(choice)

    def say(self, title: str, words: str) -> None:
        self._title.setText(title)
        self._words.setText(words)

    @property
    def words(self) -> tuple[str, str]:
        """What is said now."""
        return self._title.text(), self._words.text()


def rule_words(hits: RuleHits) -> str:
    """What a rule does: "excludes 14 files, 3.1 MB and 2 whole folders"."""
    does = tr("includes {hits}") if hits.includes else tr("excludes {hits}")
    return does.format(hits=hits_words(hits))


def hits_words(hits: RuleHits) -> str:
    """What a rule hits: "14 files, 3.1 MB and 2 whole folders"."""
    files = counted(hits.files, tr("{n} file"), tr("{n} files"))
    words = f"{files}, {file_size(hits.size)}"
    if hits.folders:
        words += " " + counted(hits.folders, tr("and {n} whole folder"), tr("and {n} whole folders"))
    return words


def _copies_title(figures: PlanFigures) -> str:
    one, many = (
        tr("{n} copy that OneDrive made when two people saved"),
        tr("{n} copies that OneDrive made when two people saved"),
    )
    copies = counted(figures.copies, one, many)
    return tr("{copies}, of {files}").format(
        copies=copies, files=counted(figures.copied, tr("{n} file"), tr("{n} files"))
    )


def _copies_words(fold: bool) -> str:
    if fold:
        return tr("They become older versions; the file with the plain name stays current. This is remembered.")
    return tr("Keep them as files, or as older versions of theirs; this is remembered.")


def _elsewhere_title(undone: Undone) -> str:
    one = tr("{n} file is otherwise in the project: combining or another folder brought it")
    return counted(
        undone.count, one, tr("{n} files are otherwise in the project: combining or another folder brought them")
    )


def _elsewhere_words(undone: Undone, *, keep_both: bool) -> str:
    more = ", …" if undone.count > len(undone.examples) else ""
    names = ", ".join(undone.examples) + more
    if keep_both:
        return tr("The folder comes in as a copy of its own, which you combine afterwards: {names}").format(names=names)
    return tr("They become as in the folder; earlier versions keep them: {names}").format(names=names)


def _online_title(figures: PlanFigures) -> str:
    size = file_size(figures.online_only_size)
    one, many = tr("{n} file is only in the cloud, {size}"), tr("{n} files are only in the cloud, {size}")
    return counted(figures.online_only, one.replace("{size}", size), many.replace("{size}", size))


def _online_words(choice: OnlineOnly, figures: PlanFigures) -> str:
    size = file_size(figures.online_only_size)
    if choice is OnlineOnly.FETCH:
        return tr("Bringing them in downloads {size} from OneDrive; this is remembered.").format(size=size)
    return tr("They are skipped and never opened. Fetching them would download {size}.").format(size=size)


def _rules_title(plan: MigrationPlan) -> str:
    if not plan.rules:
        return tr("No rules: everything is brought in")
    rules = counted(len(plan.rules), tr("{n} rule"), tr("{n} rules"))
    if len(plan.rules) == 1:
        return f"{rules}: {_named(plan.rules[0])}"
    excluding = [hits for hits in plan.rules if not hits.includes]
    out = counted(sum(hits.files for hits in excluding), tr("{n} file excluded"), tr("{n} files excluded"))
    return f"{rules}, {out}" if excluding else rules


def _rules_words(rules: tuple[RuleHits, ...]) -> str:
    if len(rules) > 1:
        more = " · …" if len(rules) > _RULES_NAMED else ""
        return " · ".join(_named(hits) for hits in rules[:_RULES_NAMED]) + more
    return tr("Leave out what matches, such as *.tmp, or bring in only that; rules are remembered.")


def _named(hits: RuleHits) -> str:
    return tr("“{pattern}” {does}").format(pattern=hits.pattern, does=rule_words(hits))
