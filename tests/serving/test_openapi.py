"""GET /openapi.json, the page for trying the model, and the ids of requests."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from contextlib import closing
from email.message import Message
from http.client import HTTPConnection
from typing import Any

from kronkers_studio.deployment.service_client import LoopbackClient
from kronkers_studio.estimators.columns import Holds
from kronkers_studio.serving.http.openapi import openapi_document
from kronkers_studio.serving.inputs.example_rows import example_row
from kronkers_studio.serving.inputs.row_reader import RowReader
from kronkers_studio.serving.signature import Signature, TensorSpec
from tests.serving.model_folders import WINE_COLUMNS, wine_rows

_JSON = {"Content-Type": "application/json"}


def _document(client: LoopbackClient) -> dict[str, Any]:
    status, body = client.request("GET", "/openapi.json")
    assert status == 200
    found: dict[str, Any] = json.loads(body)
    return found


def test_it_describes_the_rows_that_the_model_takes(wine: LoopbackClient) -> None:
    found = _document(wine)
    as_object, as_list = found["components"]["schemas"]["Row"]["anyOf"]
    assert (found["openapi"], found["info"]["title"], found["info"]["version"]) == ("3.1.0", "wine", "3")
    assert list(as_object["properties"]) == as_object["required"] == list(WINE_COLUMNS)
    assert as_object["properties"]["alcohol"] == {"type": ["number", "boolean"]}
    assert (as_list["minItems"], as_list["maxItems"]) == (13, 13)
    assert found["components"]["schemas"]["Rows"]["properties"]["rows"]["maxItems"] == 50


def test_its_example_is_answered(wine: LoopbackClient) -> None:
    example = _document(wine)["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["example"]
    status, _ = wine.request("POST", "/predict", json.dumps(example).encode(), _JSON)
    assert status == 200


def test_every_address_that_it_names_is_there(wine: LoopbackClient) -> None:
    for path, operations in _document(wine)["paths"].items():
        for method in operations:
            status, _ = wine.request(method.upper(), path, b"{}" if method == "post" else b"", _JSON)
            assert status == (400 if method == "post" else 200), path


class _Model:
    label, probabilities, classes, takes_missing = "answer", "", (), False

    def __init__(self, *inputs: TensorSpec) -> None:
        self.signature = Signature(inputs, (TensorSpec("answer", "FP64", (-1, 1)),))


class _Manifest:
    name, version, framework = "prices", 2, "catboost"


def _described(*inputs: TensorSpec) -> tuple[dict[str, Any], RowReader]:
    reader = RowReader(Signature(inputs), takes_missing=False, most_rows=10)
    document = openapi_document(_Manifest(), _Model(*inputs), reader, 10)  # type: ignore[arg-type]  # as much as is read
    return document, reader


def test_each_kind_of_column_has_its_own_type() -> None:
    document, reader = _described(
        TensorSpec("age", "FP32", (-1, 1), may_be_missing=(True,)),
        TensorSpec("children", "INT8", (-1, 1)),
        TensorSpec("colour", "BYTES", (-1, 1), levels=("red", "blue")),
        TensorSpec("code", "BYTES", (-1, 1), holds=Holds.CATEGORIES),
        TensorSpec("since", "BYTES", (-1, 1), holds=Holds.DATES),
        TensorSpec("note", "BYTES", (-1, 1), holds=Holds.ANYTHING),
    )
    row = document["components"]["schemas"]["Row"]["anyOf"][0]
    assert row["properties"] == {
        "age": {"type": ["number", "null"]},
        "children": {"type": "integer", "minimum": -128, "maximum": 127},
        "colour": {"type": "string", "enum": ["red", "blue"]},
        "code": {"type": ["string", "boolean", "integer"]},
        "since": {"type": "string", "description": "A date like 2024-02-29 or 2024-02-29T13:00:00."},
        "note": {"description": "The model never looks at it."},
    }
    assert "note" not in row["required"]
    reader.read([example_row(reader)])


def test_a_model_of_whole_tensors_has_no_address_for_rows() -> None:
    document, _ = _described(TensorSpec("image", "FP32", (-1, 3, 8, 8)))
    assert "/predict" not in document["paths"]
    any_length = {"type": "integer", "minimum": 0}
    tensor = document["components"]["schemas"]["InferRequest"]["properties"]["inputs"]["items"]["anyOf"][0]
    assert tensor["properties"]["shape"]["prefixItems"] == [any_length, {"const": 3}, {"const": 8}, {"const": 8}]


def test_a_model_of_very_many_columns_is_described_in_short() -> None:
    words = TensorSpec("word", "BYTES", (-1, 1), levels=tuple(map(str, range(40_000))))
    assert _described(words, TensorSpec("n", "FP64", (-1, 1)))[0]["components"]["schemas"]["Row"]["anyOf"][0][
        "properties"
    ]["word"] == {"type": "string"}
    document, _ = _described(TensorSpec("pixels", "FP32", (-1, 300_000)))
    assert document["components"]["schemas"]["Row"] == {"type": "array", "minItems": 300_000, "maxItems": 300_000}
    assert len(json.dumps(document)) < 20_000


def test_the_page_runs_its_own_script_and_no_other(wine_port: int) -> None:
    headers, body = _answered(wine_port, "GET", "/")
    page, policy = body.decode(), headers["content-security-policy"]
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"innerHTML|\bon\w+=|https?://", page)


def test_every_answer_has_an_id_of_its_own_or_the_senders(wine_port: int) -> None:
    body = json.dumps({"rows": wine_rows(1)}).encode()
    assert len({_id_of(wine_port, sent) for sent in (body, body, b"{")}) == 3
    assert _id_of(wine_port, body, "order-4711") == "order-4711"
    assert len(_id_of(wine_port, body, "x" * 129)) < 64


def _id_of(port: int, body: bytes, own: str = "") -> str:
    headers, _ = _answered(port, "POST", "/predict", body, {**_JSON, **({"X-Request-Id": own} if own else {})})
    return headers["x-request-id"]


def _answered(
    port: int, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[Message, bytes]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.headers, answer.read()
