"""Send a person's table to a live model in parts, and put its answers beside the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kronkers_studio.domain.errors import Cancelled, InvalidInput, PredictionFailed, StudioError
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.releases import Prediction
from kronkers_studio.domain.row_tables import MatchedRows, ScoredRows
from kronkers_studio.workflows.prediction_requests import row_parts
from kronkers_studio.workflows.releases import live_release, predict
from kronkers_studio.workflows.session import Session


def live_model(session: Session, name: str, place: str) -> ModelVersion:
    """The version of ``name`` that is live in ``place``. Raises ``NotFound`` or ``ServiceUnavailable``."""
    return session.workspace.ledger.model_version(name, live_release(session, name, place).version)


def score_rows(
    session: Session,
    name: str,
    place: str,
    matched: MatchedRows,
    *,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> ScoredRows:
    """Send all rows of ``matched`` in parts of at most ``prediction_requests.PART_ROWS`` rows and ``PART_BYTES`` bytes;
    to a model that takes one row at a time, one by one.

    What ends it before the last part (the service refuses one, cannot be reached, or somebody cancels) is in the result
    with what was answered until then; before the first part is answered it is raised.
    """
    progress.step(f"Sending rows to {name}", len(matched.values), "rows")
    scored: ScoredRows | None = None
    outputs: list[Any] = []
    probabilities: list[Mapping[str, float]] = []
    for start, part in row_parts(matched.values, live_model(session, name, place).signature):
        try:
            cancel.check()
            answer = predict(session, name, place, part)
            _check_same(scored, answer)
        except StudioError as problem:
            told = _in_whole(problem, matched, start, len(part))
            if scored is None:
                raise told from None
            return replace(scored, problem=told)
        outputs += answer.outputs
        probabilities += answer.probabilities
        spent = answer.milliseconds + (scored.milliseconds if scored else 0.0)
        scored = ScoredRows(matched, answer.model, answer.version, outputs, probabilities, spent)
        progress.advance(len(part))
    if scored is None:
        raise InvalidInput("There are no rows to send.", next_step="Give at least one row.")
    return scored


def _check_same(scored: ScoredRows | None, answer: Prediction) -> None:
    """Another version may have gone live meanwhile: its answers are not mixed with those of the one before."""
    if scored is not None and answer.version != scored.version:
        raise PredictionFailed(
            f"Version {answer.version} went live in place of version {scored.version} while the rows were sent.",
            next_step="Send them again, so that one version answers them all.",
        )


def _in_whole(problem: StudioError, matched: MatchedRows, start: int, length: int) -> StudioError:
    """``problem`` with rows counted in the whole table: a service counts those of its part."""
    if isinstance(problem, Cancelled):
        return Cancelled("Cancelled.", next_step="What was answered until then is kept.")
    total, row = len(matched.values), problem.row if isinstance(problem, PredictionFailed) else 0
    if 0 < row <= length:
        place = matched.table.place_words(start + row - 1)
        rest = problem.message.removeprefix(f"Row {row}")
        problem.message = f"{place}{rest}" if rest != problem.message else f"{place}: {problem.message}"
    elif length < total:
        problem.next_step = (
            f"It happened in the rows {start + 1:,} to {start + length:,} of {total:,}. {problem.next_step}".strip()
        )
    return problem
