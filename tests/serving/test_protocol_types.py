"""Every datatype of the Open Inference Protocol there and back, as JSON and as binary data: a model gives each input
back as it is."""

from __future__ import annotations

import http.client
import json
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kronkers_studio.deployment.service_client import LoopbackClient
from kronkers_studio.serving.signature import NUMPY_TYPES
from tests.serving.model_folders import running, save_onnx

_URL = "/v2/models/wine/infer"
_VALUES: dict[str, list[Any]] = {
    "BOOL": [True, False, True],
    "UINT8": [0, 1, 255],
    "UINT16": [0, 1, 65535],
    "UINT32": [0, 1, 2**32 - 1],
    "UINT64": [0, 1, 2**64 - 1],
    "INT8": [-128, 0, 127],
    "INT16": [-(2**15), 0, 2**15 - 1],
    "INT32": [-(2**31), 0, 2**31 - 1],
    "INT64": [-(2**63), 2**53 + 1, 2**63 - 1],
    "FP16": [-65504.0, 0.5, 6.103515625e-05],
    "FP32": [-1.5, 0.25, 16777216.0],
    "FP64": [-0.1, 5e-324, 1.7976931348623157e308],
    "BYTES": ["", "größer als 日本", "x" * 70_000],
}


class _Client(LoopbackClient):
    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.port = port


def _identity(folder: Path) -> Path:
    from onnx import helper

    numbers = {name: helper.np_dtype_to_tensor_dtype(dtype) for name, dtype in NUMPY_TYPES.items()}
    given = [helper.make_tensor_value_info(f"in_{name}", kind, None) for name, kind in numbers.items()]
    gives = [helper.make_tensor_value_info(f"out_{name}", kind, None) for name, kind in numbers.items()]
    nodes = [helper.make_node("Identity", [f"in_{name}"], [f"out_{name}"]) for name in numbers]
    model = helper.make_model(
        helper.make_graph(nodes, "identity", given, gives), opset_imports=[helper.make_opsetid("", 13)], ir_version=8
    )
    said = {
        f"{side}puts": [
            {"name": f"{side}_{name}", "datatype": name, "shape": [], "any_rank": True} for name in NUMPY_TYPES
        ]
        for side in ("in", "out")
    }
    return save_onnx(folder, model.SerializeToString(), signature=said)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Client]:
    with running(_identity(tmp_path_factory.mktemp("identity") / "model")) as (port, _):
        client = _Client(port)
        yield client
        client.close()


def _bytes(datatype: str, values: Sequence[Any]) -> bytes:
    if datatype == "BYTES":
        return b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in values)
    return np.array(values, NUMPY_TYPES[datatype].newbyteorder("<")).tobytes()


def _asked(client: _Client, request: dict[str, Any], data: Sequence[bytes] = ()) -> tuple[int, Any, bytes]:
    """The status, the answer's JSON, and its binary data."""
    head = json.dumps(request).encode()
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    connection = http.client.HTTPConnection("127.0.0.1", client.port)
    connection.request("POST", _URL, b"".join([head, *data]), headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    length = int(answer.headers.get("Inference-Header-Content-Length", len(body)))
    return answer.status, json.loads(body[:length]), body[length:]


def _inputs(shape: list[int], binary: bool, values: dict[str, list[Any]]) -> tuple[list[Any], list[bytes]]:
    entries, data = [], []
    for datatype, each in values.items():
        entry: dict[str, Any] = {"name": f"in_{datatype}", "datatype": datatype, "shape": shape}
        if binary:
            data.append(_bytes(datatype, each))
            entry["parameters"] = {"binary_data_size": len(data[-1])}
        else:
            entry["data"] = each
        entries.append(entry)
    return entries, data


@pytest.mark.parametrize("shape", [[3], [3, 1], [1, 3, 1]], ids=str)
@pytest.mark.parametrize("sent_as_binary", [False, True])
def test_every_datatype_comes_back_as_it_was_sent(client: _Client, sent_as_binary: bool, shape: list[int]) -> None:
    entries, data = _inputs(shape, sent_as_binary, _VALUES)
    status, answer, _ = _asked(client, {"inputs": entries}, data)
    assert status == 200, answer
    found = {entry["name"]: entry for entry in answer["outputs"]}
    for datatype, values in _VALUES.items():
        entry = found[f"out_{datatype}"]
        assert (entry["datatype"], entry["shape"], entry["data"]) == (datatype, shape, values)

    status, answer, rest = _asked(client, {"inputs": entries, "parameters": {"binary_data_output": True}}, data)
    assert status == 200, answer
    for entry in answer["outputs"]:
        size = entry["parameters"]["binary_data_size"]
        assert rest[:size] == _bytes(entry["datatype"], _VALUES[entry["datatype"]])
        rest = rest[size:]
    assert rest == b""


def test_outputs_come_in_the_order_asked_for_and_each_as_it_was_asked_for(client: _Client) -> None:
    entries, _ = _inputs([3], False, _VALUES)
    wanted = [
        {"name": "out_FP32"},
        {"name": "out_BYTES", "parameters": {"binary_data": False}},
        {"name": "out_INT8", "parameters": {"binary_data": True}},
    ]
    request = {"inputs": entries, "outputs": wanted, "parameters": {"binary_data_output": True, "trace": "x"}}
    status, answer, rest = _asked(client, {**request, "id": "ü1"})
    assert status == 200
    assert (answer["id"], answer["parameters"]) == ("ü1", {"trace": "x"})
    assert [entry["name"] for entry in answer["outputs"]] == ["out_FP32", "out_BYTES", "out_INT8"]
    assert answer["outputs"][1]["data"] == _VALUES["BYTES"]
    assert rest == _bytes("FP32", _VALUES["FP32"]) + _bytes("INT8", _VALUES["INT8"])


def test_data_may_be_nested_as_its_shape_says(client: _Client) -> None:
    entries, _ = _inputs([1, 3, 1], False, {name: [[[value] for value in each]] for name, each in _VALUES.items()})
    status, answer, _ = _asked(client, {"inputs": entries})
    assert status == 200
    assert [entry["data"] for entry in answer["outputs"]] == [_VALUES[entry["datatype"]] for entry in answer["outputs"]]


@pytest.mark.parametrize("binary", [False, True])
def test_empty_tensors_are_tensors(client: _Client, binary: bool) -> None:
    entries, data = _inputs([0, 4], binary, {name: [] for name in _VALUES})
    status, answer, _ = _asked(client, {"inputs": entries}, data)
    assert status == 200, answer
    assert all((entry["shape"], entry["data"]) == ([0, 4], []) for entry in answer["outputs"])


@pytest.mark.parametrize(
    ("change", "data", "words"),
    [
        ({"datatype": "BF16"}, b"\0" * 6, "the datatype “BF16” is none of"),
        ({}, b"\0" * 5, "5 bytes of data; its shape needs 6"),
        ({}, b"\0" * 8, "8 bytes of data; its shape needs 6"),
        ({"parameters": {"binary_data_size": 6}}, b"\0" * 7, "1 bytes of binary data belong to no input"),
        ({"parameters": {"binary_data_size": 6}}, b"\0" * 4, "announces more binary data than was sent"),
        ({"parameters": {"binary_data_size": "6"}}, b"\0" * 6, "must be a whole number"),
        ({"datatype": "BOOL"}, b"\0\1\2", "that is neither true nor false"),
        ({"datatype": "BYTES"}, b"\xff\xff\xff\xff", "does not hold 3 texts"),
        ({"datatype": "BYTES"}, b"\1\0\0\0\xff" * 3, "text that is not UTF-8"),
    ],
)
def test_binary_data_that_is_not_what_it_says_is_refused(
    client: _Client, change: dict[str, Any], data: bytes, words: str
) -> None:
    entry = {"name": "in_FP16", "datatype": "FP16", "shape": [3], "parameters": {"binary_data_size": len(data)}}
    status, answer, _ = _asked(client, {"inputs": [{**entry, **change}]}, [data])
    assert status == 400
    assert words in answer["error"]


@pytest.mark.parametrize("length", ["-1", "+5", "5.0", "abc", "9999999", "٣"])
def test_a_wrong_length_of_the_json_part_is_refused(client: _Client, length: str) -> None:
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": length}
    if not length.isascii():
        headers["Inference-Header-Content-Length"] = length.encode().decode("latin-1")
    status, body = client.request("POST", _URL, b'{"inputs": []}', headers)
    assert status == 400
    assert "must be the length of the body's JSON part" in json.loads(body)["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2", 200),
        ("GET", "/v2/health/live", 200),
        ("GET", "/v2/health/ready", 200),
        ("GET", "/v2/models/wine", 200),
        ("GET", "/v2/models/wine/ready", 200),
        ("GET", "/v2/models/wine/versions/3", 200),
        ("GET", "/v2/models/wine/versions/3/ready", 200),
        ("GET", "/v2/models/beer", 404),
        ("GET", "/v2/models/beer/ready", 404),
        ("GET", "/v2/models/wine/versions/4", 404),
        ("GET", "/v2/models/wine/versions/x/ready", 404),
        ("POST", "/v2/models/beer/infer", 404),
        ("POST", "/v2/models/wine/versions/4/infer", 404),
        ("GET", "/v2/models/wine/infer", 405),
        ("POST", "/v2/health/live", 405),
        ("GET", "/v2/nothing", 404),
    ],
)
def test_every_address_of_the_protocol_is_there_and_errors_are_objects(
    client: _Client, method: str, path: str, status: int
) -> None:
    sent = (b"{}", {"Content-Type": "application/json"}) if method == "POST" else (b"", {})
    found, body = client.request(method, path, *sent)
    assert found == status
    content = json.loads(body)
    assert ("error" in content) == (status != 200)
    if path == "/v2":
        assert set(content) == {"name", "version", "extensions"}
