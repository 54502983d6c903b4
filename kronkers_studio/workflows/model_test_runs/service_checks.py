"""Checks of the service itself: how quick and large it is, what it takes and which classes it answers."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np

from kronkers_studio.domain.expectations import (
    LatencyExpectation,
    MemoryExpectation,
    SchemaExpectation,
    SizeExpectation,
    StartExpectation,
)
from kronkers_studio.estimators.class_labels import in_order, label_of, one_spelling
from kronkers_studio.workflows.model_test_runs.examination import Examination
from kronkers_studio.workflows.model_test_runs.findings import Finding, Unmeasurable, figure, limit_words, passed_if

_MEGABYTE = 1_000_000
_BULK_ROWS = 1000  # of a request by which rows per second are measured
_BULK_SECONDS = 2.0
_NUMBERS = frozenset(("FP16", "FP32", "FP64", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"))
_FAMILIES: Mapping[str, frozenset[str]] = {
    "number": _NUMBERS,
    "integer": frozenset(name for name in _NUMBERS if "INT" in name),
    "text": frozenset(("BYTES",)),
    "truth": frozenset(("BOOL",)),
    "any": frozenset((*_NUMBERS, "BYTES", "BOOL")),
}
_MOST_NAMED = 8


def check_latency(examination: Examination, wanted: LatencyExpectation) -> Finding:
    rows = examination.any_rows(wanted, 1000)
    asked = examination.asked
    for at in range(wanted.warm_up):
        _require_answer(asked.raw([rows[at % len(rows)]]).status)
    examination.progress.expect(wanted.requests)
    times = []
    for at in range(wanted.requests):
        answer = asked.raw([rows[at % len(rows)]])
        _require_answer(answer.status)
        times.append(answer.milliseconds)
    said, failed = [], False
    value, limit = float("nan"), ""
    for percentile, bound in ((50, wanted.p50), (95, wanted.p95), (99, wanted.p99)):
        if bound is not None:
            found = float(np.percentile(times, percentile))
            over = found > bound
            said.append(f"p{percentile} {figure(found, bound)} ms (at most {figure(bound)})")
            if not limit or (over and not failed):
                value, limit = found, f"p{percentile} at most {figure(bound)} ms"
            failed |= over
    if wanted.rows_per_second is not None:
        speed = _rows_per_second(examination, wanted)
        slow = speed < wanted.rows_per_second
        said.append(
            f"{figure(speed, wanted.rows_per_second)} rows a second (at least {figure(wanted.rows_per_second)})"
        )
        if not limit or (slow and not failed):
            value, limit = speed, limit_words(wanted.rows_per_second, None, "rows a second")
        failed |= slow
    sentence = (
        f"One row is answered in: {', '.join(said)}; {wanted.requests:,} requests after {wanted.warm_up:,} others."
    )
    return passed_if(not failed, sentence, value, limit)


def _rows_per_second(examination: Examination, wanted: LatencyExpectation) -> float:
    rows = examination.any_rows(wanted, _BULK_ROWS)
    if len(rows) < _BULK_ROWS:
        rows = [rows[at % len(rows)] for at in range(_BULK_ROWS)]
    sent, began = 0, time.perf_counter()
    while time.perf_counter() - began < _BULK_SECONDS or not sent:
        examination.asked.answers(rows)
        sent += len(rows)
    return sent / (time.perf_counter() - began)


def _require_answer(status: int) -> None:
    if status != 200:
        raise Unmeasurable(f"The rows are not answered (status {status}), so that no time can be told.")


def check_memory(examination: Examination, wanted: MemoryExpectation) -> Finding:
    if wanted.data:
        examination.answers(wanted)
    found = examination.memory()
    if found is None:
        raise Unmeasurable("How much memory the service takes is not told in that place.")
    used, limit = found / _MEGABYTE, limit_words(None, wanted.at_most_mb, "MB")
    sentence = f"The service took up to {figure(used, wanted.at_most_mb)} MB of memory, {limit} was asked for."
    return passed_if(used <= wanted.at_most_mb, sentence, used, limit)


def check_start(examination: Examination, wanted: StartExpectation) -> Finding:
    seconds, limit = examination.service.start_seconds, limit_words(None, wanted.at_most_seconds, "s")
    sentence = f"The service was ready after {figure(seconds, wanted.at_most_seconds)} s, {limit} was asked for."
    return passed_if(seconds <= wanted.at_most_seconds, sentence, seconds, limit)


def check_size(examination: Examination, wanted: SizeExpectation) -> Finding:
    package = examination.service.package
    held, limit = package.size / _MEGABYTE, limit_words(None, wanted.at_most_mb, "MB")
    base = "" if package.base else ", without a base image"
    sentence = f"The package holds {figure(held, wanted.at_most_mb)} MB{base}, {limit} was asked for."
    return passed_if(held <= wanted.at_most_mb, sentence, held, limit)


def check_schema(examination: Examination, wanted: SchemaExpectation) -> Finding:
    problems: list[str] = []
    if wanted.columns:
        problems += _column_problems(examination.asked.inputs(), wanted)
    if wanted.classes and not problems:  # with other columns, the rows may not be answered at all
        problems += _class_problems(examination, wanted)
    limit = ", ".join(
        filter(
            None,
            (
                _counted(len(wanted.columns), "column", "columns"),
                _counted(len(wanted.classes), "class", "classes"),
            ),
        )
    )
    if problems:
        more = f"; and {len(problems) - _MOST_NAMED} more" if len(problems) > _MOST_NAMED else ""
        said = "; ".join(problems[:_MOST_NAMED])
        return passed_if(False, f"{said[0].upper()}{said[1:]}{more}.", None, limit)
    return passed_if(True, f"The service takes and answers what was asked for: {limit}.", None, limit)


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}" if count else ""


def _column_problems(takes: Mapping[str, str], wanted: SchemaExpectation) -> list[str]:
    problems = []
    for name, kind in wanted.columns.items():
        if kind not in _FAMILIES and kind.upper() not in _FAMILIES["any"]:
            raise Unmeasurable(f"“{kind[:60]}” is no type; there are {', '.join(_FAMILIES)}, and types such as FP32.")
        if name not in takes:
            problems.append(f"it takes no “{name}”")
        elif takes[name] not in _FAMILIES.get(kind, frozenset((kind.upper(),))):
            problems.append(f"“{name}” is {takes[name]}, not {kind}")
    if wanted.exactly:
        problems += [f"it also takes “{name}”" for name in takes if name not in wanted.columns]
    return problems


def _class_problems(examination: Examination, wanted: SchemaExpectation) -> list[str]:
    answers = examination.answers(wanted)
    named = answers.probabilities[0] if answers.probabilities else answers.outputs
    asked, given = one_spelling([label_of(each) for each in wanted.classes], [label_of(each) for each in named])
    missing, other = set(asked) - set(given), set(given) - set(asked)
    problems = []
    if missing:
        problems.append(f"it does not answer {_quoted(missing)}")
    if other:
        problems.append(f"it answers {_quoted(other)}, which was not asked for")
    return problems


def _quoted(labels: set[str]) -> str:
    return ", ".join(f"“{label}”" for label in in_order(labels)[:_MOST_NAMED])
