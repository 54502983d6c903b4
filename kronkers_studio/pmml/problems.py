"""What a document is refused for, and what a row is refused for."""

from __future__ import annotations


class Unevaluated(Exception):
    """The document is refused. ``reason`` is a sentence without its end; ``element`` and ``line`` say where it is (""
    and 0: the whole document)."""

    def __init__(self, reason: str, element: str = "", line: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.element = element
        self.line = line

    def __str__(self) -> str:
        where = f" ({self.element}, line {self.line})" if self.element else ""
        return f"{self.reason}{where}"


class InvalidRow(Exception):
    """A row cannot be answered. ``reason`` goes on from the field's name ("holds …, which …"), or is a sentence where
    ``field`` is ""; ``row`` counts from 0."""

    def __init__(self, reason: str, field: str, row: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.row = row
