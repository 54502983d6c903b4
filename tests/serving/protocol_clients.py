"""The clients of others that speak the Open Inference Protocol: KServe's, as it is published, and tritonclient."""

from __future__ import annotations

import json
import subprocess
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from kronkers_studio.settings.paths import uv_program

KSERVE = "kserve==0.21.0"
_SECONDS = 600

Tensor = tuple[str, str, list[int], Any]
"""Name, datatype, shape and values."""

# Asks as its own documentation does. Prints what came back as one JSON object.
_CLIENT = """
import asyncio, json, sys
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

def values_of(output):
    return np.asarray(output.as_numpy()).astype(object).ravel().tolist()

async def main(address, model, tensors):
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))
    found = {
        "live": await client.is_server_live(address),
        "ready": await client.is_server_ready(address),
        "model": await client.is_model_ready(address, model),
        "other": await client.is_model_ready(address, "beer"),
    }
    for binary in (False, True):
        inputs = []
        for name, datatype, shape, values in tensors:
            kind = {"BYTES": "object", "BOOL": "bool"}.get(datatype, datatype.replace("FP", "float").lower())
            entry = InferInput(name=name, shape=shape, datatype=datatype)
            entry.set_data_from_numpy(np.array(values, dtype=kind).reshape(shape), binary_data=binary)
            inputs.append(entry)
        parameters = {"binary_data_output": binary}
        request = InferRequest(model_name=model, request_id="k1", infer_inputs=inputs, parameters=parameters)
        answer = await client.infer(address, request, model_name=model)
        found["binary" if binary else "json"] = {
            "id": answer.id,
            "outputs": {each.name: values_of(each) for each in answer.outputs},
        }
    try:
        bad = InferInput(name="nothing", shape=[1], datatype="FP64", data=[1.0])
        await client.infer(address, InferRequest(model_name=model, infer_inputs=[bad]), model_name=model)
    except Exception as problem:
        found["refusal"] = str(problem)
    await client.close()
    text = lambda value: value.decode() if isinstance(value, bytes) else str(value)
    print(json.dumps(found, default=text))

asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))
"""


def kserve_outputs(host: str, tensors: Sequence[Tensor], *, model: str = "wine") -> dict[str, Any]:
    """The outputs, flat, which KServe's client got: the same by JSON and by binary data. It was told that the service
    and the model are ready, that another is not there, and what is wrong with a request."""
    command = [*(str(uv_program()), "run", "--quiet", "--no-project", "--python", "3.11", "--with", KSERVE)]
    done = subprocess.run(
        [*command, "python", "-c", _CLIENT, f"http://{host}", model, json.dumps(tensors)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return _agreed(json.loads(done.stdout.splitlines()[-1]))


def _agreed(found: dict[str, Any]) -> dict[str, Any]:
    assert (found["live"], found["ready"], found["model"], found["other"]) == (True, True, True, False)
    assert found["json"]["id"] == found["binary"]["id"] == "k1"
    assert "no input “nothing”" in found["refusal"]
    assert found["json"]["outputs"].keys() == found["binary"]["outputs"].keys()
    for name, values in found["json"]["outputs"].items():
        expected = pytest.approx(values) if isinstance(values[0], float) else values
        assert found["binary"]["outputs"][name] == expected
    outputs: dict[str, Any] = found["json"]["outputs"]
    return outputs


def triton_outputs(
    host: str, inputs: Mapping[str, np.ndarray[Any, Any]], *, model: str = "wine"
) -> list[dict[str, Any]]:
    """All outputs that tritonclient got, asked for as JSON and as binary data; it was told that the service and the
    model are ready, and the inputs' names."""
    with triton_client(host) as client:
        from tritonclient.http import InferInput, InferRequestedOutput
        from tritonclient.utils import np_to_triton_dtype

        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready(model)
        metadata = client.get_model_metadata(model)
        assert [each["name"] for each in metadata["inputs"]] == list(inputs)
        names = [each["name"] for each in metadata["outputs"]]
        found = []
        for binary in (False, True):
            entries = []
            for name, values in inputs.items():
                entries.append(InferInput(name, list(values.shape), np_to_triton_dtype(values.dtype)))
                entries[-1].set_data_from_numpy(values, binary_data=binary)
            wanted = [InferRequestedOutput(name, binary_data=binary) for name in names]
            said = None if binary else {"Content-Type": "application/json"}
            result = client.infer(model, entries, outputs=wanted, request_id="t1", headers=said)
            assert result.get_response()["id"] == "t1"
            found.append({name: _texts(result.as_numpy(name).tolist()) for name in names})
    return found


@contextmanager
def triton_client(host: str) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # gevent's, at import
        pytest.importorskip("tritonclient", reason="tritonclient is not published for this system")
        import tritonclient.http
    client = tritonclient.http.InferenceServerClient(host)
    try:
        yield client
    finally:
        client.close()


def tensors_of(host: str, model: str, rows: Sequence[Mapping[str, Any]]) -> list[Tensor]:
    """``rows`` as tensors for the inputs that the model's metadata describe."""
    with triton_client(host) as client:
        inputs = client.get_model_metadata(model)["inputs"]
    found: list[Tensor] = []
    for entry in inputs:
        names = entry.get("parameters", {}).get("columns", [entry["name"]])
        values = [[row[name] for name in names] for row in rows]
        found.append((entry["name"], entry["datatype"], [len(rows), len(names)], values))
    return found


def whole_rows(case: Mapping[str, Any]) -> dict[str, Any]:
    """``case`` with those of its rows, and what belongs to them, that lack nothing: JSON has no NaN to send."""
    whole = [number for number, row in enumerate(case["rows"]) if None not in row.values()]
    return {name: [values[number] for number in whole] for name, values in case.items() if values}


def arrays_of(tensors: Sequence[Tensor]) -> dict[str, np.ndarray[Any, Any]]:
    """``tensors`` as tritonclient takes them."""
    kinds = {"BYTES": "object", "BOOL": "bool"}
    return {
        name: np.array(values, dtype=kinds.get(kind, kind.replace("FP", "float").lower())).reshape(shape)
        for name, kind, shape, values in tensors
    }


def _texts(values: list[Any]) -> list[Any]:
    return [value.decode() if isinstance(value, bytes) else value for value in values]
