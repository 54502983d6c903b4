"""A whole document: what its model takes and answers, and the answers themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from kronkers_studio.pmml.columns import Array, Column, Kind, parsed, same
from kronkers_studio.pmml.document import Element, read_document
from kronkers_studio.pmml.frames import Field, Frame, Scope
from kronkers_studio.pmml.models import Model, read_model, read_shared
from kronkers_studio.pmml.problems import InvalidRow, Unevaluated
from kronkers_studio.pmml.results import aligned
from kronkers_studio.pmml.schema import DataField, MiningField, read_dictionary
from kronkers_studio.pmml.vocabulary import MODELS

_MOST_LEVELS = 2_000
_LONGEST_LEVEL = 200
_MOST_CLASSES = 10_000
_AT_ONCE = 8_000_000
"""Numbers of a kind that are kept at once: rows times the elements that have one for each row."""
_WIDE = frozenset({"Segment", "Neuron", "DerivedField", "DataField", "RegressionTable", "Cluster", "OutputField"})
_VERSIONS = ("3.0", "3.1", "3.2", "4.0", "4.1", "4.2", "4.2.1", "4.3", "4.4", "4.4.1")


@dataclass(frozen=True, slots=True)
class Input:
    """A field that is asked for. ``kind`` is what is sent: a number or a text, for truth values “true” and “false”;
    ``levels`` are the texts that it may hold, () for any; ``hint`` says in words what else it may hold."""

    name: str
    kind: Kind
    levels: tuple[str, ...] = ()
    hint: str = ""
    may_be_missing: bool = True


@dataclass(frozen=True, slots=True)
class OutputValue:
    """An answer: a number or a text for each row, or, with ``columns``, a number for each of these."""

    name: str
    kind: Kind
    whole: bool = False
    columns: tuple[str, ...] = ()


class Evaluator:
    """The first model of the document in ``stream``, made ready. ``version`` is that of PMML, ``model`` the name of its
    element. ``inputs`` and ``outputs`` say what it takes and gives; of the outputs the first is the answer, and the
    second with ``columns`` the probabilities of the classes.

    Raises ``Unevaluated`` for what is no PMML document, or has in it what is not evaluated.
    """

    def __init__(self, stream: BinaryIO) -> None:
        root = read_document(stream)
        self.version = _version(root)
        element = _model(root)
        self._rows_at_once = max(1, _AT_ONCE // max(1, sum(each.tag in _WIDE for each in root.walk())))
        self.model = element.tag
        self._dictionary = read_dictionary(root)
        self._scope = Scope()
        for name, field in self._dictionary.items():
            self._scope.fields[name] = Field(field.type)
        self._model = _read(root, self._dictionary, element, self._scope)
        self.inputs = _inputs(self._model, self._dictionary)
        self._whole = _classes_are_whole(self._model, self._dictionary)
        self.outputs = _outputs(self._model, self._whole)

    def answer(self, columns: Mapping[str, Array], rows: int) -> dict[str, Array]:
        """The outputs for ``rows`` rows, of which ``columns`` has the inputs: numbers with NaN, texts with None for
        what is missing. Raises ``InvalidRow``."""
        parts = []
        for start in range(0, max(1, rows), self._rows_at_once):
            end = min(rows, start + self._rows_at_once)
            part = {name: values[start:end] for name, values in columns.items()}
            try:
                parts.append(self._answered(part, end - start))
            except InvalidRow as problem:
                raise InvalidRow(problem.reason, problem.field, problem.row + start) from None
        return (
            parts[0] if len(parts) == 1 else {name: np.concatenate([each[name] for each in parts]) for name in parts[0]}
        )

    def _answered(self, columns: Mapping[str, Array], rows: int) -> dict[str, Array]:
        frame = Frame(self._scope, rows)
        for given in self.inputs:
            frame.put(given.name, _given(columns[given.name], self._dictionary[given.name]))
        with np.errstate(all="ignore"):  # what overflows is infinite, and what has no value is missing
            result, others = self._model.answer(frame)
        first = self.outputs[0]
        found: dict[str, Array] = {}
        if self._model.told.function == "regression":
            found[first.name] = np.full(rows, np.nan) if result.numbers is None else result.numbers
        else:
            labels = result.label_texts()
            found[first.name] = _whole_numbers(labels) if self._whole else labels
        for output in self.outputs[1:]:
            if output.columns:
                found[output.name] = aligned(result, output.columns)
            else:
                found[output.name] = others[output.name].values
        return found


def _version(root: Element) -> str:
    version = root.need("version")
    if version not in _VERSIONS:
        root.refuse(f"version=“{version[:20]}” of PMML is not read")
    return version


def _model(root: Element) -> Element:
    models = root.all(*MODELS)
    if len(models) != 1:
        root.refuse("it has no model" if not models else f"it has {len(models)} models, of which one would be served")
    return models[0]


def _read(root: Element, dictionary: dict[str, DataField], element: Element, scope: Scope) -> Model:
    try:
        return read_model(read_shared(root, dictionary), element, scope)
    except RecursionError:
        raise Unevaluated("it is nested too deeply") from None


def _inputs(model: Model, dictionary: Mapping[str, DataField]) -> tuple[Input, ...]:
    active = [used for used in model.schema.values() if used.usage == "active"]
    if not active:
        raise Unevaluated("its model takes no fields")
    return tuple(_input(used, dictionary[used.name]) for used in active)


def _input(used: MiningField, field: DataField) -> Input:
    if field.type.kind is Kind.TRUTH:
        return Input(used.name, Kind.TEXT, ("true", "false"), "", not used.refuses_missing)
    told = len(field.values) <= _MOST_LEVELS and max(map(len, field.values), default=0) <= _LONGEST_LEVEL
    levels = field.values if field.type.kind is Kind.TEXT and told else ()
    words = []
    if field.intervals:
        words.append(" or ".join(map(str, field.intervals[:3])))
    if field.values and told and not levels:
        words.append(f"one of {', '.join(field.values[:10])}" + (" …" if len(field.values) > 10 else ""))
    if words and used.on_invalid in ("asIs", "asMissing", "asValue"):
        words.append({"asIs": "other values, too", "asMissing": "others count as missing"}.get(used.on_invalid, ""))
    hint = ", ".join(filter(None, words))
    return Input(used.name, field.type.kind, levels, hint, not used.refuses_missing)


def _classes_are_whole(model: Model, dictionary: Mapping[str, DataField]) -> bool:
    """Whether the classes are whole numbers, and said to be."""
    data = dictionary.get(model.target)
    known = data is not None and data.type.data_type == "integer" and bool(model.told.classes)
    return known and all(parsed(name, "integer") is not None for name in model.told.classes)


def _outputs(model: Model, whole: bool) -> tuple[OutputValue, ...]:
    told = model.told
    if len(told.classes) > _MOST_CLASSES or max(map(len, told.classes), default=0) > _LONGEST_LEVEL:
        raise Unevaluated(f"its classes are more than {_MOST_CLASSES:,}, or longer than {_LONGEST_LEVEL} characters")
    others = [output for output in model.outputs if output.final]
    taken = {output.name for output in others}
    if told.function == "regression":
        found = [OutputValue(_free("output", taken), Kind.NUMBER)]
    else:
        found = [OutputValue(_free("label", taken), Kind.NUMBER if whole else Kind.TEXT, whole)]
        if told.tells_shares:
            found.append(OutputValue(_free("probabilities", taken), Kind.NUMBER, columns=told.classes))
    for output in others:
        kind = FIELD_KINDS[output.data_type]
        found.append(OutputValue(output.name, kind))
    return tuple(found)


FIELD_KINDS = {
    "integer": Kind.NUMBER,
    "float": Kind.NUMBER,
    "double": Kind.NUMBER,
    "boolean": Kind.NUMBER,
    "string": Kind.TEXT,
}
"""What output fields of PMML's data types are given out as; truth values as 1 and 0."""


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _given(values: Array, field: DataField) -> Column:
    if field.type.kind is not Kind.TRUTH:
        numbers = values
        if field.type.data_type == "float":
            with np.errstate(over="ignore"):
                numbers = values.astype(np.float32).astype(np.float64)
        return Column(field.type.kind, numbers)
    known = {text: None if text is None else parsed(text, "boolean") for text in set(values.tolist())}
    found = []
    for row, text in enumerate(values.tolist()):
        if text is not None and known[text] is None:
            raise InvalidRow("is neither true nor false", field.name, row)
        found.append(np.nan if text is None else known[text])
    return Column(Kind.TRUTH, np.array(found, dtype=np.float64))


def _whole_numbers(labels: Array) -> Array:
    missing = same(labels, None)
    if missing.any():
        raise InvalidRow("The model has no answer for this row.", "", int(np.argmax(missing)))
    return np.array([int(float(text)) for text in labels.tolist()], dtype=np.int64)
