"""How long searches take: figures for the record, in slow tests because other work on the machine disturbs them."""

from __future__ import annotations

import random
import string
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from kronkers_studio.domain.changes import ModelRegistered
from kronkers_studio.domain.content import Commit, EntryKind, SourceItem, StoredItem
from kronkers_studio.domain.models import (
    ContentRef,
    Datatype,
    Framework,
    ModelFacts,
    ModelVersion,
    Signature,
    Tensor,
)
from kronkers_studio.domain.search import MetricCondition, SearchFilters, SearchKind, Sort
from kronkers_studio.registry import Workspace

NOW = datetime(2026, 11, 23, tzinfo=UTC)
WORDS = ["sales", "report", "churn", "model", "final", "draft", "customer", "region", "north", "south", "budget"]
WORDS += [
    "forecast",
    "invoice",
    "marketing",
    "notes",
    "analysis",
    "data",
    "clean",
    "raw",
    "export",
    "summary",
    "weekly",
]


def _commit(workspace: Workspace, files: dict[str, int]) -> Commit:
    stored = [StoredItem(SourceItem(path, EntryKind.FILE, n, n * 10**9), (), n) for path, n in files.items()]
    return workspace.content.commit("p", "main", stored, message="m", author="ann")[0]


@pytest.mark.slow
def test_search_over_100_000_files(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(1)  # noqa: S311  # the same every time
    files = {}
    for number in range(100_000):
        folder = "/".join(
            chance.choice(WORDS) + (f" {chance.randrange(30)}" if chance.random() < 0.5 else "")
            for _ in range(chance.randrange(1, 5))
        )
        name = f"{chance.choice(WORDS)}_{chance.choice(WORDS)} {chance.randrange(2015, 2027)}-{number}"
        files[f"{folder}/{name}.{chance.choice(['csv', 'csv', 'csv', 'xlsx', 'ipynb', 'parquet'])}"] = number
    _commit(workspace, files)
    begun = time.perf_counter()
    workspace.search.run("x")
    built = time.perf_counter() - begun
    _commit(workspace, {**files, **{f"new/file {n}.csv": n for n in range(10)}})
    begun = time.perf_counter()
    workspace.search.run("x")
    updated = time.perf_counter() - begun
    times: list[tuple[float, str]] = []
    worked: list[float] = []  # seconds of the processor, which other work on the machine hardly disturbs
    for text in _queries(chance, files):
        for order in ("relevance", "name", "newest"):
            filters = SearchFilters(
                extension=chance.choice(["", "", "csv", "xlsx"]),
                sort=Sort.parse(order),
                project=chance.choice(["", "p"]),
            )
            begun, work = time.perf_counter(), time.thread_time()
            page = workspace.search.run(text, filters, 50, chance.choice([0, 0, 50]))
            worked.append(time.thread_time() - work)
            times.append((time.perf_counter() - begun, f"{text!r} {order} {filters.extension} {page.total}"))
    times.sort()
    with capsys.disabled():
        _print(f"\nindex of 100,000 files: built in {built:.1f} s, 10 new files in {updated * 1000:.0f} ms")
        work = sorted(worked)[int(len(worked) * 0.95)] * 1000
        p50, p95 = (times[int(len(times) * share)][0] * 1000 for share in (0.5, 0.95))
        _print(f"{len(times)} searches: p50 {p50:.1f} ms, p95 {p95:.1f} ms, of the processor {work:.1f} ms; slowest:")
        for seconds, what in times[-6:]:
            _print(f"  {seconds * 1000:.1f} ms  {what}")
    assert work < 100  # the goal is 50 ms; a busy machine gets some air


def _queries(chance: random.Random, files: dict[str, int]) -> Iterator[str]:
    """What people type: parts of names, whole names, several words, beginnings, very common words, nothing."""
    known = list(files)
    for _ in range(40):
        path = chance.choice(known)
        name = path.rpartition("/")[2]
        start = chance.randrange(len(name) - 4)
        yield from (name, name[start : start + chance.randrange(3, 10)], chance.choice(WORDS))
        yield f"{chance.choice(WORDS)} {chance.choice(WORDS)} {chance.randrange(2015, 2027)}"
        yield from (chance.choice(string.ascii_lowercase), chance.choice(WORDS)[:2], chance.choice(WORDS)[:4], "csv")
        yield f"{chance.choice(WORDS)}_{chance.choice(WORDS)}"
    yield ""


@pytest.mark.slow
def test_models_ordered_by_a_metric_over_10_000_versions(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(2)  # noqa: S311  # the same every time
    commit = _commit(workspace, {"m": 1})
    columns = tuple(f"column_{n}" for n in range(20))
    facts = ModelFacts(
        Framework.SKLEARN,
        "1.9.1",
        "joblib",
        requirements=tuple(f"package{n}==1.{n}" for n in range(10)),
        signature=Signature((Tensor("input", Datatype.FP64, (-1, 20), columns),)),
    )
    changes = [
        ModelRegistered(
            ModelVersion(
                f"model-{number % 50}",
                number // 50 + 1,
                ContentRef("p", commit.id, f"models/{number}.joblib"),
                facts,
                NOW + timedelta(seconds=number),
                "ann",
                description=f"{chance.choice(WORDS)} {chance.choice(WORDS)} of {chance.choice(WORDS)}",
                metrics={"accuracy": chance.random(), "auc": chance.random(), "loss": chance.random()},
            )
        )
        for number in range(10_000)
    ]
    for start in range(0, len(changes), 1000):
        workspace.ledger.record(*changes[start : start + 1000], author="ann")
    lists, searches = [], []
    begun = time.perf_counter()
    workspace.search.run("x")
    built = time.perf_counter() - begun
    for turn in range(200):
        metric = chance.choice(["accuracy", "auc", "loss"])
        sort, offset = Sort.parse(chance.choice(["", "-"]) + f"metric:{metric}"), chance.choice([0, 50, 500])
        where = (MetricCondition.parse(f"{metric}>{chance.choice([0.1, 0.5, 0.9])}"),) if turn % 2 else ()
        begun = time.perf_counter()
        workspace.models.page(metrics=where, sort=sort, limit=50, offset=offset)
        lists.append(time.perf_counter() - begun)
        filters = SearchFilters(kinds=(SearchKind.MODEL,), metrics=where, sort=chance.choice([Sort(), sort]))
        begun = time.perf_counter()
        workspace.search.run(chance.choice(WORDS), filters, 50)
        searches.append(time.perf_counter() - begun)
    with capsys.disabled():
        _print(f"\n10,000 versions: indexed in {built:.1f} s")
        for title, times in (("ordered by a metric", lists), ("full-text search", searches)):
            times.sort()
            _print(f"{title}: p50 {times[100] * 1000:.1f} ms, p95 {times[190] * 1000:.1f} ms")
    assert lists[190] < 0.2  # the goal is 20 ms; a busy machine gets some air


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
