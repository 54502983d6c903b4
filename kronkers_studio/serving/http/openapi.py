"""The OpenAPI 3.1 document of one service: its addresses, and what this model takes and gives, as JSON Schema."""

from __future__ import annotations

from typing import Any

import numpy as np

from kronkers_studio.estimators.columns import Holds
from kronkers_studio.serving.http.bodies import ARROW, ARROW_FILE
from kronkers_studio.serving.inputs.example_rows import example_row
from kronkers_studio.serving.inputs.row_reader import Column, RowReader
from kronkers_studio.serving.manifest import Manifest
from kronkers_studio.serving.model import Model
from kronkers_studio.serving.signature import NUMPY_TYPES, TensorSpec

_Schema = dict[str, Any]
_JSON = "application/json"
_MOST_NAMED = 2_000
"""Columns, and texts of one, that are described one by one: a model of pictures has hundreds of thousands."""
_LENGTH = {"type": "integer", "minimum": 0}
_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_TOKEN = {"type": "http", "scheme": "bearer", "description": "The release's token, where it has one."}


def openapi_document(manifest: Manifest, model: Model, reader: RowReader, most_rows: int) -> _Schema:
    """The document; ``reader`` reads the rows of ``/predict``, of which one request may hold ``most_rows``."""
    takes_rows = not model.signature.no_rows
    schemas = {"Problem": _problem(), "InferRequest": _infer_request(model), "InferAnswer": _infer_answer()}
    paths = {
        **_infer_paths(manifest),
        "/v2": _get("What the server is.", "server"),
        "/v2/health/live": _get("Whether the process answers.", "live"),
        "/v2/health/ready": _get("Whether it takes requests.", "ready", _STOPS),
        "/metrics": {"get": _operation("What Prometheus reads.", "metrics", {"text/plain": {"schema": _text()}})},
    }
    if takes_rows:
        schemas |= {"Row": _row(reader), "Rows": _rows(reader, most_rows), "Predictions": _predictions(manifest, model)}
        paths["/predict"] = {"post": _predict(reader)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": manifest.name,
            "version": str(manifest.version),
            "description": f"The model {manifest.name}, version {manifest.version} ({manifest.framework}).",
        },
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"token": _TOKEN}},
        "security": [{}, {"token": []}],
    }


def _predict(reader: RowReader) -> _Schema:
    content: _Schema = {_JSON: {"schema": {"$ref": "#/components/schemas/Rows"}}}
    if len(reader.columns) <= _MOST_NAMED:
        content[_JSON]["example"] = {"rows": [example_row(reader)]}
    content["text/csv"] = {"schema": _text("The names of the columns, then a line for each row.")}
    content |= {kind: {} for kind in (ARROW, ARROW_FILE)}
    answers = {
        _JSON: {"schema": {"$ref": "#/components/schemas/Predictions"}},
        "text/csv": {"schema": _text()},
        ARROW: {},
    }
    return {
        **_operation("Predict rows.", "predict", answers, problems=_PROBLEMS_OF_PREDICTION),
        "requestBody": {"required": True, "content": content},
    }


def _infer_paths(manifest: Manifest) -> _Schema:
    infer = {
        **_operation(
            "Infer, by the Open Inference Protocol.",
            "infer",
            {_JSON: {"schema": {"$ref": "#/components/schemas/InferAnswer"}}, "application/octet-stream": {}},
            problems={**_PROBLEMS_OF_PREDICTION, 404: "There is no such model here."},
        ),
        "requestBody": {
            "required": True,
            "content": {_JSON: {"schema": {"$ref": "#/components/schemas/InferRequest"}}},
        },
    }
    model = f"/v2/models/{manifest.name}"
    return {
        f"{model}/infer": {"post": infer},
        model: _get("What the model takes and gives.", "model"),
        f"{model}/ready": _get("Whether the model takes requests.", "modelReady", _STOPS),
    }


_STOPS = {503: "The model is being made ready, or the service is about to stop; “reason” says which."}
_PROBLEMS_OF_PREDICTION = {
    400: "The request is not what the model takes; “error” says in a sentence what is wrong.",
    408: "The body took too long to arrive.",
    413: "The body or the rows are too many.",
    415: "The body is of another type.",
    422: "The model does not take these values.",
    429: "Too many requests are being worked on.",
    500: "The model failed.",
    503: "It stopped, or a process of the model ended, before there was an answer. Ask again.",
}


def _get(summary: str, name: str, problems: dict[int, str] | None = None) -> _Schema:
    return {"get": _operation(summary, name, {_JSON: {"schema": {"type": "object"}}}, problems or {})}


def _operation(summary: str, name: str, content: _Schema, problems: dict[int, str] | None = None) -> _Schema:
    every = {401: "The release's token is missing.", 403: "Web pages of other origins may not ask."}
    refused = {
        str(status): {"description": words, "content": {_JSON: {"schema": _PROBLEM if status != 503 else {}}}}
        for status, words in sorted({**(problems or {}), **every}.items())
    }
    return {
        "summary": summary,
        "operationId": name,
        "responses": {"200": {"description": "The answer.", "content": content}, **refused},
    }


def _problem() -> _Schema:
    return {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": _text("What is wrong, in a sentence."),
            "field": _text("The field that is wrong."),
            "row": {"type": "integer", "minimum": 1, "description": "The row that is wrong, from 1."},
        },
    }


def _rows(reader: RowReader, most_rows: int) -> _Schema:
    rows = {"type": "array", "minItems": 1, "maxItems": most_rows, "items": {"$ref": "#/components/schemas/Row"}}
    return {"type": "object", "required": ["rows"], "properties": {"rows": rows}}


def _row(reader: RowReader) -> _Schema:
    columns = reader.columns
    if not columns:
        return {"type": "array", "items": {"type": ["number", "string", "boolean", "null"]}}
    if len(columns) > _MOST_NAMED:
        return {"type": "array", "minItems": len(columns), "maxItems": len(columns)}
    values = [_value(column) for column in columns]
    as_list = {"type": "array", "prefixItems": values, "minItems": len(values), "maxItems": len(values)}
    if not reader.named:
        return as_list
    needed = [column.name for column in columns if column.holds is not Holds.ANYTHING]
    as_object = {
        "type": "object",
        "properties": dict(zip([column.name for column in columns], values, strict=True)),
        "required": needed,
        "additionalProperties": False,
    }
    return {"anyOf": [as_object, as_list]}


def _value(column: Column) -> _Schema:
    """What one value of a row may be."""
    if column.holds is Holds.ANYTHING:
        return {"description": "The model never looks at it."}
    types = {"B": ["boolean"], "O": ["string"], "F": ["number"], "I": ["integer"]}[column.kind]
    types += {Holds.NUMBERS: ["boolean"], Holds.CATEGORIES: ["boolean", "integer"]}.get(column.holds, [])  # type: ignore[arg-type]
    types += ["null"] if column.takes_missing and column.kind in "FO" else []
    schema: _Schema = {"type": types[0] if len(types) == 1 else types}
    if column.holds is Holds.DATES:
        schema["description"] = "A date like 2024-02-29 or 2024-02-29T13:00:00."
    if 0 < len(column.levels) <= _MOST_NAMED:
        schema["enum"] = [*column.levels, *([None] if "null" in types else [])]
    if column.kind == "I":
        limits = np.iinfo(NUMPY_TYPES[column.datatype])
        schema |= {"minimum": int(limits.min), "maximum": int(limits.max)}
    return schema


def _predictions(manifest: Manifest, model: Model) -> _Schema:
    properties: _Schema = {
        "model": {"const": manifest.name},
        "version": {"const": manifest.version},
        "outputs": {"type": "array", "description": "One answer for each row."},
    }
    if model.probabilities:
        number = {"type": ["number", "null"]}  # null: the model has no answer for a row, of which values are missing
        names = dict.fromkeys(model.classes[:_MOST_NAMED], number)
        row = {"type": "object", "properties": names, "additionalProperties": number}
        properties["probabilities"] = {"type": "array", "items": row}
    return {"type": "object", "required": ["model", "version", "outputs"], "properties": properties}


def _infer_request(model: Model) -> _Schema:
    tensors = [_tensor(spec) for spec in model.signature.inputs[:_MOST_NAMED]]
    inputs: _Schema = {"type": "array", "items": {"anyOf": tensors} if tensors else {"type": "object"}}
    return {
        "type": "object",
        "required": ["inputs"] if tensors else [],
        "properties": {"id": _text(), "inputs": inputs, "outputs": {"type": "array"}, "parameters": {"type": "object"}},
    }


def _tensor(spec: TensorSpec) -> _Schema:
    shape: _Schema = {"type": "array", "items": _LENGTH}
    if not spec.any_rank:
        shape["prefixItems"] = [{"const": length} if length >= 0 else _LENGTH for length in spec.shape]
        shape |= {"minItems": len(spec.shape), "maxItems": len(spec.shape)}
    datatype: _Schema = {"enum": list(NUMPY_TYPES)} if spec.any_type else {"const": spec.datatype}
    return {
        "type": "object",
        "required": ["name", "datatype", "shape", "data"],
        "properties": {
            "name": {"const": spec.name},
            "datatype": datatype,
            "shape": shape,
            "data": {"type": "array"},
            "parameters": {"type": "object"},
        },
    }


def _infer_answer() -> _Schema:
    return {
        "type": "object",
        "required": ["model_name", "outputs"],
        "properties": {
            "model_name": _text(),
            "model_version": _text(),
            "id": _text(),
            "outputs": {"type": "array", "items": {"type": "object", "required": ["name", "datatype", "shape"]}},
        },
    }


def _text(description: str = "") -> _Schema:
    return {"type": "string", **({"description": description} if description else {})}
