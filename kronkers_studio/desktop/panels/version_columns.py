"""The versions of one model as a table."""

from __future__ import annotations

from collections.abc import Callable

from kronkers_studio.desktop.localization import date_time, figure, file_size, moment, path_words, tr
from kronkers_studio.desktop.look.tokens import Tone
from kronkers_studio.desktop.widgets.tables import Column
from kronkers_studio.domain.models import ModelVersion

_FIGURES = 4  # of the quality, in one cell


def version_columns(state: Callable[[ModelVersion], tuple[str, Tone]]) -> list[Column[ModelVersion]]:
    """``state`` gives a word on how each is, with its tone."""
    return [
        Column(tr("Version"), _number, 128, icon=lambda _row: "models", hint=_all_names),
        Column(tr("State"), lambda row: state(row)[0], 116, pill=lambda row: state(row)[1]),
        Column(tr("Quality"), _quality, stretch=4, hint=_all_quality),
        Column(tr("Tags"), lambda row: ", ".join(row.tags), stretch=3, muted=True, needs=820),
        Column(tr("Size"), lambda row: file_size(row.size), 84, right=True, needs=520),
        Column(
            tr("File"),
            lambda row: path_words(row.source.path),
            stretch=4,
            middle=True,
            muted=True,
            needs=900,
            hint=lambda row: f"{row.source.project}: {row.source.path}",
        ),
        Column(tr("By"), lambda row: row.author, 90, muted=True, needs=760),
        Column(
            tr("Registered"), lambda row: moment(row.created), 100, muted=True, hint=lambda row: date_time(row.created)
        ),
    ]


def _number(version: ModelVersion) -> str:
    return " · ".join((str(version.version), *version.aliases))


def _all_names(version: ModelVersion) -> str:
    return ", ".join((version.label, *(f"{version.name}@{alias}" for alias in version.aliases)))


def _quality(version: ModelVersion) -> str:
    figures = list(version.metrics.items())[:_FIGURES]
    return " · ".join(f"{name} {figure(value)}" for name, value in figures) or "–"


def _all_quality(version: ModelVersion) -> str:
    return "\n".join(f"{name} {figure(value)}" for name, value in version.metrics.items())
