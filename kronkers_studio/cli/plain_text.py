"""Sizes, times and tables as text for people."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime

from kronkers_studio.domain.content import SkippedItem, time_of
from kronkers_studio.domain.printable import printable

_WIDEST = 80
"""A longer cell does not make its column wider."""


_MOST_LEFT_OUT = 20
"""What is left out for one reason is named so many times."""


def size(count: float) -> str:
    """``1234567`` → ``1.2 MB`` (decimal units, as file managers show)."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError("unreachable")


def moment(at: datetime | None) -> str:
    """A time in this computer's zone, to the second."""
    if at is None:
        return "–"
    with contextlib.suppress(OSError):  # Windows knows no zones before 1970
        at = at.astimezone()
    return at.strftime("%Y-%m-%d %H:%M:%S")


def moment_of_ns(at_ns: int) -> str:
    """A file's time, given in nanoseconds since the epoch."""
    return moment(time_of(at_ns))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Left-aligned columns, two spaces apart. Each row is one line, whatever its cells hold; a cell that is much longer
    than others moves what follows it in its own row only."""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [_width([row[column] for row in (head, *rows)]) for column in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    ]


def _width(cells: Sequence[str]) -> int:
    """The longest, but for those that are too long for a column."""
    lengths = [len(cell) for cell in cells]
    return max((length for length in lengths if length <= _WIDEST), default=_WIDEST)


def plural(count: int, one: str, many: str = "") -> str:
    """``3 files``, ``1 file``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def skipped_lines(skipped: Sequence[SkippedItem]) -> list[str]:
    """What was left out, by why: first what somebody would have wanted kept. Of many for one reason the first."""
    if not skipped:
        return []
    by_reason: dict[str, list[SkippedItem]] = {}
    for item in sorted(skipped, key=lambda item: item.reason.expected):
        by_reason.setdefault(item.detail or item.reason.value, []).append(item)
    lines = [f"{plural(len(skipped), 'item')} left out:"]
    for why, items in by_reason.items():
        if len(items) == 1:
            lines.append(f"  {printable(items[0].path)}  ({why})")
            continue
        lines.append(f"  {len(items):,} items  ({why})")
        lines += [f"    {printable(item.path)}" for item in items[:_MOST_LEFT_OUT]]
        if len(items) > _MOST_LEFT_OUT:
            lines.append(f"    and {len(items) - _MOST_LEFT_OUT:,} more; --json names all")
    return lines
