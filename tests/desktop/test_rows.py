"""Rows are read as people write them, and what is wrong is named with its place."""

from __future__ import annotations

import json

import pytest

from kronkers_studio.desktop.typed_rows import answer_table, example_rows, form_columns, parse_rows, row_from_form
from kronkers_studio.domain.errors import InvalidInput, InvalidValue
from kronkers_studio.domain.models import Datatype, Signature, Tensor
from kronkers_studio.domain.releases import Prediction

_NAMED = Signature(inputs=(Tensor("input", Datatype.FP64, (-1, 2), ("alcohol", "hue")),))
_UNNAMED = Signature(inputs=(Tensor("x", Datatype.FP32, (-1, 3)),))


@pytest.mark.parametrize(
    "text",
    [
        '[{"alcohol": 14.2, "hue": 1}]',
        '{"rows": [{"alcohol": 14.2, "hue": 1}]}',
        '{"alcohol": 14.2, "hue": 1}',
        "alcohol,hue\n14.2,1\n",
        "alcohol;hue\n14,2;1\n",
        "alcohol\thue\n14.2\t1",
    ],
)
def test_json_and_csv_of_every_usual_kind_give_the_same_row(text: str) -> None:
    assert parse_rows(text) == [{"alcohol": 14.2, "hue": 1}]


def test_rows_without_names_are_lists() -> None:
    assert parse_rows("[[1, 2.5], [3, 4]]") == [[1, 2.5], [3, 4]]
    assert parse_rows("[1, 2.5]") == [[1, 2.5]]


def test_words_in_csv_stay_words() -> None:
    assert parse_rows("region,age\nNorth,41") == [{"region": "North", "age": 41}]


@pytest.mark.parametrize(
    ("text", "named", "next_step"),
    [
        ("", "no rows", "Paste JSON or CSV"),
        ("[", "line 1", "Correct it there"),
        ('[{"a": 1},\n {"a": }]', "line 2", "Correct it there"),
        ("[]", "no rows", "Write a list of rows"),
        ("a,b\n1,2,3", "Line 2", "The first line names the columns"),
        ("a,b\n1,2\n1", "Line 3", "The first line names the columns"),
        ("a,b", "only a line of names", "Add a line of values"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, named: str, next_step: str) -> None:
    with pytest.raises(InvalidInput, match=named) as caught:
        parse_rows(text)
    assert next_step in caught.value.next_step


def test_a_form_has_a_field_for_each_column_and_reads_it_by_its_type() -> None:
    assert [name for name, _ in form_columns(_NAMED)] == ["alcohol", "hue"]
    assert row_from_form(_NAMED, {"alcohol": "14,2", "hue": " 1 "}) == {"alcohol": 14.2, "hue": 1.0}
    with pytest.raises(InvalidInput, match="hue is empty"):
        row_from_form(_NAMED, {"alcohol": "1"})
    with pytest.raises(InvalidValue, match="hue must be a number, not “red”") as refused:
        row_from_form(_NAMED, {"alcohol": "1", "hue": "red"})
    assert refused.value.column == "hue", "by which the form marks its field"


def test_without_named_columns_there_is_no_form_but_an_example_of_the_right_width() -> None:
    assert form_columns(_UNNAMED) == []
    assert json.loads(example_rows(_UNNAMED)) == [[0, 0, 0]]
    assert json.loads(example_rows(_NAMED)) == [{"alcohol": 0, "hue": 0}]


def test_answers_come_first_then_certainty_then_the_rows_own_values() -> None:
    answer = Prediction("wine", 1, ("Barolo",), ({"Barolo": 0.958, "Barbera": 0.042},), 2.0)
    titles, lines = answer_table([{"alcohol": 14.2, "hue": 1}], answer)
    assert titles == ["Answer", "Certainty", "alcohol", "hue"]
    assert lines == [["Barolo", "95.8 %", "14.2", "1"]]


@pytest.mark.parametrize(
    ("text", "named", "next_step"),
    [
        ("[" * 100_000, "This JSON cannot be read", "Write a list of rows"),
        ("[" + "9" * 5000 + "]", "This JSON cannot be read", "Write a list of rows"),
        ('a,b\n"' + "x" * 200_000, "The CSV cannot be read after line", "quotation mark that is not closed"),
    ],
)
def test_text_that_no_reader_takes_is_refused_with_a_sentence(text: str, named: str, next_step: str) -> None:
    with pytest.raises(InvalidInput, match=named) as refused:
        parse_rows(text)
    assert next_step in refused.value.next_step
