"""Tables are read by a process of their own: nothing that one of them makes of it reaches this one."""

from __future__ import annotations

import io
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import psutil
import pytest

from kronkers_studio.domain.errors import Cancelled, InvalidInput, StoreDamaged, TableUnreadable
from kronkers_studio.domain.progress import CancelSource
from kronkers_studio.formats import table_reading
from kronkers_studio.formats.table_reading import Limits, Source, TableReader
from tests.formats import damaged

pytestmark = pytest.mark.safety

OLD, NEW = b"id,v\n1,2\n2,3\n", b"id,v\n1,2\n2,4\n"
BUSY = b"id,v\n" + b"".join(b"%d,%d\n" % (n, n * 7919 % 1000003) for n in range(400_000))
"""Takes about a second to compare."""


@pytest.fixture
def reader() -> Iterator[TableReader]:
    made = TableReader()
    yield made
    made.close()
    made.close()


@pytest.fixture
def limited() -> Iterator[Callable[..., TableReader]]:
    """Makes readers with other limits, or another program."""
    made: list[TableReader] = []

    def make(command: Sequence[str] | None = None, **limits: Any) -> TableReader:
        made.append(TableReader(lambda: Limits(**limits), command))
        return made[-1]

    yield make
    for reader in made:
        reader.close()


def works(reader: TableReader) -> bool:
    return reader.difference("a.csv", OLD, NEW).tables[0].rows_changed == 1


def processes() -> list[psutil.Process]:
    """Those that read tables for this one."""
    return [child for child in psutil.Process().children() if "table_process" in " ".join(child.cmdline())]


def only_process() -> int:
    (process,) = processes()
    return process.pid


def workbook(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def parquet(**columns: Any) -> bytes:
    file = io.BytesIO()
    pl.DataFrame(columns).write_parquet(file)
    return file.getvalue()


# ---- files that break the libraries ----


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.xls", damaged.PANICS_XLS),
        ("a.xls", damaged.ABORTS_XLS),
        ("a.parquet", damaged.PANICS_PARQUET),
        ("a.parquet", damaged.ABORTS_PARQUET),
    ],
    ids=["panics.xls", "aborts.xls", "panics.parquet", "aborts.parquet"],
)
def test_a_file_at_which_a_library_panics_or_aborts_is_refused_with_a_sentence(
    reader: TableReader, name: str, data: bytes
) -> None:
    with pytest.raises((InvalidInput, TableUnreadable), match=f"“{name}” c.* read"):
        reader.difference(name, data, data)
    assert works(reader)


def test_without_a_process_of_its_own_a_panic_is_no_exception_and_an_abort_ends_the_program() -> None:
    """What the tests above are worth: the same files, read here."""
    program = "import sys\nfrom tests.formats import damaged\n"
    program += "from kronkers_studio.formats.table_files import read_tables\n"
    call = "try:\n    read_tables({name!r}, damaged.{data})\nexcept Exception:\n    sys.exit(0)\n"
    for name, data, ends in (("a.xls", "PANICS_XLS", 1), ("a.parquet", "ABORTS_PARQUET", -signal.SIGABRT)):
        program_here = program + call.format(name=name, data=data)
        ended = subprocess.run(
            [sys.executable, "-c", program_here],
            check=False,
            cwd=Path(__file__).parents[2],
            capture_output=True,
            timeout=60,
        )
        assert ended.returncode == ends


def test_a_file_that_keeps_a_library_busy_for_good_is_given_up_in_time(limited: Callable[..., TableReader]) -> None:
    reader = limited(difference=1.0)
    assert works(reader)
    began = time.monotonic()
    with pytest.raises(TableUnreadable, match="it took longer than 1 seconds"):
        reader.difference("a.xls", damaged.NEVER_ENDS_XLS, damaged.NEVER_ENDS_XLS)
    assert time.monotonic() - began < 3.0
    assert works(reader)


def test_a_cell_far_away_that_would_take_all_memory_is_told_of(reader: TableReader) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].append(["id", "v"])
    book.worksheets[0].cell(1_048_576, 700).value = "x"
    with pytest.raises(TableUnreadable, match="more than 2 GB of memory"):
        reader.preview("a.xlsx", saved(book))
    assert works(reader)


def test_a_workbook_that_unpacks_to_gigabytes_is_told_of(limited: Callable[..., TableReader]) -> None:
    reader = limited(memory=400 << 20, preview=60.0)
    plain = workbook(["id", "v"], [1, 2])
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plain)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            if part == "xl/worksheets/sheet1.xml":
                head, tail = old.read(part).split(b"</sheetData>")
                with new.open(part, "w", force_zip64=True) as out:
                    out.write(head)
                    for row in range(3, 100_003, 1000):
                        cells = b'<c t="inlineStr"><is><t>' + b"x" * 400 + b"</t></is></c>"
                        out.write(b"".join(b'<row r="%d">%b</row>' % (n, cells * 8) for n in range(row, row + 1000)))
                    out.write(b"</sheetData>" + tail)
            else:
                new.writestr(part, old.read(part))
    assert len(file.getvalue()) < 8 << 20
    with pytest.raises((TableUnreadable, InvalidInput)):
        reader.preview("bomb.xlsx", file.getvalue())
    assert works(reader)


def test_a_parquet_file_that_says_to_have_more_rows_than_memory_is_told_of(limited: Callable[..., TableReader]) -> None:
    """100 million rows of one value: some kilobytes as a file, 800 MB as a table."""
    many = io.BytesIO()
    pl.select(a=pl.repeat(7, 100_000_000, dtype=pl.Int64)).write_parquet(many, compression="zstd")
    small = limited(memory=512 << 20)
    with pytest.raises(TableUnreadable):
        small.difference("a.parquet", parquet(a=[7]), many.getvalue())
    assert works(small)


def test_a_csv_file_of_one_endless_line_is_told_of(limited: Callable[..., TableReader]) -> None:
    reader = limited(memory=512 << 20, difference=60.0)
    line = b"a," * (100 << 19)
    with pytest.raises((TableUnreadable, InvalidInput)):
        reader.difference("a.csv", OLD, line)
    assert works(reader)


def test_one_bad_file_among_many_is_listed_and_the_others_are_read(reader: TableReader) -> None:
    good = parquet(customer_id=[1], amount=[2.5])
    book = workbook(["order_id", "day"], [1, 2])
    sources = [Source(".parquet", good) for _ in range(600)]
    sources[3] = Source(".xls", damaged.PANICS_XLS)
    sources[400] = Source(".xls", damaged.ABORTS_XLS)
    sources[401] = Source(".xlsx", io.BytesIO(book))  # read piece by piece
    sources[599] = Source(".xls", b"nothing like it")
    found = list(reader.columns(sources))
    bad = [number for number, answer in enumerate(found) if isinstance(answer, Exception)]
    assert set(bad) <= {3, 400, 599} and 599 in bad
    assert found[401] == ("order_id", "day")
    assert all(found[n] == ("customer_id", "amount") for n in range(600) if n not in (3, 400, 401, 599))


def test_a_file_that_keeps_the_library_busy_costs_its_time_only_once(limited: Callable[..., TableReader]) -> None:
    """How long it does so is for the machine to say: it may take a third of that, which is much more than the others
    take."""
    good, busy = Source(".parquet", parquet(a=[1])), Source(".xls", damaged.NEVER_ENDS_XLS)
    patient = limited(columns=60.0)
    assert works(patient)
    began = time.monotonic()
    list(patient.columns([busy]))
    alone = time.monotonic() - began
    reader = limited(columns=alone / 3)
    assert works(reader)
    began = time.monotonic()
    found = list(reader.columns([good, busy, *[good] * 20]))
    assert isinstance(found.pop(1), TableUnreadable) and found == [("a",)] * 21
    assert time.monotonic() - began < 4 * alone, "at every file it would be seven times"


def test_what_reading_a_source_raises_is_told_of_that_file_only(reader: TableReader) -> None:
    class Lost(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise StoreDamaged("A chunk is not what was written.")

    book = workbook(["a", "b"], [1, 2])
    found = list(reader.columns([Source(".xlsx", Lost(book)), Source(".xlsx", io.BytesIO(book))]))
    assert isinstance(found[0], StoreDamaged) and found[1] == ("a", "b")
    assert len(processes()) == 1


# ---- what becomes of the process ----


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [9, 11, 19], ids=["SIGKILL", "SIGSEGV", "SIGSTOP"])
def test_a_process_that_is_ended_or_stopped_in_the_middle_is_replaced(
    number: int, limited: Callable[..., TableReader]
) -> None:
    reader = limited(difference=3.0)
    assert works(reader)
    victim = only_process()

    def strike() -> None:
        until = time.monotonic() + 5
        while psutil.Process(victim).cpu_times().user < before + 0.1 and time.monotonic() < until:
            time.sleep(0.005)
        os.kill(victim, number)

    before = psutil.Process(victim).cpu_times().user
    thread = threading.Thread(target=strike)
    thread.start()
    began = time.monotonic()
    with pytest.raises(TableUnreadable):
        for _ in range(20):
            reader.difference("a.csv", BUSY, BUSY[:-10] + b"0" + BUSY[-9:])
    assert time.monotonic() - began < 12.0
    thread.join()
    assert works(reader) and only_process() != victim


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [9, 19], ids=["SIGKILL", "SIGSTOP"])
def test_a_process_that_was_ended_or_stopped_while_it_was_idle_is_not_noticed(reader: TableReader, number: int) -> None:
    assert works(reader)
    os.kill(only_process(), number)
    assert works(reader)


def test_cancelling_ends_the_work_at_once(reader: TableReader) -> None:
    assert works(reader)
    cancel = CancelSource()
    threading.Timer(0.3, cancel.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        reader.difference("a.xls", damaged.NEVER_ENDS_XLS, damaged.NEVER_ENDS_XLS, cancel=cancel)
    assert time.monotonic() - began < 2.0
    assert works(reader)


def test_of_many_requests_at_once_two_are_worked_on_and_all_are_answered(reader: TableReader) -> None:
    answers: list[bool] = []
    most = 0
    threads = [threading.Thread(target=lambda: answers.append(works(reader))) for _ in range(12)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        most = max(most, len(processes()))
        time.sleep(0.02)
    assert answers == [True] * 12 and most <= 2


def test_the_process_is_kept_and_ends_with_the_reader(reader: TableReader) -> None:
    assert works(reader)
    first = only_process()
    assert works(reader) and only_process() == first
    reader.close()
    assert not processes()
    assert works(reader), "closed, it can be used again"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_the_process_ends_when_the_one_who_asked_is_killed() -> None:
    program = (
        "import sys, time\nfrom kronkers_studio.formats.table_reading import TableReader\n"
        "r = TableReader()\nr.difference('a.csv', b'id,v\\n1,2\\n', b'id,v\\n1,3\\n')\n"
        "print('ready', flush=True)\ntime.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None and parent.stdout.readline() == "ready\n"
    (child,) = psutil.Process(parent.pid).children()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _gone, alive = psutil.wait_procs([child], timeout=5)
    assert not alive


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_busy_with_an_endless_file_it_ends_by_itself_when_the_one_who_asked_is_killed() -> None:
    program = (
        "from kronkers_studio.formats.table_reading import Limits, TableReader\nfrom tests.formats import damaged\n"
        "r = TableReader(lambda: Limits(difference=1.0))\nr.difference('a.csv', b'id,v\\n1,2\\n', b'id,v\\n1,3\\n')\n"
        "print('ready', flush=True)\nr.difference('a.xls', damaged.NEVER_ENDS_XLS, damaged.NEVER_ENDS_XLS)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert parent.stdout is not None and parent.stdout.readline() == "ready\n"
    (child,) = psutil.Process(parent.pid).children()
    time.sleep(0.3)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _gone, alive = psutil.wait_procs([child], timeout=10)
    assert not alive


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_the_process_gets_no_secrets_and_no_files_and_may_do_nothing_else(
    reader: TableReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRONKERS_PASSPHRASE", "correct-horse")
    assert works(reader)
    process = psutil.Process(only_process())
    assert "correct-horse" not in str(process.environ())
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
    assert not process.open_files() and not process.net_connections()


# ---- answers that are none ----

HEADER = struct.Struct(">4sBIQ")
ANSWERS: dict[str, str] = {
    "garbage": "out.write(b'Segmentation fault' * 100)",
    "endless garbage": "[out.write(b'x' * 65536) for _ in iter(int, 1)]",
    "too much JSON": "out.write(H.pack(b'KRTB', 5, (1 << 32) - 1, 0)); out.write(b'[' * (1 << 26))",
    "too many bytes": "out.write(H.pack(b'KRTB', 5, 2, 1 << 40)); out.write(b'[]' + b'x' * (1 << 26))",
    "deep JSON": "frame(5, b'[' * 1000000)",
    "no JSON": "frame(5, b'{')",
    "another type": "frame(5, b'{\"tables\": 1}')",
    "negative counts": "told([[-1, 0, 0, 0, 0], [[], False, [], [], ''], [], [], [], [], []])",
    "rows of another width": "told([[1, 1, 1, 0, 0], [[], False, [], ['a'], ''], [], [], [['x', 'y']], [], []])",
    "infinite numbers": "told([[1, 1, 1, 0, 0], [[], False, [], ['a'], ''], [], [], [[1e999]], [], []])",
    "half a character": "frame(5, b'[[],[\"\\\\ud800\"],[],true]')",
    "a wish for a piece of nothing": "frame(3, b'[0, 0, 10]')",
    "wishes without end": "[frame(3, b'[7, 0, 1]') for _ in iter(int, 1)]",
    "a failure of another form": "frame(6, b'[1, 2, 3, 4]')",
    "the end": "sys.exit(0)",
    "nothing, ever": "time.sleep(1000)",
    "one byte at a time": "[(out.write(b'K'), time.sleep(0.2)) for _ in iter(int, 1)]",
}
LIAR = """
import io, json, struct, sys, time
H = struct.Struct(">4sBIQ")
out, into = io.FileIO(1, "wb", closefd=False), io.FileIO(0, "rb", closefd=False)
def read(n):
    data = b""
    while len(data) < n:
        piece = into.read(n - len(data))
        if not piece: sys.exit()
        data += piece
    return data
def take():
    _, kind, about, body = H.unpack(read(H.size)); read(about); read(body); return kind
def frame(kind, about, body=b""):
    out.write(H.pack(b"KRTB", kind, len(about), len(body)) + about + body)
def told(table):
    frame(5, json.dumps([[table], [], [], True]).encode())
take(); frame(0, b"[]")
while True:
    take(); take(); take()
    ANSWER
"""


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_a_process_that_was_taken_over_is_not_believed(answer: str, limited: Callable[..., TableReader]) -> None:
    """Whatever it answers, the caller gets an expected error in time, and no more of its memory than is bounded."""
    liar = [sys.executable, "-I", "-c", LIAR.replace("ANSWER", answer)]
    reader = limited(liar, difference=2.0)
    before = psutil.Process().memory_info().rss
    began = time.monotonic()
    with pytest.raises(TableUnreadable):
        reader.difference("a.csv", OLD, NEW)
    assert time.monotonic() - began < 5.0
    assert psutil.Process().memory_info().rss - before < 400 << 20


@pytest.mark.parametrize(
    "shown",
    [[["a"], [["x"]] * 201], [["a"] * 61, []], [["a"], [["x" * 201]]]],
    ids=["more rows", "more columns", "longer cells"],
)
def test_a_preview_of_more_than_is_shown_is_not_believed(shown: list[Any], limited: Callable[..., TableReader]) -> None:
    about = json.dumps([*shown, True, 1, ["s", ["s"]], [], 0])
    liar = LIAR.replace("take(); take(); take()\n", "take(); take()\n")
    reader = limited([sys.executable, "-I", "-c", liar.replace("ANSWER", f"frame(5, {about.encode()!r})")])
    with pytest.raises(TableUnreadable):
        reader.preview("a.xlsx", b"")


@pytest.mark.parametrize(
    "command", [["/does/not/exist"], [sys.executable, "-c", "pass"], [sys.executable, "-c", "print('x' * 99)"]]
)
def test_where_no_process_can_be_started_that_is_said(command: list[str], limited: Callable[..., TableReader]) -> None:
    reader = limited(command)
    with pytest.raises(TableUnreadable, match=r"No program|does not start"):
        reader.difference("a.csv", OLD, NEW)
    found = list(reader.columns([Source(".parquet", b"PAR1")] * 3))
    assert [type(answer) for answer in found] == [table_reading.TableProcessUnavailable] * 3


def test_a_sentence_of_the_process_cannot_steer_a_terminal(limited: Callable[..., TableReader]) -> None:
    about = json.dumps(["invalid", "red \x1b[31m and \u202e back", "", ""])
    liar = [sys.executable, "-I", "-c", LIAR.replace("ANSWER", f"frame(6, {about.encode()!r})")]
    reader = limited(liar)
    with pytest.raises(InvalidInput) as refused:
        reader.difference("a.csv", OLD, NEW)
    assert refused.value.message == "red \\x1b[31m and \\u202e back"


# ---- answers of sound files ----


def test_a_difference_that_is_too_much_to_be_told_is_told_in_part(reader: TableReader) -> None:
    old = b"id,v\n" + b"".join(b"%d,%b\n" % (n, b"x" * 100_000) for n in range(300))
    new = old.replace(b"xxx", b"yyy")
    (table,) = reader.difference("a.csv", old, new).tables
    assert table.rows_changed == 300 and 0 < len(table.changed) < 200


def test_what_the_process_tells_is_what_is_there(reader: TableReader) -> None:
    from kronkers_studio.formats.table_diff import diff_table_files
    from kronkers_studio.formats.table_file_merge import merge_table_files

    book, other = workbook(["id", "v"], [1, 2.5], [2, True]), workbook(["id", "v"], [1, 1e-12], [3, None])
    for name, old, new in (("a.csv", OLD, NEW), ("a.xlsx", book, other), ("a.parquet", parquet(a=[1]), parquet(a=[2]))):
        assert reader.difference(name, old, new) == diff_table_files(name, old, new)
    ours, theirs = workbook(["id", "v"], [1, 7], [2, True]), workbook(["id", "v"], [1, 2.5], [2, True], [3, 9])
    merged, here = reader.merge("a.xlsx", book, ours, theirs), merge_table_files("a.xlsx", book, ours, theirs)
    assert merged.data is not None and isinstance(here, tuple) and merged.words == here[1]
    assert not diff_table_files("a.xlsx", merged.data, here[0])
    refused = reader.merge("a.csv", OLD, OLD.replace(b"3", b"5"), OLD.replace(b"3", b"6"))
    assert refused == (None, "Both sides changed “v” where “id” is 2.", False)
