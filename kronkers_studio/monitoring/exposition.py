"""The text format in which services show their metrics to Prometheus (version 0.0.4), read strictly and within bounds.

Bounds, because a service's answer is the word of a stranger: of lines, of their length, of their labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kronkers_studio.domain.errors import MetricsUnreadable

_LINE = re.compile(
    r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>.*)\})?[ \t]+(?P<value>\S+)(?:[ \t]+(?P<time>-?\d+))?[ \t]*"
)
_LABEL = re.compile(r'[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(?:,|$)')
_ESCAPED = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "\\": "\\", '"': '"'}

_MOST_LINES = 20_000  # a hundred times what a service shows
_LONGEST_LINE = 8_192
_MOST_LABELS = 32


@dataclass(frozen=True, slots=True)
class Reading:
    """One line: the value of a metric for one set of labels. NaN and infinities are as the service gave them."""

    name: str
    labels: Mapping[str, str]
    value: float


def parse_exposition(text: str) -> Iterator[Reading]:
    """Every reading in ``text``, in its order. Raises ``MetricsUnreadable`` at the first line that is not one, and when
    a line is too long or there are too many."""
    for number, line in enumerate(_lines(text), start=1):
        if number > _MOST_LINES or len(line) > _LONGEST_LINE:
            raise _unreadable(number, line)
        stripped = line.strip(" \t\r")
        if not stripped or stripped.startswith("#"):
            continue
        found = _LINE.fullmatch(stripped)
        if found is None:
            raise _unreadable(number, stripped)
        try:
            yield Reading(found["name"], _labels(found["labels"] or ""), _number(found["value"]))
        except ValueError as problem:
            raise _unreadable(number, stripped) from problem


def _lines(text: str) -> Iterator[str]:
    """The lines of ``text``, one after the other: a list of millions would be made before they are counted."""
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start:end]
        start = end + 1
    yield text[start:]


def _labels(text: str) -> dict[str, str]:
    labels: dict[str, str] = {}
    position = 0
    while position < len(text):
        found = _LABEL.match(text, position)
        if found is None:
            raise ValueError(f"no label at {position}")
        if found[1] in labels or len(labels) == _MOST_LABELS:
            raise ValueError(f"a label too many at {position}")
        labels[found[1]] = _ESCAPED.sub(lambda escape: _ESCAPES.get(escape[1], escape[0]), found[2])
        position = found.end()
    return labels


def _number(text: str) -> float:
    if "_" in text:  # Python's float() would take 1_000
        raise ValueError(text)
    return float(text)


def _unreadable(number: int, line: str) -> MetricsUnreadable:
    return MetricsUnreadable(
        "What the service answered is not a list of metrics.",
        next_step="Check that the address is that of a released model.",
        details=f"line {number}: {line[:200]}",
    )
