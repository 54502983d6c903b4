"""What is said of a conflict copy's differences."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from kronkers_studio.migration import FolderSource, scan_folder
from kronkers_studio.migration.copy_comparison import LARGEST, compare, differences

TABLE = b"id,price\n" + b"".join(b"%d,%d\n" % (number, number * 7) for number in range(500))


def workbook(cell: str, author: str) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.properties.creator = author
    book.worksheets[0]["A1"] = int(cell, 36)  # text would lie in a part of its own
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("original", "copy", "rows", "said"),
    [
        (TABLE, TABLE, True, "the same content"),
        (TABLE, TABLE.replace(b"7,49\n", b"7,50\n").replace(b"9,63\n", b"9,64\n"), True, "2 rows differ"),
        (TABLE, TABLE + b"500,1\n501,2\n", True, "2 rows are only in the copy"),
        (TABLE, TABLE.replace(b"7,49\n", b""), True, "1 row is only in the original"),
        (TABLE, TABLE.replace(b"\n", b"\r\n"), True, "the same rows in another order, or with other line ends"),
        (b"one\ntwo\n", b"one\nthree\n", False, "1 line differs"),
        (b"\0one", b"\0two!", False, "the copy is 1 byte larger than the original"),
        (b"\0one", b"\0two", False, "3 bytes differ"),
    ],
)
def test_differences_are_said_in_rows_lines_or_bytes(original: bytes, copy: bytes, rows: bool, said: str) -> None:
    assert compare(original, copy, rows=rows) == said


def test_of_workbooks_the_changed_sheets_are_counted_and_a_mere_save_is_none() -> None:
    assert compare(workbook("a", "ann"), workbook("b", "ann"), rows=True) == "1 sheet differs"
    assert "properties" in compare(zipped({"docProps/core.xml": "a"}), zipped({"docProps/core.xml": "b"}), rows=True)
    assert compare(zipped({"xl/worksheets/sheet1.xml": "a"}), zipped({"xl/worksheets/sheet1.xml": "b"}), rows=True) == (
        "1 sheet differs"
    )


def zipped(parts: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def test_a_broken_archive_is_compared_by_its_bytes() -> None:
    assert "bytes" in compare(b"PK\x03\x04broken", b"PK\x03\x04broken more", rows=True)


def test_large_files_are_compared_by_size_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in (("a.csv", LARGEST + 1), ("a-LAPTOP7.csv", LARGEST + 101)):
        with (folder / name).open("wb") as file:
            file.truncate(size)
    copy, original = scan_folder(folder).items
    source = FolderSource(folder)
    monkeypatch.setattr(source, "open", None)  # nothing is opened
    assert differences(original, copy, source) == "the copy is 100 bytes larger than the original"
