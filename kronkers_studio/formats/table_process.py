"""The program that reads tables for another process of Kronkers Studio (``table_reading``), on its standard input and
output. It confines itself before it reads the first one, and ends when its input does.

Whatever a file makes of it ends this process only: each request ends within its time even when the one who asked is no
more, by a watchdog that needs no interpreter.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO, cast

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.printable import printable
from kronkers_studio.formats import table_messages as messages
from kronkers_studio.formats.table_messages import DONE, FAILED, LARGEST_PIECE, PIECE, READY, WANTED, Frame, Pipe

ARGUMENT = "--table-process"
"""What a frozen program is started with to be such a process: it has no modules that could be named."""
IDLE_SECONDS = 300.0
"""After so long without a request the process ends."""
_MARGIN_SECONDS = 5.0
"""The one who asked is the first to lose patience."""
_LARGEST_FILE = 1 << 40
_PIECE = 1 << 17
_STDERR = 2
_PANIC = "PanicException"  # each library in Rust has one of its own


def main() -> None:
    """Be such a process until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one hears it as well, and decides
    incoming, outgoing = io.FileIO(0, "rb", closefd=False), io.FileIO(1, "wb", closefd=False)
    sys.stdout = sys.stderr  # whatever is printed must not get between the frames
    with contextlib.suppress(messages.Ended):
        _serve(Pipe(incoming, outgoing))


def _serve(pipe: Pipe) -> None:
    request = pipe.receive()
    _confine(*request.about)
    _load_libraries()
    pipe.send(READY, [])
    while True:
        with _ending_after(IDLE_SECONDS):
            request = pipe.receive()
        what, files, seconds, options = request.about
        with _ending_after(seconds + _MARGIN_SECONDS):
            contents = [pipe.receive(body=_LARGEST_FILE) for _ in range(files)]
            with _stopping_after(pipe):
                _ANSWERS[what](pipe, contents, options)


def _confine(memory: int) -> None:
    from kronkers_studio.confinement import Policy, confine_process

    confine_process(Policy(memory=memory))


def _load_libraries() -> None:
    """All that is needed later, so that no table waits for it."""
    import mimetypes

    mimetypes.knownfiles = []  # openpyxl asks for the system's, which are not to be read here

    import fastexcel
    import openpyxl  # noqa: F401
    import polars as pl

    from kronkers_studio.formats import (  # noqa: F401
        column_reading,
        row_grids,
        table_columns,
        table_diff,
        table_file_merge,
        table_previews,
        table_profiles,
        table_views,
        workbook_writing,
        xlsx_headers,
    )

    file = io.BytesIO()
    pl.DataFrame({"a": ["1"]}).write_parquet(file)
    pl.read_parquet(io.BytesIO(file.getvalue())).hash_rows()
    with contextlib.suppress(fastexcel.FastExcelError):
        fastexcel.read_excel(b"")


@contextlib.contextmanager
def _ending_after(seconds: float) -> Iterator[None]:
    """This process ends when this takes longer, even while a library computes or the interpreter's lock is held."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=_STDERR)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


@contextlib.contextmanager
def _stopping_after(pipe: Pipe) -> Iterator[None]:
    """What cannot be read is told. After what may leave a library in disorder this process ends."""
    try:
        yield
    except InvalidInput as reason:
        pipe.send(FAILED, ["invalid", reason.message, reason.next_step, reason.details])
    except MemoryError:
        pipe.send(FAILED, ["memory", "", "", ""])
        raise messages.Ended from None
    except messages.Ended:
        raise
    except BaseException as error:  # noqa: BLE001  # a library's panic is no Exception, and this process ends with it
        kind = "damaged" if type(error).__name__ == _PANIC else "stopped"
        pipe.send(FAILED, [kind, "", "", f"{type(error).__name__}: {str(error)[:1000]}"])
        raise messages.Ended from None


# ---- what can be asked for ----


def _difference(pipe: Pipe, files: list[Frame], options: Any) -> None:
    from kronkers_studio.formats.table_diff import diff_table_files

    path, key = options
    old, new = (file.body for file in files)
    files.clear()
    difference = diff_table_files(path, old, new, key=key)
    while True:
        packed = messages.pack_difference(difference)
        if len(messages.encoded(packed)) <= messages.LARGEST_ANSWER:
            break
        shown = max(len(each) for table in difference.tables for each in (table.added, table.removed, table.changed))
        if not shown:
            raise InvalidInput(f"What differs in “{path}” is too much to be told.")
        fewer = shown // 4
        tables = tuple(
            replace(table, added=table.added[:fewer], removed=table.removed[:fewer], changed=table.changed[:fewer])
            for table in difference.tables
        )
        difference = replace(difference, tables=tables)
    pipe.send(DONE, packed)


def _merge(pipe: Pipe, files: list[Frame], options: Any) -> None:
    from kronkers_studio.formats.table_file_merge import merge_table_files
    from kronkers_studio.formats.table_merge import NO_KEY

    (path,) = options
    outcome = merge_table_files(path, *(file.body for file in files))
    if isinstance(outcome, str):
        pipe.send(DONE, [False, outcome == NO_KEY, outcome])
    else:
        pipe.send(DONE, [True, False, outcome[1]], outcome[0])


def _preview(pipe: Pipe, files: list[Frame], options: Any) -> None:
    from kronkers_studio.formats.table_files import Format
    from kronkers_studio.formats.table_previews import table_preview

    (format,) = options
    pipe.send(DONE, messages.pack_preview(table_preview(Format(format), files[0].body)))


def _view(pipe: Pipe, files: list[Frame], options: Any) -> None:
    from kronkers_studio.domain.previews import TableQuery
    from kronkers_studio.formats.table_views import table_view

    path, *query = options
    view = table_view(path, files[0].body, TableQuery(*query))
    files.clear()
    while len(messages.encoded(messages.pack_view(view))) > messages.LARGEST_ANSWER:
        view = replace(view, rows=view.rows[: len(view.rows) // 2])
    pipe.send(DONE, messages.pack_view(view))


def _facts(pipe: Pipe, files: list[Frame], options: Any) -> None:
    from kronkers_studio.formats.table_views import table_facts

    (path,) = options
    pipe.send(DONE, messages.pack_facts(table_facts(path, files[0].body)))


def _rows(pipe: Pipe, files: list[Frame], options: Any) -> None:
    from kronkers_studio.formats.row_grids import pack_rows, read_grid

    path, wanted, sheet = options
    grid = read_grid(path, files[0].body, wanted, sheet)
    files.clear()
    body = bytearray()
    for line in pack_rows(grid):
        body += line
        if len(body) > messages.MOST_ROW_BYTES:
            raise InvalidInput(
                f"“{path}” holds more than {messages.MOST_ROW_BYTES >> 20} MB of text.",
                next_step="Send it in several files, or leave out columns.",
            )
    sheets = list(map(printable, grid.sheets))
    about = [printable(grid.sheet), sheets, grid.merged, grid.numbered, list(grid.lines)]
    pipe.send(DONE, about, memoryview(body))


def _profile(pipe: Pipe, files: list[Frame], options: Any) -> None:
    from kronkers_studio.formats.profile_messages import pack_profile, unpack_question
    from kronkers_studio.formats.table_profiles import profile_table

    path, asked = options
    stream = io.BufferedReader(_Elsewhere(pipe, 0, files[0].about[1]), LARGEST_PIECE)
    pipe.send(DONE, pack_profile(profile_table(path, stream, unpack_question(asked))))


def _table(pipe: Pipe, files: list[Frame], options: Any) -> None:
    from kronkers_studio.domain.column_tables import MOST_TABLE_BYTES
    from kronkers_studio.formats.column_messages import pack_columns
    from kronkers_studio.formats.column_reading import read_columns

    path, delimiter, encoding, as_text, header = options
    table = read_columns(path, files[0].body, delimiter, encoding, as_text, header)
    files.clear()
    if sum(len(column.values) + len(column.missing) for column in table.columns) > MOST_TABLE_BYTES:
        raise InvalidInput(
            f"“{path}” holds more than {MOST_TABLE_BYTES >> 30} GB.", next_step="Open the file, and read parts of it."
        )
    about, body = pack_columns(table)
    pipe.send(DONE, about, body)


def _columns(pipe: Pipe, files: list[Frame], options: Any) -> None:
    """An answer for each file as soon as it is known."""
    from kronkers_studio.formats.table_columns import columns_in

    (seconds,) = options
    for number, file in enumerate(files):
        suffix, size = file.about
        stream = io.BytesIO(file.body) if size is None else io.BufferedReader(_Elsewhere(pipe, number, size), _PIECE)
        faulthandler.dump_traceback_later(seconds + _MARGIN_SECONDS, exit=True, file=_STDERR)
        try:
            pipe.send(DONE, columns_in(suffix, cast(BinaryIO, stream)))
        except ValueError as reason:
            pipe.send(FAILED, ["invalid", str(reason), "", ""])


def _hello(pipe: Pipe, _files: list[Frame], _options: Any) -> None:
    pipe.send(DONE, [])


_ANSWERS = {
    "hello": _hello,
    "difference": _difference,
    "merge": _merge,
    "preview": _preview,
    "view": _view,
    "facts": _facts,
    "columns": _columns,
    "rows": _rows,
    "profile": _profile,
    "table": _table,
}


class _Elsewhere(io.RawIOBase):
    """A file that the process at the other end of the pipe reads from."""

    def __init__(self, pipe: Pipe, number: int, size: int) -> None:
        self._pipe = pipe
        self._number = number
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("it points before its beginning")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._size - self._at, LARGEST_PIECE)
        if wanted <= 0:
            return 0
        self._pipe.send(WANTED, [self._number, self._at, wanted])
        piece = self._pipe.receive(body=LARGEST_PIECE)
        if piece.kind != PIECE or len(piece.body) != wanted:
            raise ValueError("it cannot be read")
        buffer[:wanted] = piece.body
        self._at += wanted
        return wanted


if __name__ == "__main__":
    main()
