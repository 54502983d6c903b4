"""What a test set expects of a model's service: one dataclass for each kind of expectation.

A test set is a file of a project; ``workflows.model_test_runs.expectation_files`` reads it. Its keys are the names of
the fields here (``class_`` is written ``class``), so that what can be written stands in one place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from kronkers_studio.domain.models import ContentRef

TEST_SET_ENDINGS = (".tests.yaml", ".tests.yml", ".tests.json")
"""Of a test set that lies beside a model's file."""


def is_test_set_name(path: str) -> bool:
    """Whether a file of that name is taken for a test set; other files of JSON are tables."""
    return path.lower().endswith((".yaml", ".yml", *TEST_SET_ENDINGS))


class Metric(StrEnum):
    """What is measured of answers whose truth is known."""

    ACCURACY = "accuracy"
    BALANCED_ACCURACY = "balanced_accuracy"
    PRECISION = "precision"
    RECALL = "recall"
    F1 = "f1"
    ROC_AUC = "roc_auc"
    LOG_LOSS = "log_loss"
    BRIER = "brier"
    RMSE = "rmse"
    MAE = "mae"
    R2 = "r2"
    MAPE = "mape"

    @property
    def words(self) -> str:
        """As it begins a sentence."""
        return _METRIC_WORDS.get(self, self.value.replace("_", " ").capitalize())

    @property
    def is_error(self) -> bool:
        """Whether a smaller value is a better one."""
        return self in (Metric.LOG_LOSS, Metric.BRIER, Metric.RMSE, Metric.MAE, Metric.MAPE)

    @property
    def of_numbers(self) -> bool:
        """Whether truth and answers are numbers, not classes."""
        return self in (Metric.RMSE, Metric.MAE, Metric.R2, Metric.MAPE)

    @property
    def of_probabilities(self) -> bool:
        """Whether it is measured of the probabilities of classes."""
        return self in (Metric.ROC_AUC, Metric.LOG_LOSS, Metric.BRIER)


_METRIC_WORDS = {
    Metric.F1: "F1",
    Metric.ROC_AUC: "ROC AUC",
    Metric.LOG_LOSS: "Log loss",
    Metric.BRIER: "Brier score",
    Metric.RMSE: "RMSE",
    Metric.MAE: "MAE",
    Metric.R2: "R²",
    Metric.MAPE: "MAPE",
}


def bounded(default: Any = None, *, least: float | None = None, most: float | None = None) -> Any:
    """A field that holds a number from ``least`` to ``most``."""
    return field(default=default, metadata={"least": least, "most": most})


def one_of(*words: str) -> Any:
    """A field that holds one of ``words``, and must be given."""
    return field(metadata={"words": words})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """``name`` tells it from the others of its set."""

    kind: ClassVar[str]
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnRows(Expectation):
    """One that sends rows: of the table ``data``, the set's own where it names none."""

    data: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricExpectation(OnRows):
    """A metric on rows whose ``truth`` is known is ``at_least`` or ``at_most`` so much, on at least ``minimum_rows``;
    with ``slice``, in each part of the rows with one value of that column that has ``slice_rows`` or more.

    ``class_`` is the class that precision, recall, F1, ROC AUC and Brier score are of; by default all, averaged.
    """

    kind = "metric"
    metric: Metric
    truth: str = ""
    class_: str | float | bool | None = None
    at_least: float | None = None
    at_most: float | None = None
    minimum_rows: int = bounded(1, least=1)
    slice: str = ""
    slice_rows: int = bounded(30, least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChampionExpectation(OnRows):
    """On the same rows no worse by a metric than another version (``@ALIAS`` or ``NAME:V``): worse by more than
    ``tolerance``, and by more than chance explains with a probability of ``chance``, is a failure."""

    kind = "champion"
    metric: Metric
    truth: str = ""
    class_: str | float | bool | None = None
    against: str = ""
    tolerance: float = bounded(0.0, least=0)
    chance: float = bounded(0.05, least=0, most=1)
    minimum_rows: int = bounded(1, least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyExpectation(OnRows):
    """Milliseconds for a request of one row, by percentile over ``requests`` after ``warm_up`` others; rows a second of
    large requests."""

    kind = "latency"
    p50: float | None = bounded(least=0)
    p95: float | None = bounded(least=0)
    p99: float | None = bounded(least=0)
    rows_per_second: float | None = bounded(least=0)
    requests: int = bounded(200, least=10, most=100_000)
    warm_up: int = bounded(20, least=0, most=10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryExpectation(OnRows):
    """The most resident memory of the service during the whole run, in megabytes of 1,000,000 bytes."""

    kind = "memory"
    at_most_mb: float = bounded(0.0, least=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartExpectation(Expectation):
    """Seconds from the start of the service until it takes requests."""

    kind = "start"
    at_most_seconds: float = bounded(0.0, least=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeExpectation(Expectation):
    """Megabytes (1,000,000 bytes) of the package."""

    kind = "size"
    at_most_mb: float = bounded(0.0, least=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaExpectation(OnRows):
    """The service takes ``columns`` (name: number, integer, text, truth, any, or a type such as FP32), with ``exactly``
    no others; the classes that it tells are ``classes``."""

    kind = "schema"
    columns: Mapping[str, str] = field(default_factory=dict)
    exactly: bool = True
    classes: tuple[str | float | bool, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InvarianceExpectation(OnRows):
    """The answer to a share of ``at_least`` of the rows stays the same, numbers within ``tolerance``, when ``column``
    holds each of ``values``, other letter ``case``, ``whitespace`` around it, ``noise`` (as a share of its standard
    deviation), or the two values of ``swap`` exchanged. ``sample`` rows are tried."""

    kind = "invariance"
    column: str
    values: tuple[str | float | bool | None, ...] = ()
    noise: float | None = bounded(least=0)
    case: bool = False
    whitespace: bool = False
    swap: tuple[str | float | bool, ...] = ()
    tolerance: float = bounded(1e-9, least=0)
    at_least: float = bounded(1.0, least=0, most=1)
    sample: int = bounded(500, least=1, most=100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionExpectation(OnRows):
    """With ``by`` added to ``column``, the answer (or the probability of ``class_``) of a share of ``at_least`` of the
    rows does not fall, or not rise, by more than ``tolerance``."""

    kind = "direction"
    column: str
    by: float
    must_not: str = one_of("fall", "rise")
    class_: str | float | bool | None = None
    tolerance: float = bounded(1e-9, least=0)
    at_least: float = bounded(1.0, least=0, most=1)
    sample: int = bounded(500, least=1, most=100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementExpectation(OnRows):
    """The answers are those that stand in the column ``prediction``, written when the model was trained: the same, or
    numbers within ``tolerance``, for a share of ``at_least`` of the rows."""

    kind = "agreement"
    prediction: str
    tolerance: float = bounded(1e-6, least=0)
    at_least: float = bounded(1.0, least=0, most=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusesExpectation(OnRows):
    """Each of ``rows``, the first row of the data with each of the ``wrong`` values of a column, and it without each of
    the columns ``without`` is refused with 4xx."""

    kind = "refuses"
    rows: tuple[Any, ...] = ()
    wrong: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeterministicExpectation(OnRows):
    """The same rows get the same answers: twice, in another order, one by one; numbers within ``tolerance`` of their
    size. ``sample`` rows are tried."""

    kind = "deterministic"
    tolerance: float = bounded(1e-6, least=0)
    sample: int = bounded(200, least=1, most=100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakExpectation(OnRows):
    """No column gives the truth away: with the values of each of ``columns`` shuffled among the rows the metric gets
    worse by ``worsens_at_most``; and no column of the model tells the truth alone better than ``alone_at_most`` (1 is
    perfect)."""

    kind = "leak"
    truth: str = ""
    columns: tuple[str, ...] = ()
    metric: Metric = Metric.ACCURACY
    class_: str | float | bool | None = None
    worsens_at_most: float | None = bounded(least=0)
    alone_at_most: float | None = bounded(least=0, most=1)


KINDS: Mapping[str, type[Expectation]] = {
    each.kind: each
    for each in (
        *(MetricExpectation, ChampionExpectation, LatencyExpectation, MemoryExpectation, StartExpectation),
        *(SizeExpectation, SchemaExpectation, InvarianceExpectation, DirectionExpectation, AgreementExpectation),
        *(RefusesExpectation, DeterministicExpectation, LeakExpectation),
    )
}
"""Every kind of expectation by the word that a test set has for it."""


@dataclass(frozen=True, slots=True)
class ExpectationSet:
    """What is expected, read from ``source`` (its commit in full), whose bytes have the SHA-256 ``digest``."""

    source: ContentRef
    digest: str
    expectations: Sequence[Expectation]
