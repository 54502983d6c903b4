"""POST /predict with rows as CSV, and the answer as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kronkers_studio.deployment.service_client import LoopbackClient
from kronkers_studio.estimators.columns import Holds
from kronkers_studio.serving.inputs.csv_rows import rows_of_csv
from kronkers_studio.serving.inputs.row_reader import RowReader
from kronkers_studio.serving.problems import Refusal
from kronkers_studio.serving.signature import Signature, TensorSpec
from tests.serving.model_folders import WINE_COLUMNS, wine_classifier, wine_rows

_CSV = {"Content-Type": "text/csv"}
_ROWS = wine_rows(20)


def _written(rows: list[dict[str, Any]], names: Sequence[str] = WINE_COLUMNS, **options: Any) -> str:
    """``rows`` as spreadsheets write them."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, **{"lineterminator": "\n", **options})
    writer.writerow(names)
    writer.writerows([[row[name] for name in names] for row in rows])
    return out.getvalue()


_TEXT = _written(_ROWS)


def _asked(client: LoopbackClient, body: bytes | str, **headers: str) -> tuple[int, Any]:
    sent = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    status, answer = client.request("POST", "/predict", sent, {**_CSV, **named})
    return status, json.loads(answer)


def _as_json(client: LoopbackClient) -> Any:
    body = json.dumps({"rows": _ROWS}).encode()
    return json.loads(client.request("POST", "/predict", body, {"Content-Type": "application/json"})[1])


@pytest.mark.parametrize(
    "text",
    [
        _TEXT,
        _written(_ROWS, WINE_COLUMNS[::-1]),
        "\ufeff" + _written(_ROWS, lineterminator="\r\n"),
        _written(_ROWS, quoting=csv.QUOTE_ALL),
        _TEXT.replace(",", ";").replace(".", ","),
        _TEXT.rstrip("\n"),
        _TEXT + "\n\n",
    ],
    ids=["plain", "another order", "BOM and CRLF", "quoted", "semicolons", "no end of line", "blank lines"],
)
def test_a_table_as_csv_is_answered_as_the_same_rows_of_json(wine: LoopbackClient, text: str) -> None:
    assert _asked(wine, text) == (200, _as_json(wine))


def test_without_names_the_values_stand_in_the_order_of_the_columns(wine: LoopbackClient) -> None:
    status, answer = _asked(wine, _TEXT.partition("\n")[2], Content_Type="text/csv; charset=utf-8; header=absent")
    assert (status, answer) == (200, _as_json(wine))


def test_the_answer_is_csv_when_that_is_asked_for(wine: LoopbackClient) -> None:
    status, body = wine.request("POST", "/predict", _TEXT.encode(), {**_CSV, "Accept": "text/csv"})
    names, *lines = csv.reader(io.StringIO(body.decode()))
    found = np.array(lines, dtype=float)
    model, matrix = wine_classifier(), np.array([list(row.values()) for row in _ROWS])
    assert status == 200
    assert names == ["output", "probability_0", "probability_1", "probability_2"]
    assert found[:, 0].tolist() == model.predict(matrix).tolist()
    np.testing.assert_allclose(found[:, 1:], model.predict_proba(matrix), rtol=1e-9)


_GOOD = _written(_ROWS[:3])


def _with(column: str, value: object) -> str:
    """Three rows, of which the second holds ``value``."""
    return _written([_ROWS[0], {**_ROWS[1], column: value}, _ROWS[2]])


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("", 400, "The body is empty"),
        (_written([]), 400, "“rows” is empty"),
        (_with("ash", "much"), 400, "Row 2: the field “ash” must be a number, not text."),
        (_with("ash", "1_000"), 400, "Row 2: the field “ash” must be a number, not text."),
        (_with("ash", "inf"), 400, "Row 2: the field “ash” must be a number, not text."),
        (_with("ash", ""), 400, "cannot take missing values"),
        (_with("ash", "NaN"), 400, "cannot take missing values"),
        (_with("ash", "1e400"), 400, "out of range"),
        (_GOOD.replace("ash,", "asch,", 1), 400, "did you mean “ash”?"),
        (_written(_ROWS[:3], [name for name in WINE_COLUMNS if name != "ash"]), 400, "the field “ash” is missing"),
        (_GOOD.replace("ash,", "hue,", 1), 400, "names “hue” twice"),
        (_GOOD + "1,2\n", 400, "Row 4 has 2 values; the first line names 13."),
        (_written(_ROWS * 3), 413, "One request may hold 50 rows"),
        ('a,b\n"1,2\n', 400, "is not CSV"),
    ],
)
def test_what_does_not_fit_is_said_with_its_row(wine: LoopbackClient, text: str, status: int, words: str) -> None:
    found, answer = _asked(wine, text)
    assert found == status
    assert words in answer["error"]


def test_other_encodings_are_refused(wine: LoopbackClient) -> None:
    status, answer = _asked(wine, "größe\n1\n".encode("latin-1"))
    assert (status, answer["error"]) == (400, "The body is not CSV in UTF-8: the byte at 2 begins no character.")


_MIXED = Signature(
    (
        TensorSpec("age", "FP64", (-1, 1), may_be_missing=(True,)),
        TensorSpec("city", "BYTES", (-1, 1), may_be_missing=(True,)),
        TensorSpec("note", "BYTES", (-1, 1), may_be_missing=(False,)),
        TensorSpec("member", "BOOL", (-1, 1)),
        TensorSpec("children", "INT64", (-1, 1)),
        TensorSpec("zip", "BYTES", (-1, 1), holds=Holds.CATEGORIES),
        TensorSpec("unused", "FP64", (-1, 1), holds=Holds.ANYTHING),
    )
)


def _read(text: str) -> list[Any]:
    reader = RowReader(_MIXED, takes_missing=False, most_rows=10)
    return rows_of_csv(text.encode(), reader, has_header=None, most_rows=10)


def test_each_value_is_what_its_column_holds() -> None:
    text = 'age,city,note,member,children,zip,unused\n41.5,"Bonn, am Rhein",,TRUE,2,01067,x\n,,"a\nb",0,2.0,01067,\n'
    first, second = _read(text)
    assert first == {
        **{"age": 41.5, "city": "Bonn, am Rhein", "note": "", "member": True, "children": 2},
        **{"zip": "01067", "unused": "x"},
    }
    assert second == {
        **{"age": None, "city": None, "note": "a\nb", "member": False, "children": 2.0},
        **{"zip": "01067", "unused": None},
    }


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=60) | st.text(alphabet='ab1,;"\n\r.5 \0', max_size=60).map(str.encode))
def test_any_bytes_are_rows_or_refused(body: bytes) -> None:
    for has_header in (None, False):
        reader = RowReader(_MIXED, takes_missing=False, most_rows=10)
        try:
            rows = rows_of_csv(body, reader, has_header=has_header, most_rows=10)
        except Refusal:
            continue
        assert len(rows) <= 10
