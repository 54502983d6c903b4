"""YAML from anywhere, and JSON, which is YAML: read with bounds, each value with the line that it stands in.

Nothing but maps, lists and plain values is read: no anchors and aliases, with which a few lines become gigabytes, no
tags, which name code. Plain words are texts, true, false, null and numbers, as YAML 1.2 has it: ``no`` is a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kronkers_studio.domain.row_tables import NUMBER

MOST_BYTES = 256_000
_MOST_EVENTS = 50_000
_DEEPEST = 20
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INFINITE = re.compile(r"[+-]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class Located(NamedTuple):
    """A value and its line, from 1: a text, number, truth value or None, a list of ``Located``, or a dict of them."""

    value: Any
    line: int


class UnreadableYaml(Exception):
    """The text says why, ``line`` where, from 1."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.line = line


def read_located(content: bytes) -> Located:
    """The one document in ``content``. Raises ``UnreadableYaml``."""
    import yaml

    if len(content) > MOST_BYTES:
        raise UnreadableYaml(f"it is larger than {MOST_BYTES // 1000} kB", 1)
    try:
        text = content.decode("utf-8-sig").replace("\t", "    ") if content.lstrip()[:1] == b"{" else None
        text = content.decode("utf-8-sig") if text is None else text
    except UnicodeDecodeError as error:
        raise UnreadableYaml("it is not UTF-8 text", content[: error.start].count(b"\n") + 1) from None
    try:
        return _Reader(yaml.parse(text, Loader=yaml.SafeLoader)).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UnreadableYaml(error.problem or "it is not YAML", mark.line + 1 if mark else 1) from None
    except yaml.YAMLError:  # a character that no YAML holds
        raise UnreadableYaml("it holds a character that no text has", 1) from None


@dataclass
class _Open:
    """A map or list whose end was not read yet; ``key`` is the one that waits for its value."""

    value: Any
    line: int
    key: str | None = None
    seen: set[str] = field(default_factory=set)


class _Reader:
    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._open: list[_Open] = []
        self._root: Located | None = None

    def read(self) -> Located:
        import yaml

        documents = 0
        for count, event in enumerate(self._events):
            line = event.start_mark.line + 1
            if count > _MOST_EVENTS:
                raise UnreadableYaml("it holds too much", line)
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise UnreadableYaml("it holds more than one document", line)
            elif isinstance(event, yaml.NodeEvent):
                self._check(event, line)
                self._take(event, line)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                done = self._open.pop()
                self._put(Located(done.value, done.line))
        return self._root if self._root is not None else Located(None, 1)

    def _check(self, event: Any, line: int) -> None:
        import yaml

        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise UnreadableYaml("it holds an anchor or alias (& or *); write the values out", line)
        if event.tag is not None:
            raise UnreadableYaml("it holds a tag (!); only plain values are read", line)

    def _take(self, event: Any, line: int) -> None:
        import yaml

        if isinstance(event, yaml.ScalarEvent):
            holder = self._open[-1] if self._open else None
            if holder is not None and isinstance(holder.value, dict) and holder.key is None:
                if event.value in holder.seen:
                    raise UnreadableYaml(f"“{event.value[:60]}” stands there twice", line)
                holder.seen.add(event.value)
                holder.key = event.value
            else:
                self._put(Located(_scalar(event.value, plain=event.style is None, line=line), line))
            return
        holder = self._open[-1] if self._open else None
        if holder is not None and isinstance(holder.value, dict) and holder.key is None:
            raise UnreadableYaml("a key must be a plain word", line)
        if len(self._open) >= _DEEPEST:
            raise UnreadableYaml("it is nested too deeply", line)
        self._open.append(_Open({} if isinstance(event, yaml.MappingStartEvent) else [], line))

    def _put(self, found: Located) -> None:
        if not self._open:
            self._root = found
            return
        holder = self._open[-1]
        if isinstance(holder.value, dict):
            holder.value[holder.key] = found
            holder.key = None
        else:
            holder.value.append(found)


def _scalar(text: str, *, plain: bool, line: int) -> str | int | float | bool | None:
    if not plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text) and (len(text.lstrip("+-")) == 1 or not text.lstrip("+-").startswith("0")):
        return int(text)
    if NUMBER.fullmatch(text) and not re.fullmatch(r"[+-]?0[0-9]+", text):  # 007 is no number but a name
        number = float(text)
        if number in (float("inf"), float("-inf")):
            raise UnreadableYaml(f"{text[:60]} is too large a number", line)
        return number
    if _INFINITE.fullmatch(text):
        raise UnreadableYaml(f"{text} is no number that can be compared", line)
    return text
