"""People's own tables, matched to what a model needs, scored in parts and saved with the answers."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import polars as pl
import pytest

from kronkers_studio.domain.errors import (
    AlreadyExists,
    Cancelled,
    FileUnwritable,
    InvalidInput,
    PredictionFailed,
    RowsRefused,
    StudioError,
)
from kronkers_studio.domain.model_columns import model_columns
from kronkers_studio.domain.models import ContentRef, Datatype, Signature, Tensor
from kronkers_studio.domain.progress import CancelSource
from kronkers_studio.domain.releases import Prediction
from kronkers_studio.domain.row_tables import SAVED_AS, MatchedRows, RowTable, ScoredRows, answer_certainty
from kronkers_studio.serving.http.app import Limits
from kronkers_studio.workflows import row_files, scored_rows
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.row_files import list_tables, read_row_content, read_table, read_text_rows
from kronkers_studio.workflows.row_matching import match_rows
from kronkers_studio.workflows.scored_files import save_scored_rows
from kronkers_studio.workflows.scored_rows import score_rows
from kronkers_studio.workflows.session import Session

_NUMBERS = Signature(inputs=(Tensor("input", Datatype.FP64, (-1, 2), ("spend", "calls")),))
_MIXED = Signature(
    inputs=(
        Tensor("region", Datatype.BYTES, (-1, 1)),
        Tensor("age", Datatype.INT64, (-1, 1)),
        Tensor("member", Datatype.BOOL, (-1, 1)),
    )
)
_UNNAMED = Signature(inputs=(Tensor("x", Datatype.FP32, (-1, 2)),))
_WANTED = ("spend", "calls")


@pytest.fixture(autouse=True)
def _live_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is live takes many rows at once."""
    live = SimpleNamespace(signature=_NUMBERS)
    monkeypatch.setattr(scored_rows, "live_model", lambda _session, _name, _place: live)


def _matched(content: str | bytes, signature: Signature = _NUMBERS, name: str = "own.csv") -> MatchedRows:
    data = content if isinstance(content, bytes) else content.encode()
    return match_rows(read_text_rows(data, name, model_columns(signature).names), signature, "churn")


def _workbook(*sheets: Sequence[Sequence[Any]], merge: str = "") -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for number, rows in enumerate(sheets, 1):
        sheet = book.create_sheet(f"Sheet {number}")
        for row in rows:
            sheet.append(list(row))
            for cell in sheet[sheet.max_row]:
                if isinstance(cell.value, float):
                    cell._value, cell.data_type = repr(cell.value), "n"  # with all digits, as Excel writes them
    if merge:
        book.worksheets[0].merge_cells(merge)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


# ---- which columns ----


@pytest.mark.parametrize(
    ("head", "remark"),
    [
        ("id,spend,calls,city", ""),
        ("city,calls,id,spend", ""),
        ("id, SPEND ,Calls,city", "“SPEND” is used for spend."),
        (",spend,calls,spend total", ""),  # as R names its rows
    ],
)
def test_columns_are_found_by_name_wherever_they_are(head: str, remark: str) -> None:
    names = [name.strip() for name in head.split(",")]
    values = {"spend": "23.85", "calls": "2"}
    matched = _matched(f"{head}\n{','.join(values.get(name.lower(), 'x') for name in names)}\n")
    assert matched.values == [{"spend": 23.85, "calls": 2}]
    assert len(matched.carried) == len(names) - 2
    assert (remark in matched.remarks) is bool(remark)


@pytest.mark.parametrize(
    ("head", "words", "next_step"),
    [
        ("id,calls,city", "own.csv lacks spend: 1 of the 2 columns that churn needs.", "It has id, calls, city."),
        ("id,a,b", "lacks spend, calls: 2 of the 2", "Nothing was sent"),
        ("spends,calls,b", "lacks spend", "“spends” may be spend"),
        ("Spend,SPEND,calls", "has 2 columns that could be “spend”", "a name of its own"),
        ("spend,spend,calls", "has 2 columns that could be “spend”", "a name of its own"),
    ],
)
def test_columns_that_are_missing_or_in_doubt_are_named(head: str, words: str, next_step: str) -> None:
    with pytest.raises(RowsRefused) as refused:
        _matched(f"{head}\n1,2,3\n")
    assert words in refused.value.message
    assert next_step in refused.value.next_step


def test_columns_that_are_there_twice_are_carried_along() -> None:
    matched = _matched("a,spend,a,calls,\n1,2,3,4,5\n")
    assert matched.carried == ("a", "a", "column 5")
    assert matched.values == [{"spend": 2, "calls": 4}]


def test_a_model_without_names_takes_the_columns_in_their_order() -> None:
    matched = _matched("a,b\n1,2\n", _UNNAMED)
    assert matched.values == [[1, 2]]
    assert "in their order" in matched.remarks[0]
    with pytest.raises(RowsRefused, match="has 3 columns; churn takes 2"):
        _matched("a,b,c\n1,2,3\n", _UNNAMED)


def test_a_model_that_says_nothing_of_its_columns_gets_all_of_them() -> None:
    unknown = Signature(inputs=(Tensor("x", Datatype.FP32, (-1, -1)),))
    assert _matched("a,b\n1,x\n", unknown).values == [{"a": 1, "b": "x"}]


# ---- CSV as people have it ----


@pytest.mark.parametrize(
    ("content", "remark"),
    [
        ("id;spend;calls\na;23,85;2\n", "A comma is read as the decimal sign in spend."),
        ("\ufeffid;spend;calls\r\na;23,85;2\r\n", "A comma is read as the decimal sign in spend."),
        ("id\tspend\tcalls\na\t23,85\t2\n", "A comma is read as the decimal sign in spend."),
        ("sep=;\nid;spend;calls\na;23.85;2\n", ""),
        ("id|spend|calls\na|23.85|2\n", ""),
        ('"","spend","calls"\n"1",23.85,2\n', ""),
        ("spend,calls\n1,23.85,2\n2,1,NA\n", ""),  # R's write.table: the rows' names have no name
        ("Report,,\n\nid,spend,calls\na,23.85,2\n", "The columns are named in line 3; what is above it was left out."),
        ("Report\nid;spend;calls\na;23.85;2\n", "The columns are named in line 2; what is above it was left out."),
        ("id,spend,calls,,\na,23.85,2,,\n,,,,\n,,,,\n", "2 empty rows were left out."),
    ],
)
def test_csv_as_programs_write_it(content: str, remark: str) -> None:
    matched = _matched(content)
    assert matched.values[0] == {"spend": 23.85, "calls": 2}
    assert (remark in (*matched.table.remarks, *matched.remarks)) is bool(remark)


def test_windows_letters_are_read_and_said() -> None:
    matched = _matched("id;spend;calls\nMüller;1;2\n".encode("cp1252"))
    assert matched.table.rows[0][0] == "Müller"
    assert "Windows-1252" in matched.table.remarks[0]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("lots", "Row 2 (line 3) of own.csv: spend must be a number, not “lots”."),
        ("12 %", "must be a number, not “12 %”"),
        ('"1,234"', "without thousands separators"),
        ("1e999", "a finite number"),
        ("inf", "must be a number, not “inf”"),
        ("#DIV/0!", "must be a number, not “#DIV/0!”"),
        ("1" * 400, "a finite number"),
    ],
)
def test_what_is_no_number_is_named_by_its_line(cell: str, words: str) -> None:
    with pytest.raises(RowsRefused) as refused:
        _matched(f"spend,calls\n1,2\n{cell},2\n")
    assert words in refused.value.message
    assert refused.value.column == "spend"
    assert "Nothing was sent." in refused.value.next_step


def test_thousands_and_decimal_commas_are_not_mixed_up() -> None:
    assert _matched("spend;calls\n1,234;2\n").values[0]["spend"] == 1.234, (
        "where semicolons separate, commas are decimal"
    )
    with pytest.raises(RowsRefused, match="thousands"):
        _matched("spend\tcalls\n1,234\t2\n")
    with pytest.raises(RowsRefused, match="must be a number"):
        _matched("spend;calls\n1.234,50;2\n")


@pytest.mark.parametrize("missing", ["", "NA", "n/a", "NaN", "null", "#N/A"])
def test_missing_numbers_are_null(missing: str) -> None:
    assert _matched(f"spend,calls\n{missing},2\n").values == [{"spend": None, "calls": 2}]


def test_values_are_of_the_types_that_the_model_takes() -> None:
    assert _matched("region,age,member,x\n007,41.0,TRUE,\n5,3,no,\n", _MIXED).values == [
        {"region": "007", "age": 41, "member": True},
        {"region": "5", "age": 3, "member": False},
    ]
    for cell, words in (("1.5", "a whole number"), ("1e30", "a whole number from -9,223"), ("x", "a whole number")):
        with pytest.raises(RowsRefused, match=words):
            _matched(f"region,age,member\na,{cell},no\n", _MIXED)
    with pytest.raises(RowsRefused, match="true or false"):
        _matched("region,age,member\na,1,maybe\n", _MIXED)


def test_json_may_have_more_fields_and_says_where_one_is_missing() -> None:
    assert _matched('[{"id": 7, "spend": 23.85, "calls": 2}]').values == [{"spend": 23.85, "calls": 2}]
    with pytest.raises(RowsRefused, match=r"Row 2 of own\.csv has no “calls”"):
        _matched('[{"spend": 1, "calls": 2}, {"spend": 1}]')
    with pytest.raises(InvalidInput, match=r"Row 2 of own\.csv is not written as the rows before it"):
        _matched('[{"spend": 1, "calls": 2}, [1, 2]]')
    with pytest.raises(RowsRefused, match="finite"):
        _matched('[{"spend": Infinity, "calls": 2}]')


# ---- workbooks and Parquet, read by the confined process ----


def test_a_workbook_is_read_cell_by_cell_as_what_it_is(session: Session) -> None:
    rows: list[list[Any]] = [
        ["id", "Spend", "calls", "when", "ok", "share", "note"],
        ["007", 23.85, 2, dt.date(2026, 1, 2), True, 0.25, "=1+2"],
        [8, 0.1 + 0.2, "3", dt.datetime(2026, 1, 2, 3, 4, 5), False, 1e-10, None],
        [12345678901234567, 1e-10, 4.0, dt.time(3, 4), None, 23.0, "#N/A"],
        [None] * 7,
    ]
    data = _workbook(rows)
    table = read_row_content(session, data, "own.xlsx", _WANTED)
    assert list(table.rows[0])[:3] == ["007", 23.85, 2]
    assert list(table.rows[0])[3:6] == [dt.datetime(2026, 1, 2), True, 0.25]
    assert table.rows[0][4] is True, "and no number"
    assert table.rows[1][1] == 0.1 + 0.2
    assert table.rows[2][1:4] == [1e-10, 4, dt.time(3, 4)]
    matched = match_rows(table, _NUMBERS, "churn")
    assert [row["calls"] for row in matched.values] == [2, 3, 4], "a number that is stored as text is one"


def test_the_sheet_and_line_with_the_columns_are_found_and_said(session: Session) -> None:
    data = _workbook(
        [["Notes"], ["nothing here"]],
        [["Customers 2026"], [], ["id", "spend", "calls"], ["a", 1, 2], [None, None, None], ["b", 3, 4]],
    )
    table = read_row_content(session, data, "own.xlsx", _WANTED)
    assert table.remarks == (
        "The columns are named in line 3; what is above it was left out.",
        "Of 2 sheets, “Sheet 2” was read.",
    )
    assert list(table.lines) == [4, 6]
    assert [list(row) for row in table.rows] == [["a", 1, 2], ["b", 3, 4]]


def test_merged_and_far_away_cells_are_told_and_cost_nothing(session: Session) -> None:
    book = openpyxl.load_workbook(io.BytesIO(_workbook([["spend", "calls"], [1, 2], [None, 3], [4, 5]], merge="A2:A3")))
    book.worksheets[0]["B900000"] = 7
    file = io.BytesIO()
    book.save(file)
    table = read_row_content(session, file.getvalue(), "own.xlsx", _WANTED)
    assert [list(row) for row in table.rows] == [[1, 2], [None, 3], [4, 5], [None, 7]]
    assert list(table.lines)[-1] == 900_000
    assert "merged" in table.remarks[0]


@pytest.mark.parametrize("name", ["own.parquet", "own", "own.csv"])
def test_parquet_is_told_by_its_content_and_keeps_its_numbers(session: Session, name: str) -> None:
    file = io.BytesIO()
    pl.DataFrame(
        {
            "spend": pl.Series([23.85, None], dtype=pl.Float32),
            "calls": [2, 3],
            "day": [dt.date(2026, 1, 2)] * 2,
            "parts": [[1, 2], []],
            "big": pl.Series([2**64 - 1, 1], dtype=pl.UInt64),
            "money": pl.Series(["1.10", "2.25"]).cast(pl.Decimal(10, 2)),
        }
    ).write_parquet(file)
    table = read_row_content(session, file.getvalue(), name, _WANTED)
    assert list(table.rows[0]) == [23.85, 2, dt.date(2026, 1, 2), "[1, 2]", 2**64 - 1, 1.1]
    assert match_rows(table, _NUMBERS, "churn").values == [{"spend": 23.85, "calls": 2}, {"spend": None, "calls": 3}]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04" + b"x" * 100, "cannot be read as a workbook"),
        (b"PAR1" + b"x" * 100, "cannot be read as a Parquet table"),
        (b"\xd0\xcf\x11\xe0" + b"x" * 600, "cannot be read as a workbook"),
        (_workbook([]), "holds no rows"),
        (_workbook([["spend", "calls"]]), "holds no rows"),
        (_workbook([["spend", "calls"], [1, 2]])[:-900], "cannot be read as a workbook"),
    ],
)
def test_a_damaged_or_empty_file_is_told_in_a_sentence(session: Session, data: bytes, words: str) -> None:
    with pytest.raises(StudioError) as refused:
        read_row_content(session, data, "own.xlsx", _WANTED)
    assert words in refused.value.message
    assert refused.value.next_step


def test_a_table_that_is_too_large_is_refused_with_its_bounds(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_files, "MOST_CELLS", 5)
    with pytest.raises(InvalidInput, match="larger than what is sent at a time: 1,048,575 rows"):
        read_text_rows(b"a,b\n1,2\n3,4\n", "own.csv")


def test_a_table_of_a_project_is_read_as_it_is_now(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "Team"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "own.xlsx").write_bytes(_workbook([["spend", "calls"], [23.85, 2]]))
    (folder / "notes.txt").write_text("spend", encoding="utf-8")
    migrate_folder(session, folder)
    assert [entry.path for entry in list_tables(session, "Team")] == ["data/own.xlsx"]
    table = read_table(session, ContentRef("Team", "", "data/own.xlsx"), _NUMBERS)
    assert [list(row) for row in table.rows] == [[23.85, 2]]
    assert table.name == "own.xlsx"


# ---- scored in parts ----


def _answering(part: Callable[[Sequence[Any]], Prediction]) -> Callable[..., Prediction]:
    return lambda _session, _name, _place, rows: part(rows)


def _yes(rows: Sequence[Any], version: int = 1) -> Prediction:
    return Prediction("churn", version, ("yes",) * len(rows), ({"no": 0.25, "yes": 0.75},) * len(rows), 1.0)


def _table_of(rows: int, *, wide: int = 1) -> MatchedRows:
    table = RowTable("own.csv", ("spend", "calls"), [("x" * wide, n) for n in range(rows)], range(2, rows + 2))
    return MatchedRows(table, [{"spend": "x" * wide, "calls": n} for n in range(rows)], (0, 1))


def test_rows_are_sent_in_parts_that_a_service_takes(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    limits, sizes = Limits(), []

    def part(rows: Sequence[Any]) -> Prediction:
        assert len(rows) <= limits.most_rows
        assert len(json.dumps({"rows": list(rows)})) <= limits.most_bytes
        sizes.append(len(rows))
        return _yes(rows)

    monkeypatch.setattr(scored_rows, "predict", _answering(part))
    scored = score_rows(session, "churn", "here", _table_of(12_001))
    assert scored.complete
    assert (len(scored.outputs), len(scored.probabilities), scored.milliseconds) == (12_001, 12_001, 3.0)
    assert sizes == [5000, 5000, 2001]
    sizes.clear()
    assert score_rows(session, "churn", "here", _table_of(30, wide=1_000_000)).complete
    assert max(sizes) < 10


def test_what_ends_a_later_part_is_told_with_its_rows_and_the_answers_before_are_kept(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def part(rows: Sequence[Any]) -> Prediction:
        if rows[0]["calls"]:
            raise PredictionFailed("Row 17: the field “spend” is null.", row=17, next_step="Correct it.")
        return _yes(rows)

    monkeypatch.setattr(scored_rows, "predict", _answering(part))
    scored = score_rows(session, "churn", "here", _table_of(8000))
    assert (len(scored.outputs), scored.complete) == (5000, False)
    assert scored.problem is not None
    assert scored.problem.message == "Row 5017 (line 5018): the field “spend” is null."

    def unquoted(rows: Sequence[Any]) -> Prediction:
        if rows[0]["calls"]:
            raise PredictionFailed("Spend was 3 in Row 2 of last year.", row=17)
        return _yes(rows)

    monkeypatch.setattr(scored_rows, "predict", _answering(unquoted))
    problem = score_rows(session, "churn", "here", _table_of(8000)).problem
    assert problem is not None
    assert problem.message == "Row 5017 (line 5018): Spend was 3 in Row 2 of last year.", "by number, not by its words"

    def unreachable(rows: Sequence[Any]) -> Prediction:
        if rows[0]["calls"]:
            raise PredictionFailed("The service answered 500.", next_step="Try again.")
        return _yes(rows)

    monkeypatch.setattr(scored_rows, "predict", _answering(unreachable))
    problem = score_rows(session, "churn", "here", _table_of(8000)).problem
    assert problem is not None
    assert problem.next_step == "It happened in the rows 5,001 to 8,000 of 8,000. Try again."


def test_cancelling_keeps_what_was_answered(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    cancel = CancelSource()

    def part(rows: Sequence[Any]) -> Prediction:
        cancel.cancel()
        return _yes(rows)

    monkeypatch.setattr(scored_rows, "predict", _answering(part))
    scored = score_rows(session, "churn", "here", _table_of(8000), cancel=cancel)
    assert isinstance(scored.problem, Cancelled)
    assert len(scored.outputs) == 5000
    with pytest.raises(Cancelled):
        score_rows(session, "churn", "here", _table_of(8000), cancel=cancel)


def test_answers_of_two_versions_are_not_mixed(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        scored_rows, "predict", _answering(lambda rows: _yes(rows, version=2 if rows[0]["calls"] else 1))
    )
    problem = score_rows(session, "churn", "here", _table_of(8000)).problem
    assert problem is not None
    assert "Version 2 went live in place of version 1" in problem.message


def test_certainty_is_the_probability_of_the_answer_itself() -> None:
    assert answer_certainty("no", {"no": 0.3, "yes": 0.7}) == 0.3
    assert answer_certainty(1, {"0": 0.9, "1": 0.1}) == 0.1
    assert answer_certainty(1.0, {"0": 0.9, "1": 0.1}) == 0.1
    assert answer_certainty(True, {"False": 0.9, "True": 0.1}) == 0.1
    assert answer_certainty("?", {"no": 0.3, "yes": 0.7}) == 0.7


# ---- saved ----

_OWN = (
    'id;spend;calls;"a;b";note;answer;code;long\n'
    "007;23,85;2;x;=1+2;old;12E4;12345678901234567\n"
    '008;-5;3;"two\nlines";-x;old;3;0,12345678901234567\n'
    "010;1e-10;4;;'q;;4;5\n"
)


def _scored(content: str | bytes = _OWN) -> ScoredRows:
    matched = _matched(content)
    rows = len(matched.values)
    outputs = ["no", "yes", "no"][:rows]
    chances = [{"no": 0.825, "yes": 0.175}, {"no": 0.3, "yes": 0.7}, {"no": 1.0, "yes": 0.0}][:rows]
    return ScoredRows(matched, "churn", 1, outputs, chances, 1.0)


def test_a_workbook_holds_own_columns_as_given_and_the_answers_beside_them(tmp_path: Path) -> None:
    saved = save_scored_rows(_scored(), tmp_path / "scored.xlsx")
    assert (saved.rows, saved.complete, saved.guarded) == (3, True, 0)
    sheet = openpyxl.load_workbook(saved.file).active
    assert sheet is not None
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert rows[0] == [
        *("id", "spend", "calls", "a;b", "note", "answer", "code", "long"),
        *("answer (2)", "certainty", "probability of no", "probability of yes"),
    ]
    assert rows[1] == ["007", 23.85, 2, "x", "=1+2", "old", "12E4", "12345678901234567", "no", 0.825, 0.825, 0.175]
    assert rows[2][:8] == ["008", -5, 3, "two\nlines", "-x", "old", "3", "0,12345678901234567"]
    assert rows[3][:8] == ["010", 1e-10, 4, None, "'q", None, "4", "5"]
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    assert {sheet.cell(row, 10).number_format for row in (2, 3, 4)} == {"0.0%"}
    assert sheet.freeze_panes == "A2"


def test_csv_is_written_as_the_own_file_is_and_holds_no_formula(tmp_path: Path) -> None:
    saved = save_scored_rows(_scored(), tmp_path / "scored.csv")
    content = saved.file.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf"), "by which Excel knows UTF-8"
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert rows[1][:5] == ["007", "23,85", "2", "x", "'=1+2"]
    assert rows[1][8:] == ["no", "0,825", "0,825", "0,175"]
    assert rows[2][:5] == ["008", "-5", "3", "two\nlines", "'-x"]
    assert rows[3][:3] == ["010", "1e-10", "4"]
    assert saved.guarded == 2


def test_json_can_be_sent_again(tmp_path: Path) -> None:
    saved = save_scored_rows(_scored(), tmp_path / "scored.json")
    content = json.loads(saved.file.read_text(encoding="utf-8"))
    assert (content["model"], content["version"]) == ("churn", 1)
    assert content["rows"][0]["spend"] == 23.85
    assert content["rows"][0]["answer (2)"] == "no"
    assert _matched(saved.file.read_bytes()).values[0] == {"spend": 23.85, "calls": 2}


def test_texts_that_xml_lacks_are_spelled_and_what_does_not_fit_is_told(tmp_path: Path) -> None:
    scored = _scored("spend,calls,note\n1,2,a\x01b & <c>\n")
    assert b"a_x0001_b &amp; &lt;c&gt;" in _part(save_scored_rows(scored, tmp_path / "a.xlsx").file)
    with pytest.raises(InvalidInput, match="does not fit into a cell"):
        save_scored_rows(_scored(f"spend,calls,note\n1,2,{'x' * 40_000}\n"), tmp_path / "b.xlsx")
    assert [file.name for file in tmp_path.iterdir()] == ["a.xlsx"]


def _part(file: Path) -> bytes:
    import zipfile

    with zipfile.ZipFile(file) as archive:
        return archive.read("xl/worksheets/sheet1.xml")


@pytest.mark.parametrize("suffix", SAVED_AS)
def test_a_file_is_whole_or_as_it_was(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"scored{suffix}"
    file.write_text("before", encoding="utf-8")
    with pytest.raises(AlreadyExists, match="is there already"):
        save_scored_rows(_scored(), file)
    cancel = CancelSource()
    cancel.cancel()
    with pytest.raises(Cancelled):
        save_scored_rows(_scored(), file, overwrite=True, cancel=cancel)
    assert file.read_text(encoding="utf-8") == "before"
    assert [each.name for each in tmp_path.iterdir()] == [file.name]
    save_scored_rows(_scored(), file, overwrite=True)
    assert file.read_bytes() != b"before"


def test_where_it_cannot_be_saved_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, words in (("scored.doc", "in which format"), ("scored", "in which format"), ("no/a.csv", "no folder")):
        with pytest.raises(InvalidInput, match=words):
            save_scored_rows(_scored(), tmp_path / name)

    def held(*_: object) -> None:
        raise PermissionError(13, "in use by another program")

    monkeypatch.setattr(Path, "replace", held)
    with pytest.raises(FileUnwritable, match="in use by another program") as refused:
        save_scored_rows(_scored(), tmp_path / "a.xlsx")
    assert "Excel" in refused.value.next_step
    assert list(tmp_path.iterdir()) == []
