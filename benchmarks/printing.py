"""Figures and tables as text."""

from __future__ import annotations

from collections.abc import Sequence

NOTHING = "–"


def seconds(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f} s"


def megabytes(value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value / 1e6:.0f} MB" if value >= 100e6 else f"{value / 1e6:.1f} MB"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with the first column on the left and the others on the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *[cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]]
        ).rstrip()
        for row in (head, *rows)
    ]
