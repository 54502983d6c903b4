"""Two versions of a model asked the same rows: the packaged services of both run for this alone, one after the other,
so that they neither need memory together nor slow each other down."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kronkers_studio.domain.errors import InvalidInput, PackagingFailed, PredictionFailed, RowsRefused
from kronkers_studio.domain.model_columns import model_columns
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.references import ModelReference
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.domain.row_comparison import ByTruth, ComparedRows, RowComparison, most_changed
from kronkers_studio.domain.row_tables import MatchedRows, RowTable
from kronkers_studio.workflows.answer_differences import by_truth, differences
from kronkers_studio.workflows.model_test_runs.findings import Unmeasurable
from kronkers_studio.workflows.model_test_runs.holdouts import Answers, column_place, rows_for
from kronkers_studio.workflows.model_test_runs.private_service import PrivateService, private_service
from kronkers_studio.workflows.model_test_runs.service_answers import AskedService
from kronkers_studio.workflows.prediction_requests import RawAnswer
from kronkers_studio.workflows.row_files import read_table
from kronkers_studio.workflows.session import Session

_Versions = tuple[ModelVersion, ModelVersion]
_ROW = re.compile(r"Row [0-9]+")


def compare_on_rows(
    session: Session,
    left: ModelReference,
    right: ModelReference,
    rows: Path | ContentRef | RowTable,
    *,
    truth: str = "",
    on: str = THIS_COMPUTER,
    source: Path | ContentRef | None = None,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> ComparedRows:
    """Send the table ``rows``, of which each gets the columns that it takes, to the packaged services of two versions
    in the place ``on``; with the column ``truth``, tell which is better. Both services are ended whatever happens.
    ``source`` is where a table comes from that was read already.

    Raises ``NotFound``, ``InvalidInput``, ``RowsRefused`` (a column is missing: nothing was started then),
    ``Unmeasurable`` (no such column), ``PackagingFailed``, ``ReleaseFailed``, ``PredictionFailed``, ``Cancelled``.
    """
    ledger = session.workspace.ledger
    versions = ledger.model_version(*left), ledger.model_version(*right)
    _check_versions(versions, on)
    table = rows if isinstance(rows, RowTable) else open_rows(session, *versions, rows, cancel)
    source = source if isinstance(rows, RowTable) else rows
    matched = _matched(table, versions, truth)
    if truth:
        column_place(table, truth)
    answers: list[Answers] = []
    spent: list[float] = []
    for version, each in zip(versions, matched, strict=True):
        given, milliseconds = _ask(session, version, each, on, progress, cancel)
        answers.append(given)
        spent.append(milliseconds)
    progress.step("Comparing the answers")
    found = differences(answers[0], answers[1])
    told, untold = _by_truth(table, truth, answers, versions) if truth else (None, "")
    labels = versions[0].label, versions[1].label
    comparison = RowComparison(
        left=labels[0],
        right=labels[1],
        table=table.name,
        rows=len(table.rows),
        alike=found.changed.count(False),
        left_milliseconds=round(spent[0], 3),
        right_milliseconds=round(spent[1], 3),
        transitions=found.transitions,
        numbers=found.numbers,
        chances=found.chances,
        truth=told,
        remarks=(*([untold] if untold else []), *_remarks(table, versions, matched, source, truth)),
    )
    order = most_changed(found.changed, found.sizes)
    return ComparedRows(comparison, table, answers[0].outputs, answers[1].outputs, found.changed, found.sizes, order)


def open_rows(
    session: Session, left: ModelVersion, right: ModelVersion, source: Path | ContentRef, cancel: CancelToken = NEVER
) -> RowTable:
    """The table in ``source``; the columns of the version that takes more of them tell the line of its names. Raises as
    ``row_files.read_table``."""
    wanted = max((left, right), key=lambda each: len(model_columns(each.signature).names))
    return read_table(session, source, wanted.signature, cancel)


def check_rows(table: RowTable, left: ModelVersion, right: ModelVersion, truth: str = "") -> None:
    """Raise ``RowsRefused`` or ``InvalidInput`` where one of them cannot take the rows, whose column ``truth`` is no
    input of a model that knows no names, or there are none."""
    _matched(table, (left, right), truth)


def _by_truth(table: RowTable, truth: str, answers: list[Answers], versions: _Versions) -> tuple[ByTruth | None, str]:
    """Which is better, or why that cannot be told: the answers can be compared all the same."""
    try:
        return by_truth(table, truth, answers[0], answers[1], (versions[0].label, versions[1].label)), ""
    except (Unmeasurable, RowsRefused) as problem:
        return None, f"Which is better cannot be told: {problem.message}"


def _check_versions(versions: _Versions, on: str) -> None:
    if versions[0].label == versions[1].label:
        raise InvalidInput(f"{versions[0].label} is on both sides.", next_step="Name two different versions.")
    for version in versions:
        if on == THIS_COMPUTER and version.facts.framework.in_container_only:
            raise PackagingFailed(
                f"Models of {version.facts.framework.label} run in a container, so {version.label} is compared on a "
                "server.",
                next_step="Choose one as the place.",
            )


def _matched(table: RowTable, versions: _Versions, truth: str) -> list[MatchedRows]:
    """The rows as each takes them. What is missing is said of both at once."""
    matched: list[MatchedRows] = []
    refused: list[RowsRefused] = []
    for version in versions:
        try:
            matched.append(rows_for(table, version, version.label, (truth,) if truth else ()))
        except RowsRefused as problem:
            refused.append(problem)
    if len(refused) == len(versions):
        first, second = (problem.message for problem in refused)
        same = second.replace(versions[1].label, versions[0].label) == first
        refused[0].message = f"{first} {f'The same goes for {versions[1].label}.' if same else second}"
    if refused:
        raise refused[0]
    if not table.rows:
        raise InvalidInput("There are no rows to send.", next_step="Give at least one row.")
    return matched


def _ask(
    session: Session, version: ModelVersion, matched: MatchedRows, on: str, progress: Progress, cancel: CancelToken
) -> tuple[Answers, float]:
    """What the version answers, and how many milliseconds that took."""
    with private_service(session, version, on, progress, cancel) as service:
        progress.step(f"Sending rows to {version.label}", len(matched.values), "rows")
        asked = _TimedService(service, cancel, progress.advance)
        try:
            return asked.answers(matched.values), asked.milliseconds
        except PredictionFailed as problem:
            if 0 < problem.row <= len(matched.values):
                place = matched.table.place_words(problem.row - 1)
                problem.message = _ROW.sub(lambda _found: place, problem.message, count=1)
            problem.message = f"{version.label}: {problem.message}"
            raise


class _TimedService(AskedService):
    """Adds up how long the answers take."""

    def __init__(self, service: PrivateService, cancel: CancelToken, sent: Callable[[int], object]) -> None:
        super().__init__(service, cancel, sent)
        self.milliseconds = 0.0

    def raw(self, rows: Sequence[Any]) -> RawAnswer:
        answer = super().raw(rows)
        self.milliseconds += answer.milliseconds
        return answer


def _remarks(
    table: RowTable,
    versions: _Versions,
    matched: list[MatchedRows],
    source: Path | ContentRef | None,
    truth: str,
) -> tuple[str, ...]:
    """What is worth knowing of how the rows were taken."""
    said = [*table.remarks]
    used = [{each.table.columns[place].strip() for place in each.used} for each in matched]
    for version, own, others in ((versions[0], used[0], used[1]), (versions[1], used[1], used[0])):
        if own - others:
            names = ", ".join(sorted(own - others)[:12])
            said.append(f"Only {version.label} takes {names}{' …' if len(own - others) > 12 else ''}.")
    for each in matched:
        said += each.remarks
    learnt = [version.label for version in versions if truth and _is_own_data(version, source)]
    if learnt:
        said.append(
            f"{' and '.join(learnt)} {'is' if len(learnt) == 1 else 'are'} registered with these rows as data: a model "
            "answers rows that it learnt better than new ones."
        )
    return tuple(dict.fromkeys(said))


def _is_own_data(version: ModelVersion, source: Path | ContentRef | None) -> bool:
    data = version.data
    if data is None or not isinstance(source, ContentRef):
        return False
    return (data.project, data.path) == (source.project, source.path)
