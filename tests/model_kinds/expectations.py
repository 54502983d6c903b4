"""Test sets with every kind of expectation that fits a model, and what came of them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kronkers_studio.domain.model_tests import ModelTestRun, Outcome
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.model_tests import run_model_tests
from kronkers_studio.workflows.session import Session

# MOST: of each figure so much that only what stands still does not reach it
_ANY = """
  - {name: agreement, kind: agreement, prediction: known, tolerance: 1.0e-5}
  - {name: deterministic, kind: deterministic}
  - {name: invariance, kind: invariance, column: NUMBER, noise: 1.0e-9, tolerance: 1.0e-6}
  - {name: refuses, kind: refuses, wrong: {NUMBER: words}, without: [NUMBER]}
  - {name: latency, kind: latency, p50: 20000, rows_per_second: 0.01, requests: 10, warm_up: 1}
  - {name: memory, kind: memory, at_most_mb: 4000}
  - {name: start, kind: start, at_most_seconds: 200}
  - {name: size, kind: size, at_most_mb: 4000}
  - {name: schema, kind: schema, columns: {COLUMNS}}
"""
NUMBERS = f"""
data: DATA
truth: known
tests:
  - {{name: right, kind: metric, metric: mae, at_most: 1.0e-5}}
  - {{name: champion, kind: champion, metric: mae, against: "AGAINST:1"}}
  - {{name: direction, kind: direction, column: NUMBER, by: 0, must_not: fall}}
  - {{name: leak, kind: leak, metric: mae, columns: [NUMBER], worsens_at_most: 1000000}}
{_ANY}"""
CLASSES = f"""
data: DATA
truth: known
tests:
  - {{name: right, kind: metric, metric: accuracy, at_least: 1}}
  - {{name: parts, kind: metric, metric: accuracy, at_least: 1, slice: known, slice_rows: 1}}
  - {{name: log loss, kind: metric, metric: log_loss, at_most: 5}}
  - {{name: recall, kind: metric, metric: recall, class: CLASS, at_least: 1}}
  - {{name: champion, kind: champion, metric: accuracy, against: "AGAINST:1"}}
  - {{name: direction, kind: direction, column: NUMBER, by: 0, must_not: fall, class: CLASS}}
  - {{name: leak, kind: leak, columns: [NUMBER], worsens_at_most: 1}}
{_ANY}"""
PROJECT = "kinds"


def write_tests(
    folder: Path,
    text: str,
    columns: dict[str, str],
    rows: Sequence[Sequence[Any]],
    known: Sequence[Any],
    *,
    against: str,
    of_class: Any = "",
) -> None:
    """``clean.yaml`` and ``flipped.yaml`` in ``folder``, with their data: the answers that are ``known``, and the same
    with that to the first row exchanged for another. ``columns`` says the type of each."""
    number = next(name for name, kind in columns.items() if kind == "number")
    words = {
        "NUMBER": f'"{number}"',
        "COLUMNS": ", ".join(f'"{name}": {kind}' for name, kind in columns.items()),
        "CLASS": str(of_class),
        "AGAINST": against,
    }
    other = next((one for one in known if one != known[0]), None)
    assert other is not None
    for name, truth in (("clean", list(known)), ("flipped", [other, *known[1:]])):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*columns, "known"])
            writer.writerows([*row, one] for row, one in zip(rows, truth, strict=True))
        filled = text.replace("DATA", f"{name}.csv")
        for word, meaning in words.items():
            filled = filled.replace(word, meaning)
        (folder / f"{name}.yaml").write_text(filled, encoding="utf-8")


def check(session: Session, folder: Path, model: str, *, on: str = "this-computer") -> ModelTestRun:
    """By the clean test set in ``folder``, ``model`` passes everything; by the flipped one, whose first truth is
    another, those fail that look at the truth, and no others."""
    migrate_folder(session, folder, PROJECT)
    clean = run_model_tests(session, model, 1, tests=ContentRef(PROJECT, "", "clean.yaml"), on=on)
    assert clean.results and all(one.outcome is Outcome.PASSED for one in clean.results), clean.results
    flipped = run_model_tests(session, model, 1, tests=ContentRef(PROJECT, "", "flipped.yaml"), on=on)
    failed = {one.name for one in flipped.results if one.outcome is Outcome.FAILED}
    assert {"right", "agreement"} <= failed <= {"right", "agreement", "parts", "recall", "log loss"}, flipped.results
    assert all(one.outcome in (Outcome.PASSED, Outcome.FAILED) for one in flipped.results), flipped.results
    return clean
