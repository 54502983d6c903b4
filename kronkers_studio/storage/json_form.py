"""Domain dataclasses as JSON and back, the same text for the same value every time.

Times become ISO 8601 in UTC, enums their values, tuples lists, bytes hexadecimal. Reading follows the type hints: a
field that is missing takes its default, so that entries written before the field existed can be read; a field that is
unknown is an error, because it would be lost.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import types
import typing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from kronkers_studio.domain.errors import StoreDamaged

T = TypeVar("T")
_ID_SIZE = 32  # bytes


def to_text(value: Any) -> str:
    """The canonical JSON text of a domain value: sorted keys, no spaces, ASCII only."""
    return canonical(to_json(value))


def from_text(kind: type[T], text: str) -> T:
    """The value of dataclass ``kind`` that ``to_text`` made ``text`` from.

    Raises ``StoreDamaged`` when it is not one: whoever made the workspace may have written anything.
    """
    with records_read(kind.__name__):
        return from_json(kind, json.loads(text))


@contextmanager
def records_read(what: str) -> Iterator[None]:
    """Inside, nothing but records of the database is made into values: whoever made the workspace may have written
    anything. What cannot be read raises ``StoreDamaged``."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        raise StoreDamaged(
            "A record in the workspace's database cannot be read: it is of another form than this version writes.",
            next_step="Use the version of Kronkers Studio that made the workspace, or put it back from a backup.",
            details=f"{what}: {error}"[:500],
        ) from None


def object_id(text: str) -> bytes:
    """The id of an object that a record names in hexadecimal digits. Raises ``StoreDamaged``."""
    with records_read("object id"):
        id = bytes.fromhex(text)
        if len(id) != _ID_SIZE:
            raise ValueError("of another length")
        return id


def canonical(document: Any) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def to_json(value: Any) -> Any:  # noqa: PLR0911  # one return per kind of value
    """``value`` in JSON's own types."""
    if isinstance(value, enum.Enum):
        return value.value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time without a time zone has no meaning elsewhere")
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {_key(key): to_json(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_json(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not field.metadata.get("stored") or getattr(value, field.name) != field.default
        }
    raise TypeError(f"{type(value).__name__} has no JSON form")


def from_json(kind: type[T], document: Any) -> T:
    """The value of dataclass ``kind`` from ``to_json``'s form. Raises ``ValueError``."""
    return typing.cast(T, _reader(typing.cast(Any, kind))(document))


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError("a mapping's keys must be text")
    return key.value if isinstance(key, enum.Enum) else key


@functools.cache
def _reader(hint: Any) -> typing.Callable[[Any], Any]:  # noqa: PLR0911  # one return per kind of type
    """The function that reads values of a type hint."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return lambda document: document
    if origin in (typing.Union, types.UnionType):
        return _optional_reader(arguments)
    if origin is tuple:
        item = _reader(arguments[0])
        return lambda document: tuple(item(part) for part in _expect(document, list))
    if origin is not None and issubclass(origin, Mapping):
        value = _reader(arguments[1])
        return lambda document: {key: value(part) for key, part in _expect(document, dict).items()}
    if dataclasses.is_dataclass(hint):
        return functools.partial(_read_dataclass, hint)
    if issubclass(hint, enum.Enum):
        return typing.cast(typing.Callable[[Any], Any], hint)
    if hint is datetime:
        return lambda document: datetime.fromisoformat(_expect(document, str))
    if hint is bytes:
        return lambda document: bytes.fromhex(_expect(document, str))
    if hint is float:
        return lambda document: float(_expect(document, float, int))
    if hint in (str, int, bool):
        return lambda document: _expect(document, hint)
    raise TypeError(f"{hint} has no JSON form")


def _optional_reader(arguments: tuple[Any, ...]) -> typing.Callable[[Any], Any]:
    kinds = [argument for argument in arguments if argument is not type(None)]
    if len(kinds) != 1:
        raise TypeError("only “or None” unions have a JSON form")
    inner = _reader(kinds[0])
    return lambda document: None if document is None else inner(document)


@functools.cache
def _fields(kind: Any) -> tuple[dict[str, typing.Callable[[Any], Any]], frozenset[str]]:
    hints = typing.get_type_hints(kind)
    readers = {field.name: _reader(hints[field.name]) for field in dataclasses.fields(kind)}
    required = frozenset(
        field.name
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    )
    return readers, required


def _read_dataclass(kind: Any, document: Any) -> Any:
    readers, required = _fields(kind)
    values = _expect(document, dict)
    unknown, missing = values.keys() - readers.keys(), required - values.keys()
    if unknown or missing:
        raise ValueError(f"{kind.__name__}: unknown {sorted(unknown)}, missing {sorted(missing)}")
    return kind(**{name: readers[name](part) for name, part in values.items()})


def _expect(document: Any, *kinds: type) -> Any:
    if not isinstance(document, kinds) or (isinstance(document, bool) and bool not in kinds):
        raise ValueError(f"{type(document).__name__} instead of {' or '.join(kind.__name__ for kind in kinds)}")
    return document
