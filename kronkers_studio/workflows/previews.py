"""A look at one file of a version. What is read of it is bounded, however large it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.errors import InvalidInput, TableUnreadable
from kronkers_studio.domain.previews import (
    ImagePreview,
    NoPreview,
    NotebookCell,
    NotebookPreview,
    Preview,
    TableFacts,
    TablePreview,
    TableQuery,
    TableView,
    TextPreview,
)
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.workflows.session import Session

TEXT_BYTES = 256 << 10
CSV_BYTES = 1 << 20
WHOLE_BYTES = 48 << 20
"""Of the largest file that must be read as a whole to show its beginning: Parquet, Excel, pictures."""
LOOKED_THROUGH = 96 << 20
"""Of a CSV file that is sorted, filtered or told of: a million rows of a hundred letters."""
NOTEBOOK_BYTES = 16 << 20
CELLS, OUTPUT = 200, 4000

_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".svg")


def preview_file(session: Session, project: str, ref: str, path: str, *, cancel: CancelToken = NEVER) -> Preview:
    """The beginning of the file ``path`` at ``ref`` in the way that suits it.

    Raises ``NotFound``, ``StoreDamaged`` or ``Cancelled``.
    """
    from kronkers_studio.formats.table_files import Format, table_format

    content = session.workspace.content
    entry = content.find(project, ref, path)
    if entry.kind is not EntryKind.FILE or not entry.size:
        return NoPreview("This file is empty." if entry.kind is EntryKind.FILE else "This is not a file.")

    def read(limit: int) -> bytes:
        return content.read(entry, limit)

    format = table_format(path)
    if format in (Format.PARQUET, Format.EXCEL):
        return _whole(entry, read, lambda entry, data: _table(session, entry, data, cancel))
    if path.lower().endswith(_PICTURES):
        return _whole(entry, read, lambda _entry, data: ImagePreview(data))
    found: Preview | None = None
    if format is Format.CSV:
        found = _csv(entry, read)
    elif path.lower().endswith(".ipynb") and entry.size <= NOTEBOOK_BYTES:
        found = _notebook(read(NOTEBOOK_BYTES))
    return found or _text(entry, read)


def _whole(entry: Entry, read: Callable[[int], bytes], show: Callable[[Entry, bytes], Preview]) -> Preview:
    if entry.size > WHOLE_BYTES:
        return NoPreview(f"It is larger than {WHOLE_BYTES >> 20} MB. Restore it to look into it.")
    return show(entry, read(WHOLE_BYTES))


# ---- texts ----


def _text(entry: Entry, read: Callable[[int], bytes]) -> Preview:
    data = read(TEXT_BYTES)
    complete = entry.size <= TEXT_BYTES
    found = _decoded(data, complete)
    if found is None:
        return NoPreview("Its bytes are not text. Restore it to open it with its own program.")
    content, form = found
    if not complete:
        content = content[: content.rfind("\n") + 1] or content
    return TextPreview(content, complete, form)


def _decoded(data: bytes, complete: bool) -> tuple[str, str] | None:
    """The text in ``data``, whose last character may be cut off unless it is ``complete``; and how it is written."""
    from kronkers_studio.formats.text_encoding import read_text

    if not complete:
        data = data[: data.rfind(b"\n") + 1] or data[:-4]
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            data = data[: len(data) // 4 * 4]
    found = read_text(data)
    return (found.content, found.title) if found is not None else None


# ---- tables ----


def _csv(entry: Entry, read: Callable[[int], bytes]) -> TablePreview | None:
    """Text, which is shown exactly as it is written."""
    from kronkers_studio.formats.table_previews import csv_preview

    complete = entry.size <= CSV_BYTES
    found = _decoded(read(CSV_BYTES), complete)
    return csv_preview(found[0], complete=complete) if found else None


def _table(session: Session, entry: Entry, data: bytes, cancel: CancelToken) -> Preview:
    try:
        return session.workspace.tables.preview(entry.path, data, cancel=cancel)
    except InvalidInput as reason:
        return NoPreview(reason.message)
    except TableUnreadable as reason:
        return NoPreview(f"{reason.message} {reason.next_step}".strip())


def table_view(
    session: Session, project: str, ref: str, path: str, query: TableQuery, *, cancel: CancelToken = NEVER
) -> TableView:
    """The first rows of the table ``path`` at ``ref`` that ``query`` finds, in its order. All of the file is looked
    through, of a CSV file its first ``LOOKED_THROUGH`` bytes.

    Raises ``NotFound``, ``InvalidInput`` when it is no table, ``TableUnreadable``, ``StoreDamaged`` or ``Cancelled``.
    """
    data, read = _table_bytes(session, project, ref, path)
    return replace(session.workspace.tables.view(path, data, query, cancel=cancel), read=read)


def table_facts(session: Session, project: str, ref: str, path: str, *, cancel: CancelToken = NEVER) -> TableFacts:
    """What is in each of the first columns of the table ``path`` at ``ref``. Bounded, and raises, as ``table_view``."""
    data, read = _table_bytes(session, project, ref, path)
    return replace(session.workspace.tables.facts(path, data, cancel=cancel), read=read)


def _table_bytes(session: Session, project: str, ref: str, path: str) -> tuple[bytes, int]:
    """What is looked through of a table, and how many bytes that are where it is not all of it, else 0."""
    from kronkers_studio.formats.table_files import Format, table_format

    content, format = session.workspace.content, table_format(path)
    entry = content.find(project, ref, path)
    if format is None or entry.kind is not EntryKind.FILE:
        raise InvalidInput(f"“{path}” is not a table.", next_step="Tables are CSV, Parquet and Excel files.")
    if format is not Format.CSV:
        if entry.size > WHOLE_BYTES:
            raise InvalidInput(f"“{path}” is larger than {WHOLE_BYTES >> 20} MB. Restore it to look into it.")
        return content.read(entry), 0
    data = content.read(entry, LOOKED_THROUGH)
    if entry.size <= LOOKED_THROUGH:
        return data, 0
    return data[: data.rfind(b"\n") + 1] or data, LOOKED_THROUGH


# ---- notebooks ----


def _notebook(data: bytes) -> NotebookPreview | None:
    """None when it is not written as notebooks are."""
    try:
        document = json.loads(data)
        cells = document["cells"]
        language = str(document.get("metadata", {}).get("kernelspec", {}).get("display_name", ""))
        shown = tuple(
            NotebookCell(str(cell.get("cell_type", "raw")), _joined(cell.get("source", "")), _output(cell))
            for cell in cells[:CELLS]
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return NotebookPreview(language, shown, len(cells) <= CELLS)


def _joined(lines: str | list[str]) -> str:
    return lines if isinstance(lines, str) else "".join(lines)


def _output(cell: dict[str, Any]) -> str:
    """What is text in a cell's outputs; pictures are named."""
    parts = []
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        if "text" in output:
            parts.append(_joined(output["text"]))
        elif output.get("output_type") == "error":
            parts.append(f"{output.get('ename', '')}: {output.get('evalue', '')}")
        elif "text/plain" in data:
            parts.append(_joined(data["text/plain"]))
        parts += [f"[{kind}]" for kind in data if kind.startswith("image/")]
    words = "\n".join(part.rstrip("\n") for part in parts)
    return words if len(words) <= OUTPUT else f"{words[:OUTPUT]}\n…"
