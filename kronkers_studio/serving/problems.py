"""What can go wrong on purpose: a start that is refused, and a request that is refused."""

from __future__ import annotations

from collections.abc import Iterable


class CannotStart(Exception):
    """The model will not be served; the text is a sentence that names the cause."""


class Refusal(Exception):
    """The request cannot be answered; ``message`` is a sentence for its sender, ``field`` the field or tensor meant,
    ``row`` the number of the row, from 1."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        field: str | None = None,
        row: int | None = None,
        headers: Iterable[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.field = field
        self.row = row
        self.headers = tuple(headers)


_LONGEST_NAME = 60


def shown(name: object) -> str:
    """A sender's own name for something, quoted and cut so that it fits a sentence."""
    text = str(name)
    return f"“{text if len(text) <= _LONGEST_NAME else text[:_LONGEST_NAME] + '…'}”"


def kind_of(value: object) -> str:
    """What a JSON value is, in plain words; never the value itself."""
    if value is None:
        return "null"
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "a list"}
    return kinds.get(type(value), "an object")
