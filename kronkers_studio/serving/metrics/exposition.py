"""What Prometheus reads at ``/metrics``, and what is kept of it (``history``). Recording one request costs some two
microseconds."""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kronkers_studio.serving.metrics.answer_counts import AnswerCounts
from kronkers_studio.serving.metrics.feature_counts import FeatureCounts
from kronkers_studio.serving.metrics.feature_series import feature_series, feature_statistics
from kronkers_studio.serving.metrics.history import History
from kronkers_studio.serving.model import Arrays

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# From half a millisecond to ten seconds, close enough together that a quantile read off them is within a fifth.
_SECONDS = (
    *(0.0005, 0.00075, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.005, 0.0075),
    *(0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75),
    *(1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0),
)


class Metrics:
    """The service's counters, in a registry of their own. What they were is kept in ``history``. ``features`` counts
    what came in; None of a package without a profile."""

    def __init__(
        self,
        model: str,
        version: int,
        framework: str,
        answers: AnswerCounts | None,
        features: FeatureCounts | None = None,
        *,
        has_workers: bool = False,
    ) -> None:
        """``has_workers``: the model is in processes that this one starts, and what they take counts."""
        self.features = features
        disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "kronkers_requests", "Prediction requests answered.", ("route", "code"), registry=self._registry
        )
        self._seconds = Histogram(
            "kronkers_request_seconds",
            "Time from a prediction request's arrival to its answer.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._rows = Counter("kronkers_rows", "Rows predicted.", registry=self._registry)
        self._in_flight = Gauge(
            "kronkers_requests_in_flight", "Prediction requests being worked on.", registry=self._registry
        )
        info = Gauge(
            "kronkers_model_info", "The model served.", ("model", "version", "framework"), registry=self._registry
        )
        info.labels(model, str(version), framework).set(1)
        process = _Process(has_workers)
        self.history = History(_SECONDS, answers, process.usage)
        self._registry.register(process)
        self._registry.register(_Run(self.history))
        self._of_route: dict[tuple[str, int], Counter] = {}

    def register(self, collector: Collector) -> None:
        """Tell what ``collector`` knows, too."""
        self._registry.register(collector)

    def began(self) -> None:
        """A prediction request has arrived."""
        self._in_flight.inc()

    def answered(
        self,
        route: str,
        code: int,
        seconds: float,
        rows: int,
        label: np.ndarray[Any, Any] | None = None,
        inputs: Arrays | None = None,
    ) -> None:
        """A prediction request was answered with status ``code``; ``rows`` counts what was predicted, ``label`` holds
        it, and ``inputs`` what it was predicted of."""
        self._in_flight.dec()
        counter = self._of_route.get((route, code))
        if counter is None:
            counter = self._of_route[route, code] = self._requests.labels(route, str(code))
        counter.inc()
        self._seconds.observe(seconds)
        if rows:
            self._rows.inc(rows)
        self.history.count(code, bisect_left(_SECONDS, seconds), rows, label)
        if inputs is not None and self.features is not None:
            self.features.add(inputs, rows, label)

    def advance(self) -> None:
        """Look at the clock, and count what waits; at least every few seconds."""
        self.history.advance()
        if self.features is not None:
            self.features.flush()

    def text(self, *, features: bool = True) -> bytes:
        """Everything in Prometheus' text format; what came in with ``features`` only."""
        text = generate_latest(self._registry)
        return text if self.features is None else text + feature_series(self.features, counts=features)

    def statistics(self) -> dict[str, Any]:
        """What came in since this run began, as JSON's own types."""
        told = {"run": self.history.run, "uptime": self.history.uptime}
        return {**told, **feature_statistics(self.features)} if self.features is not None else {**told, "profile": None}


class _Process(Collector):
    """This process, measured when it is asked for. What a confined process may not see of itself is left out."""

    def __init__(self, has_workers: bool) -> None:
        self._has_workers = has_workers  # to look for others takes a look at every process of the computer
        self._started = time.time()
        self._process: psutil.Process | None = None
        with suppress(psutil.Error, OSError):
            self._process = psutil.Process()
            self._started = self._process.create_time()

    def usage(self) -> tuple[float, int | None]:
        """Seconds of processor time used so far, and bytes of memory; those of the processes that it started, in which
        models of R and Julia are, included."""
        seconds, memory = sum(os.times()[:4]), None  # with the processes that have ended
        with suppress(psutil.Error, OSError):
            if self._process is not None:
                memory = self._process.memory_info().rss
                for child in self._process.children(recursive=True) if self._has_workers else ():
                    with suppress(psutil.Error):  # it has ended meanwhile
                        used, held = child.cpu_times(), child.memory_info().rss
                        seconds, memory = seconds + used.user + used.system, memory + held
        return seconds, memory

    def collect(self) -> Iterator[Metric]:
        cpu, memory = self.usage()
        yield CounterMetricFamily("kronkers_process_cpu_seconds", "Processor time used, in seconds.", value=cpu)
        if memory is not None:
            yield GaugeMetricFamily(
                "kronkers_process_memory_bytes", "Resident memory of all its processes, in bytes.", value=memory
            )
        yield GaugeMetricFamily(
            "kronkers_process_start_time_seconds", "When the process started, since the epoch.", value=self._started
        )


class _Run(Collector):
    """Which run of the service this is, and how long it has lasted by the clock of its history."""

    def __init__(self, history: History) -> None:
        self._history = history

    def collect(self) -> Iterator[Metric]:
        self._history.advance()
        yield GaugeMetricFamily(
            "kronkers_process_uptime_seconds", "How long the service has run, in seconds.", value=self._history.uptime
        )
        run = GaugeMetricFamily("kronkers_run_info", "Which run of the service this is.", labels=("run",))
        run.add_metric((self._history.run,), 1)
        yield run
