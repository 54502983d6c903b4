"""Files of rows as people have them."""

from __future__ import annotations

import codecs
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.serving.app import Limits
from kronkers_studio.workflows import row_files
from kronkers_studio.workflows.row_files import parse_rows


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"alcohol\n12.5\n13\n", [{"alcohol": 12.5}, {"alcohol": 13}]),
        (b"alcohol\r\n12.5\r\n", [{"alcohol": 12.5}]),
        (b"alcohol\r12.5\r", [{"alcohol": 12.5}]),
        (b"text\nhello, you; there\n", [{"text": "hello, you; there"}]),
        (b"text\n12,5\n", [{"text": "12,5"}]),
        (b'text\n"two\nlines"\n', [{"text": "two\nlines"}]),
        (b'"a;b"\n1\n', [{"a;b": 1}]),
        (b'"a;b",c\n1,2\n', [{"a;b": 1, "c": 2}]),
        (b"a, b\n1, 2\n", [{"a": 1, "b": 2}]),
        (b"a\tb\n1\tx y\n", [{"a": 1, "b": "x y"}]),
        (b"\n\na,b\n\n1,2\n\n", [{"a": 1, "b": 2}]),
        ("a,b\n1,\u2028x\n".encode(), [{"a": 1, "b": "\u2028x"}]),
        (b"a,b\n,NaN\n", [{"a": None, "b": None}]),
        (b"a,b\n1_000,inf\n", [{"a": "1_000", "b": "inf"}]),
        ("a,b\n\u0661,2\n".encode(), [{"a": "\u0661", "b": 2}]),
        (b"a\n99999999999999999999\n", [{"a": 1e20}]),
        (b'[{"a": 1}]', [{"a": 1}]),
        (b' \n{"rows": [[1, 2]]}', [[1, 2]]),
        (b"a;b\n1;2.5", [{"a": 1, "b": 2.5}]),
    ],
)
@pytest.mark.parametrize("name", ["rows.csv", "rows.json", "/dev/fd/63", "What was piped in"])
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_rows_are_told_by_their_content_whatever_the_name_and_coding(
    content: bytes, rows: list[Any], name: str, coding: str
) -> None:
    marked = codecs.BOM_UTF16_BE if coding == "utf-16-be" else b""
    assert parse_rows(marked + content.decode().encode(coding), name) == rows


@pytest.mark.parametrize(
    ("content", "words", "next_step"),
    [
        (b"", "holds no rows", "Give a list of rows"),
        (b" \n\t", "holds no rows", "Give a list of rows"),
        (b"\xef\xbb\xbf", "holds no rows", "Give a list of rows"),
        (b"alcohol", "holds no rows", "Give a list of rows"),
        (b"a,b\n", "holds no rows", "Give a list of rows"),
        (b"[]", "holds no rows", "Give a list of rows"),
        (b'{"rows": {}}', "holds no rows", "Give a list of rows"),
        (b"[1", "not valid JSON", "Correct it."),
        (b"[" * 100_000, "nested too deeply", "Correct it."),
        (b"[" + b"9" * 5000 + b"]", "thousands of digits", "Correct it."),
        (b"a,b\n1,2,3\n", "Line 2 of rows.txt has 3 values, and its first line 2 names", "Give each line one value"),
        (b"a,b\n1\n", "Line 2 of rows.txt has 1 values", "Give each line one value"),
        (b"a,a\n1,2\n", "names the column “a” twice", "must name each column once"),
        (b"a,,\n1,2,3\n", "several columns without a name", "must name each column once"),
        (b"a,b\n1,1e400\n", "Line 2 of rows.txt: the number for “b” is too large", "Correct it."),
        (b'a,b\n"' + b"x" * 2_000_000, "not a readable CSV file", "quotation mark"),
        (b"a,b\n1," + b"x" * 2_000_000, "not a readable CSV file", "quotation mark"),
        ("a,b\n1,2\n".encode("utf-16-le"), "zero bytes", "Give JSON or CSV."),
        (b"PK\x03\x04\x00\x00", "zero bytes", "Give JSON or CSV."),
        (b"name\nM\xfcller\n", "not UTF-8 text", "Save it as UTF-8"),
        (b"\xff\xfea", "not UTF-16 text", "Save it as UTF-8"),
    ],
)
def test_what_holds_no_rows_is_refused_with_what_is_wrong(content: bytes, words: str, next_step: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_rows(content, "rows.txt")
    assert words in refused.value.message
    assert next_step in refused.value.next_step


def test_a_csv_file_whose_first_column_begins_like_json_is_csv_by_its_name() -> None:
    assert parse_rows(b"[x],b\n1,2\n", "rows.csv") == [{"[x]": 1, "b": 2}]


def test_a_file_that_is_too_large_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_files, "MOST_BYTES", 10)
    with pytest.raises(InvalidInput, match="larger than"):
        parse_rows(b"a,b\n1,2\n3,4\n", "rows.csv")


@given(st.binary(max_size=200) | st.text(alphabet='a,;\t\n\r"1.e[]{}:NaN \x00\ufeff', max_size=60).map(str.encode))
@example(b'"')
@example(b"{}")
def test_whatever_is_in_a_file_gives_rows_or_a_refusal(content: bytes) -> None:
    try:
        assert parse_rows(content, "rows.csv")
    except InvalidInput as refused:
        assert refused.message.startswith("Line ") or "rows.csv" in refused.message
        assert refused.message.isprintable() and len(refused.message) < 300


def test_a_file_is_not_read_that_is_far_larger_than_what_a_service_takes() -> None:
    at_once = Limits().most_bytes
    assert at_once <= row_files.MOST_BYTES <= 2 * at_once  # as values, a gigabyte is reached at about three times that
