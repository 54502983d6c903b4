"""What is found out from files of the tree libraries, which those libraries wrote."""

from __future__ import annotations

import io
import json
import random
import tracemalloc
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import NotAModel, UnsupportedModel
from kronkers_studio.domain.models import Framework, ModelFacts, Tensor
from kronkers_studio.packaging import inspect_model
from tests.tree_libraries.packages import facts_of

_FILES = Path(__file__).with_name("files")
_FOUR = ("alpha", "beta", "gamma", "delta")


def _told(tensors: tuple[Tensor, ...]) -> list[tuple[str, str, tuple[int, ...], tuple[str, ...]]]:
    return [(tensor.name, tensor.datatype.value, tensor.shape, tensor.columns) for tensor in tensors]


def _inspected(data: bytes, name: str) -> ModelFacts:
    return inspect_model(name, io.BytesIO(data), {})


_NUMBERS = [("input", "FP64", (-1, 4), _FOUR)]
_TOWNS = [(name, "FP64", (-1, 1), ()) for name in _FOUR] + [("town", "BYTES", (-1, 1), ())]


@pytest.mark.parametrize(
    ("file", "framework", "version", "inputs", "outputs"),
    [
        (
            "xgb-two.json",
            Framework.XGBOOST,
            "3.2.0",
            _NUMBERS,
            [("label", "INT64", (-1,), ()), ("probabilities", "FP32", (-1, 2), ("0", "1"))],
        ),
        (
            "xgb-three.ubj",
            Framework.XGBOOST,
            "3.2.0",
            _NUMBERS,
            [("label", "INT64", (-1,), ()), ("probabilities", "FP32", (-1, 3), ("0", "1", "2"))],
        ),
        (
            "xgb-1.7-gaps.json",
            Framework.XGBOOST,
            "1.7.6",
            _NUMBERS,
            [("label", "INT64", (-1,), ()), ("probabilities", "FP32", (-1, 2), ("0", "1"))],
        ),
        (
            "xgb-categories.ubj",
            Framework.XGBOOST,
            "3.2.0",
            [*_TOWNS, ("size", "FP64", (-1, 1), ())],
            [("output", "FP32", (-1,), ())],
        ),
        (
            "lgb-two.txt",
            Framework.LIGHTGBM,
            "",
            _NUMBERS,
            [("label", "INT64", (-1,), ()), ("probabilities", "FP64", (-1, 2), ("0", "1"))],
        ),
        (
            "lgb-categories.txt",
            Framework.LIGHTGBM,
            "",
            [*_TOWNS, ("size", "FP64", (-1, 1), ())],
            [("output", "FP64", (-1,), ())],
        ),
        (
            "cat-names.cbm",
            Framework.CATBOOST,
            "1.2.10",
            [*_TOWNS, ("size", "BYTES", (-1, 1), ())],
            [("label", "BYTES", (-1,), ()), ("probabilities", "FP64", (-1, 3), ("high", "low", "mid"))],
        ),
        (
            "cat-fractions.cbm",
            Framework.CATBOOST,
            "1.2.10",
            _NUMBERS,
            [("label", "FP64", (-1,), ()), ("probabilities", "FP64", (-1, 3), ("0.0", "0.5", "1.0"))],
        ),
        (
            "cat-values.cbm",
            Framework.CATBOOST,
            "1.2.10",
            [*_TOWNS, ("size", "BYTES", (-1, 1), ())],
            [("output", "FP64", (-1,), ())],
        ),
    ],
)
def test_a_file_tells_its_library_its_columns_and_what_it_answers(
    file: str, framework: Framework, version: str, inputs: list[object], outputs: list[object]
) -> None:
    facts = facts_of(_FILES / file)

    assert (facts.framework, facts.framework_version) == (framework, version)
    assert _told(facts.signature.inputs) == inputs
    assert _told(facts.signature.outputs) == outputs
    assert set(facts.assumed) == {"python_version", "requirements"}


def test_versions_named_beside_the_model_are_taken() -> None:
    data = (_FILES / "lgb-two.txt").read_bytes()
    beside = {"requirements.txt": b"lightgbm==4.5.0\nnumpy==2.1.0\n".__add__, ".python-version": b"3.12".__add__}

    facts = inspect_model("churn.txt", io.BytesIO(data), {name: lambda r=read: r(b"") for name, read in beside.items()})  # type: ignore[misc]

    assert facts.framework_version == "4.5.0"
    assert (facts.python_version, facts.requirements) == ("3.12", ("lightgbm==4.5.0", "numpy==2.1.0"))


def test_categories_that_xgboost_cut_off_are_refused() -> None:
    with pytest.raises(UnsupportedModel, match="categories with letters beyond A to Z"):
        facts_of(_FILES / "xgb-letters.json")


def test_a_lightgbm_table_whose_categories_have_no_columns_is_refused() -> None:
    data = (_FILES / "lgb-categories.txt").read_bytes()
    one_less = data.replace(b'pandas_categorical:[["', b'pandas_categorical:[["x"], ["')

    assert one_less != data
    with pytest.raises(UnsupportedModel, match="does not tell which columns hold them"):
        _inspected(one_less, "model.txt")


def test_a_long_list_of_lightgbms_categories_is_read_whole() -> None:
    data = (_FILES / "lgb-categories.txt").read_bytes()
    towns = json.dumps([f"town {number:09}" for number in range(90_000)]).encode()
    long = data.replace(b'["Graz", ', towns[:-1] + b', "pandas_categorical:", ')
    assert len(long) - len(data) > 1_500_000

    inputs = _inspected(long, "model.txt").signature.inputs

    assert [(tensor.name, tensor.datatype.value) for tensor in inputs][4:] == [("town", "BYTES"), ("size", "FP64")]


def test_a_list_of_lightgbms_categories_that_is_too_long_is_refused() -> None:
    data = (_FILES / "lgb-categories.txt").read_bytes()
    long = data.replace(b'["Graz", ', b'["Graz", ' + b'"' + b"x" * 9_000_000 + b'", ')

    with pytest.raises(UnsupportedModel, match="a longer list of categories"):
        _inspected(long, "model.txt")


def test_columns_are_called_as_a_person_called_them() -> None:
    data = (_FILES / "lgb-two.txt").read_bytes()
    own = data.replace(b"alpha beta gamma delta", b"Column_0 Column_1 Column_2 Column_3")
    named = data.replace(b"alpha beta gamma delta", b"Column_3 Column_2 Column_1 Column_0")

    assert _inspected(own, "m.txt").signature.inputs[0].columns == ()
    assert _inspected(named, "m.txt").signature.inputs[0].columns == ("Column_3", "Column_2", "Column_1", "Column_0")


@pytest.mark.parametrize("file", sorted(path.name for path in _FILES.iterdir() if path.name != "answers.json"))
def test_a_file_that_was_cut_or_changed_is_described_or_refused(file: str) -> None:
    """Never anything else, and without much memory or time: whoever wrote it."""
    data = (_FILES / file).read_bytes()
    chance = random.Random(file)
    for _ in range(300):
        changed = bytearray(data)
        for _ in range(chance.choice((1, 1, 4, 40))):
            changed[chance.randrange(len(changed))] = chance.choice((0, 0xFF, chance.randrange(256)))
        end = chance.choice((len(data), chance.randrange(8, len(data))))
        try:
            _inspected(bytes(changed[:end]), file)
        except (UnsupportedModel, NotAModel) as refusal:
            assert file in refusal.message


def _xgboost_json(**learner: object) -> bytes:
    parameters = {"num_feature": "2", "num_class": "0", "num_target": "1", "base_score": "0.5"}
    whole = {
        "gradient_booster": {},
        "learner_model_param": parameters,
        "objective": {"name": "reg:squarederror"},
        **learner,
    }
    return json.dumps({"learner": whole, "version": [3, 2, 0]}).encode()


@pytest.mark.safety
@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (_xgboost_json(attributes=None).replace(b"null", b"[" * 100_000), "m.json", "nested deeper"),
        (_xgboost_json(attributes=[0] * 1_010_000), "m.json", "at greater length"),
        (_xgboost_json(attributes="x" * 2_000_000), "m.json", "longer than any"),
        (_xgboost_json(learner_model_param={"num_feature": "999999999"}), "m.json", "999999999 columns"),
        (_xgboost_json(learner_model_param={"num_feature": "-1"}), "m.json", "0 columns"),
        (_xgboost_json().replace(b"[3, 2, 0]", b'["3; os"]'), "m.json", "before 1.0"),
        (_xgboost_json(attributes={str(n): "x" * 1_000_000 for n in range(70)}), "m.json", "at greater length"),
        (b"{L" + b"\0" * 7 + b"\x07learner" + b"N" * 9_000_000, "m.ubj", "no UBJSON"),
        (b"{L" + b"\0" * 7 + b"\x07learner[" + 70 * (b"Sl\0\x0f\0\0" + b"x" * 0xF0000), "m.ubj", "at greater length"),
        (b"{L" + b"\0" * 7 + b"\x07learner[$T#l\x7f\xff\xff\xff", "m.ubj", "at greater length"),
        (b"{L" + b"\0" * 7 + b"\x07learner" + b"[" * 100_000, "m.ubj", "nested deeper"),
        (b"{L" + b"\0" * 7 + b"\x07learnerSL\x7f" + b"\xff" * 7, "m.ubj", "longer than any"),
        (b"{L" + b"\0" * 7 + b"\x07learner[$d#L\x7f" + b"\xff" * 7, "m.ubj", "at greater length"),
        (b"tree\nversion=v4\nmax_feature_idx=99999999\nTree=0\n", "m.txt", "100000000 columns"),
        (b"tree\nversion=v4\n" + b"a=b\n" * 1000, "m.txt", "there is no tree in it"),
        (b"CBM1\xff\xff\xff\xff" + b"\xff" * 64, "m.cbm", "lies outside"),
        (b"CBM1\x08\0\0\0\x04\0\0\0\x04\0\0\0", "m.cbm", "cannot be read"),
    ],
)
def test_a_hostile_file_is_refused_with_its_reason_in_little_memory(data: bytes, name: str, reason: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UnsupportedModel, match=reason):
            _inspected(data, name)
        assert tracemalloc.get_traced_memory()[1] < 300 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_column_of_forty_thousand_categories_is_one_of_text() -> None:
    """Postcodes, for one. Seen to fail with as few values kept as before."""
    column = {"offsets": list(range(0, 400_001, 10)), "values": [65] * 400_000}
    booster = {"name": "gbtree", "model": {"cats": {"enc": [column, {"values": []}]}}}

    facts = _inspected(_xgboost_json(gradient_booster=booster, feature_names=["place", "size"]), "m.json")

    assert _told(facts.signature.inputs) == [("place", "BYTES", (-1, 1), ()), ("size", "FP64", (-1, 1), ())]


def test_names_and_categories_of_no_known_form_are_no_error() -> None:
    odd = {"values": [1], "offsets": [0, "a"]}
    booster = {"name": "gbtree", "model": {"cats": {"enc": [odd, odd]}}}

    facts = _inspected(_xgboost_json(gradient_booster=booster, feature_names=["a", "\ud800"]), "m.json")

    assert _told(facts.signature.inputs) == [("input", "FP64", (-1, 2), ("a", "?"))]


def test_the_trees_of_a_large_file_are_passed_over() -> None:
    trees = b'{"left_children":[' + b"-1,2,3," * 100_000 + b'4],"name":"a \\" ] } b"},'
    head, tail = _xgboost_json(gradient_booster={"model": {"trees": ["HERE"]}, "name": "gbtree"}).split(b'"HERE"')
    data = head + trees * 60 + trees[:-1] + tail
    assert len(data) > 40_000_000
    stream = io.BytesIO(data)

    tracemalloc.start()
    facts = inspect_model("large.json", stream, {})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert facts.signature.inputs[0].shape == (-1, 2)
    assert peak < 8 * 1024 * 1024
