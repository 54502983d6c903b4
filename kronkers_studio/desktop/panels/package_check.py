"""What is known of a model before it is packaged: what it is, whether it is safe, and which libraries it gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import Action
from kronkers_studio.desktop.language_words import base_words
from kronkers_studio.desktop.localization import counted, file_size, path_words, tr
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.model_words import answers_words, assumed_words, kind_words, made_words, takes_words
from kronkers_studio.desktop.offer_buttons import OfferButton
from kronkers_studio.desktop.offers.models import code_of, signature_of
from kronkers_studio.desktop.panels.library_table import library_columns
from kronkers_studio.desktop.safety_words import allow_words, safety_words
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import clear
from kronkers_studio.desktop.widgets.fact_grid import Fact, fact_grid
from kronkers_studio.desktop.widgets.labels import label, rule
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.tables import Table
from kronkers_studio.desktop.widgets.views import Views, WrappedContent, scrolling
from kronkers_studio.domain.libraries import Library, libraries, project_of
from kronkers_studio.domain.models import Framework, ModelVersion

if TYPE_CHECKING:
    from kronkers_studio.workflows.dependencies import ModelDependencies
    from kronkers_studio.workflows.package_plans import PackagePlan


class FoundModelPanel(QWidget):
    """What was found of a version, and the verdict on its file. ``wanted`` carries what a button there is for: to allow
    code, or to say what the model takes."""

    wanted = Signal(object)

    def __init__(self, version: ModelVersion, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        inner = WrappedContent()
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(0, 0, 8, 0)
        self._column.setSpacing(10)
        self._version: ModelVersion | None = None
        self.show_version(version)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scrolling(inner, tr("What was found")))

    def show_version(self, version: ModelVersion) -> None:
        """Show ``version``, as it is now."""
        if version == self._version:
            return
        self._version = version
        clear(self._column)
        self._column.addWidget(fact_grid(_found(version)))
        self._offers(signature_of(version))
        self._column.addWidget(rule())
        words = safety_words(version.facts, version.allowances)
        row = QHBoxLayout()
        row.setSpacing(10)
        self._mark = IconLabel("warning", "warn", 20) if words.unknown else IconLabel("shield", "ok", 20)
        self.verdict = label(words.verdict, "strong", wrap=True)
        row.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.verdict, 1)
        self._column.addLayout(row)
        self._looked_at = label(words.looked_at, "muted", wrap=True)
        self._column.addWidget(self._looked_at)
        self._offers(code_of(version))
        self._names = label("\n".join(words.names), "code", wrap=True, selectable=True)
        title = counted(len(words.names), tr("Show the part that it asks for"), tr("Show the {n} parts it asks for"))
        self.names_button = Button(title, self._show_names)
        self._column.addWidget(self.names_button, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addWidget(self._names)
        self._names.setVisible(False)  # in its place: before, it would be a window of its own
        self.names_button.setVisible(bool(words.names))
        self._column.addStretch(1)

    def show_plan(self, plan: PackagePlan) -> None:
        """Say so where the model cannot be packaged, and what to do."""
        self.show_version(plan.model)
        if plan.refusal:
            self._mark.show_icon("error", "bad")
            self.verdict.setText(plan.refusal)
            self._looked_at.setText(allow_words() if plan.allowable else plan.next_step)

    def _offers(self, offers: Sequence[Action]) -> None:
        for offer in offers:
            button = OfferButton(offer, self.wanted.emit, icon=False)
            self._column.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)

    def _show_names(self) -> None:
        self._names.setVisible(True)
        self.names_button.setVisible(False)
        self._names.setFocus()


class LibrariesPanel(QWidget):
    """Views: "looking", "rows", "none"; "base" where they come with it. ``change_wanted`` asks for other libraries."""

    change_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table: Table[Library] = Table(tr("Libraries of its service"), library_columns())
        self.views = Views({"looking": _looking, "rows": lambda: self.table, "none": _none, "base": _in_base})
        self.views.show_view("looking")
        self._python = label("", "text", wrap=True)
        self._assumed = label("", "caption", wrap=True)
        self.change_button = Button(tr("Change …"), self.change_wanted.emit, name=tr("Change its libraries …"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._python, 1)
        row.addWidget(self.change_button)
        column.addLayout(row)
        column.addWidget(self.views, 1)
        column.addWidget(self._assumed)

    def show_dependencies(self, known: ModelDependencies) -> None:
        """Show what is known of the libraries."""
        version = known.model
        rows = libraries(version.dependencies, known.evidence, known.locked)
        self.table.content.show_rows(rows)
        own_base = version.facts.framework.in_container_only
        self.views.show_view("rows" if rows else "base" if own_base else "none")
        self.change_button.setVisible(not own_base)  # what could be added is of Python, which such a model never asks
        chosen = version.dependencies.python_version if version.dependencies is not None else ""
        words = tr("Python {python}, {framework} and what that needs, each in one exact version.")
        newest = not (version.facts.framework_version or known.locked) and _is_not_named(version)
        made = tr("the newest {framework}") if newest else "{framework}"
        made = made.format(framework=made_words(version.facts))
        words = words.format(python=chosen or version.facts.python_version, framework=made)
        self._python.setText(base_words(version.facts) if version.facts.framework.in_container_only else words)
        self._assumed.setText(assumed_words(version.facts))
        self._assumed.setVisible(bool(self._assumed.text()))


def _is_not_named(version: ModelVersion) -> bool:
    """Whether neither a person nor its file says anything of the version of the library that made the model."""
    own = {Framework.PYTORCH: "torch"}.get(version.facts.framework, version.facts.framework.value)
    chosen = version.dependencies.requirements if version.dependencies is not None else ()
    return all(project_of(each) != own for each in (*chosen, *version.facts.libraries))


def _found(version: ModelVersion) -> list[Fact]:
    facts = version.facts
    takes, answers = takes_words(version.signature), answers_words(version.signature)
    size = version.size + sum(each.size for each in facts.weights)
    return [
        (tr("File"), path_words(version.source.path), version.source.project),
        (tr("Kind"), kind_words(facts), facts.estimator),
        (tr("Made with"), made_words(facts), ""),
        (tr("How sure"), tr("Told by its content, not by its name"), ""),
        (tr("Takes"), takes or tr("The file does not say"), ""),
        (tr("Answers"), answers or tr("The file does not say"), ""),
        (tr("Size"), file_size(size), ""),
    ]


def _looking() -> QWidget:
    return EmptyState(
        "search", tr("Looking up its libraries …"), tr("In lists, scripts and notebooks beside the file.")
    )


def _in_base() -> QWidget:
    return EmptyState(
        "archive",
        tr("Its libraries come with the base image"),
        tr("Nothing is added to them. Another base image, with more of them, may be named with the next step."),
    )


def _none() -> QWidget:
    return EmptyState(
        "archive",
        tr("No file beside the model names a library"),
        tr("It gets what it was made with, and what that needs. Add others with “Change …”."),
    )
