"""Calls of functions in expressions: PMML's own and those that a document defines."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

import numpy as np

from kronkers_studio.pmml.columns import KINDS, Column, Kind, cast, constant, parsed, with_value
from kronkers_studio.pmml.document import Element
from kronkers_studio.pmml.expressions import VALUES, Compiler, Expression, alike, as_text, typed
from kronkers_studio.pmml.frames import Field, FieldType, Frame, Scope
from kronkers_studio.pmml.functions import BUILTINS, CONCAT, SUBSTRING, Builtin, of_patterns
from kronkers_studio.pmml.problems import InvalidRow
from kronkers_studio.pmml.text_patterns import LONGEST_TEXT, plain_pattern


class Calls:
    """Makes calls ready. ``defined`` are the functions that the document defines, by their names."""

    def __init__(self, defined: dict[str, Element]) -> None:
        self._defined = defined
        self._inside: list[str] = []

    def __call__(self, compiler: Compiler, element: Element, scope: Scope, level: int) -> Expression:
        """The ``Apply`` in ``element``. Raises ``Unevaluated``."""
        arguments = [compiler.expression(child, scope, level + 1) for child in element.all(*VALUES)]
        element.choice("invalidValueTreatment", ("returnInvalid", "asIs", "asMissing"), "returnInvalid")
        name = element.need("function")
        if name in self._defined:
            found, sees_missing = self._of_document(compiler, name, arguments, element, level), True
        else:
            found, sees_missing = _own(name, arguments, element)
        return _with_gaps(found, arguments, element, sees_missing)

    def _of_document(
        self, compiler: Compiler, name: str, arguments: list[Expression], element: Element, level: int
    ) -> Expression:
        definition = self._defined[name]
        if name in self._inside:
            element.refuse(f"the function “{name[:60]}” calls itself")
        parameters = definition.all("ParameterField")
        if len(parameters) != len(arguments):
            element.refuse(f"“{name[:60]}” takes {len(parameters)} arguments, not {len(arguments)}")
        scope = Scope()
        given: list[tuple[str, Callable[[Frame], Column]]] = []
        for parameter, argument in zip(parameters, arguments, strict=True):
            field = parameter.need("name")
            data_type = parameter.choice("dataType", tuple(KINDS), argument.data_type)
            scope.fields[field] = Field(FieldType(data_type, parameter.get("optype")), depth=argument.depth)
            given.append((field, typed(argument, data_type, field)))
        self._inside.append(name)
        body = compiler.expression(definition.one(*VALUES), scope, level + 1)
        self._inside.pop()
        data_type = definition.choice("dataType", tuple(KINDS), body.data_type)
        run_body = typed(body, data_type, name)

        def run(frame: Frame) -> Column:
            inner = Frame(scope, frame.rows)
            for field, argument in given:
                inner.put(field, argument(frame))
            return run_body(inner)

        depth = max((argument.depth for argument in arguments), default=0)
        return Expression(run, data_type, depth, body.calls + _calls(arguments))


def _calls(arguments: Sequence[Expression]) -> int:
    return 1 + sum(argument.calls for argument in arguments)


def _own(name: str, arguments: list[Expression], element: Element) -> tuple[Expression, bool]:
    """A function of PMML's own, and whether it is one that looks at missing values itself."""
    special = _SPECIAL.get(name)
    if special is not None:
        run, data_type = special(arguments, element)
        sees_missing = name in ("if", "concat")
    elif name in BUILTINS:
        builtin = BUILTINS[name]
        run, data_type = _builtin(name, builtin, arguments, element)
        sees_missing = builtin.sees_missing
    else:
        element.refuse(f"the function “{name[:60]}” is not evaluated")
    depth = max((argument.depth for argument in arguments), default=0)
    return Expression(run, data_type, depth, _calls(arguments)), sees_missing


_LONGEST_INSTEAD = 50  # characters
_Made = tuple[Callable[[Frame], Column], str]


def _builtin(name: str, builtin: Builtin, arguments: list[Expression], element: Element) -> _Made:
    if not builtin.least <= len(arguments) <= builtin.most:
        element.refuse(f"“{name}” takes {builtin.least} arguments, not {len(arguments)}")
    if name == "/" and all(argument.data_type == "integer" for argument in arguments):
        element.refuse("PMML does not say whether whole numbers are divided with their fraction")
    given = alike(arguments, element) if builtin.kind is None and len(arguments) > 1 else arguments
    if builtin.kind is Kind.TEXT and any(argument.kind is not Kind.TEXT for argument in given):
        return _on_texts(builtin, given)
    wrong = [argument for argument in given if not _fits(argument, builtin.kind)]
    if wrong:
        element.refuse(f"“{name}” takes no {wrong[0].data_type}")
    data_type = builtin.data_type or _common(given)
    return lambda frame: builtin.run([argument.run(frame) for argument in given]), data_type


def _on_texts(builtin: Builtin, given: list[Expression]) -> _Made:
    texts = [as_text(argument) for argument in given]
    return lambda frame: builtin.run([text(frame) for text in texts]), builtin.data_type


def _fits(argument: Expression, kind: Kind | None) -> bool:
    return kind is None or argument.kind is kind or (kind is Kind.NUMBER and argument.kind is Kind.TRUTH)


def _common(given: list[Expression]) -> str:
    """The type of what numbers give."""
    return "integer" if all(argument.data_type in ("integer", "boolean") for argument in given) else "double"


def _if(arguments: list[Expression], element: Element) -> _Made:
    if not 2 <= len(arguments) <= 3 or arguments[0].kind is not Kind.TRUTH:
        element.refuse("“if” takes a truth value and what is meant with it and without it")
    test, *branches = arguments
    given = alike(branches, element)
    kind = given[0].kind if len({branch.kind for branch in given}) == 1 else Kind.NUMBER
    types = {branch.data_type for branch in given}
    data_type = types.pop() if len(types) == 1 else "double"

    def run(frame: Frame) -> Column:
        truth = test.run(frame).values
        chosen = given[0].run(frame).values
        other = given[1].run(frame).values if len(given) > 1 else constant(kind, None, frame.rows).values
        found = np.where(truth == 1, chosen, other)
        return Column(kind, with_value(found, np.isnan(truth), None))

    return run, data_type


def _concatenated(arguments: list[Expression], element: Element) -> _Made:
    if len(arguments) < 2:
        element.refuse("“concat” takes two arguments or more")
    return lambda frame: CONCAT([argument.run(frame) for argument in arguments]), "string"


def _cut(arguments: list[Expression], element: Element) -> _Made:
    if [argument.kind for argument in arguments] != [Kind.TEXT, Kind.NUMBER, Kind.NUMBER]:
        element.refuse("“substring” takes a text and two numbers")
    return lambda frame: SUBSTRING([argument.run(frame) for argument in arguments]), "string"


def _matches(arguments: list[Expression], element: Element) -> _Made:
    text, pattern, _ = _pattern(arguments, element, 2)
    search = of_patterns(lambda value: float(pattern.search(_short(value)) is not None), Kind.TRUTH)
    return lambda frame: search([text(frame)]), "boolean"


def _replace(arguments: list[Expression], element: Element) -> _Made:
    text, pattern, instead = _pattern(arguments, element, 3)
    if "\\" in instead or "$" in instead or len(instead) > _LONGEST_INSTEAD:
        element.refuse("what is put in the place is long, or refers to what was found")
    replace = of_patterns(lambda value: pattern.sub(instead, _short(value)), Kind.TEXT)
    return lambda frame: replace([text(frame)]), "string"


def _pattern(
    arguments: list[Expression], element: Element, count: int
) -> tuple[Callable[[Frame], Column], re.Pattern[str], str]:
    if len(arguments) != count or any(argument.text is None for argument in arguments[1:]):
        element.refuse(f"“{element.get('function')}” takes a text and a pattern that is a constant")
    pattern = plain_pattern(arguments[1].text or "")
    if pattern is None:
        element.refuse("the pattern is more than characters, classes of them and two repeats, and could take for ever")
    return as_text(arguments[0]), pattern, (arguments[-1].text or "") if count > 2 else ""


def _short(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise InvalidRow(f"A text is longer than {LONGEST_TEXT:,} characters, which patterns are not tried on.", "", 0)
    return text


_SPECIAL: dict[str, Callable[[list[Expression], Element], _Made]] = {
    "if": _if,
    "concat": _concatenated,
    "substring": _cut,
    "matches": _matches,
    "replace": _replace,
}


def _with_gaps(found: Expression, arguments: list[Expression], element: Element, sees_missing: bool) -> Expression:
    """What stands for a missing argument and for a missing result."""
    missing = _instead(element, "mapMissingTo", found.data_type)
    default = _instead(element, "defaultValue", found.data_type)
    if missing is None and default is None:
        return found

    def run(frame: Frame) -> Column:
        column = found.run(frame)
        gaps = np.zeros(frame.rows, dtype=bool)
        for argument in arguments:
            gaps |= argument.run(frame).missing()
        if default is not None:
            column = Column(column.kind, with_value(column.values, column.missing() & ~gaps, default))
            if missing is None:
                column = column.where_missing(default)
        if missing is not None:
            column = Column(column.kind, with_value(column.values, gaps, missing))
        return column

    return Expression(run, found.data_type, found.depth, 2 * found.calls)


def _instead(element: Element, attribute: str, data_type: str) -> str | float | None:
    if not element.has(attribute):
        return None
    value = parsed(element.get(attribute), "double" if data_type == "integer" else data_type)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        element.refuse(f"{attribute}=“{element.get(attribute)[:60]}” is no {data_type}")
    return value


def converted(expression: Expression, data_type: str, field: str) -> Callable[[Frame], Column]:
    """The expression's values as a field of ``data_type`` keeps them."""
    return lambda frame: cast(expression.run(frame), data_type, field)
