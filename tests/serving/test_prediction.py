"""POST /predict against a live server."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kronkers_studio.deployment.service_client import LoopbackClient
from tests.serving.model_folders import WINE_COLUMNS, wine_classifier, wine_rows

_JSON = {"Content-Type": "application/json"}


def predict(client: LoopbackClient, body: Any, headers: dict[str, str] = _JSON) -> tuple[int, Any]:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, answer = client.request("POST", "/predict", sent, headers)
    return status, json.loads(answer)


def test_rows_of_fields_in_any_order_are_predicted_as_the_model_itself_does(wine: LoopbackClient) -> None:
    rows = wine_rows(40)
    shuffled = [dict(reversed(row.items())) for row in rows]
    status, answer = predict(wine, {"rows": shuffled})
    model, matrix = wine_classifier(), np.array([list(row.values()) for row in rows])
    assert status == 200
    assert (answer["model"], answer["version"]) == ("wine", 3)
    assert answer["outputs"] == model.predict(matrix).tolist()
    found = np.array([[p["0"], p["1"], p["2"]] for p in answer["probabilities"]])
    np.testing.assert_allclose(found, model.predict_proba(matrix), rtol=1e-9)


def test_rows_may_be_lists_of_values(wine: LoopbackClient) -> None:
    status, answer = predict(wine, {"rows": [list(row.values()) for row in wine_rows(2)]})
    assert (status, answer["outputs"]) == (200, [0, 0])


def test_true_and_false_stand_for_one_and_zero_as_for_the_library(wine: LoopbackClient) -> None:
    truth, number = ({**wine_rows()[0], "ash": ash} for ash in (True, 1))
    status, answer = predict(wine, {"rows": [truth, number]})
    assert status == 200
    assert answer["probabilities"][0] == answer["probabilities"][1]


def _without(name: str) -> dict[str, float]:
    return {key: value for key, value in wine_rows()[0].items() if key != name}


GOOD = wine_rows()[0]
LISTED = list(GOOD.values())


@pytest.mark.parametrize(
    ("rows", "status", "field", "words"),
    [
        ([GOOD, _without("hue")], 400, "hue", "Row 2: the field “hue” is missing."),
        ([{**GOOD, "alcohl": 1}], 400, "alcohl", "Row 1: unknown field “alcohl”; did you mean “alcohol”?"),
        ([{**_without("alcohol"), "alcohl": 1}], 400, "alcohl", "did you mean “alcohol”?"),
        ([GOOD, GOOD, {**GOOD, "ash": "2.1"}], 400, "ash", "Row 3: the field “ash” must be a number, not text."),
        ([{**GOOD, "ash": None}], 400, "ash", "cannot take missing values"),
        ([{**GOOD, "ash": [1]}], 400, "ash", "must be a number, not a list"),
        ([LISTED, LISTED[1:]], 400, None, "Row 2 has 12 values; this model takes 13: alcohol,"),
        ([[*LISTED[:-1], "x"]], 400, "proline", "Row 1: the field “proline” must be a number"),
        ([7], 400, None, "Row 1 is a whole number; each row must be"),
        ([], 400, "rows", "“rows” is empty"),
        ({}, 400, "rows", "“rows” must be a list of rows, not an object."),
        ([GOOD] * 51, 413, "rows", "51 rows; one request may hold 50"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_with_its_number_and_field(
    wine: LoopbackClient, rows: Any, status: int, field: str | None, words: str
) -> None:
    found, answer = predict(wine, {"rows": rows})
    assert (found, answer.get("field")) == (status, field)
    told = re.match(r"Row (\d+)", answer["error"])
    assert answer.get("row") == (int(told[1]) if told else None)
    assert words in answer["error"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "The body is empty"),
        (b"{", 400, "not valid JSON"),
        (b"[1]", 400, "must be a JSON object"),
        (b'{"row": []}', 400, "must have the field “rows”, a list of rows, not “row”"),
        (b'{"rows": [[NaN]]}', 400, "NaN and Infinity are not numbers in JSON"),
        (b'{"rows": [[-Infinity]]}', 400, "NaN and Infinity are not numbers in JSON"),
        (b'{"rows": ' + b"[" * 5000 + b"]" * 5000 + b"}", 400, "nested too deeply"),
        (b'{"rows": [[' + b"1e400," * 12 + b"1]]}", 400, ""),
        (b'{"rows": "' + b"x" * 200_000 + b'"}', 413, "larger than 200000 bytes"),
        (b"\xff\xfe", 400, "not valid JSON"),
    ],
)
def test_a_body_that_is_no_request_is_refused_with_a_sentence(
    wine: LoopbackClient, body: bytes, status: int, words: str
) -> None:
    found, answer = predict(wine, body)
    assert found == status
    assert words in answer["error"]
    assert "Traceback" not in answer["error"]


def test_another_content_type_or_encoding_is_refused(wine: LoopbackClient) -> None:
    form = predict(wine, {"rows": [GOOD]}, {"Content-Type": "application/x-www-form-urlencoded"})
    packed = predict(wine, {"rows": [GOOD]}, {**_JSON, "Content-Encoding": "gzip"})
    assert (form[0], packed[0]) == (415, 415)
    assert "Content-Type: application/json" in form[1]["error"]


def test_wrong_methods_and_addresses_get_json_answers(wine: LoopbackClient) -> None:
    status, body = wine.request("GET", "/predict")
    assert (status, json.loads(body)["error"]) == (405, "This address takes POST, not GET.")
    status, body = wine.request("GET", "/nothing")
    assert status == 404
    assert "/nothing" in json.loads(body)["error"]


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WINE_COLUMNS), inner, max_size=3),
    max_leaves=8,
)
_NEARLY = st.fixed_dictionaries({name: st.just(1.0) | _VALUES for name in WINE_COLUMNS[:2]}).map(
    lambda r: {**GOOD, **r}
)
_BODIES = st.one_of(
    st.binary(max_size=200),
    _VALUES.map(lambda value: json.dumps(value).encode()),
    st.lists(_NEARLY | _VALUES, max_size=3).map(lambda rows: json.dumps({"rows": rows}).encode()),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=_BODIES)
def test_whatever_is_sent_is_answered_or_refused_and_the_server_goes_on(wine: LoopbackClient, body: bytes) -> None:
    status, answer = predict(wine, body)
    assert status == 200 or 400 <= status < 500, answer
    assert "error" in answer or len(answer["outputs"]) > 0
    assert predict(wine, {"rows": [GOOD]})[0] == 200
