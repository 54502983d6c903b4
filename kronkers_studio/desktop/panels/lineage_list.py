"""Where a model version comes from, and what was made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from kronkers_studio.desktop.destinations import Destination, ShowContent, ShowModelVersion, ToPage
from kronkers_studio.desktop.localization import path_words, tr
from kronkers_studio.desktop.package_words import platform_words
from kronkers_studio.desktop.place_words import place_words, state_words
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.lineage import Lineage, LineageNode, NodeKind
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.paths import parent as folder_of
from kronkers_studio.domain.progress import CancelToken
from kronkers_studio.domain.references import ReleaseReference, parse_commit, parse_content, parse_node
from kronkers_studio.domain.releases import ReleaseState

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session


@dataclass(frozen=True, slots=True)
class LineageRow:
    """One line: ``side`` is said once for all lines of one side. ``destination`` is where its thing is shown."""

    side: str
    kind: str
    icon: str
    name: str
    more: str
    destination: Destination | None


class LineageList(QWidget):
    """Views: "looking", "list", "failed". A double click or Enter on a line leads to what it is about: ``wanted``
    carries that. ``failed`` carries why it could not be followed."""

    wanted = Signal(object)
    failed = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._label = ""
        self.table: Table[LineageRow] = Table(tr("Where it comes from, and what was made of it"), _columns())
        self.table.opened.connect(self._go)
        self.views = Views({"looking": _looking, "list": lambda: self.table, "failed": self._not_followed})
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.views, 1)
        column.addWidget(label(tr("A double click, or Enter, leads there."), "caption"))

    def show_version(self, version: ModelVersion) -> None:
        """Follow where ``version`` comes from, and what was made of it."""
        if version.label != self._label:
            self.views.show_view("looking")
        self._label = version.label

        def work(session: Session, _cancel: CancelToken) -> Lineage:
            from kronkers_studio.workflows.lineage import lineage

            return lineage(session, version.label)

        self._studio.look(work, self.show_lineage, owner=self, failed=self._failed)

    def show_lineage(self, lineage: Lineage) -> None:
        """Show what it came from, then what came from it."""
        self.table.content.show_rows(lineage_rows(lineage))
        self.views.show_view("list")

    def _failed(self, error: StudioError) -> None:
        self.views.show_view("failed")
        self.failed.emit(error)

    def _go(self, row: LineageRow) -> None:
        if row.destination is not None:
            self.wanted.emit(row.destination)

    def _not_followed(self) -> QWidget:
        return EmptyState("history", tr("It could not be followed"), tr("Why is said at the bottom of this page."))


def lineage_rows(lineage: Lineage) -> list[LineageRow]:
    """Both sides of ``lineage``, each in the order of its kinds; its own node is not among them."""
    return [*_side(lineage, tr("Comes from"), backwards=True), *_side(lineage, tr("Made of it"), backwards=False)]


def _side(lineage: Lineage, words: str, *, backwards: bool) -> Iterator[LineageRow]:
    reached = _reached(lineage, backwards=backwards)
    for node in lineage.nodes:
        if node.id in reached:
            kind, icon = _kinds()[node.kind]
            name, more, destination = _told(node)
            yield LineageRow(words, kind, icon, name, more, destination)
            words = ""


def _reached(lineage: Lineage, *, backwards: bool) -> set[str]:
    """The nodes that edges lead to from the lineage's own, in one direction."""
    following: dict[str, list[str]] = {}
    for edge in lineage.edges:
        start, end = (edge.after, edge.before) if backwards else (edge.before, edge.after)
        following.setdefault(start, []).append(end)
    reached: set[str] = set()
    waiting = [lineage.node]
    while waiting:
        for each in following.get(waiting.pop(), ()):
            if each not in reached:
                reached.add(each)
                waiting.append(each)
    return reached - {lineage.node}


def _kinds() -> Mapping[NodeKind, tuple[str, str]]:
    return {
        NodeKind.COMMIT: (tr("State of a folder"), "history"),
        NodeKind.DATA: (tr("Data"), "data"),
        NodeKind.CODE: (tr("Program beside it"), "code"),
        NodeKind.FILE: (tr("Model file"), "file"),
        NodeKind.MODEL: (tr("Model"), "models"),
        NodeKind.PACKAGE: (tr("Package"), "archive"),
        NodeKind.RELEASE: (tr("Release"), "deploy"),
    }


def _told(node: LineageNode) -> tuple[str, str, Destination | None]:
    """Its name, what more is known, and where it is shown."""
    match node.kind:
        case NodeKind.COMMIT:
            commit = parse_commit(node.id)
            return commit.project, node.detail, ShowContent(commit.project)
        case NodeKind.DATA | NodeKind.CODE | NodeKind.FILE:
            file = parse_content(node.id)
            name = file.path.rsplit("/", 1)[-1]
            return (
                name,
                path_words(f"{file.project}/{file.path}"),
                ShowContent(file.project, folder_of(file.path), name),
            )
        case NodeKind.MODEL:
            return node.label, node.detail, ShowModelVersion(node.label)
        case NodeKind.RELEASE:
            return _release_words(node.id), _state_words(node.detail), ToPage("deploy")
        case NodeKind.PACKAGE:
            return node.label, platform_words(node.detail), None


def _release_words(id: str) -> str:
    release = parse_node(id, is_model=lambda _name: True)
    if not isinstance(release, ReleaseReference):
        return id
    return tr("{model} on {place}").format(model=release.model, place=place_words(release.place))


def _state_words(state: str) -> str:
    return state_words(ReleaseState(state)) if state in list(ReleaseState) else state


def _columns() -> list[Column[LineageRow]]:
    return [
        Column("", lambda row: row.side, 110, muted=True),
        Column(tr("What"), lambda row: row.kind, 150),
        Column(tr("Name"), lambda row: row.name, stretch=3, middle=True, icon=lambda row: row.icon),
        Column(tr("More"), lambda row: row.more, stretch=4, muted=True, middle=True),
    ]


def _looking() -> QWidget:
    return EmptyState("history", tr("Following it …"), tr("Back to the data and scripts, and on to what runs."))
