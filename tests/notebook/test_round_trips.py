"""A frame that is saved comes back as it was: from Parquet whole, from Arrow but for what it refuses, from CSV as its
text tells."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kronkers_studio as ks
from kronkers_studio.domain.column_tables import Column, ColumnKind, ColumnTable
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.notebook.frames import frame_of
from kronkers_studio.notebook.parquet_writing import parquet_bytes
from kronkers_studio.notebook.table_writing import table_bytes
from kronkers_studio.workflows.session import create_workspace
from tests.notebook.make_files import foreign_frame, indexed_frame

ROWS = 3


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ks.Workspace]:
    folder = tmp_path_factory.mktemp("frames")
    create_workspace(folder / "workspace", key_file=folder / "key")[0].close()
    with ks.open(folder / "workspace", key_file=folder / "key") as ws:
        yield ws


def there_and_back(ws: ks.Workspace, frame: pd.DataFrame, path: str = "t.parquet") -> pd.DataFrame:
    ws["p"].save(frame, path, create=True)
    return ws["p"].read(path)


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.none() | values, min_size=ROWS, max_size=ROWS)


def column(values: st.SearchStrategy[Any], make: Callable[[list[Any]], Any]) -> st.SearchStrategy[Any]:
    return st.lists(values, min_size=ROWS, max_size=ROWS).map(make)


TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
INTS = st.integers(-(2**63), 2**63 - 1)
DAYS = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))
COLUMNS = st.one_of(
    column(INTS, lambda values: pd.Series(values, dtype="int64")),
    column(st.integers(0, 255), lambda values: pd.Series(values, dtype="uint8")),
    column(st.booleans(), lambda values: pd.Series(values, dtype=bool)),
    column(st.floats(), lambda values: pd.Series(values, dtype="float64")),
    column(st.floats(width=32), lambda values: pd.Series(values, dtype="float32")),
    optional(INTS).map(lambda values: pd.Series(values, dtype="Int64")),
    optional(st.integers(0, 65535)).map(lambda values: pd.Series(values, dtype="UInt16")),
    optional(st.floats(allow_nan=False)).map(lambda values: pd.Series(values, dtype="Float64")),
    optional(st.booleans()).map(lambda values: pd.Series(values, dtype="boolean")),
    optional(TEXTS).map(lambda values: pd.Series(values, dtype="str")),
    optional(TEXTS).map(lambda values: pd.Series(values, dtype="string")),
    optional(TEXTS).map(lambda values: pd.Series(values, dtype=object)),
    optional(st.booleans()).map(lambda values: pd.Series(values, dtype=object)),
    optional(st.integers(-9, 9)).map(lambda values: pd.Series(values, dtype=object)),
    optional(st.binary(max_size=5)).map(lambda values: pd.Series(values, dtype=object)),
    optional(DAYS.map(dt.datetime.date)).map(lambda values: pd.Series(values, dtype=object)),
    optional(DAYS).map(lambda values: pd.Series(values, dtype="datetime64[us]")),
    optional(DAYS).map(lambda values: pd.Series(values, dtype="datetime64[s]")),
    optional(DAYS).map(lambda values: pd.Series(values, dtype="datetime64[ns]")),
    st.tuples(optional(DAYS), st.sampled_from(["Europe/Berlin", "UTC", "Asia/Kolkata", "America/New_York"])).map(
        lambda both: pd.Series(both[0], dtype="datetime64[us]").dt.tz_localize("UTC").dt.tz_convert(both[1])
    ),
    optional(st.timedeltas(dt.timedelta(-9), dt.timedelta(9))).map(
        lambda values: pd.Series(values, dtype="timedelta64[us]")
    ),
    st.tuples(optional(st.sampled_from("abc")), st.booleans()).map(
        lambda both: pd.Series(pd.Categorical(both[0], categories=list("cxba"), ordered=both[1]))
    ),
    optional(st.sampled_from([3, 1, 2])).map(lambda values: pd.Series(pd.Categorical(values, categories=[3, 1, 2]))),
)
INDEXES = st.one_of(
    st.just(pd.RangeIndex(ROWS)),
    st.just(pd.RangeIndex(5, 5 + 2 * ROWS, 2, name="step")),
    column(TEXTS, lambda values: pd.Index(values, dtype="str", name="key")),
    column(INTS, lambda values: pd.Index(values, dtype="int64")),
    column(DAYS, lambda values: pd.DatetimeIndex(values, name="at").as_unit("us").tz_localize("UTC")),
    column(
        st.tuples(TEXTS, st.integers(0, 9)),
        lambda values: pd.MultiIndex.from_tuples(values, names=["a", None]),
    ),
)
NAMES = st.one_of(
    st.lists(TEXTS, min_size=1, max_size=4).map(lambda names: pd.Index(names, dtype="str")),
    st.lists(st.integers(0, 3), min_size=1, max_size=4).map(pd.Index),
    st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=3).map(
        lambda names: pd.MultiIndex.from_tuples(names, names=["top", "below"])
    ),
)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    names = draw(NAMES)
    frame = pd.concat([draw(COLUMNS) for _ in names], axis=1)
    frame.columns = names
    frame.index = draw(INDEXES)
    return frame


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(frame=frames())
def test_a_frame_comes_back_from_parquet_as_it_was(shared: ks.Workspace, frame: pd.DataFrame) -> None:
    """Names that are there twice, indexes of several levels, zones, categories and what is missing among it. Seen to
    fail without what is written about the columns."""
    pd.testing.assert_frame_equal(there_and_back(shared, frame), frame, check_column_type=False, check_freq=False)


PLAIN = st.one_of(
    column(INTS, lambda values: pd.Series(values, dtype="int64")),
    column(st.floats(), lambda values: pd.Series(values, dtype="float64")),
    optional(TEXTS).map(lambda values: pd.Series(values, dtype="str")),
    optional(DAYS).map(lambda values: pd.Series(values, dtype="datetime64[us]")),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(columns=st.dictionaries(TEXTS, PLAIN, min_size=1, max_size=4))
def test_a_plain_frame_comes_back_from_an_arrow_file(shared: ks.Workspace, columns: dict[str, Any]) -> None:
    frame = pd.DataFrame(columns)
    pd.testing.assert_frame_equal(there_and_back(shared, frame, "t.feather"), frame, check_column_type=False)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=5),
    texts=st.lists(st.text("ab,;\"' \n0", min_size=1, max_size=6), min_size=2, max_size=2),
)
def test_numbers_and_texts_come_back_from_csv(shared: ks.Workspace, numbers: list[float], texts: list[str]) -> None:
    """Texts that are no numbers, and no empty ones: CSV does not tell these from what is missing."""
    words = [f"t{text}" for text in (texts * 3)[: len(numbers)]]
    frame = pd.DataFrame({"n": numbers, "t": words})
    back = there_and_back(shared, frame, "t.csv")
    assert back["t"].tolist() == words
    assert back["n"].astype(float).tolist() == numbers


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1, "a", None], "several kinds"),
        ([{"a": 1}, None, None], "kinds"),
        ([2**70, 1, 1], "too large"),
        (pd.interval_range(0, 3), "interval"),
        (pd.period_range("2024", periods=3, freq="M"), "period"),
        (np.array([1j, 2j, 3j]), "complex"),
    ],
)
def test_what_no_table_file_keeps_is_refused_by_its_column(ws: ks.Workspace, values: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match="“odd” holds") as refused:
        ws["p"].save(pd.DataFrame({"odd": values}), "t.parquet", create=True)
    assert said in refused.value.message
    assert ws.projects().empty  # nothing was made


def test_decimals_times_and_what_is_never_there_come_back(ws: ks.Workspace) -> None:
    frame = pd.DataFrame(
        {
            "money": [Decimal("1.10"), None, Decimal("-3.05")],
            "clock": [dt.time(1, 2, 3), None, dt.time(23, 59)],
            "never": pd.Series([None] * 3, dtype=object),
            "half": np.array([0.5, np.nan, 2], dtype="float16"),
            "offset": pd.to_datetime(["2024-01-01T00:00+02:00"] * 3),
        }
    )
    back = there_and_back(ws, frame)
    pd.testing.assert_frame_equal(back.drop(columns="offset"), frame.drop(columns="offset"))
    assert back["offset"].tolist() == frame["offset"].tolist()


def test_no_rows_and_no_columns_come_back(ws: ks.Workspace) -> None:
    for frame in (pd.DataFrame({"a": pd.Series([], dtype="str"), "b": pd.Series([], dtype="int64")}), pd.DataFrame()):
        pd.testing.assert_frame_equal(there_and_back(ws, frame), frame, check_column_type=False)


def test_an_arrow_file_refuses_what_it_would_lose(ws: ks.Workspace) -> None:
    for frame in (
        pd.DataFrame({"a": [1]}, index=["x"]),
        pd.DataFrame({1: [1]}),
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
    ):
        with pytest.raises(InvalidInput, match="Arrow file"):
            table_bytes(frame, "t.feather")


def test_a_file_of_another_program_needs_nothing_that_pandas_wrote(ws: ks.Workspace) -> None:
    buffer = io.BytesIO()
    pl.DataFrame(
        {
            "whole": [1, None, 3],
            "large": [2**60, None, 1],
            "truth": [True, None, False],
            "list": [[1, 2], None, []],
            "nul": ["a\0b", None, ""],
            "day": [dt.date(2024, 2, 29), None, dt.date(1, 1, 1)],
            "level": pl.Series(["u", None, "v"], dtype=pl.Categorical),
        }
    ).write_parquet(buffer)
    ws["p"].save(buffer.getvalue(), "other.parquet", create=True)
    back = ws["p"].read("other.parquet")
    assert back["whole"].dtype == "float64"
    assert back["large"].dtype == "Int64" and back["large"][0] == 2**60
    assert back["truth"].dtype == "boolean"
    assert back["list"].tolist() == [[1, 2], None, []]
    assert back["nul"].tolist()[::2] == ["a\0b", ""]
    assert back["day"].tolist()[::2] == [pd.Timestamp("2024-02-29"), pd.Timestamp(1, 1, 1)]
    assert back["level"].dtype == "category"


@pytest.mark.parametrize("account", ["{}", "[]", '{"columns": 3}', "not json", '{"columns": [], "index_columns": [7]}'])
def test_what_is_written_about_columns_is_not_believed(ws: ks.Workspace, account: str) -> None:
    buffer = io.BytesIO()
    pl.DataFrame({"a": [1, 2]}).write_parquet(buffer, metadata={"pandas": account})
    ws["p"].save(buffer.getvalue(), "t.parquet", create=True)
    assert ws["p"].read("t.parquet")["a"].tolist() == [1, 2]


def test_what_pandas_wrote_with_pyarrow_comes_back(ws: ks.Workspace) -> None:
    """But for the order of categories, which only our own files tell: then nothing is said of it."""
    files = Path(__file__).with_name("files")
    for name in ("by_pyarrow.parquet", "by_pyarrow.feather"):
        ws["p"].save(files / name, name, create=True)
    wanted, found = indexed_frame(), ws["p"].read("by_pyarrow.parquet")
    level = ("top", "level")
    assert found[level].dtype == pd.CategoricalDtype(["u", "v"])
    assert found[level].astype("str").tolist()[::2] == ["u", "v"]
    pd.testing.assert_frame_equal(found.drop(columns=[level]), wanted.drop(columns=[level]), check_column_type=False)
    plain = ws["p"].read("by_pyarrow.feather")
    assert plain["text"].tolist()[::2] == ["ä", "007"] and plain["whole"].tolist()[::2] == [1, 2**60 + 1]
    pd.testing.assert_series_equal(plain["place"], foreign_frame()["place"])


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (ColumnKind.TEXT, b"a"),
        (ColumnKind.TEXT, b"a\0\xff"),
        (ColumnKind.TEXT, b"a\0b\0c"),
        (ColumnKind.SPELLED, b'["a"]'),
        (ColumnKind.SPELLED, b'{"a": 1}'),
        (ColumnKind.SPELLED, b"[" * 100_000),
        (ColumnKind.DECIMAL, b"1\0x"),
        (ColumnKind.BYTES, b"00\0zz"),
    ],
)
def test_columns_that_are_not_what_they_are_said_to_be_are_refused(kind: ColumnKind, values: bytes) -> None:
    """The process that reads tables may have been taken over. Seen to fail without the look at how many there are."""
    for missing in (b"", b"\0\1"):
        column = Column("a", kind, memoryview(values), memoryview(missing))
        with pytest.raises(InvalidInput, match="cannot be read"):
            frame_of(ColumnTable((column,), 2))


def test_a_frame_that_is_not_read_back_by_pandas_is_none_of_ours(tmp_path: Path) -> None:
    """The account is in pandas' own words: its keys are those that its readers ask for."""
    frame = pd.DataFrame({"a": [1]}, index=pd.Index(["x"], name="key"))
    account = pl.read_parquet_metadata(io.BytesIO(parquet_bytes(frame)))["pandas"]
    for key in ("index_columns", "column_indexes", "columns", "creator", "pandas_version"):
        assert f'"{key}"' in account


@pytest.mark.parametrize("path", ["t.json", "t.jsonl"])
def test_json_keeps_every_digit(shared: ks.Workspace, path: str) -> None:
    """Seen to fail: of fractions ten digits were written, of moments milliseconds, and whole numbers with gaps were
    read as fractions."""
    frame = pd.DataFrame(
        {
            "fraction": [0.12345678901234566, 1e-20],
            "whole": pd.array([2**53 + 1, None], dtype="Int64"),
            "text": ["007", "Müller"],
            "list": [[1, 2], [3]],
        }
    )
    pd.testing.assert_frame_equal(there_and_back(shared, frame, path), frame, check_exact=True)
    moments = pd.DataFrame({"t": pd.to_datetime(["2026-05-01 01:02:03.123456", None])})
    assert there_and_back(shared, moments, path)["t"].tolist()[0] == "2026-05-01T01:02:03.123456"


@pytest.mark.parametrize(
    ("path", "frame", "words"),
    [
        ("t.json", pd.DataFrame({"a": [float("inf")]}), "“a” holds what JSON has no word for"),
        ("t.json", pd.DataFrame({"a": [b"\xff"]}), "bytes"),
        ("t.json", pd.DataFrame({"a": [1]}, index=pd.Index([5], name="a")), "index"),
        ("t.xlsx", pd.DataFrame({"a": [1]}, index=pd.Index([5], name="a")), "index"),
        ("t.xlsx", pd.DataFrame({"a": [b"x"]}), "“a” holds a bytes"),
        ("t.xlsx", pd.DataFrame({"a": pd.date_range("2026-01-01", periods=1, tz="UTC")}), "moments of a zone"),
        ("t.xlsx", pd.DataFrame({"a": [Decimal("1.5")]}), "Decimal"),
    ],
)
def test_what_a_text_or_a_workbook_cannot_hold_is_refused_by_name(path: str, frame: pd.DataFrame, words: str) -> None:
    """Seen to fail: infinity was saved as missing, the others raised what a library raises."""
    with pytest.raises(InvalidInput, match=words):
        table_bytes(frame, path)


def test_a_file_that_gives_no_bytes_is_refused(shared: ks.Workspace) -> None:
    """Seen to fail with the errors of Python itself."""
    with pytest.raises(InvalidInput, match="texts, not bytes"):
        shared["p"].save(io.StringIO("a"), "s.txt", create=True)
    closed = io.BytesIO(b"a")
    closed.close()
    with pytest.raises(InvalidInput, match="closed"):
        shared["p"].save(closed, "s.txt", create=True)
    with pytest.raises(InvalidInput, match="half of a character"):
        shared["p"].save("\ud800", "s.txt", create=True)


@pytest.mark.parametrize(
    "columns",
    [
        pd.date_range("2026-01-01", periods=2),
        [1.5, 2.5],
        [0, "a"],
        [True, False],
        pd.MultiIndex.from_product([["a"], pd.date_range("2026-01-01", periods=2)]),
    ],
)
def test_names_that_would_become_texts_are_refused(columns: Any) -> None:
    """Seen to fail: the columns of a pivot by days came back as texts."""
    with pytest.raises(InvalidInput, match="does not keep as names"):
        parquet_bytes(pd.DataFrame([[1, 2]], columns=columns))


def test_moments_that_are_too_far_away_are_refused() -> None:
    """Seen to fail: they came back before the beginning of time."""
    with pytest.raises(InvalidInput, match="too far away"):
        parquet_bytes(pd.DataFrame({"a": np.array(["500000000-01-01", "NaT"], dtype="datetime64[s]")}))
