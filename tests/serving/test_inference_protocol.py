"""The Open Inference Protocol, with a real client and by hand."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_wine

from kronkers_studio.deployment.service_client import LoopbackClient
from tests.serving.model_folders import WINE_COLUMNS, wine_classifier

MATRIX = load_wine().data[::20]
INFER = "/v2/models/wine/infer"


@pytest.fixture
def triton(wine_port: int) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # gevent's, at import
        pytest.importorskip("tritonclient", reason="tritonclient is not published for this system")
        import tritonclient.http
    client = tritonclient.http.InferenceServerClient(f"127.0.0.1:{wine_port}")
    yield client
    client.close()


def infer(client: LoopbackClient, request: Any, path: str = INFER) -> tuple[int, Any]:
    status, body = client.request("POST", path, json.dumps(request).encode(), {"Content-Type": "application/json"})
    return status, json.loads(body)


def tensor(values: Any, **changes: Any) -> dict[str, Any]:
    array = np.asarray(values)
    entry = {"name": "input", "datatype": "FP64", "shape": list(array.shape), "data": array.ravel().tolist()}
    return {**entry, **changes}


def test_tritonclient_gets_health_and_metadata(triton: Any) -> None:
    assert triton.is_server_live()
    assert triton.is_server_ready()
    assert triton.is_model_ready("wine")
    assert triton.is_model_ready("wine", "3")
    assert not triton.is_model_ready("wine", "4")
    assert triton.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    metadata = triton.get_model_metadata("wine")
    assert (metadata["versions"], metadata["inputs"][0]["shape"]) == (["3"], [-1, 13])
    assert [output["name"] for output in metadata["outputs"]] == ["label", "probabilities"]


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("datatype", ["FP64", "FP32"])
def test_tritonclient_gets_predictions(triton: Any, binary: bool, datatype: str) -> None:
    import tritonclient.http

    entry = tritonclient.http.InferInput("input", MATRIX.shape, datatype)
    entry.set_data_from_numpy(MATRIX.astype(np.float64 if datatype == "FP64" else np.float32), binary_data=binary)
    names = ("label", "probabilities")
    wanted = None if binary else [tritonclient.http.InferRequestedOutput(name, binary_data=False) for name in names]
    # It names no type itself. A body of JSON alone, without a token, needs one: a web page could send it otherwise.
    said = None if binary else {"Content-Type": "application/json"}
    result = triton.infer("wine", [entry], request_id="a1", outputs=wanted, headers=said)
    model = wine_classifier()
    assert result.get_response()["id"] == "a1"
    assert result.as_numpy("label").tolist() == model.predict(MATRIX).tolist()
    np.testing.assert_allclose(result.as_numpy("probabilities"), model.predict_proba(MATRIX), atol=1e-4)


def test_tritonclient_reads_our_refusals(triton: Any) -> None:
    import tritonclient.http
    from tritonclient.utils import InferenceServerException

    entry = tritonclient.http.InferInput("input", [1, 12], "FP64")
    entry.set_data_from_numpy(np.ones((1, 12)))
    with pytest.raises(InferenceServerException, match=r"has shape \[1, 12\]; it must be \[-1, 13\]"):
        triton.infer("wine", [entry])


def test_one_tensor_for_each_column_is_taken_too(wine: LoopbackClient) -> None:
    columns = [tensor(MATRIX[:, n], name=name) for n, name in enumerate(WINE_COLUMNS)]
    status, answer = infer(wine, {"inputs": columns[::-1]})
    assert status == 200
    assert answer["outputs"][0]["data"] == wine_classifier().predict(MATRIX).tolist()


def test_parameters_and_id_come_back_and_outputs_can_be_chosen(wine: LoopbackClient) -> None:
    request = {"id": "7", "parameters": {"trace": 1}, "inputs": [tensor(MATRIX)], "outputs": [{"name": "label"}]}
    _, answer = infer(wine, request, "/v2/models/wine/versions/3/infer")
    assert (answer["id"], answer["parameters"]) == ("7", {"trace": 1})
    assert [output["name"] for output in answer["outputs"]] == ["label"]
    assert (answer["model_name"], answer["model_version"]) == ("wine", "3")


def test_nested_data_and_whole_numbers_are_taken(wine: LoopbackClient) -> None:
    nested = infer(wine, {"inputs": [tensor(MATRIX, data=MATRIX.tolist())]})
    whole = infer(wine, {"inputs": [tensor(MATRIX.astype(int), datatype="INT32")]})
    assert (nested[0], whole[0]) == (200, 200)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({}, "must have “inputs”"),
        ({"inputs": [7]}, "must be an object, not a whole number"),
        ({"inputs": [tensor(MATRIX), tensor(MATRIX)]}, "is there twice"),
        ({"inputs": [tensor(MATRIX, name="inptu")]}, "no input “inptu”"),
        ({"inputs": [tensor(MATRIX, datatype="FP8")]}, "datatype “FP8” is none of"),
        ({"inputs": [tensor(MATRIX, datatype=None)]}, "is none of"),
        ({"inputs": [tensor(MATRIX, shape=[-1, 13])]}, "whole numbers from 0"),
        ({"inputs": [tensor(MATRIX, shape=[2**30, 2**30])]}, "one request may hold 50"),
        ({"inputs": [tensor(MATRIX, shape=[0, 13], data=[])]}, "has no rows"),
        ({"inputs": [tensor(MATRIX, data=[1.0])]}, "has 1 values; its shape needs"),
        ({"inputs": [tensor(MATRIX[:1], data=["x"] * 13)]}, "no FP64"),
        ({"inputs": [tensor(MATRIX[:1], data=[None] * 13)]}, "missing (NaN)"),
        ({"inputs": [tensor(MATRIX[:1], datatype="BYTES", data=["x"] * 13)]}, "must be FP64, not BYTES"),
        ({"inputs": [tensor(MATRIX[:1], parameters={"binary_data_size": 104})]}, "more binary data than was sent"),
        ({"inputs": [tensor(MATRIX[:1], parameters={"shared_memory_region": "x"})]}, "shared memory"),
        ({"inputs": [tensor(MATRIX)], "outputs": [{"name": "x"}]}, "no output “x”; it gives label, probabilities"),
        ({"inputs": [tensor(MATRIX)], "id": 7}, "“id” must be text"),
    ],
)
def test_a_request_that_does_not_fit_is_refused_with_a_sentence(
    wine: LoopbackClient, request_: Any, words: str
) -> None:
    status, answer = infer(wine, request_)
    assert status in (400, 413)
    assert words in answer["error"]


def test_nan_in_binary_data_is_refused(wine: LoopbackClient) -> None:
    head = json.dumps(
        {"inputs": [{"name": "input", "datatype": "FP64", "shape": [1, 13], "parameters": {"binary_data_size": 104}}]}
    ).encode()
    body = head + np.full(13, np.nan).tobytes()
    status, answer = wine.request("POST", INFER, body, {"Inference-Header-Content-Length": str(len(head))})
    assert status == 400
    assert "missing (NaN)" in json.loads(answer)["error"]


def test_another_model_or_version_is_not_found(wine: LoopbackClient) -> None:
    assert infer(wine, {}, "/v2/models/beer/infer")[0] == 404
    assert infer(wine, {}, "/v2/models/wine/versions/4/infer")[0] == 404


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    head=st.dictionaries(
        st.sampled_from(["name", "datatype", "shape", "data", "parameters"]),
        st.none() | st.integers() | st.floats() | st.text(max_size=3) | st.lists(st.integers() | st.none(), max_size=3),
    ),
    tail=st.binary(max_size=40),
    length=st.integers(0, 300) | st.none() | st.text("0123456789-x", max_size=4),
)
def test_whatever_is_sent_is_answered_or_refused(wine: LoopbackClient, head: Any, tail: bytes, length: Any) -> None:
    body = json.dumps({"inputs": [{**tensor(MATRIX[:1]), **head}]}).encode()
    size = str(len(body) if length is None else length)
    status, _ = wine.request("POST", INFER, body + tail, {"Inference-Header-Content-Length": size})
    assert status == 200 or 400 <= status < 500
