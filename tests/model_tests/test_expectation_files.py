"""A test set is read within bounds, and what is wrong with it is named by its line."""

from __future__ import annotations

import dataclasses
import json
import time

import pytest

from kronkers_studio.domain.errors import InvalidTestSet
from kronkers_studio.domain.expectations import (
    KINDS,
    InvarianceExpectation,
    LatencyExpectation,
    Metric,
    MetricExpectation,
    SchemaExpectation,
)
from kronkers_studio.workflows.model_test_runs.expectation_files import parse_test_set
from kronkers_studio.workflows.model_test_runs.located_yaml import UnreadableYaml, read_located

_GOOD = """
data: holdout.csv
truth: cultivar
tests:
  - kind: metric
    metric: accuracy
    at_least: 0.9
  - {kind: metric, metric: accuracy, at_least: 1e-1, data: other.csv, class: no}
  - {name: quick, kind: latency, p95: 20}
  - kind: schema
    columns: {alcohol: number, 7: text}
    classes: [1, "2", yes, true]
  - {kind: invariance, column: region, values: [north, ~]}
"""


def test_a_test_set_is_read_with_names_and_what_is_shared() -> None:
    """Seen to fail with ``no`` read as false."""
    first, second, quick, schema, invariance = parse_test_set(_GOOD.encode(), "wine.tests.yaml")
    assert isinstance(first, MetricExpectation) and isinstance(second, MetricExpectation)
    assert (first.name, first.data, first.truth, first.at_least) == ("metric accuracy", "holdout.csv", "cultivar", 0.9)
    assert (second.name, second.data, second.class_, second.at_least) == ("metric accuracy 2", "other.csv", "no", 0.1)
    assert first.metric is Metric.ACCURACY
    assert isinstance(quick, LatencyExpectation) and (quick.name, quick.p95, quick.data) == ("quick", 20, "holdout.csv")
    assert isinstance(schema, SchemaExpectation) and schema.classes == (1, "2", "yes", True)
    assert schema.columns == {"alcohol": "number", "7": "text"}
    assert isinstance(invariance, InvarianceExpectation) and invariance.values == ("north", None)


def test_json_is_a_test_set_too() -> None:
    text = json.dumps({"tests": [{"kind": "start", "at_most_seconds": 5, "name": 'grün "quoted" \\ /'}]}, indent="\t")
    (found,) = parse_test_set(text.encode(), "x.tests.json")
    assert found.name == 'grün "quoted" \\ /'


def _wrong(key: str, value: str, kind: str = "kind: metric\n    metric: accuracy\n    at_least: 0.9") -> str:
    return f"tests:\n  - {kind}\n    {key}: {value}\n"


@pytest.mark.parametrize(
    ("text", "line", "words", "hint"),
    [
        ("", 1, "must be written as names and values", ""),
        ("tests: []", 1, "lists no tests", ""),
        ("data: x", 1, "lists no tests", ""),
        ("test:\n  - kind: metric", 2, "“test” is nothing that a test set has", "Did you mean tests?"),
        ("format: 2\ntests: [{kind: start}]", 1, "a form that this program does not know", ""),
        ("tests:\n  - 7", 2, "A test must be written", ""),
        ("tests:\n  - name: x", 2, "has no kind", "metric, champion"),
        ("tests:\n  - kind: metrik", 2, "“metrik” is no kind", "Did you mean metric?"),
        ("tests:\n  - kind: [metric]", 2, "“['metric']” is no kind", ""),
        ("tests:\n  - kind: metric\n    metric: [f1]", 3, "“['f1']” is no metric", ""),
        ("tests:\n  - {kind: metric, metric: f1, at_least: ~}", 2, "either at_least or at_most", ""),
        ("tests:\n  - kind: metric\n    at_least: 1", 2, "has no “metric”", ""),
        (_wrong("atleast", "1"), 5, "“atleast” is nothing that", "Did you mean at_least?"),
        (_wrong("metric", "acc", "kind: metric\n    at_least: 1"), 4, "“acc” is no metric", ""),
        (_wrong("metric", "acuracy", "kind: metric\n    at_least: 1"), 4, "no metric", "Did you mean accuracy?"),
        (_wrong("at_most", "1"), 2, "either at_least or at_most", ""),
        ("tests:\n  - {kind: metric, metric: accuracy}", 2, "either at_least or at_most", ""),
        (_wrong("minimum_rows", "many"), 5, "“minimum_rows” must be a whole number", ""),
        (_wrong("minimum_rows", "0"), 5, "is at least 1", ""),
        (_wrong("minimum_rows", "1.5"), 5, "must be a whole number", ""),
        (_wrong("slice", "[a]"), 5, "must be a text", ""),
        ("tests:\n  - {kind: memory}", 2, "no “at_most_mb”", ""),
        ("tests:\n  - {kind: latency}", 2, "needs a bound", ""),
        ("tests:\n  - {kind: latency, p95: -1}", 2, "at least 0", ""),
        ("tests:\n  - {kind: latency, p95: .inf}", 2, "no number that can be compared", ""),
        ("tests:\n  - {kind: schema}", 2, "columns or classes", ""),
        ("tests:\n  - {kind: invariance, column: a}", 2, "one way of changing", ""),
        ("tests:\n  - {kind: invariance, column: a, case: true, noise: 1}", 2, "one way of changing", ""),
        ("tests:\n  - {kind: invariance, column: a, swap: [b]}", 2, "Two values", ""),
        ("tests:\n  - {kind: direction, column: a, by: 1, must_not: sink}", 2, "fall or rise", ""),
        ("tests:\n  - {kind: refuses}", 2, "Nothing is said", ""),
        ("tests:\n  - {kind: leak, columns: a}", 2, "How much worse", ""),
        ("tests:\n  - {kind: leak}", 2, "which column", ""),
        ("tests:\n  - {kind: start, at_most_seconds: 1, name: a}\n  - {kind: start, at_most_seconds: 1, name: a}", 3,
         "the name of another test", ""),
        ("a: &x 1\ntests: []", 1, "anchor or alias", ""),
        ("tests: !!python/object:os.system x", 1, "a tag", ""),
        ("tests:\n  - kind: metric\n    kind: start", 3, "stands there twice", ""),
        ("tests: [\n", 2, "cannot be read", ""),
        ("a: 1\n--- \nb: 1", 2, "more than one document", ""),
        ("a: \x07", 1, "a character that no text has", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_line(text: str, line: int, words: str, hint: str) -> None:
    """Seen to fail with unknown keys let through."""
    with pytest.raises(InvalidTestSet) as refused:
        parse_test_set(text.encode(), "x.yaml")
    assert f"x.yaml, line {line}:" in refused.value.message and words in refused.value.message
    assert hint in refused.value.next_step
    assert refused.value.exit_code == 1


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b"a" * 300_000,
        b"[" * 100_000,
        b"- [" * 60 + b"]" * 60,
        b"a: " + b"{b: " * 60 + b"1" + b"}" * 60,
        b"[" + b"1," * 60_000 + b"1]",
        b"x: " + b"9" * 5_000,
        b"x: 1e999",
        b"? [a]\n: 1",
        b"\0",
    ],
)
def test_hostile_text_is_refused_at_once(content: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(InvalidTestSet):
        parse_test_set(content, "x.yaml")
    assert time.monotonic() - began < 30


def test_a_bomb_of_aliases_is_refused() -> None:
    """Seen to fail with aliases let through."""
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))]
    with pytest.raises(UnreadableYaml, match="anchor"):
        read_located("\n".join(lines).encode())


def test_every_kind_can_be_written_with_every_field_of_it() -> None:
    """What a dataclass has and the file cannot say would be of no use."""
    for word, kind in KINDS.items():
        assert kind.kind == word
        assert all(field.name.rstrip("_").isidentifier() for field in dataclasses.fields(kind))


@pytest.mark.parametrize("test", ["latency, p50: 0", "invariance, column: a, noise: 0", "leak, alone_at_most: 0"])
def test_zero_is_a_bound_as_others_are(test: str) -> None:
    """Seen to fail with 0 taken for nothing said."""
    assert len(parse_test_set(f"tests: [{{kind: {test}}}]".encode(), "x.yaml")) == 1
