"""The libraries of a model's service as a table."""

from __future__ import annotations

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.widgets.tables import Column
from kronkers_studio.domain.libraries import Library

_VERSION_WIDTH = 120  # pixels


def library_columns() -> list[Column[Library]]:
    """Which library, in which version, and who says so."""
    return [
        Column(tr("Library"), lambda row: row.project, stretch=2, hint=lambda row: row.project),
        Column(tr("Wanted"), _version, _VERSION_WIDTH, faint=lambda row: not row.wanted),
        Column(tr("In the package"), lambda row: row.packaged, _VERSION_WIDTH),
        Column(tr("Said by"), _who, stretch=2, hint=_who),
    ]


def _version(row: Library) -> str:
    return row.wanted.removeprefix("==") or tr("any")


def _who(row: Library) -> str:
    if row.chosen:
        return tr("chosen")
    return ", ".join(row.said_by) if row.said_by else tr("needed by the others")
