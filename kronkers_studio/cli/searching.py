"""Commands that find things."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kronkers_studio.cli.numbers import MOST_ROWS
from kronkers_studio.cli.plain_text import moment, plural, size, table
from kronkers_studio.cli.terminal import Terminal, command
from kronkers_studio.domain.content import DEFAULT_BRANCH
from kronkers_studio.domain.errors import Cancelled, InvalidInput
from kronkers_studio.domain.models import Framework as KnownFramework
from kronkers_studio.domain.progress import NEVER, Progress
from kronkers_studio.domain.references import format_content
from kronkers_studio.domain.search import MetricCondition, SearchFilters, SearchHit, SearchKind, SearchPage, Sort

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

Text = Annotated[str, typer.Argument(metavar="TEXT", help="What to look for; every word must be found.")]
Where = Annotated[
    list[str] | None, typer.Option("--where", metavar="CONDITION", help='Of metrics, e.g. "accuracy>0.9".')
]
SortBy = Annotated[
    str, typer.Option("--sort", metavar="ORDER", help="relevance, name, newest, size or metric:NAME; -name: reversed.")
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=MOST_ROWS, help="How many to show.")]
Offset = Annotated[int, typer.Option("--offset", min=0, max=MOST_ROWS, help="How many to leave out first.")]
Framework = Annotated[str, typer.Option("--framework", help="scikit-learn or onnx.")]
Tag = Annotated[str, typer.Option("--tag", help="Only versions with this tag.")]
_NOTHING_FOUND = "Nothing was found."
_GO_ON = "Search again without --quick to read their columns."
_STOPPED = "Search again to go on reading their columns."
_MOST_PROBLEMS = 5
_MOST_COLUMNS = 3  # shown of a file


def add_commands(app: typer.Typer, model: typer.Typer) -> None:
    command(app, "search")(search)
    command(model, "search")(search_models)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What both commands take; every field is an option."""

    framework: Framework = ""
    tag: Tag = ""
    where: Where = None
    sort: SortBy = "relevance"
    limit: Limit = 50
    offset: Offset = 0

    def filters(self, **more: Any) -> SearchFilters:
        return SearchFilters(
            framework=known_framework(self.framework),
            tag=self.tag,
            metrics=conditions(self.where),
            sort=Sort.parse(self.sort),
            **more,
        )


def _asking(function: Callable[..., None]) -> Callable[..., None]:
    """``function`` with the fields of ``_Asked`` as parameters in place of its parameter ``asked``."""
    own = [each for each in inspect.signature(function, eval_str=True).parameters.values() if each.name != "asked"]
    shared = list(inspect.signature(_Asked, eval_str=True).parameters.values())

    @functools.wraps(function)
    def run(*arguments: Any, **options: Any) -> None:
        asked = _Asked(**{each.name: options.pop(each.name) for each in shared})
        function(*arguments, asked=asked, **options)

    run.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]  # what ``command`` reads
    return run


@_asking
def search(
    terminal: Terminal,
    text: Text,
    *,
    asked: _Asked,
    kind: Annotated[list[str] | None, typer.Option("--kind", help="project, model or file.")] = None,
    project: Annotated[str, typer.Option("--project", metavar="P", help="Only in this project.")] = "",
    branch: Annotated[str, typer.Option("--branch", help="Only files on this branch.")] = "",
    extension: Annotated[str, typer.Option("--extension", metavar="EXT", help="Only files such as csv.")] = "",
    quick: Annotated[
        bool, typer.Option("--quick", help="Answer at once: do not read the columns of new data files first.")
    ] = False,
) -> None:
    """Find projects, models and files by their names, what is said of them, and the columns of data files."""
    kinds = tuple(_kind(name) for name in kind or ())
    filters = asked.filters(kinds=kinds, project=project, branch=branch, extension=extension)
    _show(terminal, text, filters, asked, quick=quick)


@_asking
def search_models(terminal: Terminal, text: Text, *, asked: _Asked) -> None:
    """Find model versions by name, description, card, tags, columns and metrics."""
    _show(terminal, text, asked.filters(kinds=(SearchKind.MODEL,)), asked)


def known_framework(name: str) -> str:
    """The framework of that name, "" for none. Raises ``InvalidInput``."""
    wanted = name.strip().lower()
    if wanted and wanted not in tuple(KnownFramework):
        raise InvalidInput(
            f"“{name}” is no framework that a model here can have.",
            next_step=f"Use one of {', '.join(KnownFramework)}.",
        )
    return wanted


def conditions(where: list[str] | None) -> tuple[MetricCondition, ...]:
    return tuple(MetricCondition.parse(text) for text in where or ())


def _kind(name: str) -> SearchKind:
    if name not in tuple(SearchKind):
        raise InvalidInput(f"“{name}” is no kind of thing.", next_step="Use project, model or file.")
    return SearchKind(name)


def _show(terminal: Terminal, text: str, filters: SearchFilters, asked: _Asked, *, quick: bool = False) -> None:
    from kronkers_studio.workflows.searching import search as find

    with terminal.session() as session:
        _require_project(session, filters.project)
        with terminal.progress() as progress:
            stopped = False
            if text.strip() and filters.wants(SearchKind.FILE) and not quick:
                stopped = not _read_columns(terminal, session, progress)
            cancel = NEVER if stopped else terminal.cancel
            page = find(session, text, filters, asked.limit, asked.offset, progress=progress, cancel=cancel)
        terminal.result(page, *_lines(page))
        if page.unread and filters.wants(SearchKind.FILE):
            new = plural(page.unread, "new data file was", "new data files were")
            terminal.note(f"{new} looked for by name only. {_GO_ON if quick else _STOPPED}")
        if stopped:
            terminal.incomplete()


def _read_columns(terminal: Terminal, session: Session, progress: Progress) -> bool:
    """Read the columns of new data files. False when the user stopped that, who then gets what can be found so far."""
    from kronkers_studio.workflows.searching import read_columns

    try:
        problems = read_columns(session, progress=progress, cancel=terminal.cancel).problems
    except Cancelled:
        return False
    if problems:
        terminal.note(f"The columns of {plural(len(problems), 'file')} cannot be searched:")
        for problem in problems[:_MOST_PROBLEMS]:
            terminal.note(f"  {problem.project}:{problem.path}: {problem.reason}")
        if len(problems) > _MOST_PROBLEMS:
            terminal.note(f"  and {len(problems) - _MOST_PROBLEMS} more")
    return True


def _require_project(session: Session, project: str) -> None:
    from kronkers_studio.workflows.versions import list_branches

    if project:
        list_branches(session, project)  # raises NotFound


def _lines(page: SearchPage) -> list[str]:
    if not page.hits:
        return [_NOTHING_FOUND]
    rows = [
        [
            hit.kind.value,
            _where(hit),
            size(hit.size) if hit.size else "",
            moment(hit.modified),
            ", ".join(hit.columns[:_MOST_COLUMNS]) + (" …" if len(hit.columns) > _MOST_COLUMNS else ""),
        ]
        for hit in page.hits
    ]
    titles = ["Kind", "Name", "Size", "Changed", "Columns"]
    if not any(hit.columns for hit in page.hits):
        titles, rows = titles[:-1], [row[:-1] for row in rows]
    more = f"{len(page.hits)} of {plural(page.total, 'hit')}"
    return [*table(titles, rows), *([more] if page.total > len(page.hits) else [])]


def _where(hit: SearchHit) -> str:
    if hit.kind is SearchKind.PROJECT:
        return hit.project
    if hit.kind is SearchKind.MODEL:
        return f"{hit.title}  {hit.detail}".rstrip()
    ref = "" if DEFAULT_BRANCH in hit.branches or not hit.branches else hit.branches[0]
    return format_content(hit.project, ref, hit.path)
