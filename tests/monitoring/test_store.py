"""The series store: what it keeps through kills, threads and other processes."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import StoreDamaged
from kronkers_studio.domain.series import Metric, SeriesKey
from kronkers_studio.monitoring import SeriesStore

KEY = SeriesKey("churn", "this-computer", Metric.CPU)
OTHER = SeriesKey("churn", "this-computer", Metric.MEMORY)
BEGIN = 1_790_035_200

APPENDER = """
import sys
from pathlib import Path
from kronkers_studio.domain.series import Metric, SeriesKey
from kronkers_studio.monitoring import SeriesStore
path, begin, step, number = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
keys = [SeriesKey("churn", "this-computer", metric) for metric in (Metric.CPU, Metric.MEMORY)]
with SeriesStore(path, bytes(range(32))) as store:
    for index in range(number):
        store.append([(key, begin + index * step, float(index)) for key in keys])
        print(index, flush=True)
"""


def appender(path: Path, begin: float, step: float, number: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", APPENDER, str(path), str(begin), str(step), str(number)],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_what_was_appended_is_there_after_closing_and_opening(tmp_path: Path) -> None:
    for part in range(3):
        with SeriesStore(tmp_path / "series.db", bytes(32)) as store:
            store.append((KEY, BEGIN + part * 100 + index, float(index)) for index in range(100))
    with SeriesStore(tmp_path / "series.db", bytes(32)) as store:
        window = store.window(KEY, BEGIN, BEGIN + 1000)
    assert window.times.tolist() == [BEGIN + index for index in range(300)]


def test_short_runs_do_not_let_the_tail_grow_without_end(tmp_path: Path) -> None:
    for part in range(9):
        with SeriesStore(tmp_path / "series.db", bytes(32)) as store:
            for index in range(50):
                store.append([(KEY, BEGIN + part * 50 + index, 1.0)])
    with SeriesStore(tmp_path / "series.db", bytes(32)) as store, store._database.read() as connection:
        assert connection.execute("SELECT count(*) FROM tail").fetchone()[0] < 300
        assert len(store.window(KEY, BEGIN, BEGIN + 1000)) == 450


def test_a_second_sample_of_the_same_time_replaces_the_first_and_is_counted_once(store: SeriesStore) -> None:
    samples = [(KEY, float(BEGIN + index), 1.0) for index in range(2000)]
    store.append(samples)
    store.append((key, at, 2.0) for key, at, _ in samples[:100])
    whole = store.window(KEY, BEGIN, BEGIN + 2000, 2000)
    assert len(whole) == 2000
    hour = store.window(KEY, BEGIN, BEGIN + 2000, 1)
    assert hour.mean.tolist() == [pytest.approx((2000 + 100) / 2000)]


def test_values_that_are_not_finite_are_gaps(store: SeriesStore) -> None:
    store.append([(KEY, BEGIN, 1.0), (KEY, BEGIN + 1, math.nan), (KEY, BEGIN + 2, math.inf), (KEY, BEGIN + 3, 4.0)])
    assert store.window(KEY, BEGIN, BEGIN + 10).mean.tolist() == [1.0, 4.0]


def test_an_append_that_fails_halfway_leaves_nothing(store: SeriesStore) -> None:
    with pytest.raises(TypeError):
        store.append([(KEY, BEGIN, 1.0), (KEY, BEGIN, "many")])  # type: ignore[list-item]  # wrong on purpose
    assert store.latest(KEY.model, KEY.place) == {}


def test_the_latest_values_are_those_measured_together_last(store: SeriesStore) -> None:
    store.append([(KEY, BEGIN, 1.0), (OTHER, BEGIN, 10.0)])
    store.append([(KEY, BEGIN + 2, 2.0)], totals={("churn", "this-computer"): {"answered": 7}})
    store.append([(KEY, BEGIN + 1, 1.5)])  # late
    assert store.latest("churn", "this-computer") == {Metric.CPU: (BEGIN + 2, 2.0)}
    assert store.totals("churn", "this-computer") == {"answered": 7}
    assert store.latest("churn", "elsewhere") == {}


def test_another_key_does_not_open_the_file(tmp_path: Path) -> None:
    SeriesStore(tmp_path / "series.db", bytes(32)).close()
    with pytest.raises(StoreDamaged):
        SeriesStore(tmp_path / "series.db", bytes([1] * 32))


def test_threads_can_append_and_read_at_once(store: SeriesStore) -> None:
    failures: list[BaseException] = []

    def work(place: str) -> None:
        key = SeriesKey("churn", place, Metric.CPU)
        try:
            for index in range(300):
                store.append([(key, BEGIN + index, float(index))])
                if index % 20 == 0:
                    assert len(store.window(key, BEGIN, BEGIN + 400)) == index + 1
        except BaseException as failure:  # noqa: BLE001  # shown by the assertion below
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(f"place {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for number in range(4):
        assert len(store.window(SeriesKey("churn", f"place {number}", Metric.CPU), BEGIN, BEGIN + 400)) == 300


def test_many_may_make_the_file_at_the_same_moment(tmp_path: Path) -> None:
    for attempt in range(10):
        together = threading.Barrier(6)
        failures: list[BaseException] = []

        def open_it(path: Path, together: threading.Barrier, failures: list[BaseException]) -> None:
            together.wait()
            try:
                SeriesStore(path, bytes(32)).close()
            except BaseException as failure:  # noqa: BLE001  # shown by the assertion below
                failures.append(failure)

        path = tmp_path / f"series {attempt}.db"
        threads = [threading.Thread(target=open_it, args=(path, together, failures)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []


def test_two_processes_append_to_one_file_without_losing_or_doubling_a_sample(tmp_path: Path) -> None:
    path = tmp_path / "series.db"
    processes = [appender(path, BEGIN, 2.0, 700), appender(path, BEGIN + 1, 2.0, 700)]
    assert [process.communicate()[0].count("\n") for process in processes] == [700, 700]
    assert [process.returncode for process in processes] == [0, 0]
    with SeriesStore(path, bytes(range(32))) as store:
        for key in (KEY, OTHER):
            window = store.window(key, BEGIN, BEGIN + 2000, 2000)
            assert window.times.tolist() == [BEGIN + index for index in range(1400)]
            assert window.mean.tolist() == [float(index // 2) for index in range(1400)]
            whole = store.window(key, BEGIN, BEGIN + 2000, 1)
            assert whole.mean.tolist() == [pytest.approx(349.5)]


@pytest.mark.parametrize("after", [0.15, 0.3, 0.5, 0.7])
def test_a_killed_process_loses_nothing_it_had_appended(tmp_path: Path, after: float) -> None:
    path = tmp_path / "series.db"
    process = appender(path, BEGIN, 1.0, 100_000)
    assert process.stdout is not None
    acknowledged = int(process.stdout.readline())
    time.sleep(after)
    os.kill(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    acknowledged = max([acknowledged, *(int(line) for line in process.communicate()[0].split("\n")[:-1])])
    with SeriesStore(path, bytes(range(32))) as store:
        for key in (KEY, OTHER):
            window = store.window(key, BEGIN, BEGIN + 200_000, 200_000)
            assert len(window) in (acknowledged + 1, acknowledged + 2)
            assert window.mean.tolist() == [float(index) for index in range(len(window))]
