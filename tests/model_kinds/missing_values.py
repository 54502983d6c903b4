"""Rows that lack something, asked by tritonclient and KServe's client, by JSON and by binary data: what each of them
got, and what ``/predict`` answers to the same row."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import requests

from kronkers_studio.settings.paths import uv_program
from tests.model_kinds.forms_of_rows import as_tensors
from tests.serving.protocol_clients import KSERVE, arrays_of, triton_client

_OUTPUTS = ("label", "output", "again")
_CLIENT = """
import asyncio, json, sys
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

def values_of(output):
    return np.asarray(output.as_numpy()).astype(object).ravel().tolist()

async def main(address, model, rows):
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))
    found = []
    for tensors in rows:
        for binary in (False, True):
            inputs = []
            for name, datatype, shape, values in tensors:
                kind = {"BYTES": "object", "BOOL": "bool"}.get(datatype, datatype.replace("FP", "float").lower())
                entry = InferInput(name=name, shape=shape, datatype=datatype)
                entry.set_data_from_numpy(np.array(values, dtype=kind).reshape(shape), binary_data=binary)
                inputs.append(entry)
            request = InferRequest(model_name=model, infer_inputs=inputs, parameters={"binary_data_output": binary})
            try:
                answer = await client.infer(address, request, model_name=model)
            except Exception as problem:
                response = getattr(problem, "response", None)
                said = response.text if response is not None else f"{type(problem).__name__}: {problem}"
                found.append([getattr(response, "status_code", 0), said])
            else:
                found.append([200, {each.name: values_of(each) for each in answer.outputs}])
    await client.close()
    text = lambda value: value.decode() if isinstance(value, bytes) else str(value)
    print(json.dumps(found, default=text))

asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))
"""


class Got(NamedTuple):
    """What came back: 200 and the answers, or another status and the sentence; status 0 for what the client refused
    itself, before anything was sent."""

    status: int
    said: Any


def asked_by_clients(host: str, model: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Got]]:
    """For each of ``rows``, sent alone, what each client got, and "/predict". None is a number that is missing."""
    with triton_client(host) as client:
        inputs = client.get_model_metadata(model)["inputs"]
    tensors = [
        [(entry["name"], entry["datatype"], entry["shape"], values) for entry, values in as_tensors(inputs, [row])]
        for row in rows
    ]
    kserve = _by_kserve(host, model, tensors)
    found = []
    for at, row in enumerate(rows):
        triton = [_by_triton(host, model, tensors[at], binary=binary) for binary in (False, True)]
        found.append(
            {
                "/predict": _predicted(host, row),
                "tritonclient, JSON": triton[0],
                "tritonclient, binary": triton[1],
                "KServe, JSON": kserve[2 * at],
                "KServe, binary": kserve[2 * at + 1],
            }
        )
    return found


def _predicted(host: str, row: Mapping[str, Any]) -> Got:
    answer = requests.post(f"http://{host}/predict", json={"rows": [dict(row)]}, timeout=60)
    content = answer.json()
    return Got(answer.status_code, _plain(content["outputs"]) if answer.ok else content["error"])


def _by_triton(host: str, model: str, tensors: Sequence[Any], *, binary: bool) -> Got:
    with triton_client(host) as client:
        from tritonclient.http import InferInput, InferRequestedOutput
        from tritonclient.utils import InferenceServerException, np_to_triton_dtype

        names = [each["name"] for each in client.get_model_metadata(model)["outputs"]]
        entries = []
        for name, values in arrays_of(tensors).items():
            entries.append(InferInput(name, list(values.shape), np_to_triton_dtype(values.dtype)))
            entries[-1].set_data_from_numpy(values, binary_data=binary)
        outputs = [InferRequestedOutput(name, binary_data=binary) for name in names]
        said = None if binary else {"Content-Type": "application/json"}
        try:
            result = client.infer(model, entries, outputs=outputs, headers=said)
        except InferenceServerException as problem:
            return Got(int(problem.status() or 0), str(problem.message()))
        return Got(200, _answer({name: np.ravel(result.as_numpy(name)).tolist() for name in names}))


def _by_kserve(host: str, model: str, rows: Sequence[Any]) -> list[Got]:
    command = [*(str(uv_program()), "run", "--quiet", "--no-project", "--python", "3.11", "--with", KSERVE)]
    done = subprocess.run(
        [*command, "python", "-c", _CLIENT, f"http://{host}", model, json.dumps(rows)],
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    return [Got(status, _answer(said) if status == 200 else _sentence(said)) for status, said in found]


def _sentence(body: str) -> str:
    """What a refusal says; as it is where that is no answer of a service."""
    try:
        return str(json.loads(body)["error"])
    except ValueError:
        return body


def _answer(outputs: Mapping[str, list[Any]]) -> Any:
    return _plain(next(outputs[name] for name in _OUTPUTS if name in outputs))


def _plain(values: Sequence[Any]) -> list[Any]:
    """Texts of bytes as texts, NaN as None, as JSON has it."""
    texts = [value.decode() if isinstance(value, bytes) else value for value in np.ravel(np.array(values, object))]
    return [None if isinstance(value, float) and np.isnan(value) else value for value in texts]
