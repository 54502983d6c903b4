"""The columns that a model's formula needs, from the terms that R keeps of it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.packaging.model_files.r_files.r_programs import called, program_in
from kronkers_studio.packaging.model_files.r_files.r_values import Kind, Value

_CONSTANTS = frozenset({"pi", "T", "F", "letters", "LETTERS", "month.name", "month.abb", "NULL"})
_PARTS_OF = frozenset({"$", "@", "[[", "["})
_WORDS = ("factor", "ordered", "character")
_COMPARED = frozenset({"==", "!=", "%in%", "paste", "paste0", "grepl", "nchar", "toupper", "tolower", "startsWith"})


@dataclass(frozen=True, slots=True)
class RColumn:
    """A column that a model needs. ``holds`` is "number", "text" or "truth"; ``levels`` what a text may be, () when
    the file does not tell."""

    name: str
    holds: str = "number"
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Response:
    """What a model was fitted to: its name ("" for an expression) and R's word for its class, "factor" for one."""

    name: str
    of_class: str


def columns_of_terms(
    name: str, terms: Value, xlevels: Value | None, frame: Value | None = None, more: Sequence[Value] = ()
) -> tuple[RColumn, ...]:
    """The columns that the rows of the model ``name`` must have, in the formula's order.

    ``xlevels`` are the levels that the model keeps of its factors, ``frame`` is the table that it may keep of what it
    was fitted to, ``more`` are further expressions that R evaluates in the rows.

    Raises ``UnsupportedModel`` for what such a formula has no use for, and what cannot be told.
    """
    variables = terms.attributes.get("variables")
    if variables is None or variables.kind is not Kind.CALL:
        raise UnsupportedModel(
            f"{name} does not keep the terms of its formula, so the columns that it needs cannot be told.",
            next_step="Fit it again with the package's usual functions, and save the model itself.",
        )
    for part in (terms, variables, terms.attributes.get("predvars"), *more):
        program = program_in(part) if part is not None else ""
        if program:
            raise UnsupportedModel(
                f"{name} is refused: its formula would run `{program}` on the computer that it is used on. A formula "
                "does not need that.",
                next_step="Ask where the file comes from.",
            )
    return _Reading(name, terms, xlevels, frame).columns([*variables.items[1:], *more])


def response_of(terms: Value) -> Response:
    """What the formula has on its left; nothing when it has nothing there."""
    variables, place = terms.attributes.get("variables"), _response(terms)
    if variables is None or not 0 < place < len(variables.items):
        return Response("", "")
    return Response(variables.items[place].name, _classes(terms, place))


def _response(terms: Value) -> int:
    found = terms.attributes.get("response")
    place = found.items[0] if found is not None and found.items else 0
    return int(place) if isinstance(place, float | int) and math.isfinite(place) else 0


def _classes(terms: Value, place: int) -> str:
    """R's word for the class of the variable at ``place``, from 1; "" when it is not kept."""
    found = terms.attributes.get("dataClasses")
    texts = found.texts if found is not None else ()
    return texts[place - 1] if 0 < place <= len(texts) else ""


class _Reading:
    """From the variables of a formula, which are columns or computed from them, to the columns."""

    def __init__(self, name: str, terms: Value, xlevels: Value | None, frame: Value | None) -> None:
        self._name = name
        self._terms = terms
        self._kept = dict(zip(frame.names, frame.values, strict=False)) if frame is not None else {}
        self._levels = dict(zip(xlevels.names, xlevels.values, strict=False)) if xlevels is not None else {}
        self._around = _variables_around(terms.attributes.get(".Environment"))
        self._found: dict[str, RColumn] = {}

    def columns(self, variables: Sequence[Value]) -> tuple[RColumn, ...]:
        computed = []
        own = [place for place in range(1, len(variables) + 1) if place != _response(self._terms)]
        of_words = [place for place in own if _classes(self._terms, place) in _WORDS]
        levels = list(self._levels.values()) if len(of_words) == len(self._levels) else []
        by_place = dict(zip(of_words, levels, strict=False))  # the names of computed ones are R's way of writing them
        for place in own:
            variable, of_class, known = variables[place - 1], _classes(self._terms, place), by_place.get(place)
            if variable.kind is Kind.SYMBOL:
                self._found.setdefault(variable.name, self._plain(variable.name, of_class, known))
            else:
                computed.append((variable, of_class, known))
        for variable, of_class, known in computed:  # after all that says more of the same columns
            for symbol, is_text in symbols_in(variable, self._name):
                if self._is_column(symbol):
                    self._found.setdefault(symbol, self._computed(symbol, variable, of_class, known, is_text=is_text))
        return tuple(self._found.values())

    def _plain(self, column: str, of_class: str, known: Value | None) -> RColumn:
        if of_class in _WORDS:
            known = self._levels.get(column, known)
            levels = known.texts if known is not None else ()
            kept = self._kept.get(column)
            return RColumn(column, "text", levels or (kept.texts_of("levels") if kept is not None else ()))
        if of_class == "logical":
            return RColumn(column, "truth")
        if of_class in ("numeric", ""):
            return RColumn(column)
        if column in self._kept and "Date" in self._kept[column].classes:
            return RColumn(column, "text")  # "2024-02-29"; R is told that it is a date
        raise UnsupportedModel(
            f"{self._name} was fitted on the column {column!r} of a class that rows of JSON have no word for "
            f"({of_class}): not supported yet.",
            next_step="Fit it on numbers and words: as.numeric() of a time, each column of a matrix by itself.",
        )

    def _computed(self, column: str, variable: Value, of_class: str, known: Value | None, *, is_text: bool) -> RColumn:
        """A column of which only is kept what was computed from it: numbers, unless something speaks for words."""
        kept = self._kept.get(column)
        if kept is not None and kept.kind is Kind.TEXTS:
            return RColumn(column, "text")
        function = called(variable)
        if function in ("relevel", "addNA", "droplevels") and known is not None:
            return RColumn(column, "text", _without_na(known))
        if function in ("factor", "as.factor", "ordered", "as.character") and known is not None:
            texts = known.texts
            return RColumn(column) if texts and all(map(_is_number, texts)) else RColumn(column, "text", texts)
        return RColumn(column, "text" if is_text else "number")

    def _is_column(self, symbol: str) -> bool:
        """Whether a name in an expression is one of the rows' columns, and no constant of the script's."""
        if symbol in self._kept or symbol in self._found:
            return True
        constant = self._around.get(symbol)
        return symbol not in _CONSTANTS and (constant is None or constant.length > 1)


def symbols_in(expression: Value, name: str) -> Iterator[tuple[str, bool]]:
    """The names of what an expression is computed from, as R's ``all.vars`` gives them, and whether each is compared
    with a text. Raises ``UnsupportedModel`` for parts of tables, which rows are not."""
    waiting = deque([(expression, False)])
    while waiting:
        value, is_text = waiting.popleft()
        if value.kind is Kind.SYMBOL:
            if value.name:
                yield value.name, is_text
            continue
        if value.kind is not Kind.CALL:
            continue
        function = called(value)
        if function in _PARTS_OF and any(item.kind in (Kind.SYMBOL, Kind.CALL) for item in value.items[1:2]):
            raise UnsupportedModel(
                f"{name} was fitted on parts of a table (table{function}column), so it takes no rows with columns.",
                next_step="Fit it with the columns' own names, and data = the table.",
            )
        compared = function in _COMPARED and any(item.kind is Kind.TEXTS for item in value.items[1:])
        compared |= function == "interaction"
        head = [value.items[0]] if value.items[0].kind is Kind.CALL and not function else []
        waiting += [(item, compared) for item in (*head, *value.items[1:])]


def _variables_around(environment: Value | None) -> Mapping[str, Value]:
    """The variables of the function that the formula was written in, by their names; none of the global ones, which R
    does not save."""
    found: dict[str, Value] = {}
    for _ in range(20):
        if environment is None or environment.kind is not Kind.ENVIRONMENT:
            break
        enclosure, frame, hashed = environment.items
        for pairs in (frame, *hashed.values):
            for tag, item in zip(pairs.tags, pairs.values, strict=False):
                held = item.items[1] if item.kind is Kind.PROMISE else item
                found.setdefault(tag, Value(held.kind, 1) if held.kind is Kind.CLOSURE else held)
        environment = enclosure
    return found


def _without_na(levels: Value) -> tuple[str, ...]:
    """Levels as texts; NA, which addNA makes one of them, is sent as null."""
    return tuple(text for text, kept in zip(levels.texts, levels.items, strict=False) if kept is not None)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
