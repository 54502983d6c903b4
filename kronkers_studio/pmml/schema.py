"""The fields of a document and of its models: what they may hold, and what becomes of other values.

https://dmg.org/pmml/v4-4-1/DataDictionary.html, https://dmg.org/pmml/v4-4-1/MiningSchema.html
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from kronkers_studio.pmml.columns import KINDS, Array, Column, Kind, objects, parsed, same, with_value
from kronkers_studio.pmml.document import Element
from kronkers_studio.pmml.frames import Field, FieldType, Frame, Scope
from kronkers_studio.pmml.intervals import Interval, read_interval
from kronkers_studio.pmml.problems import InvalidRow

_OPTYPES = ("continuous", "categorical", "ordinal")
_USAGES = {
    "active": "active",
    "supplementary": "supplementary",
    "group": "supplementary",
    "order": "supplementary",
    "frequencyWeight": "supplementary",
    "analysisWeight": "supplementary",
    "target": "target",
    "predicted": "target",
}
MOST_FIELDS = 100_000
_LONGEST_NAME = 500


@dataclass(frozen=True, slots=True)
class DataField:
    """A field of the data dictionary. ``values`` are the valid ones as they are written, () for any; ``shown`` what
    they are called; ``intervals`` those of the valid numbers; ``missing`` and ``invalid`` values that count as such."""

    name: str
    type: FieldType
    values: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    intervals: tuple[Interval, ...] = ()
    missing: tuple[str | float, ...] = ()
    invalid: tuple[str | float, ...] = ()

    def invalid_among(self, column: Column) -> Array:
        """Which of the values are none of the field's; those that are missing are not among them."""
        values = column.values
        wrong = np.zeros(len(values), dtype=bool)
        if self.type.data_type == "integer":
            wrong |= values != np.floor(values)
        if self.values:
            known = frozenset(parsed(text, self.type.data_type) for text in self.values)
            wrong |= np.fromiter((value not in known for value in values.tolist()), dtype=bool, count=len(values))
        if self.intervals:
            inside = np.zeros(len(values), dtype=bool)
            for interval in self.intervals:
                inside |= interval.holds(values)
            wrong |= ~inside
        for value in self.invalid:
            wrong |= same(values, value)
        return wrong & ~column.missing()


@dataclass(frozen=True, slots=True)
class MiningField:
    """A field as a model uses it. ``on_missing`` is what stands for missing values; ``refuses_missing``: rows without a
    value are not answered; ``on_invalid`` is "" where it is not said."""

    name: str
    usage: str
    outliers: str = "asIs"
    low: float = -math.inf
    high: float = math.inf
    on_missing: str | float | None = None
    refuses_missing: bool = False
    on_invalid: str = ""
    instead_of_invalid: str | float | None = None

    @property
    def changes(self) -> bool:
        """Whether the model sees other values than those around it."""
        return self.outliers != "asIs" or self.on_missing is not None or self.on_invalid in ("asMissing", "asValue")


def read_dictionary(root: Element) -> dict[str, DataField]:
    """The fields of the document by their names. Raises ``Unevaluated``."""
    found: dict[str, DataField] = {}
    for element in root.one("DataDictionary").all("DataField"):
        name = element.need("name")
        require_name(name, element)
        if name in found:
            element.refuse(f"the field “{name[:60]}” is there twice")
        found[name] = _data_field(name, element)
    if len(found) > MOST_FIELDS:
        root.refuse(f"it has more than {MOST_FIELDS:,} fields")
    return found


def require_name(name: str, element: Element) -> None:
    """Raise ``Unevaluated`` for a name that nobody could write."""
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        element.refuse(f"a name is empty, longer than {_LONGEST_NAME} characters or not printable")


def _data_field(name: str, element: Element) -> DataField:
    optype = element.choice("optype", _OPTYPES)
    data_type = element.choice("dataType", tuple(KINDS))
    if element.get("isCyclic", "0") not in ("0", "false"):
        element.refuse("fields that begin again at their end are not evaluated")
    values: dict[str, list[Element]] = {"valid": [], "missing": [], "invalid": []}
    for value in element.all("Value"):
        values[value.choice("property", ("valid", "missing", "invalid"), "valid")].append(value)
    intervals = tuple(map(read_interval, element.all("Interval")))
    if intervals and KINDS[data_type] is Kind.TEXT:
        element.refuse("texts have no intervals")
    texts = tuple(value.need("value") for value in values["valid"])
    for text, value in zip(texts, values["valid"], strict=True):
        _value(text, data_type, value)
    return DataField(
        name,
        FieldType(data_type, optype, texts),
        texts,
        tuple(value.get("displayValue", value.get("value")) for value in values["valid"]),
        intervals,
        tuple(found for value in values["missing"] if (found := parsed(value.need("value"), data_type)) is not None),
        tuple(found for value in values["invalid"] if (found := parsed(value.need("value"), data_type)) is not None),
    )


def _value(text: str, data_type: str, element: Element) -> str | float:
    found = parsed(text, data_type)
    if found is None:
        element.refuse(f"“{text[:60]}” is no {data_type}")
    return found


def read_mining_schema(model: Element, dictionary: Mapping[str, DataField], scope: Scope) -> dict[str, MiningField]:
    """The fields that ``model`` names, by their names. Raises ``Unevaluated``, also for those that are not in
    ``scope``, or, but for targets, not in the ``dictionary`` where there is no scope around."""
    found: dict[str, MiningField] = {}
    for element in model.one("MiningSchema").all("MiningField"):
        name = element.need("name")
        usage = _USAGES[element.choice("usageType", tuple(_USAGES), "active")]
        field = scope.field(name)
        if field is None:
            if usage == "target" or name in dictionary or usage == "supplementary":
                found[name] = MiningField(name, usage)
                continue
            element.refuse(f"there is no field “{name[:60]}”")
        if name in found:
            element.refuse(f"the field “{name[:60]}” is there twice")
        found[name] = _mining_field(name, usage, element, field.type)
    return found


def _mining_field(name: str, usage: str, element: Element, held: FieldType) -> MiningField:
    data_type = held.data_type
    if usage != "active":
        return MiningField(name, usage)
    optype = element.get("optype")
    if optype and held.optype and optype != held.optype and "continuous" in (optype, held.optype):
        element.refuse(f"it takes “{name[:60]}” for {optype}, its dictionary for {held.optype}")
    outliers = element.choice("outliers", ("asIs", "asMissingValues", "asExtremeValues"), "asIs")
    if outliers != "asIs" and (
        held.kind is not Kind.NUMBER or not element.has("lowValue") or not element.has("highValue")
    ):
        element.refuse("outliers need a field of numbers, a lowValue and a highValue")
    treatment = element.choice(
        "missingValueTreatment",
        ("asIs", "asMean", "asMode", "asMedian", "asValue", "returnInvalid"),
        "asIs",
    )
    on_invalid = element.get("invalidValueTreatment")
    if on_invalid not in ("", "asIs", "asMissing", "returnInvalid", "asValue"):
        element.refuse(f"invalidValueTreatment=“{on_invalid[:60]}” is not evaluated")
    missing = element.has("missingValueReplacement")
    if on_invalid == "asValue" and not element.has("invalidValueReplacement"):
        element.refuse("invalidValueReplacement is missing")
    return MiningField(
        name,
        usage,
        outliers,
        element.number("lowValue", -math.inf),
        element.number("highValue", math.inf),
        _value(element.get("missingValueReplacement"), data_type, element) if missing else None,
        treatment == "returnInvalid",
        on_invalid,
        _value(element.get("invalidValueReplacement"), data_type, element) if on_invalid == "asValue" else None,
    )


def prepared(column: Column, field: DataField | None, used: MiningField, *, checked: bool) -> Column:
    """The values as a model sees them: outliers, invalid and missing ones as its schema says. ``checked``: what is not
    said of invalid values was done around the model. Raises ``InvalidRow``."""
    if field is not None and not checked:
        for value in field.missing:
            column = Column(column.kind, with_value(column.values, same(column.values, value), None))
    if field is not None and (used.on_invalid or not checked):
        column = _without_invalid(column, field, used)
    if used.outliers != "asIs":
        column = _without_outliers(column, used)
    if used.refuses_missing and column.missing().any():
        raise InvalidRow("must not be missing", used.name, int(np.argmax(column.missing())))
    return column if used.on_missing is None else column.where_missing(used.on_missing)


def _without_invalid(column: Column, field: DataField, used: MiningField) -> Column:
    wrong = field.invalid_among(column)
    if not wrong.any():
        return column
    match used.on_invalid or "returnInvalid":
        case "asMissing":
            return Column(column.kind, with_value(column.values, wrong, None))
        case "asValue":
            return Column(column.kind, with_value(column.values, wrong, used.instead_of_invalid))
        case "asIs":
            return Column(column.kind, column.values, wrong)
    row = int(np.argmax(wrong))
    raise InvalidRow(f"holds “{str(column.values[row])[:60]}”, which {_wanted(field)}", used.name, row)


def _wanted(field: DataField) -> str:
    if field.values:
        more = f" and {len(field.values) - 10} more" if len(field.values) > 10 else ""
        return f"is none of {', '.join(field.values[:10])}{more}"
    if field.intervals:
        return f"is not {' or '.join(map(str, field.intervals[:5]))}"
    return f"is no {field.type.data_type} of this field"


def _without_outliers(column: Column, used: MiningField) -> Column:
    values = column.values
    if used.outliers == "asExtremeValues":
        return Column(column.kind, np.clip(values, used.low, used.high), column.invalid)
    outside = (values < used.low) | (values > used.high)
    return Column(column.kind, with_value(values, outside, None), column.invalid)


def mining_scope(
    schema: Mapping[str, MiningField], dictionary: Mapping[str, DataField], outer: Scope, *, top: bool
) -> Scope:
    """The fields that a model sees through its ``schema``, prepared as it says."""
    scope = Scope(None if top else outer)
    for name, used in schema.items():
        field = outer.field(name)
        if used.usage == "active" and field is not None:
            data = dictionary.get(name) if top or name in dictionary else None
            scope.fields[name] = Field(field.type, _preparation(name, data, used, checked=not top), field.depth)
    return scope


def _preparation(name: str, data: DataField | None, used: MiningField, *, checked: bool) -> Callable[[Frame], Column]:
    def compute(frame: Frame) -> Column:
        return prepared(frame.from_outer(name), data, used, checked=checked)

    return compute


def text_values(values: list[str | None]) -> Column:
    """A column of texts."""
    return Column(Kind.TEXT, objects(list(values)))
