"""What R's model files say of themselves, read without R; and files that are refused."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kronkers_studio.domain.errors import PackagingFailed, UnsupportedModel
from kronkers_studio.domain.model_columns import model_columns
from kronkers_studio.domain.models import Datatype, Framework, ModelFacts
from kronkers_studio.packaging import inspect_model
from kronkers_studio.packaging.images.components import Component
from kronkers_studio.packaging.images.language_bases import require_language_packages
from kronkers_studio.packaging.model_files.r_files.r_facts import inspect_r
from kronkers_studio.packaging.model_files.r_files.r_objects import SavedObject, read_saved
from kronkers_studio.packaging.model_files.r_files.r_values import Kind, Value
from kronkers_studio.packaging.recorded_facts import checked_facts

FILES = Path(__file__).with_name("files")
ANSWERS: dict[str, dict[str, Any]] = json.loads((FILES / "answers.json").read_text(encoding="utf-8"))
TAKEN_FOR_NUMBERS = {"pmax": ("fast",)}
"""Columns of which only an expression is kept; true and false count as 1 and 0 there."""
_MOST_PLACES = 1000
WORDS = ("three", "four", "five")


def facts_of(name: str, **beside: bytes) -> ModelFacts:
    data = (FILES / f"{name}.rds").read_bytes()
    others = {file.replace("_", "."): lambda text=text: text for file, text in beside.items()}
    return checked_facts(inspect_model(f"{name}.rds", io.BytesIO(data), others))


def refusal(data: bytes) -> UnsupportedModel:
    with pytest.raises(UnsupportedModel) as refused:
        inspect_model("m.rds", io.BytesIO(data), {})
    return refused.value


@pytest.mark.parametrize("name", ANSWERS)
def test_a_file_tells_its_columns_and_answers(name: str) -> None:
    """Seen to fail with the response among the columns, and with levels in another order."""
    case, facts = ANSWERS[name], facts_of(name)
    assert (facts.framework, facts.framework_version, facts.file_format) == (Framework.R, "4.2.2", "rds")
    columns = dict(model_columns(facts.signature).named)
    row = case["rows"][0]
    assert set(columns) == set(row)
    types = {float: Datatype.FP64, int: Datatype.FP64, str: Datatype.BYTES, bool: Datatype.BOOL}
    expected = {column: types[type(value)] for column, value in row.items()}
    expected |= dict.fromkeys(TAKEN_FOR_NUMBERS.get(name, ()), Datatype.FP64)
    assert columns == expected
    outputs = {tensor.name: tensor for tensor in facts.signature.outputs}
    assert set(outputs) == {key for key in case if key != "rows" and case[key]}
    if case["probabilities"]:
        assert outputs["probabilities"].columns == tuple(case["probabilities"][0])


def test_a_column_of_words_says_which_words_it_takes() -> None:
    for name, column, levels in (
        ("lm", "gears", WORDS),
        ("addna", "gears", WORDS),
        ("rpart_classes", "shift", ("by hand", "für dich")),
        ("forest", "gears", WORDS),
        ("bayes", "shift", ("by hand", "für dich")),
        ("multinom", "shift", ("by hand", "für dich")),
    ):
        inputs = {tensor.name: tensor for tensor in facts_of(name).signature.inputs}
        assert inputs[column].levels == levels, name


def test_what_a_function_kept_is_no_column() -> None:
    """The model was fitted in a function with a variable of its own, `scale`."""
    assert model_columns(facts_of("lm_in_function").signature).names == ("hp", "wt")


def test_the_package_of_a_class_is_known_and_its_version_from_the_files_beside() -> None:
    lock = json.dumps({"Packages": {"ranger": {"Package": "ranger", "Version": "0.14.1"}}}).encode()
    assert facts_of("ranger").packages == ("ranger",)
    assert facts_of("ranger", renv_lock=lock).packages == ("ranger==0.14.1",)
    assert facts_of("ranger", renv_lock=b"{}", DESCRIPTION=b"Imports:\n    ranger (== 0.15)").packages == (
        "ranger==0.15",
    )
    assert facts_of("ranger", renv_lock=b'{"Packages": {"ranger": {"Version": "1; rm"}}}').packages == ("ranger",)
    assert facts_of("lm", renv_lock=lock).packages == ()


def test_what_a_base_lacks_is_said_with_the_package_to_add() -> None:
    """Only of a base whose R is Debian's: of others nothing is known."""
    facts = facts_of("forest")
    engine, package = Component("deb", "r-base-core", "4.2.2"), Component("deb", "r-cran-randomforest", "4.7")
    require_language_packages(facts, [engine, package])
    require_language_packages(facts, [package])
    require_language_packages(facts_of("lm"), [engine])
    with pytest.raises(PackagingFailed, match="no R package randomForest") as refused:
        require_language_packages(facts, [engine])
    assert "Add r-cran-randomforest to its Dockerfile" in refused.value.next_step


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("active", "a variable that runs a program whenever it is read"),
        ("system", "its formula would run `system`"),
        ("eval", "its formula would run `eval`"),
        ("stranger", "is an R model (lm_of_mine, lm): not supported yet. Served are models of the classes aov,"),
        ("table", "was fitted on parts of a table"),
        ("time", "a class that rows of JSON have no word for"),
        ("nothing", "without any column"),
        ("svm_of_factor", "e1071 keeps no levels of factors"),
        ("forest_of_ordered", "randomForest keeps no levels of ordered ones"),
    ],
)
def test_what_is_refused_says_why(name: str, why: str) -> None:
    """Seen to fail without the look at active variables and at what formulas call."""
    problem = refusal((FILES / "refused" / f"{name}.rds").read_bytes())
    assert why in problem.message
    assert problem.next_step.endswith(".")


# R's serialization by hand: what no R writes
HEAD = b"X\n\0\0\0\2\0\4\2\2\0\2\3\0"
NOTHING = b"\0\0\0\xfe"
PROMISE = b"\0\0\4\5" + NOTHING + b"\0\0\0\xfc" + b"\0\0\0\1\0\4\0\x09\0\0\0\1f"  # unforced: to compute f
LIST = b"\0\0\0\x13\0\0\0\1"


@pytest.mark.parametrize("data", [PROMISE, LIST + PROMISE, b"\0\0\0\2" + PROMISE + NOTHING])
def test_a_computation_in_the_place_of_a_value_is_refused(data: bytes) -> None:
    """CVE-2024-27322. Seen to fail without the look at promises."""
    assert "R would run it as soon as somebody looks at it" in refusal(HEAD + data).message.replace(
        "that R would run as", "R would run it as"
    )


@pytest.mark.parametrize("name", ["lm_in_function", "lm_in_local"])
def test_computations_among_a_functions_variables_are_normal(name: str) -> None:
    """R keeps a function's arguments so, also those that were never read. Seen to fail for both ways in which R keeps
    variables."""
    data = lzma.decompress((FILES / f"{name}.rds").read_bytes())
    assert b"\0\0\4\5" in data or b"\0\0\0\5" in data
    assert facts_of(name).estimator == "lm"


def _integer(number: int) -> bytes:
    return struct.pack(">i", number)


def _symbol(name: str) -> bytes:
    return _integer(1) + _integer(9 | 64 << 12) + _integer(len(name)) + name.encode()


_SEQUENCE = _integer(2) + _symbol("compact_intseq") + _integer(2) + _symbol("base") + _integer(254)
_NOTHING, _NUMBER = _integer(254), _integer(13) + _integer(1) + _integer(5)
_NO_TEXT = _integer(16) + _integer(1) + _integer(9) + _integer(-1)


@pytest.mark.parametrize(
    "about, state",
    [
        (_SEQUENCE, _integer(19) + _integer(1) + _NOTHING),
        (_SEQUENCE, _NO_TEXT),
        (_SEQUENCE, _integer(14) + _integer(1) + struct.pack(">d", float("nan"))),
        (_SEQUENCE, _integer(14) + _integer(1) + struct.pack(">d", float("-inf"))),
        (_NUMBER, _NUMBER),
    ],
)
def test_a_vector_that_is_kept_in_no_way_of_rs_is_no_model(about: bytes, state: bytes) -> None:
    """As no R writes it; a reader that trusts it fails in its own way. Seen to fail."""
    head = b"X\n" + _integer(3) + _integer(0x040202) + _integer(0x030500) + _integer(5) + b"UTF-8"
    refusal(head + _integer(238) + about + state + _NOTHING)


def test_a_formula_of_many_columns_is_read() -> None:
    """They lie in one another, one step deeper for each."""
    name = b"\0\0\0\1\0\4\0\x09\0\0\0\1f"
    deep = (b"\0\0\0\6" + name + b"\0\0\0\2") * 5000 + name + NOTHING * 5001
    assert "an R object" in refusal(HEAD + deep).message


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_whatever_happens_to_a_file_it_is_described_or_refused(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["lm", "rpart_classes", "bayes", "ranger_probabilities", "glmnet", "nls"]))
    changed = bytearray(lzma.decompress((FILES / f"{name}.rds").read_bytes()))
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(14, len(changed) - 1))
        changed[start : start + data.draw(st.integers(0, 6))] = data.draw(st.binary(max_size=6))
    try:
        inspect_model("m.rds", io.BytesIO(gzip.compress(bytes(changed))), {})
    except UnsupportedModel as problem:
        assert problem.message


NUMBERS = b"\0\0\0\x0d\0\0\0\1\0\0\0\1"
INFINITE = b"\0\0\0\x0e\0\0\0\1\xff\xf0" + bytes(6)
SEQUENCE = b"\0\0\0\2\0\0\0\1\0\4\0\x09\0\0\0\x0ecompact_intseq" + NOTHING


@pytest.mark.parametrize("about", [NUMBERS, SEQUENCE])
@pytest.mark.parametrize("state", [NUMBERS, INFINITE, LIST + NUMBERS, b"\0\0\0\x10\0\0\0\1\0\0\0\x09\xff\xff\xff\xff"])
def test_a_vector_kept_in_another_way_that_tells_nothing_of_itself_is_refused(about: bytes, state: bytes) -> None:
    """Seen to fail where numbers were taken for what describes the vector."""
    assert "an R object" in refusal(HEAD + b"\0\0\0\xee" + about + state + NOTHING).message


@pytest.mark.parametrize(
    "name", ["lm_in_function", "rf_matrix", "ranger_bool", "bayes_mixed", "glm_classes", "glmnet_multi"]
)
def test_a_model_with_a_part_of_another_type_is_described_or_refused(name: str) -> None:
    """Each part in turn is numbers where R has a list. Seen to fail for each of these files but one."""
    with (FILES / f"{name}.rds").open("rb") as stream:
        saved = read_saved(stream)
    assert isinstance(saved, SavedObject)
    assert saved.value is not None
    numbers = Value(Kind.NUMBER, 2, [1.0, 2.0])
    told = 0
    for holder, place in _places(saved.value):
        kept = holder[place]
        holder[place] = numbers
        try:
            facts = inspect_r("m.rds", saved, {})
        except UnsupportedModel:
            told += 1
        else:
            tensors = facts.signature.inputs if facts is not None else ()
            assert all(isinstance(text, str) for one in tensors for text in (one.name, *one.columns, *one.levels))
        holder[place] = kept
    assert told > 0


def _places(root: Value) -> list[tuple[Any, Any]]:
    """Where the values are that ``root`` is made of."""
    found: list[tuple[Any, Any]] = []
    waiting, seen = [root], set[int]()
    while waiting and len(found) < _MOST_PLACES:
        value = waiting.pop(0)
        if id(value) in seen:
            continue
        seen.add(id(value))
        found += [(value.items, place) for place, item in enumerate(value.items) if isinstance(item, Value)]
        found += [(value.attributes, name) for name in value.attributes]
        waiting += [*value.values, *value.attributes.values()]
    return found
