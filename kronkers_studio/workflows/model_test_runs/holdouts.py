"""The tables that a test set names: their rows as the service takes them, and the truth in one of their columns."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.model_columns import model_columns
from kronkers_studio.domain.models import ContentRef, Datatype, ModelVersion, Signature, Tensor
from kronkers_studio.domain.paths import join, parent
from kronkers_studio.domain.progress import CancelToken
from kronkers_studio.domain.references import parse_content
from kronkers_studio.domain.row_tables import MatchedRows, RowTable, name_key
from kronkers_studio.estimators.class_labels import in_order, label_of, one_spelling
from kronkers_studio.workflows.model_test_runs.findings import Unmeasurable
from kronkers_studio.workflows.model_test_runs.quality_metrics import Array, Judged
from kronkers_studio.workflows.row_files import read_table
from kronkers_studio.workflows.row_matching import match_rows
from kronkers_studio.workflows.session import Session


@dataclass(frozen=True)
class Answers:
    """What a service answered to rows: an output each, and where it gives them the probabilities of classes."""

    outputs: Sequence[Any]
    probabilities: Sequence[Mapping[str, float]] = ()


@dataclass(frozen=True)
class Holdout:
    """A table, and its ``rows`` as values that the model takes."""

    table: RowTable
    rows: Sequence[Any]

    @property
    def name(self) -> str:
        return self.table.name


def data_reference(data: str, test_set: ContentRef) -> ContentRef:
    """The file that ``data`` names: PROJECT[@VERSION]:PATH, or a path in the test set's folder, at its commit; one that
    begins with a slash is in its project."""
    if ":" in data:
        return parse_content(data)
    path = data.lstrip("/") if data.startswith("/") else _inside(join(parent(test_set.path), data))
    return ContentRef(test_set.project, test_set.commit, path)


def _inside(path: str) -> str:
    """``path`` without . and .. steps."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                raise InvalidInput(f"“{path}” leads out of the project.", next_step="Write PROJECT:PATH.")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def read_holdout(
    session: Session, source: ContentRef, version: ModelVersion, beside: Collection[str], cancel: CancelToken
) -> Holdout:
    """The table in ``source``, whose rows fit the model. A model that knows no names of columns takes all of them in
    their order but for those ``beside``, which hold what is true. Raises ``RowsRefused``, ``InvalidInput``,
    ``NotFound``."""
    table = read_table(session, source, version.signature, cancel)
    return Holdout(table, rows_for(table, version, version.name, beside).values)


def rows_for(table: RowTable, version: ModelVersion, called: str, beside: Collection[str]) -> MatchedRows:
    """The rows of ``table`` as the model, which is ``called`` so in sentences, takes them; ``beside`` as in
    ``read_holdout``. Raises ``RowsRefused``."""
    taken = table if model_columns(version.signature).named or not table.named else _without(table, beside)
    return match_rows(taken, version.signature, called)


def _without(table: RowTable, names: Collection[str]) -> RowTable:
    keys = {name_key(name) for name in names}
    kept = [place for place, column in enumerate(table.columns) if name_key(column) not in keys]
    rows = [[row[place] for place in kept] for row in table.rows]
    return replace(table, columns=tuple(table.columns[place] for place in kept), rows=rows)


# ---- the truth ----


def column_place(table: RowTable, name: str) -> int:
    """Where the column is, by its exact name, else without regard to letter case and spaces. Raises
    ``Unmeasurable``."""
    for key in (str, str.strip, name_key):
        found = [place for place, column in enumerate(table.columns) if key(column) == key(name)]
        if len(found) == 1 and table.named:
            return found[0]
        if len(found) > 1:
            break
    has = ", ".join(column.strip() for column in table.columns[:12] if column.strip()) if table.named else ""
    raise Unmeasurable(f"{table.name} has no column “{name}”{', or several' if len(found) > 1 else ''}; it has {has}.")


def truth_labels(table: RowTable, name: str) -> list[str]:
    """The classes in a column; "" where none is known."""
    place = column_place(table, name)
    return ["" if _is_missing(row[place]) else label_of(row[place]) for row in table.rows]


def _is_missing(cell: Any) -> bool:
    return isinstance(cell, str) and cell.strip().lower() in ("", "nan", "na", "n/a", "#n/a", "null")


def truth_numbers(table: RowTable, name: str) -> Array:
    """The numbers in a column, with decimal commas where spreadsheets write them; NaN where none is known. Raises
    ``RowsRefused`` for what is none."""
    column = table.columns[column_place(table, name)]
    signature = Signature((Tensor(column, Datatype.FP64, (-1, 1), (column,)),))
    values = (next(iter(row.values())) for row in match_rows(table, signature, "the truth").values)
    return np.array([math.nan if value is None else float(value) for value in values], dtype=np.float64)


# ---- truth and answers together ----


def judged_numbers(table: RowTable, truth: str, answers: Answers) -> tuple[Judged, Array]:
    """Numbers beside the truth, and which rows have one. Raises ``Unmeasurable`` where an answer is no number."""
    known = truth_numbers(table, truth)
    rows = ~np.isnan(known)
    if not rows.any():
        raise Unmeasurable(f"No row of {table.name} has a number in “{truth}”.")
    given = np.array([number_of(output) for output in answers.outputs], dtype=np.float64)
    wrong = int(np.sum(np.isnan(given[rows])))
    if wrong:
        raise Unmeasurable(f"{wrong:,} of the answers are no numbers, so that they cannot be compared with “{truth}”.")
    return Judged(known[rows], given[rows]), rows


def judged_classes(table: RowTable, truth: str, answers: Answers) -> tuple[Judged, Array]:
    """Classes beside the truth, and which rows have one."""
    named = [list(chances) for chances in answers.probabilities[:1]]
    labels = [label_of(name) for name in (named[0] if named else ())]
    known, given, told = one_spelling(
        truth_labels(table, truth), [label_of(output) for output in answers.outputs], labels
    )
    rows = np.array([label != "" for label in known], dtype=bool)
    if not rows.any():
        raise Unmeasurable(f"No row of {table.name} says what is true in “{truth}”.")
    there = {label for label, has in zip(known, rows, strict=True) if has}
    classes = in_order(there | {label for label, has in zip(given, rows, strict=True) if has and label} | set(told))
    number = {label: place for place, label in enumerate(classes)}
    truths = np.array([number.get(label, -1) for label in known])[rows]
    chosen = np.array([number.get(label, -1) for label in given])[rows]
    chances = None
    if told and len(answers.probabilities) == len(answers.outputs):
        chances = np.zeros((len(known), len(classes)))
        for name, label in zip(named[0], told, strict=True):
            chances[:, number[label]] = [each.get(name, 0.0) for each in answers.probabilities]
        chances = chances[rows]
    return Judged(truths, chosen, classes, chances), rows


def class_number(judged: Judged, wanted: Any) -> int | None:
    """Which of the classes ``wanted`` is; None for none named. Raises ``Unmeasurable``."""
    if wanted is None:
        return None
    label = label_of(wanted)
    for spelled in (label, {"true": "1", "false": "0"}.get(label, label)):
        if spelled in judged.classes:
            return list(judged.classes).index(spelled)
    raise Unmeasurable(f"There is no class “{label}”; there are {', '.join(judged.classes[:20])}.")


def number_of(output: Any) -> float:
    """An answer as a number; NaN for what is none."""
    if isinstance(output, list | tuple) and len(output) == 1:
        return number_of(output[0])
    if isinstance(output, bool) or not isinstance(output, int | float):
        return math.nan
    return float(output) if math.isfinite(output) else math.nan
