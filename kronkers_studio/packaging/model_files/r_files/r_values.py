"""R's values, as far as they are kept: short vectors with what they hold, long ones by their length."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class Kind(IntEnum):
    """R's types, and the codes that its serialization has besides."""

    SYMBOL = 1
    PAIRS = 2
    CLOSURE = 3
    ENVIRONMENT = 4
    PROMISE = 5
    CALL = 6
    SPECIAL = 7
    BUILTIN = 8
    TEXT = 9
    LOGICAL = 10
    INTEGER = 13
    NUMBER = 14
    COMPLEX = 15
    TEXTS = 16
    DOTS = 17
    LIST = 19
    EXPRESSIONS = 20
    BYTECODE = 21
    POINTER = 22
    WEAK = 23
    RAW = 24
    S4 = 25
    COMPACT = 238
    ATTRIBUTED_PAIRS = 239
    ATTRIBUTED_CALL = 240
    BASE_ENVIRONMENT = 241
    EMPTY_ENVIRONMENT = 242
    CODE_REFERENCE = 243
    CODE_SHARED = 244
    PERSISTENT = 247
    PACKAGE = 248
    NAMESPACE = 249
    BASE_NAMESPACE = 250
    MISSING = 251
    UNBOUND = 252
    GLOBAL_ENVIRONMENT = 253
    NOTHING = 254
    REFERENCE = 255


@dataclass(slots=True, eq=False)
class Value:
    """One of R's values.

    ``length`` is a vector's or list's; ``items`` are its texts (None: missing) or numbers where it is short, the values
    in a list or call; of a closure its environment, arguments and body, of a promise its environment, value and
    expression, of an environment its enclosure, its variables and its hashed ones. ``tags`` are the names of the values
    in a pair list or call, "" for none. ``active``: a variable in it is computed whenever it is read.
    """

    kind: Kind
    length: int = 0
    items: list[Any] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    attributes: dict[str, Value] = field(default_factory=dict)
    name: str = ""
    active: bool = False

    @property
    def names(self) -> list[str]:
        """The names of a vector's or list's elements; none when they have none, or there are too many."""
        named = self.attributes.get("names")
        return list(named.texts if named is not None else self.tags)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that it was given, its own first."""
        return self.texts_of("class")

    def texts_of(self, attribute: str) -> tuple[str, ...]:
        """The texts of an attribute, such as "levels"; none when it has no such attribute."""
        found = self.attributes.get(attribute)
        return found.texts if found is not None else ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of a short vector of texts; none for all else."""
        return tuple(text or "" for text in self.items) if self.kind is Kind.TEXTS else ()

    @property
    def values(self) -> tuple[Value, ...]:
        """The values in a list or call; none for vectors, whose items are none."""
        return tuple(item for item in self.items if isinstance(item, Value))

    def get(self, name: str) -> Value | None:
        """The element of that name in a list; None when there is none."""
        if self.kind not in (Kind.LIST, Kind.PAIRS, Kind.CALL):
            return None
        return next((item for item, known in zip(self.items, self.names, strict=False) if known == name), None)
