"""Small documents, put together of parts."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from kronkers_studio.pmml.columns import Kind
from kronkers_studio.pmml.evaluator import Evaluator

FIELDS = """<DataField name="x" optype="continuous" dataType="double"/>
<DataField name="n" optype="continuous" dataType="integer"/>
<DataField name="word" optype="categorical" dataType="string"><Value value="red"/><Value value="blue"/></DataField>
<DataField name="y" optype="continuous" dataType="double"/>
<DataField name="kind" optype="categorical" dataType="string"><Value value="a"/><Value value="b"/></DataField>"""


def document(model: str, *, fields: str = FIELDS, shared: str = "") -> bytes:
    """A document with ``model``, and what is ``shared`` before it."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/>
<DataDictionary>{fields}</DataDictionary>
{shared}{model}</PMML>""".encode()


def schema(*fields: str, target: str = "y") -> str:
    """A mining schema of ``fields``, each its name and perhaps more attributes."""
    named = [f'<MiningField name="{one.split(" ")[0]}" {one.partition(" ")[2]}/>' for one in fields]
    return f'<MiningSchema>{"".join(named)}<MiningField name="{target}" usageType="target"/></MiningSchema>'


def derived(expression: str, *, kind: str = "double", fields: tuple[str, ...] = ("x",), shared: str = "") -> bytes:
    """A regression that answers with one derived field."""
    return document(
        f"""<RegressionModel functionName="regression">{schema(*fields)}
<LocalTransformations><DerivedField name="d" optype="continuous" dataType="{kind}">
{expression}</DerivedField></LocalTransformations>
<RegressionTable intercept="0"><NumericPredictor name="d" coefficient="1"/></RegressionTable></RegressionModel>""",
        shared=shared,
    )


def tree(nodes: str, attributes: str = "", *, function: str = "regression", fields: tuple[str, ...] = ("x",)) -> bytes:
    """A tree of ``nodes`` with ``attributes``."""
    wanted = schema(*fields, target="y" if function == "regression" else "kind")
    return document(f'<TreeModel functionName="{function}" {attributes}>{wanted}{nodes}</TreeModel>')


def answers(data: bytes, **columns: list[Any]) -> dict[str, list[Any]]:
    """What the document answers for ``columns``, in which None is missing."""
    evaluator = Evaluator(io.BytesIO(data))
    given = {}
    for field in evaluator.inputs:
        values = np.empty(len(columns[field.name]), dtype=object)
        values[:] = columns[field.name]
        if field.kind is not Kind.TEXT:
            values = np.array([np.nan if one is None else one for one in values], dtype=np.float64)
        given[field.name] = values
    found = evaluator.answer(given, len(next(iter(columns.values()))))
    return {name: [_or_none(one) for one in values.tolist()] for name, values in found.items()}


def _or_none(value: Any) -> Any:
    return None if isinstance(value, float) and np.isnan(value) else value
