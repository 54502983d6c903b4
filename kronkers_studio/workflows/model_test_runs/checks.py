"""Each kind of expectation and its check, and a whole set, checked one after the other."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from kronkers_studio.domain.errors import Cancelled, StudioError
from kronkers_studio.domain.expectations import (
    AgreementExpectation,
    ChampionExpectation,
    DeterministicExpectation,
    DirectionExpectation,
    Expectation,
    ExpectationSet,
    InvarianceExpectation,
    LatencyExpectation,
    LeakExpectation,
    MemoryExpectation,
    MetricExpectation,
    RefusesExpectation,
    SchemaExpectation,
    SizeExpectation,
    StartExpectation,
)
from kronkers_studio.domain.model_tests import ExpectationResult, Outcome
from kronkers_studio.workflows.model_test_runs import behaviour_checks, quality_checks, service_checks
from kronkers_studio.workflows.model_test_runs.examination import Examination
from kronkers_studio.workflows.model_test_runs.findings import Finding

_LONGEST_SENTENCE = 2000
_CHECKS: Mapping[type[Expectation], Callable[[Examination, Any], Finding]] = {
    MetricExpectation: quality_checks.check_metric,
    ChampionExpectation: quality_checks.check_champion,
    AgreementExpectation: quality_checks.check_agreement,
    LeakExpectation: quality_checks.check_leak,
    InvarianceExpectation: behaviour_checks.check_invariance,
    DirectionExpectation: behaviour_checks.check_direction,
    RefusesExpectation: behaviour_checks.check_refuses,
    DeterministicExpectation: behaviour_checks.check_deterministic,
    LatencyExpectation: service_checks.check_latency,
    MemoryExpectation: service_checks.check_memory,
    StartExpectation: service_checks.check_start,
    SizeExpectation: service_checks.check_size,
    SchemaExpectation: service_checks.check_schema,
}


def check_set(examination: Examination, test_set: ExpectationSet) -> tuple[ExpectationResult, ...]:
    """What came of each expectation, in the set's order. Memory is looked at last: by then everything was asked.

    What cannot be measured is an error of its own, and the others go on. Raises ``Cancelled``.
    """
    order = sorted(range(len(test_set.expectations)), key=lambda at: _is_late(test_set.expectations[at]))
    found: dict[int, ExpectationResult] = {}
    for done, at in enumerate(order, 1):
        expectation = test_set.expectations[at]
        examination.progress.step(f"Test {done} of {len(order)}: {expectation.name}", None, "rows")
        found[at] = _checked(examination, expectation)
        examination.memory()
    return tuple(found[at] for at in range(len(order)))


def _is_late(expectation: Expectation) -> bool:
    return isinstance(expectation, MemoryExpectation)


def _checked(examination: Examination, expectation: Expectation) -> ExpectationResult:
    began = time.perf_counter()
    try:
        examination.cancel.check()
        finding = _CHECKS[type(expectation)](examination, expectation)
    except Cancelled:
        raise
    except StudioError as problem:
        finding = Finding(Outcome.ERROR, problem.message)
    value = finding.value
    return ExpectationResult(
        name=expectation.name,
        kind=expectation.kind,
        outcome=finding.outcome,
        value=float(value) if value is not None and math.isfinite(value) else None,
        limit=finding.limit,
        sentence=finding.sentence[:_LONGEST_SENTENCE],
        seconds=round(time.perf_counter() - began, 3),
    )
