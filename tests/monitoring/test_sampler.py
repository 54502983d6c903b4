"""The sampler against exact quantiles, real expositions and restarted services."""

from __future__ import annotations

import math

import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from kronkers_studio.domain.errors import MetricsUnreadable
from kronkers_studio.domain.series import Metric
from kronkers_studio.monitoring import Sampler
from kronkers_studio.monitoring.exposition import parse_exposition
from kronkers_studio.monitoring.sampler import quantile

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Service:
    """A service's metrics, made by the library that the real service uses."""

    def __init__(self, started: float = 1000.0) -> None:
        self.registry = own = prometheus_client.CollectorRegistry()
        self.requests = prometheus_client.Counter("kronkers_requests", "Requests", ["route", "code"], registry=own)
        self.seconds = prometheus_client.Histogram("kronkers_request_seconds", "Seconds", buckets=BOUNDS, registry=own)
        self.cpu = prometheus_client.Counter("kronkers_process_cpu_seconds", "CPU", registry=own)
        self.memory = prometheus_client.Gauge("kronkers_process_memory_bytes", "Memory", registry=own)
        self.in_flight = prometheus_client.Gauge("kronkers_requests_in_flight", "In flight", registry=own)
        self.start = prometheus_client.Gauge("kronkers_process_start_time_seconds", "Start", registry=own)
        self.start.set(started)
        self.memory.set(2**27)

    def answer(self, seconds: float, code: int = 200, route: str = "/predict") -> None:
        self.requests.labels(route, str(code)).inc()
        if route != "/metrics":
            self.seconds.observe(seconds)

    def text(self) -> str:
        return prometheus_client.generate_latest(self.registry).decode()


def test_the_first_reading_gives_only_what_needs_no_earlier_one() -> None:
    assert Sampler().take(Service().text(), 10.0) == {Metric.MEMORY: 134_220_000.0, Metric.IN_FLIGHT: 0.0}


def test_rates_are_per_second_and_count_predictions_only() -> None:
    service, sampler = Service(), Sampler()
    sampler.take(service.text(), 100.0)
    for code in (200, 200, 200, 422, 500):
        service.answer(0.002, code)
    service.answer(0.002, 200, "/v2/models/churn/infer")
    service.answer(0.002, 200, "/metrics")
    service.cpu.inc(0.5)
    samples = sampler.take(service.text(), 102.0)
    assert samples[Metric.REQUEST_RATE] == 3.0
    assert samples[Metric.ERROR_RATE] == 1.0
    assert samples[Metric.CPU] == 25.0
    assert sampler.totals == {"answered": 4, "refused": 1, "failed": 1}


def test_without_a_request_there_is_no_response_time() -> None:
    service, sampler = Service(), Sampler()
    service.answer(0.002)
    sampler.take(service.text(), 100.0)
    samples = sampler.take(service.text(), 102.0)
    assert Metric.LATENCY_P95 not in samples
    assert samples[Metric.REQUEST_RATE] == 0.0


def test_a_restarted_service_counts_with_what_it_did_since() -> None:
    service, sampler = Service(), Sampler()
    for _ in range(50):
        service.answer(0.002)
    service.cpu.inc(0.5)
    sampler.take(service.text(), 100.0)
    again = Service(started=1500.0)
    for _ in range(60):  # more than before: only the start time tells
        again.answer(0.002)
    again.cpu.inc(1)
    samples = sampler.take(again.text(), 110.0)
    assert samples[Metric.REQUEST_RATE] == 6.0
    assert samples[Metric.CPU] == 10.0


def test_a_counter_that_fell_is_a_restart_even_where_the_start_time_is_the_same() -> None:
    service, again, sampler = Service(), Service(), Sampler()
    for _ in range(50):
        service.answer(0.002)
    sampler.take(service.text(), 100.0)
    again.answer(0.002)
    samples = sampler.take(again.text(), 101.0)
    assert samples[Metric.REQUEST_RATE] == 1.0


def test_a_clock_that_was_set_back_gives_no_rates() -> None:
    service, sampler = Service(), Sampler()
    sampler.take(service.text(), 100.0)
    assert Metric.REQUEST_RATE not in sampler.take(service.text(), 99.0)


def test_what_took_longer_than_the_last_bound_counts_as_the_last_bound() -> None:
    service, sampler = Service(), Sampler()
    sampler.take(service.text(), 0.0)
    service.answer(60.0)
    assert sampler.take(service.text(), 1.0)[Metric.LATENCY_P99] == 10_000.0


@given(st.lists(st.floats(1e-5, 9.9), min_size=1, max_size=300), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_is_within_the_bucket_of_the_exact_one(seconds: list[float], q: float) -> None:
    bounds = [*BOUNDS, math.inf]
    counts = [0.0] * len(bounds)
    for value in seconds:
        counts[next(index for index, bound in enumerate(bounds) if value <= bound)] += 1
    exact = sorted(seconds)[max(0, math.ceil(q * len(seconds)) - 1)]
    found = quantile(bounds, counts, q)
    upper = next(index for index, bound in enumerate(bounds) if exact <= bound)
    assert found is not None
    assert (bounds[upper - 1] if upper else 0.0) <= found <= bounds[upper] * (1 + 1e-12)


@given(st.lists(st.floats(1e-5, 20), max_size=80), st.lists(st.floats(1e-5, 20), min_size=1, max_size=80))
def test_response_times_are_of_the_requests_between_two_readings_only(
    before: list[float], between: list[float]
) -> None:
    service, fresh, sampler, other = Service(), Service(), Sampler(), Sampler()
    other.take(fresh.text(), 0.0)
    for seconds in before:
        service.answer(seconds)
    sampler.take(service.text(), 0.0)
    for seconds in between:
        service.answer(seconds)
        fresh.answer(seconds)
    assert sampler.take(service.text(), 2.0) == other.take(fresh.text(), 2.0)


def test_values_have_five_significant_digits() -> None:
    service, sampler = Service(), Sampler()
    sampler.take(service.text(), 0.0)
    service.answer(0.002)
    assert sampler.take(service.text(), 3.0)[Metric.REQUEST_RATE] == 0.33333


@pytest.mark.parametrize(
    "text",
    [
        "<html>",
        "a{b=c} 1",
        'a{b="c} 1',
        "a 1_000",
        "a",
        "a one",
        'kronkers_request_seconds_bucket{le="wide"} 1',
        "kronkers_request_seconds_bucket 1",
    ],
)
def test_what_is_not_a_list_of_metrics_is_refused(text: str) -> None:
    with pytest.raises(MetricsUnreadable):
        Sampler().take(text, 0.0)


@given(
    st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text(), max_size=3),
    st.floats(allow_nan=False),
)
def test_labels_and_values_read_as_the_reference_reader_reads_them(labels: dict[str, str], value: float) -> None:
    registry = prometheus_client.CollectorRegistry()
    names = [name for name in labels if not name.startswith("__")]
    gauge = prometheus_client.Gauge("measure", "Help with\nlines and \\", names, registry=registry)
    (gauge.labels(*(labels[name] for name in names)) if names else gauge).set(value)
    text = prometheus_client.generate_latest(registry).decode("utf-8", "surrogatepass")
    wanted = [
        (sample.name, dict(sample.labels), sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]
    assert [(found.name, dict(found.labels), found.value) for found in parse_exposition(text)] == wanted
