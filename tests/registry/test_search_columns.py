"""Data files are found by their columns, and each content is read only once."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kronkers_studio.domain.changes import Trashed, TrashRestored
from kronkers_studio.domain.content import Commit, EntryKind, SourceItem
from kronkers_studio.domain.errors import Cancelled
from kronkers_studio.domain.maintenance import TrashKind
from kronkers_studio.domain.progress import CancelSource
from kronkers_studio.domain.search import SearchFilters, SearchKind, Sort
from kronkers_studio.formats.table_columns import MOST_COLUMNS, columns_in
from kronkers_studio.registry import Workspace, open_workspace
from kronkers_studio.registry.importing.memory_source import MemorySource
from kronkers_studio.registry.search import header_index, index
from kronkers_studio.registry.search.header_reader import TableContent, Told, read_columns
from kronkers_studio.registry.store.object_store import ObjectStore
from kronkers_studio.storage.keys import Unlock
from tests.registry.test_search import NOW

FILES = SearchFilters(kinds=(SearchKind.FILE,))
Reading = Callable[[], list[int]]
PagesAgree = Callable[[Sequence[str], Sequence[str]], None]


def _commit(workspace: Workspace, files: dict[str, str | bytes], branch: str = "main", project: str = "p") -> Commit:
    contents = {path: data.encode() if isinstance(data, str) else data for path, data in files.items()}
    items = [SourceItem(path, EntryKind.FILE, len(data), 10**18) for path, data in contents.items()]
    stored = workspace.content.store_items(items, MemorySource(contents)).stored
    return workspace.content.commit(project, branch, stored, message="m", author="ann")[0]


def _found(workspace: Workspace, text: str, filters: SearchFilters = FILES) -> list[str]:
    page = workspace.search.run(text, filters, 1000)
    assert page.total == len(page.hits) == sum(page.counts.values())
    return [hit.path for hit in page.hits]


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many contents were read, each time that some were."""
    counts: list[int] = []

    def counted(contents: Sequence[TableContent], store: ObjectStore, *others: Any, **named: Any) -> list[Told]:
        counts.append(len(contents))
        return read_columns(contents, store, *others, **named)

    monkeypatch.setattr(index, "read_columns", counted)
    return counts


def _parquet(*names: str) -> bytes:
    file = io.BytesIO()
    pl.DataFrame({name: [1.5] * 100 for name in names}).write_parquet(file)
    return file.getvalue()


def _workbook(*sheets: Sequence[object], below: Sequence[object] = (1, 2, 3)) -> bytes:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.worksheets[0])
    for number, row in enumerate(sheets):
        sheet = workbook.create_sheet(f"sheet {number}")
        sheet.append(row)
        sheet.append(below)
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


# ---- what columns a file has ----


@pytest.mark.parametrize(
    ("suffix", "data", "columns"),
    [
        (".csv", b"customer_id,amount\n1,2\n", ("customer_id", "amount")),
        (".csv", b"\xef\xbb\xbfKunde;Betrag\r\n1;2,5\r\n", ("Kunde", "Betrag")),
        (".csv", 'a,"b, c"\n1,"2,5"\n'.encode("utf-16"), ("a", "b, c")),
        (".csv", "\ufeffStraße\tOrt\n1\t2\n".encode("utf-16-be"), ("Straße", "Ort")),
        (".csv", "Größe;Länge\n1;2".encode("cp1252"), ("Größe", "Länge")),
        (".tsv", b"a\tb c\n1\t2\n", ("a", "b c")),
        (".csv", b"12,north\n13,south\n", ()),  # no header: a number is no name
        (".csv", b'"two\nlines",b\n1,2\n', ("two\nlines", "b")),
        (".csv", b"only", ("only",)),
        (".csv", b"a,,a,b \n1,2,3,4\n", ("a", "b")),
        (".csv", b"\n\n", ()),
        (".parquet", _parquet("x", "Größe"), ("x", "Größe")),
        (".xlsx", _workbook(["customer_id", "Größe"], [1, 2], ["other", None, "last"], []), None),
        (".xlsx", _workbook([None, None], below=["a", "b"]), ("a", "b")),
    ],
)
def test_the_columns_of_a_file_are_those_of_its_header(
    suffix: str, data: bytes, columns: tuple[str, ...] | None
) -> None:
    found = columns_in(suffix, io.BytesIO(data))
    assert found == (("customer_id", "Größe", "other", "last") if columns is None else columns)


def test_a_header_that_is_cut_off_or_endless_gives_its_first_whole_columns() -> None:
    names = [f"größe_{number}" for number in range(20_000)]
    head = ",".join(names).encode()[: 1 << 16]
    found = columns_in(".csv", io.BytesIO(head))
    assert found == tuple(names[:MOST_COLUMNS])
    long = columns_in(".csv", io.BytesIO(b"a;" + b"x" * 70_000 + b"\n1;2\n"))
    assert long[0] == "a" and all(len(name) <= 200 for name in long)


def test_the_end_of_a_parquet_file_is_enough() -> None:
    data = _parquet("customer_id", "amount")
    footer = int.from_bytes(data[-8:-4], "little") + 8
    assert columns_in(".parquet", io.BytesIO(b"anything" + data[-footer:])) == ("customer_id", "amount")


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx", ".xls", ".xlsb", ".ods"])
def test_damaged_and_odd_files_are_refused_with_a_reason(suffix: str) -> None:
    chance = random.Random(7)  # the same every time
    whole = {".parquet": _parquet("a", "b"), ".xlsx": _workbook(["a", "b"], ["c"])}.get(suffix, _workbook(["a", "b"]))
    odd = [b"", b"\0\1\2" * 50, b"PAR1", b"PK\3\4" + b"x" * 90, whole[: len(whole) // 2], whole[100:]]
    for _ in range(200):
        place, byte = chance.randrange(len(whole)), bytes((chance.randrange(256),))
        odd.append(whole[:place] + byte + whole[place + 1 :])
    for data in odd:
        try:
            columns_in(suffix, io.BytesIO(data))
        except ValueError as error:
            assert str(error)


# ---- finding files by them ----


def test_data_files_of_every_kind_are_found_by_their_columns_which_are_told(workspace: Workspace) -> None:
    large = b"customer_id,amount\n" + b"".join(b"%d,%d\n" % (n, n * 7919 % 1000003) for n in range(200_000))
    _commit(
        workspace,
        {
            "a/orders.csv": "Order Date;Customer_ID\n1;2\n",
            "b/large.csv": large,
            "c/table.parquet": _parquet("customer_id", "x"),
            "d/book.xlsx": _workbook(["nothing"], ["id of CUSTOMER_ID", "y"]),
            "e/customer_id.txt": "customer_id",
            "notes.txt": "customer_id",
            "other.csv": "a,b\n1,2\n",
        },
    )
    assert _found(workspace, "customer_id") == ["e/customer_id.txt"]
    assert workspace.search.run("customer_id").unread == 5
    assert workspace.search.read_columns().read == 5
    page = workspace.search.run("customer_id", FILES)
    assert {hit.path: hit.columns for hit in page.hits} == {
        "e/customer_id.txt": (),
        "a/orders.csv": ("Customer_ID",),
        "b/large.csv": ("customer_id",),
        "c/table.parquet": ("customer_id",),
        "d/book.xlsx": ("id of CUSTOMER_ID",),
    }
    assert page.hits[0].path == "e/customer_id.txt" and page.unread == 0  # names come before columns
    assert _found(workspace, "order date") == ["a/orders.csv"]  # one in the name and the column, one in the column
    assert _found(workspace, "orders customer") == ["a/orders.csv"]  # one in the name, one in the column
    assert _found(workspace, "cu da") == ["a/orders.csv"]  # short: where a word begins
    assert _found(workspace, "ustomer_id large") == ["b/large.csv"]
    assert _found(workspace, "customer_id nowhere") == []
    assert workspace.search.read_columns().read == 0


def test_filters_and_orders_apply_to_what_is_found_by_columns(workspace: Workspace) -> None:
    _commit(workspace, {"x.csv": "key,a\n", "deep/key.csv": "b,c\n1,2\n", "y.tsv": "key\tb\n"})
    _commit(workspace, {"x.csv": "key,a\n", "z.csv": "key,zz\n1,2\n"}, "try")
    _commit(workspace, {"q.csv": "a key,b\n"}, project="q")
    workspace.search.read_columns()
    everything = ["deep/key.csv", "x.csv", "y.tsv", "z.csv", "q.csv"]
    assert _found(workspace, "key") == everything
    assert _found(workspace, "key", SearchFilters(project="p")) == ["deep/key.csv", "x.csv", "y.tsv", "z.csv"]
    assert _found(workspace, "key", SearchFilters(project="q")) == ["q.csv"]
    assert _found(workspace, "key", SearchFilters(branch="try")) == ["x.csv", "z.csv"]
    assert _found(workspace, "key", SearchFilters(branch="try", extension="csv", project="q")) == []
    assert _found(workspace, "key", SearchFilters(extension="tsv")) == ["y.tsv"]
    assert _found(workspace, "key", SearchFilters(extension="none")) == []
    for order, expected in (
        ("name", ["deep/key.csv", "q.csv", "x.csv", "y.tsv", "z.csv"]),
        ("size", ["z.csv", "deep/key.csv", "q.csv", "x.csv", "y.tsv"]),
        ("-relevance", everything[::-1]),
    ):
        filters = SearchFilters(kinds=(SearchKind.FILE,), sort=Sort.parse(order))
        assert sorted(_found(workspace, "key", filters)) == sorted(expected)
        if order != "size":
            assert _found(workspace, "key", filters) == expected
        pages = [workspace.search.run("key", filters, 2, offset).hits for offset in (0, 2, 4)]
        assert [hit.path for page in pages for hit in page] == _found(workspace, "key", filters)


def test_a_content_is_read_once_whatever_happens_to_its_files(workspace: Workspace, reading: list[int]) -> None:
    orders, prices = "customer_id,x\n1,2\n", "sku,price\n1,2\n"
    _commit(workspace, {"a.csv": orders, "copy/of a.csv": orders, "b.csv": prices})
    workspace.search.read_columns()
    assert reading == [2]
    _commit(workspace, {"renamed.csv": orders, "b.csv": prices})
    _commit(workspace, {"another.csv": orders}, "try")
    _commit(workspace, {"in q.csv": prices}, project="q")
    assert workspace.search.read_columns().read == 0 and reading == [2]
    assert _found(workspace, "customer_id") == ["renamed.csv", "another.csv"]
    assert _found(workspace, "price") == ["b.csv", "in q.csv"]
    _commit(workspace, {"renamed.csv": prices, "b.csv": "a new one,x\n"})
    assert workspace.search.run("x").unread == 1
    workspace.search.read_columns()
    assert reading == [2, 1]
    assert _found(workspace, "price") == ["renamed.csv", "in q.csv"]
    assert _found(workspace, "new") == ["b.csv"] and _found(workspace, "n") == []  # one letter: only in paths


def test_what_no_file_has_any_more_is_forgotten(workspace: Workspace) -> None:
    def rows(table: str) -> int:
        with workspace.search._index._index.read() as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608

    def all_rows() -> list[int]:
        return [rows(table) for table in ("contents", "unread", "headers", "header_columns")]

    _commit(workspace, {"a.csv": "one,x\n", "b.csv": "one,x\n1,2\n", "c.csv": "two,y\n"})
    workspace.search.read_columns()
    assert all_rows() == [3, 0, 2, 2]
    _commit(workspace, {"a.csv": "one,x\n", "c.csv": "three,y\n"})
    _commit(workspace, {"a.csv": "one,x\n", "d.csv": "four,y\n"}, "try")
    assert _found(workspace, "two") == [] and all_rows() == [3, 2, 1, 1]
    workspace.ledger.record(Trashed("t", TrashKind.BRANCH, "p", "try", NOW, "ann"), author="ann")
    assert _found(workspace, "one") == ["a.csv"] and all_rows() == [2, 1, 1, 1]
    workspace.ledger.record(Trashed("u", TrashKind.PROJECT, "p", "", NOW, "ann"), author="ann")
    assert _found(workspace, "one") == [] and all_rows() == [0, 0, 0, 0]
    workspace.ledger.record(TrashRestored("u"), author="ann")
    workspace.search.read_columns()
    assert _found(workspace, "three") == ["c.csv"]


def test_files_are_looked_up_by_their_content_and_never_gone_through(workspace: Workspace) -> None:
    _commit(workspace, {"a.csv": "one,x\n", "b.csv": "two,y\n", "bad.csv": b"\0"})
    workspace.search.run("x")
    asked: list[str] = []
    with workspace.search._index._index.read() as connection:  # the one that is used from now on
        connection.set_trace_callback(asked.append)
    workspace.search.read_columns()
    _commit(workspace, {"a.csv": "two,y\n", "c.csv": "three,y\n"})
    workspace.search.read_columns()
    _found(workspace, "one")
    _found(workspace, "two y", SearchFilters(project="p", branch="main", extension="csv"))
    with workspace.search._index._index.read() as connection:
        connection.set_trace_callback(None)
        about = [statement for statement in asked if "places" in statement and "CREATE" not in statement]
        plans = {one: str(connection.execute(f"EXPLAIN QUERY PLAN {one}").fetchall()) for one in about}
    assert len(plans) > 10
    assert [statement for statement, plan in plans.items() if "SCAN places" in plan or "SCAN p " in plan] == []


def test_what_cannot_be_read_is_told_and_does_not_come_again(workspace: Workspace, reading: list[int]) -> None:
    _commit(workspace, {"bad.csv": b"\0\1\2" * 100, "bad.xlsx": b"no workbook", "good.csv": "key,x\n1,2\n"})
    report = workspace.search.read_columns()
    assert report.read == 1
    told = {problem.path: problem.reason for problem in report.problems}
    assert told == {
        "bad.csv": "It cannot be read as a table: it is not text.",
        "bad.xlsx": "It cannot be read as a table: it is not a whole workbook (File is not a zip file).",
    }
    assert _found(workspace, "key") == ["good.csv"] and _found(workspace, "bad") == ["bad.csv", "bad.xlsx"]
    assert workspace.search.read_columns().problems == () and len(reading) == 1


def test_a_damaged_store_does_not_keep_the_others_from_being_found(workspace: Workspace, directory: Path) -> None:
    _commit(workspace, {f"{number}.csv": f"key,c{number}\n{number},2\n" for number in range(5)})
    pack = next((directory / "packs").rglob("*.*"))
    at = workspace.store.index.locate(workspace.content.find("p", "", "3.csv").content)
    (location,) = at.values()
    whole = pack.read_bytes()
    middle = location.end - location.stored // 2
    pack.write_bytes(whole[:middle] + bytes((whole[middle] ^ 1,)) + whole[middle + 1 :])
    workspace.search.run("x")
    report = workspace.search.read_columns()
    assert [problem.path for problem in report.problems] == ["3.csv"] and report.read == 4
    assert _found(workspace, "key") == ["0.csv", "1.csv", "2.csv", "4.csv"]
    assert workspace.search.run("key").unread == 0
    pack.write_bytes(whole)
    _commit(workspace, {**{f"{n}.csv": f"key,c{n}\n{n},2\n" for n in range(5)}, "new.csv": "key,new\n"})
    assert workspace.search.read_columns().read == 2  # with what is new, the damaged one is tried again
    assert "3.csv" in _found(workspace, "key")


def test_reading_stops_when_asked_and_goes_on_later(
    workspace: Workspace, directory: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _commit(workspace, {f"{number}.csv": f"key,c{number}\n{number},2\n" for number in range(10)})
    monkeypatch.setattr(header_index, "_TOGETHER", 3)
    cancel = CancelSource()

    def read_some(contents: Sequence[TableContent], store: ObjectStore, *others: Any, **named: Any) -> list[Told]:
        cancel.cancel()
        return read_columns(contents, store, *others, **named)

    with monkeypatch.context() as patch:
        patch.setattr(index, "read_columns", read_some)
        with pytest.raises(Cancelled):
            workspace.search.read_columns(cancel=cancel)
    page = workspace.search.run("key")
    assert (page.total, page.unread) == (3, 7)
    workspace.close()
    with open_workspace(directory, Unlock(key_file=key_file)) as again:
        assert again.search.read_columns().read == 7
        assert len(_found(again, "key")) == 10


def test_many_matches_by_column_come_in_the_same_order_as_few(workspace: Workspace, pages_agree: PagesAgree) -> None:

    chance = random.Random(4)  # the same every time
    words = ["sales", "churn", "region", "date"]
    files = {
        "/".join([*chance.choices("ab", k=chance.randrange(3)), f"{chance.choice(words)} {number}.csv"]): ",".join(
            chance.sample([*words, "id", "x"], 3)
        )
        + f"\n{number}\n"
        for number in range(200)
    }
    _commit(workspace, dict(files))
    workspace.search.read_columns()
    pages_agree(
        ("sales", "date", "sales region", "id", "x a", "csv"), ("relevance", "-relevance", "name", "newest", "-size")
    )


LETTERS = "aAbB1_ é"
names = st.text(LETTERS, min_size=1, max_size=5).filter(lambda name: name.strip() != "")
tables = st.dictionaries(
    st.sampled_from(["a.csv", "b a/1.csv", "b/ab.csv", "b/c.csv", "aab.txt"]), st.lists(names, min_size=2, max_size=3)
)


@given(
    st.lists(st.tuples(tables, st.sampled_from(["main", "try"])), min_size=1, max_size=3), st.lists(names, max_size=5)
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
def test_search_finds_what_a_look_at_every_path_and_header_finds(
    monkeypatch: pytest.MonkeyPatch,
    workspace: Workspace,
    versions: list[tuple[dict[str, list[str]], str]],
    texts: list[str],
) -> None:
    from kronkers_studio.registry.search import column_matches
    from tests.registry.test_search import _plain

    monkeypatch.setattr(column_matches, "_FEW_HEADERS", 0)  # as if a word were in the headers of most tables
    heads: dict[str, dict[str, list[str]]] = {}
    for files, branch in versions:
        _commit(workspace, {path: ";".join(columns) + "\nx;y;z\n" for path, columns in files.items()}, branch)
        heads[branch] = files
        workspace.search.read_columns()
    with_text = {
        (branch, path): [path, *(columns if path.endswith(".csv") and not _has_number(columns) else ())]
        for branch, files in heads.items()
        for path, columns in files.items()
    }
    for text in texts:
        for branch in heads:
            expected = {
                path
                for (of, path), parts in with_text.items()
                if of == branch
                and all(
                    any(_holds(_plain(part), term) for part in parts[: None if len(term) > 1 else 1])
                    for term in _terms(_plain(text))
                )
            }
            if not _terms(_plain(text)):
                expected = {path for of, path in with_text if of == branch} if not text.strip() else set()
            assert set(_found(workspace, text, SearchFilters(branch=branch, kinds=FILES.kinds))) == expected, text


def _terms(text: str) -> list[str]:
    terms = [part if len(part) >= 3 else "".join(filter(str.isalnum, part)) for part in text.split()]
    return [term for term in terms if term]


def _holds(text: str, term: str) -> bool:
    separated = "".join(c if c.isalnum() else " " for c in text).split()
    return term in text if len(term) >= 3 else any(word.startswith(term) for word in separated)


def _has_number(columns: Sequence[str]) -> bool:
    return any(column.strip().isdecimal() for column in columns)
