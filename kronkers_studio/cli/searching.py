"""Commands that find things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kronkers_studio.cli.terminal import Terminal, command
from kronkers_studio.cli.text import moment, plural, size, table
from kronkers_studio.domain.errors import InvalidInput
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
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many to show.")]
Offset = Annotated[int, typer.Option("--offset", min=0, help="How many to leave out first.")]
Framework = Annotated[str, typer.Option("--framework", help="scikit-learn or onnx.")]
Tag = Annotated[str, typer.Option("--tag", help="Only versions with this tag.")]
_NOTHING_FOUND = "Nothing was found."


def add_commands(app: typer.Typer, model: typer.Typer) -> None:
    command(app, "search")(search)
    command(model, "search")(search_models)


def search(
    terminal: Terminal,
    text: Text,
    *,
    kind: Annotated[list[str] | None, typer.Option("--kind", help="project, model or file.")] = None,
    project: Annotated[str, typer.Option("--project", metavar="P", help="Only in this project.")] = "",
    branch: Annotated[str, typer.Option("--branch", help="Only files on this branch.")] = "",
    extension: Annotated[str, typer.Option("--extension", metavar="EXT", help="Only files such as csv.")] = "",
    framework: Framework = "",
    tag: Tag = "",
    where: Where = None,
    sort: SortBy = "relevance",
    limit: Limit = 50,
    offset: Offset = 0,
) -> None:
    """Find projects, models and files by their names and what is said of them."""
    filters = SearchFilters(
        tuple(_kind(name) for name in kind or ()),
        project,
        branch,
        extension,
        framework,
        tag,
        conditions(where),
        Sort.parse(sort),
    )
    _show(terminal, text, filters, limit, offset)


def search_models(
    terminal: Terminal,
    text: Text,
    *,
    framework: Framework = "",
    tag: Tag = "",
    where: Where = None,
    sort: SortBy = "relevance",
    limit: Limit = 50,
    offset: Offset = 0,
) -> None:
    """Find model versions by name, description, card, tags, columns and metrics."""
    filters = SearchFilters(
        (SearchKind.MODEL,), framework=framework, tag=tag, metrics=conditions(where), sort=Sort.parse(sort)
    )
    _show(terminal, text, filters, limit, offset)


def conditions(where: list[str] | None) -> tuple[MetricCondition, ...]:
    return tuple(MetricCondition.parse(text) for text in where or ())


def _kind(name: str) -> SearchKind:
    if name not in tuple(SearchKind):
        raise InvalidInput(f"“{name}” is no kind of thing.", next_step="Use project, model or file.")
    return SearchKind(name)


def _show(terminal: Terminal, text: str, filters: SearchFilters, limit: int, offset: int) -> None:
    from kronkers_studio.workflows.searching import search as find

    with terminal.session() as session:
        _require_project(session, filters.project)
        with terminal.progress() as progress:
            page = find(session, text, filters, limit, offset, progress=progress, cancel=terminal.cancel)
        terminal.result(page, *_lines(page))


def _require_project(session: Session, project: str) -> None:
    from kronkers_studio.workflows.versions import list_branches

    if project:
        list_branches(session, project)  # raises NotFound


def _lines(page: SearchPage) -> list[str]:
    if not page.hits:
        return [_NOTHING_FOUND]
    rows = [
        [hit.kind.value, _where(hit), size(hit.size) if hit.size else "", moment(hit.modified)] for hit in page.hits
    ]
    more = f"{len(page.hits)} of {plural(page.total, 'hit')}"
    return [*table(["Kind", "Name", "Size", "Changed"], rows), *([more] if page.total > len(page.hits) else [])]


def _where(hit: SearchHit) -> str:
    if hit.kind is SearchKind.PROJECT:
        return hit.project
    if hit.kind is SearchKind.MODEL:
        return f"{hit.title}  {hit.detail}".rstrip()
    at = "" if "main" in hit.branches or not hit.branches else f"@{hit.branches[0]}"
    return f"{hit.project}{at}:{hit.path}"
