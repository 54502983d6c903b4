"""The fields that expressions and models see: known by their types before there are rows, and computed where they are
asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kronkers_studio.pmml.columns import KINDS, Array, Column, Kind, constant, parsed
from kronkers_studio.pmml.document import Element

DEEPEST_FIELDS = 60
"""How many fields may be derived one from the other."""
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class FieldType:
    """What a field holds. ``values`` are those that it may hold, as they are written, in their order; () for any."""

    data_type: str
    optype: str = ""
    values: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        return KINDS[self.data_type]

    @property
    def is_categorical(self) -> bool:
        return self.optype in ("categorical", "ordinal") or (not self.optype and self.kind is not Kind.NUMBER)


@dataclass(frozen=True, slots=True)
class Field:
    """A field. ``compute`` gives its values; None: they are put into the frame. ``depth`` is how many fields lie below
    it."""

    type: FieldType
    compute: Callable[[Frame], Column] | None = None
    depth: int = 0


class Scope:
    """The fields that are known at a place of the document, by their names; those of ``outer``, too, where it has
    others. Fields may be made only when they are asked for (``find_with``)."""

    def __init__(self, outer: Scope | None = None) -> None:
        self.fields: dict[str, Field] = {}
        self.outer = outer
        self._find: Callable[[str], Field | None] = lambda _: None

    def find_with(self, find: Callable[[str], Field | None]) -> None:
        """Ask ``find`` for fields that are not there yet."""
        self._find = find

    def field(self, name: str) -> Field | None:
        """The field ``name``, None when there is none."""
        found = self.own(name)
        return found if found is not None or self.outer is None else self.outer.field(name)

    def own(self, name: str) -> Field | None:
        found = self.fields.get(name)
        if found is None:
            found = self._find(name)
            if found is not None:
                self.fields[name] = found
        return found

    def need(self, name: str, element: Element) -> Field:
        """The field ``name`` that ``element`` asks for. Raises ``Unevaluated`` when there is none."""
        found = self.field(name)
        if found is None:
            element.refuse(f"there is no field “{name[:_SHOWN]}” here")
        if found.depth > DEEPEST_FIELDS:
            element.refuse(f"more than {DEEPEST_FIELDS} fields are derived one from the other")
        return found

    def value(self, name: str, text: str, element: Element) -> str | float:
        """``text`` as a value of the field ``name``. Raises ``Unevaluated`` for what is none."""
        data_type = self.need(name, element).type.data_type
        data_type = "double" if data_type == "integer" else data_type  # a tree splits whole numbers at halves
        found = parsed(text, data_type)
        if found is None:
            element.refuse(f"“{text[:_SHOWN]}” is no {data_type}, as “{name[:_SHOWN]}” is")
        return found


class Frame:
    """The fields' values for ``rows`` rows. Fields that ``scope`` has not are those of ``outer``, at its ``positions``
    (None: the same rows)."""

    def __init__(self, scope: Scope, rows: int, outer: Frame | None = None, positions: Array | None = None) -> None:
        self.scope = scope
        self.rows = rows
        self.outer = outer
        self._positions = positions
        self._columns: dict[str, Column] = {}

    def column(self, name: str) -> Column:
        """The values of the field ``name``, which the scope or one around it has."""
        found = self._columns.get(name)
        if found is None:
            found = self._columns[name] = self._computed(name)
        return found

    def _computed(self, name: str) -> Column:
        field = self.scope.own(name)
        if field is None:
            return self.from_outer(name)
        if field.compute is None:  # put there for rows of which none came here
            return constant(field.type.kind, None, self.rows)
        return field.compute(self)

    def from_outer(self, name: str) -> Column:
        """The values that the field has around this frame."""
        if self.outer is None:
            raise KeyError(name)
        column = self.outer.column(name)
        return column if self._positions is None else column.take(self._positions)

    def put(self, name: str, column: Column) -> None:
        self._columns[name] = column
