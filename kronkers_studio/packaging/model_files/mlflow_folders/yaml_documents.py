"""YAML from anywhere: one document of texts, lists and tables, without aliases and tags, which make objects, and of
one line gigabytes. Numbers stay the texts that they are written as."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kronkers_studio.packaging.byte_reader import Damaged, TooMuch

Yaml = Any
"""None, True, False, a text, a list, or a dict with keys of text."""

LARGEST: Final = 1 << 20
"""Characters of a document; that of a table with ten thousand columns is shorter."""
_DEEPEST = 16
_MOST_VALUES = 50_000
_WORDS: Final = {"": None, "~": None, "null": None, "true": True, "false": False}


def read_yaml(text: str) -> Yaml:
    """What the document ``text`` holds. Raises ``Damaged`` and ``TooMuch``."""
    import yaml

    if len(text) > LARGEST:
        raise TooMuch("it is longer than any model's")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # of which only what reads the form is used
    try:
        return _Document(yaml.parse(text, Loader=loader)).read()
    except yaml.YAMLError:
        raise Damaged("it is no YAML") from None


class _Document:
    """Makes values of the events that YAML's parser gives, one after the other."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._left = _MOST_VALUES

    def read(self) -> Yaml:
        import yaml

        found: Yaml = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise Damaged("it holds more than one document")
                found = self._value(next(self._events), 0)
        return found

    def _value(self, event: Any, depth: int) -> Yaml:
        import yaml

        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise TooMuch("it is longer or nested deeper than any model's")
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise Damaged("it repeats a part of itself by an alias, which MLflow never writes")
        if event.tag is not None:
            raise Damaged("it names the type of a value by a tag, which MLflow never writes")
        if isinstance(event, yaml.ScalarEvent):
            return event.value if event.style else _WORDS.get(event.value.lower(), event.value)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(depth)
        return self._table(depth)

    def _list(self, depth: int) -> list[Yaml]:
        import yaml

        found: list[Yaml] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._value(event, depth + 1))
        return found

    def _table(self, depth: int) -> dict[str, Yaml]:
        import yaml

        found: dict[str, Yaml] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise Damaged("a name in it is no text")
            self._value(event, depth + 1)
            if event.value in found:
                raise Damaged("it says one thing twice")
            found[event.value] = self._value(next(self._events), depth + 1)
        return found
