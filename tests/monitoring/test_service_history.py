"""What a service keeps of its last hours, told to whoever comes late: the service's own bookkeeping, its answer read by
the sampler and kept in the store, with a clock that the test moves."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kronkers_studio.domain.errors import MetricsUnreadable
from kronkers_studio.domain.series import AnswerLine, Metric, SeriesKey
from kronkers_studio.monitoring import Sampler, SeriesStore
from kronkers_studio.monitoring.sampler import Sample, Taken
from kronkers_studio.monitoring.scrape import Scrape
from kronkers_studio.monitoring.service_history import read_history
from kronkers_studio.serving.metrics.answer_counts import ClassCounts, NumberCounts
from kronkers_studio.serving.metrics.history import MOST_INTERVALS, History

BOUNDS = (0.01, 0.1, 1.0)
MODEL, PLACE = "churn", "this-computer"
RATE = SeriesKey(MODEL, PLACE, Metric.REQUEST_RATE)
MEMORY = SeriesKey(MODEL, PLACE, Metric.MEMORY)


class Service:
    """A service as its metrics and history show it. ``uptime`` is its clock, which the test moves; ``ahead`` is how far
    the watching computer's clock is ahead of it."""

    def __init__(self, at: float = 1_790_000_000.0) -> None:
        self.now = 0.0
        self.began = at
        self.answers: Any = ClassCounts(("no", "yes"))
        self.history = History(BOUNDS, self.answers, lambda: (self.now / 10, 1000), lambda: self.now)
        self.counted = {"2": 0, "4": 0, "5": 0}
        self.buckets = [0] * (len(BOUNDS) + 1)

    def run(self, seconds: float, each: Callable[[], None] = lambda: None) -> None:
        """``seconds`` pass; ``each`` is called at every one of them."""
        until = self.now + seconds
        while self.now + 1 <= until:
            self.now += 1
            each()
            self.history.advance()
        self.now = until

    def answer(self, code: int = 200, bucket: int = 1, label: str | None = None) -> None:
        self.counted[str(code)[0]] += 1
        self.buckets[bucket] += 1
        self.history.count(code, bucket, 1, None if label is None else np.array([label], object))

    def sleep(self, seconds: float) -> None:
        """The computer sleeps."""
        self.now += seconds

    def scrape(self, clock: float = 0.0) -> Scrape:
        self.history.advance()
        return Scrape(
            self.began + self.now + clock,
            answers={kind: float(number) for kind, number in self.counted.items()},
            buckets={bound: float(sum(self.buckets[: i + 1])) for i, bound in enumerate((*BOUNDS, math.inf))},
            cpu_seconds=self.now / 10,
            memory=1000,
            run=self.history.run,
            uptime=self.history.uptime,
        )

    def read(self, sampler: Sampler, clock: float = 0.0) -> Taken:
        now = self.scrape(clock)
        after = sampler.missed_since(now)
        history = None if after is None else read_history(self.history.after, self.history.run, after, self.now)
        return sampler.add(now, history)


def requests(samples: list[Sample]) -> float:
    """How many requests the samples tell of."""
    return sum((s.at - s.start) * s.values.get(Metric.REQUEST_RATE, 0.0) for s in samples)


def follows(samples: list[Sample]) -> bool:
    """Whether each sample begins where the one before ends."""
    return all(abs(a.at - b.start) < 0.011 for a, b in pairwise(samples))


def test_who_comes_late_is_told_everything_once() -> None:
    service = Service()
    service.run(123, service.answer)
    taken = service.read(Sampler())
    assert requests(list(taken.samples)) == pytest.approx(123, rel=1e-3)
    assert follows(list(taken.samples))
    assert len(taken.samples) == 12, "ten seconds each, and the rest with the last"
    assert {s.values[Metric.LATENCY_P50] for s in taken.samples} == {55.0}
    assert Metric.CPU not in taken.samples[0].values, "loading the model took some of it, before the first second"
    assert {s.values[Metric.CPU] for s in taken.samples[1:]} == {10.0}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.3, 90), st.integers(0, 3), st.booleans()), min_size=2, max_size=12),
    st.floats(-5000, 5000),
)
def test_live_and_late_readings_add_up_to_what_was_answered(
    phases: list[tuple[float, int, bool]], clock: float
) -> None:
    """Whoever reads, and however long nobody did: the samples lie one after the other and tell of every request, though
    they are rounded; whatever this computer's clock says."""
    service = Service()
    sampler = Sampler()
    samples: list[Sample] = []
    for seconds, per_second, closes in phases:

        def each(number: int = per_second) -> None:
            for _ in range(number):
                service.answer()

        service.run(seconds, each)
        taken = service.read(sampler, clock)
        samples += taken.samples
        if closes:  # another one goes on where the first one was
            sampler = Sampler(taken.scrape)
    told = sum(round((s.at - s.start) * s.values.get(Metric.REQUEST_RATE, 0.0), 2) for s in samples)
    assert told == pytest.approx(sum(service.counted.values()), rel=1e-3, abs=0.05)
    assert follows(samples)


def test_a_clock_that_was_set_meanwhile_changes_no_rate() -> None:
    service, sampler = Service(), Sampler()
    service.run(30, service.answer)
    service.read(sampler)
    service.run(300, service.answer)
    taken = service.read(sampler, clock=-3600)
    assert [s.values[Metric.REQUEST_RATE] for s in taken.samples] == pytest.approx([1.0] * len(taken.samples), rel=0.15)
    assert requests(list(taken.samples)) == pytest.approx(300, rel=1e-3)


def test_a_restarted_service_tells_of_its_new_run_only() -> None:
    service, sampler = Service(), Sampler()
    service.run(60, service.answer)
    service.read(sampler)
    service.run(45, service.answer)  # nobody will ever know
    again = Service(service.began + 60 + 45 + 30)
    again.run(60, again.answer)
    taken = again.read(sampler)
    assert requests(list(taken.samples)) == pytest.approx(60, rel=1e-3)
    assert taken.samples[0].start == pytest.approx(again.began)


def test_a_run_that_was_there_before_another_is_not_told_of_the_time_of_that() -> None:
    earlier, later = Service(), Service()
    later.run(600)
    sampler = Sampler()
    later.read(sampler)
    earlier.run(300, earlier.answer)  # it was live before the other one, which was read until 600
    earlier.run(400)
    taken = earlier.read(sampler)
    assert taken.samples[0].at > later.began + 600
    assert requests(list(taken.samples)) == 0


def test_a_computer_that_slept_leaves_a_gap_and_no_time_of_zero_requests(store: SeriesStore) -> None:
    service, sampler = Service(), Sampler()
    service.run(40, service.answer)
    store.record(MODEL, PLACE, service.read(sampler), sampler.totals)
    service.sleep(3600)
    service.run(40, service.answer)
    taken = service.read(sampler)
    store.record(MODEL, PLACE, taken, sampler.totals)
    assert requests(list(taken.samples)) == pytest.approx(40, rel=1e-3)
    window = store.window(MEMORY, service.began, service.began + 4000)
    assert int(np.isnan(window.mean).sum()) == 1


def test_what_was_told_late_has_no_gaps_among_what_was_read_live(store: SeriesStore) -> None:
    """Two seconds apart where somebody looked, ten where the service told it: nothing is missing, and nothing looks so;
    but where nothing is known there is a gap."""
    service, sampler = Service(), Sampler()
    for _ in range(60):
        service.run(2, service.answer)
        store.record(MODEL, PLACE, service.read(sampler), sampler.totals)
    service.run(180, service.answer)
    sampler = Sampler(store.last_reading(MODEL, PLACE))
    for _ in range(60):
        store.record(MODEL, PLACE, service.read(sampler), sampler.totals)
        service.run(2, service.answer)
    window = store.window(MEMORY, service.began, service.began + 600)
    assert len(window) > 120
    assert not np.isnan(window.mean).any()
    rates = np.asarray(store.window(RATE, service.began, service.began + 600).mean)
    assert rates == pytest.approx([1.0] * len(rates), rel=0.2)
    again = Service(service.began + service.now + 200)
    for _ in range(10):
        again.run(2, again.answer)
        store.record(MODEL, PLACE, again.read(sampler), sampler.totals)
    assert int(np.isnan(store.window(MEMORY, service.began, again.began + 60).mean).sum()) == 1


def test_two_who_come_late_keep_it_once(store: SeriesStore) -> None:
    service = Service()
    service.run(100, lambda: service.answer(label="yes"))
    first, second = Sampler(store.last_reading(MODEL, PLACE)), Sampler(store.last_reading(MODEL, PLACE))
    for sampler, clock in ((first, 0.0), (second, 0.004)):
        now = service.scrape(clock)
        history = read_history(service.history.after, service.history.run, 0.0, service.now)
        store.record(MODEL, PLACE, sampler.add(now, history), sampler.totals, history)
    window = store.window(MEMORY, service.began - 10, service.began + 200)
    assert len(window) == 11, "ten intervals' samples, the last of them twice as it was read twice"
    assert store.answers(MODEL, PLACE, service.began - 10, service.began + 200).rows == 100


def test_a_day_is_kept_and_no_more() -> None:
    service = Service()
    service.run(86_400 + 3_000, lambda: service.answer(label="no") if service.now % 5 == 0 else None)
    size = len(service.history.after(0.0))
    assert size < 200_000, "two hours of it"
    taken = service.read(Sampler())
    assert len(taken.samples) <= MOST_INTERVALS + 1
    assert requests(list(taken.samples)) == pytest.approx(86_400 / 5, rel=0.01)
    assert taken.samples[0].start == pytest.approx(service.began + 3_000, abs=20)


def test_a_busy_interval_takes_a_bounded_room() -> None:
    every = [0.001 * 1.3**number for number in range(34)]
    chance = np.random.default_rng(5)
    clock = [0.0]
    history = History(every, NumberCounts(), lambda: (1e6, 2**40), lambda: clock[0])
    for second in range(1, 121):
        clock[0] = float(second)
        for bucket in range(35):
            history.count(200, bucket, 10_000, chance.standard_cauchy(10_000) * 10.0 ** chance.integers(-30, 30))
        history.advance()
    assert len(history.after(0.0)) / 12 < 1_000


# What it answered -----------------------------------------------------------------------------------------------


def counted(values: Any) -> list[Any]:
    counts = NumberCounts()
    for part in np.array_split(np.asarray(values), 7):
        counts.add(part)
    return counts.take()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200))
def test_every_number_is_in_its_bin(values: list[float]) -> None:
    power, others, *pairs = counted(values)
    bins = dict(zip(pairs[::2], pairs[1::2], strict=True))
    assert len(bins) <= 24
    assert others == 0
    wanted: dict[int, int] = {}
    for value in values:
        index = math.floor(math.ldexp(value, -power))
        wanted[index] = wanted.get(index, 0) + 1
    assert bins == wanted


def test_what_is_no_finite_number_is_among_the_others() -> None:
    assert counted([math.nan, math.inf, -math.inf, 1.0])[1] == 3


def test_quantiles_are_close_to_the_exact_ones(store: SeriesStore) -> None:
    chance = np.random.default_rng(2)
    service = Service()
    service.answers = NumberCounts()
    service.history._answers = service.answers
    every = chance.normal(1000, 5, 6_000)
    parts = iter(np.array_split(every, 60))

    def each() -> None:
        service.history.count(200, 0, 100, next(parts))

    service.run(61, lambda: each() if service.now <= 60 else None)
    service.run(12)
    history = read_history(service.history.after, service.history.run, 0.0, service.now)
    sampler = Sampler()
    store.record(MODEL, PLACE, sampler.add(service.scrape(), history), sampler.totals, history)
    found = store.answers(MODEL, PLACE, service.began - 1, service.began + 100)
    assert found.rows == 6_000
    assert found.quantiles == pytest.approx(np.quantile(every, [0.1, 0.5, 0.9]), abs=2.0)
    assert set(found.windows) == {AnswerLine(quantile=q) for q in (0.1, 0.5, 0.9)}


def test_names_are_the_models_own_classes_and_nothing_else() -> None:
    counts = ClassCounts(("no", "yes", "x" * 41, "a\nb"))
    for name in ("yes", "yes", "no", "Anna Schmidt", "x" * 41, "a\nb"):
        counts.add(np.array([name], object))
    assert counts.names == ["no", "yes"]
    assert counts.take() == [-1, 3, 0, 1, 1, 2]
    many = ClassCounts(tuple(f"class {number}" for number in range(1000)))
    for number in range(999, 0, -1):
        many.add(np.array([f"class {number}"], object))
    assert len(many.names) == 20
    assert sum(many.take()[1::2]) == 999


def test_shares_over_time_and_in_the_range(store: SeriesStore) -> None:
    service = Service()
    names = ClassCounts(tuple("abcdefgh"))
    service.history._answers = names
    service.run(300, lambda: service.answer(label="ab"[service.now > 150]))
    for _ in range(20):
        service.run(1, lambda: service.answer(label="c"))
        for name in "defgh":
            service.answer(label=name)
    service.run(12)
    history = read_history(service.history.after, service.history.run, 0.0, service.now)
    sampler = Sampler()
    store.record(MODEL, PLACE, sampler.add(service.scrape(), history), sampler.totals, history)
    whole = store.answers(MODEL, PLACE, service.began - 1, service.began + 400)
    assert whole.rows == 300 + 6 * 20
    assert whole.classes[:2] == (("a", 150), ("b", 150))
    assert list(whole.windows) == [*map(AnswerLine, "abcd"), AnswerLine(others=True)]
    first = store.answers(MODEL, PLACE, service.began - 1, service.began + 140)
    assert {name for name, _ in first.classes} == {"a"}
    times = [np.nansum([window.mean[index] for window in whole.windows.values()]) for index in range(5)]
    assert times == pytest.approx([100.0] * 5)


def test_old_answers_are_put_together_without_loss(store: SeriesStore) -> None:
    service = Service()
    service.run(1200, lambda: service.answer(label="yes" if service.now % 3 else "no"))
    sampler = Sampler()

    def keep() -> None:
        history = read_history(service.history.after, service.history.run, 0.0, service.now)
        store.record(MODEL, PLACE, sampler.add(service.scrape(), history), sampler.totals, history)

    keep()
    before = store.answers(MODEL, PLACE, service.began - 1, service.began + 1300)
    service.sleep(3 * 86_400)
    service.run(15, lambda: service.answer(label="yes"))
    keep()
    after = store.answers(MODEL, PLACE, service.began - 1, service.began + 1300)
    assert after.classes == before.classes
    with store._database.read() as connection:
        assert 4 <= connection.execute("SELECT count(*) FROM answers").fetchone()[0] < 10
    service.sleep(40 * 86_400)
    service.run(15, lambda: service.answer(label="no"))
    keep()
    hourly = store.answers(MODEL, PLACE, service.began - 3600, service.began + 3600)
    assert hourly.classes == before.classes
    with store._database.read() as connection:
        assert connection.execute("SELECT count(*) FROM answers").fetchone()[0] <= 5


# An answer of a stranger ----------------------------------------------------------------------------------------


def said(**changes: Any) -> bytes:
    service = Service()
    service.run(35, lambda: service.answer(label="yes"))
    content = json.loads(service.history.after(0.0))
    return json.dumps({**content, "run": "0" * 16, **changes}).encode()


def interval(**changes: Any) -> bytes:
    parts = {
        "end": 10.0, "length": 10.0, "statuses": [1, 0, 0], "rows": 1, "cpu": 1.0, "memory": 5, "sparse": [1, 1],
        "answers": [0, 1], **changes,
    }  # fmt: skip
    return said(intervals=[list(parts.values())])


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "not UTF-8": b"\xff",
    "html": b"<html>",
    "nested": b"[" * 900_000,
    "null": b"null",
    "list": b"[]",
    "empty": b"{}",
    "NaN": said(start=math.nan),
    "digits": said().replace(b'"start": ', b'"start": ' + b"9" * 5000),
    "no run": said(run=None),
    "bounds fall": said(bounds=[1.0, 0.5, 0.1]),
    "bounds of text": said(bounds=["a", "b", "c"]),
    "many bounds": said(bounds=list(range(5000))),
    "many names": said(names=[f"n{number}" for number in range(500)]),
    "long name": said(names=["x" * 500, "y"]),
    "name to print": said(names=["\x1b[2J", "y"]),
    "kind": said(kind="poems"),
    "many intervals": said(intervals=[[float(n + 1), 1.0, [0, 0, 0], 0, 1.0, 5, [], []] for n in range(5000)]),
    "interval no list": said(intervals=[{}]),
    "not yet": interval(end=5_000.0),
    "in a million years": interval(end=1e15),
    "no time between": said(intervals=[[10.0, 0.0, [0, 0, 0], 0, 1.0, 5, [], []]] * 2),
    "overlapping": said(intervals=[[10.0, 10.0, [0, 0, 0], 0, 1.0, 5, [], []]] * 2),
    "before it began": interval(length=500.0),
    "end below zero": interval(end=-1.0),
    "end huge": interval(end=1e300),
    "length true": interval(length=True),
    "statuses two": interval(statuses=[1, 0]),
    "statuses below zero": interval(statuses=[-1, 0, 0]),
    "status fraction": interval(statuses=[1.5, 0, 0]),
    "rows huge": interval(rows=10**40),
    "memory text": interval(memory="5"),
    "no such bucket": interval(sparse=[99, 1]),
    "bucket below": interval(sparse=[-1, 1]),
    "half a pair": interval(sparse=[1]),
    "many pairs": interval(sparse=[0, 1] * 100_000),
    "no such class": interval(answers=[7, 1]),
    "many answers": interval(answers=[0, 1] * 5000),
    "more than in all": interval(statuses=[9_999, 0, 0]),
    "more times than in all": interval(sparse=[1, 9_999]),
    "total without buckets": said(total={"statuses": [0, 0, 0], "rows": 0, "seconds": []}),
    "endless": said(more=True, intervals=[]),
    "the same again": said(more=True),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_history_is_refused(name: str) -> None:
    asked = 0

    def ask(_after: float) -> bytes:
        nonlocal asked
        asked += 1
        return HOSTILE[name]

    with pytest.raises(MetricsUnreadable):
        read_history(ask, "0" * 16, 0.0, 35.0)
    assert asked < 20


def test_an_endless_history_is_not_read_to_its_end() -> None:
    asked: list[float] = []

    def ask(after: float) -> bytes:
        asked.append(after)
        return said(more=True, intervals=[[after + 10, 10.0, [0, 0, 0], 0, 1.0, 5, [], []]])

    with pytest.raises(MetricsUnreadable):
        read_history(ask, "0" * 16, 0.0, 35.0)
    assert len(asked) < 20


def test_another_runs_history_is_none() -> None:
    assert read_history(lambda _after: said(), "1" * 16, 0.0, 35.0) is None


def test_a_computer_that_sleeps_just_after_it_was_asked_tells_no_interval_of_no_time() -> None:
    service = Service()
    service.run(10)
    service.now += 0.0002
    service.answer()
    service.history.after(0.0)
    service.sleep(600)
    service.run(12)
    taken = service.read(Sampler())
    assert requests(list(taken.samples)) == pytest.approx(1, rel=1e-3)
