"""What a search found, as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence

from kronkers_studio.desktop.file_icons import path_icon
from kronkers_studio.desktop.localization import file_size, moment, tr
from kronkers_studio.desktop.widgets.tables import Column
from kronkers_studio.domain.search import SearchHit, SearchKind

_MOST_COLUMNS = 3  # named of a file


def found_columns() -> list[Column[SearchHit]]:
    """What it is called, where it is, and what else is known of it."""
    return [
        Column(tr("Name"), name_words, stretch=5, icon=_icon, hint=_whole),
        Column(tr("Where"), where_words, stretch=4, middle=True, muted=True),
        Column(tr("Size"), lambda hit: file_size(hit.size) if hit.kind is SearchKind.FILE else "", 88, right=True),
        Column(tr("Changed"), lambda hit: moment(hit.modified) if hit.modified else "", 112, muted=True, needs=560),
    ]


def _icon(hit: SearchHit) -> str:
    if hit.kind is SearchKind.FILE:
        return path_icon(hit.path)
    return "folder" if hit.kind is SearchKind.PROJECT else "models"


def name_words(hit: SearchHit) -> str:
    """A file's own name; a model's with its version."""
    if hit.kind is SearchKind.FILE:
        return hit.path.rpartition("/")[2]
    if hit.kind is SearchKind.MODEL:
        return tr("{model}, version {n}").format(model=hit.model, n=hit.version)
    return hit.project


def where_words(hit: SearchHit) -> str:
    """The project and folder of a file, and the columns it was found by; of others, what they are."""
    if hit.kind is SearchKind.FILE:
        folder = hit.path.rpartition("/")[0].replace("/", " / ")
        where = f"{hit.project} / {folder}" if folder else hit.project
        return f"{where} · {columns_words(hit.columns)}" if hit.columns else where
    return tr("Model") if hit.kind is SearchKind.MODEL else tr("Project")


def columns_words(columns: Sequence[str]) -> str:
    """ "column customer_id", "columns order_id, customer_id …"."""
    shown = ", ".join(columns[:_MOST_COLUMNS]) + (" …" if len(columns) > _MOST_COLUMNS else "")
    return (tr("column {names}") if len(columns) == 1 else tr("columns {names}")).format(names=shown)


def _whole(hit: SearchHit) -> str:
    words = f"{where_words(hit)}\n{name_words(hit)}"
    return f"{words}\n{hit.detail}" if hit.detail else words
