"""The form of a model's columns: what it asks for, and the row that was typed into it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kronkers_studio.desktop.localization import tr
from kronkers_studio.domain.errors import InvalidValue
from kronkers_studio.domain.model_columns import example_row
from kronkers_studio.domain.models import Datatype, Signature

_WHOLE = {Datatype.INT8, Datatype.INT16, Datatype.INT32, Datatype.INT64}
_WHOLE |= {Datatype.UINT8, Datatype.UINT16, Datatype.UINT32, Datatype.UINT64}


def row_from_form(signature: Signature, typed: Mapping[str, str]) -> dict[str, Any]:
    """One row from what was typed per column, by the columns' types. Raises ``InvalidValue`` that names the column."""
    row: dict[str, Any] = {}
    for name, datatype in form_columns(signature):
        text = typed.get(name, "").strip()
        if not text:
            raise InvalidValue(
                tr("{column} is empty.").format(column=name), column=name, next_step=tr("Fill in every column.")
            )
        row[name] = _value(name, text, datatype)
    return row


def form_columns(signature: Signature) -> list[tuple[str, Datatype]]:
    """(column, type) of each field that a form needs; empty when the columns are not known."""
    columns: list[tuple[str, Datatype]] = []
    for tensor in signature.inputs:
        if tensor.columns:
            columns += [(name, tensor.datatype) for name in tensor.columns]
        elif len(tensor.shape) < 2 or tensor.shape[-1] in (1, -1):
            columns.append((tensor.name, tensor.datatype))
    return columns


def form_choices(signature: Signature) -> dict[str, tuple[str, ...]]:
    """Of each column that may hold only some values, which: the levels of texts, or true and false."""
    choices: dict[str, tuple[str, ...]] = {}
    for tensor in signature.inputs:
        values = ("true", "false") if tensor.datatype is Datatype.BOOL else tensor.levels
        if values:
            choices.update(dict.fromkeys(tensor.columns or (tensor.name,), values))
    return choices


def kind_words(datatype: Datatype) -> str:
    """What may be typed into a field."""
    if datatype is Datatype.BYTES:
        return tr("text")
    if datatype is Datatype.BOOL:
        return tr("true or false")
    return tr("whole number") if datatype in _WHOLE else tr("number")


def example_rows(signature: Signature) -> str:
    """A first line to write over: JSON with every column, or as many numbers as the model takes."""
    row = example_row(signature)
    return json.dumps([row], indent=2 if isinstance(row, dict) else None, ensure_ascii=False)


def _value(name: str, text: str, datatype: Datatype) -> Any:
    if datatype is Datatype.BYTES:
        return text
    if datatype is Datatype.BOOL:
        return text.casefold() in ("1", "true", "yes", tr("yes"))
    try:
        return int(text) if datatype in _WHOLE else float(text.replace(",", "."))
    except ValueError:
        kind = tr("a whole number") if datatype in _WHOLE else tr("a number")
        raise InvalidValue(
            tr("{column} must be {kind}, not “{text}”.").format(column=name, kind=kind, text=text),
            column=name,
            next_step=tr("Correct it and send again."),
        ) from None
