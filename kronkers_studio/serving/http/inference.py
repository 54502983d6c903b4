"""The Open Inference Protocol v2 over REST, with the binary tensor data extension that its common clients use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import orjson

from kronkers_studio.estimators.columns import Holds
from kronkers_studio.serving.execution import Runner
from kronkers_studio.serving.http.answers import Answer, json_answer
from kronkers_studio.serving.http.bodies import ROWS, SAMPLED, Receive, Scope, check_type, header, parse_json, read_body
from kronkers_studio.serving.inputs.row_reader import unused
from kronkers_studio.serving.inputs.tensors import BinaryData, fitted, read_tensor, shaped, write_tensor
from kronkers_studio.serving.manifest import Manifest
from kronkers_studio.serving.metrics.feature_counts import kept
from kronkers_studio.serving.model import Model
from kronkers_studio.serving.problems import Refusal, kind_of, shown
from kronkers_studio.serving.recording.documents import AnsweredRows
from kronkers_studio.serving.signature import TensorSpec

_Array = np.ndarray[Any, Any]
_HEADER_LENGTH = b"inference-header-content-length"
_BINARY = (b"content-type", b"application/octet-stream")


class Inference:
    """Metadata and ``infer`` for one model."""

    def __init__(
        self,
        manifest: Manifest,
        model: Model,
        runner: Runner,
        *,
        most_rows: int,
        most_bytes: int,
        counted: bool = False,
    ) -> None:
        """With ``counted``, what goes in is handed on with each answer to rows."""
        self._counted = counted
        self._manifest = manifest
        self._model = model
        self._runner = runner
        self._most_rows = most_rows
        self._most_bytes = most_bytes
        self._outputs = tuple(spec.name for spec in model.signature.outputs)
        self._by_tensor = model.signature.by_tensor
        self._of_rows = not model.signature.no_rows

    def server_metadata(self) -> dict[str, Any]:
        """The answer to GET /v2."""
        return {"name": "kronkers-studio", "version": "2", "extensions": ["binary_tensor_data"]}

    def model_metadata(self) -> dict[str, Any]:
        """The answer to GET /v2/models/{model}."""
        signature = self._model.signature
        return {
            "name": self._manifest.name,
            "versions": [str(self._manifest.version)],
            "platform": f"{self._manifest.framework}_{self._manifest.file_format}",
            "inputs": [_described(spec) for spec in signature.inputs],
            "outputs": [_described(spec) for spec in signature.outputs],
        }

    def check_model(self, path: Mapping[str, str]) -> None:
        """Refuse (404) another model's name or another version than the one served."""
        if path["model"] != self._manifest.name:
            raise Refusal(f"There is no model {shown(path['model'])} here; this is {self._manifest.name}.", status=404)
        if path.get("version", str(self._manifest.version)) != str(self._manifest.version):
            raise Refusal(
                f"There is no version {shown(path['version'])} of {self._manifest.name} here; "
                f"this is version {self._manifest.version}.",
                status=404,
            )

    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        """The answer to one infer request. Raises ``Refusal``, and whatever the model raises."""
        self.check_model(scope["path_params"])
        check_type(scope, binary=True)
        body = await read_body(scope, receive, self._most_bytes)
        request, binary = _parts(body, header(scope, _HEADER_LENGTH))
        arrays = self._arrays(request, binary)
        inputs = self._inputs(arrays)
        wanted = self._wanted(request)
        rows = self._rows(inputs)
        scope[ROWS] = rows
        work = rows if rows is not None else sum(array.size for array in inputs.values())
        sampled = SAMPLED in scope
        counted = kept(inputs) if (self._counted or sampled) and rows is not None else None
        outputs = await self._runner.run(inputs, tuple(wanted), work)
        recorded = None
        if sampled and counted is not None and rows is not None:
            recorded = AnsweredRows(counted, kept(outputs), rows, len(body))
        return replace(self._written(request, outputs, wanted, rows), inputs=counted, recorded=recorded)

    def _arrays(self, request: dict[str, Any], binary: BinaryData) -> dict[str, _Array]:
        found = request.get("inputs", [] if not self._model.signature.inputs else None)
        if not isinstance(found, list) or (not found and self._model.signature.inputs):
            raise Refusal("The request must have “inputs”, a list of tensors.", field="inputs")
        arrays: dict[str, _Array] = {}
        for entry in found:
            name, array = read_tensor(entry, binary, None if self._by_tensor else self._most_rows)
            if name in arrays:
                raise Refusal(f"The input {shown(name)} is there twice.", field=name)
            arrays[name] = array
        binary.check_used()
        return arrays

    def _inputs(self, arrays: dict[str, _Array]) -> dict[str, _Array]:
        """The model's own inputs, from tensors of those names or one tensor for each column of a table."""
        specs = self._model.signature.inputs
        if len(specs) == 1 and specs[0].columns and specs[0].name not in arrays:
            arrays = {specs[0].name: self._joined(arrays, specs[0])}
        for name in arrays:
            if all(name != spec.name for spec in specs):
                takes = ", ".join(spec.name for spec in specs)
                raise Refusal(f"This model has no input {shown(name)}; it takes {takes}.", field=name)
        inputs = {}
        for spec in specs:
            if spec.name not in arrays:
                raise Refusal(f"The input {shown(spec.name)} is missing.", field=spec.name)
            inputs[spec.name] = self._fitted(arrays[spec.name], spec)
        return inputs

    def _fitted(self, array: _Array, spec: TensorSpec) -> _Array:
        fits = shaped(array, spec)
        if spec.holds is Holds.ANYTHING:
            return unused(fits.shape, spec.datatype)
        if spec.any_type:
            return fits
        missing = any(spec.may_be_missing) or self._model.takes_missing
        return fitted(fits, spec.datatype, spec.name, takes_missing=missing, any_number=self._by_tensor)

    def _rows(self, inputs: Mapping[str, _Array]) -> int | None:
        """How many rows the inputs are; None when they are none."""
        lengths = {len(array) if array.ndim else -1 for array in inputs.values()}
        return lengths.pop() if len(lengths) == 1 and self._of_rows else None

    def _joined(self, arrays: dict[str, _Array], spec: TensorSpec) -> _Array:
        """The table whose columns were sent one by one."""
        for name in arrays:
            if name not in spec.columns:
                raise Refusal(
                    f"This model has no input {shown(name)}; it takes {spec.name}, or its columns.", field=name
                )
        columns = []
        for name in spec.columns:
            if name not in arrays:
                raise Refusal(f"The input {shown(name)} is missing.", field=name)
            array = arrays[name]
            if not array.ndim or array.size != len(array):
                raise Refusal(f"The input {shown(name)} must have one value per row.", field=name)
            column = fitted(array.reshape(-1), spec.datatype, name, takes_missing=self._model.takes_missing)
            columns.append(column)
        if len({len(column) for column in columns}) != 1:
            raise Refusal("The inputs have different numbers of rows.", field="inputs")
        return np.stack(columns, axis=1)

    def _wanted(self, request: dict[str, Any]) -> dict[str, bool]:
        """The outputs asked for, all of them by default, and whether each is to be binary."""
        parameters = _object(request.get("parameters"), "parameters")
        by_default = parameters.get("binary_data_output") is True
        named = request.get("outputs")
        if not named:
            return dict.fromkeys(self._outputs, by_default)
        if not isinstance(named, list):
            raise Refusal("“outputs” must be a list of tensors.", field="outputs")
        wanted = {}
        for entry in named:
            name = _object(entry, "outputs").get("name")
            if name not in self._outputs:
                raise Refusal(
                    f"This model has no output {shown(name)}; it gives {', '.join(self._outputs)}.", field="outputs"
                )
            options = _object(entry.get("parameters"), "parameters")
            if "classification" in options or "shared_memory_region" in options:
                raise Refusal("Classification and shared memory outputs are not supported.", field=str(name))
            wanted[str(name)] = options.get("binary_data", by_default) is True
        return wanted

    def _written(
        self, request: dict[str, Any], outputs: Mapping[str, _Array], wanted: Mapping[str, bool], rows: int | None
    ) -> Answer:
        """The answer; whole tensors count as one row, of which no answer is counted."""
        written = [write_tensor(name, outputs[name], as_binary=as_binary) for name, as_binary in wanted.items()]
        content: dict[str, Any] = {"model_name": self._manifest.name, "model_version": str(self._manifest.version)}
        if "id" in request:
            content["id"] = request["id"]
        parameters = _object(request.get("parameters"), "parameters")
        echoed = {name: value for name, value in parameters.items() if name != "binary_data_output"}
        if echoed:
            content["parameters"] = echoed
        content["outputs"] = [entry for entry, _ in written]
        label = outputs.get(self._model.label) if rows is not None else None
        counted = 1 if rows is None else rows
        if not any(wanted.values()):
            return json_answer(content, rows=counted, label=label)
        head = orjson.dumps(content)
        length = (b"inference-header-content-length", str(len(head)).encode())
        return Answer(
            b"".join([head, *(data for _, data in written)]), headers=(_BINARY, length), rows=counted, label=label
        )


def _parts(body: bytes, header_length: str | None) -> tuple[dict[str, Any], BinaryData]:
    """The request's JSON part and the binary data after it."""
    if header_length is None:
        return _checked(parse_json(body)), BinaryData(memoryview(b""))
    if not header_length.isascii() or not header_length.isdigit() or int(header_length) > len(body):
        raise Refusal("Inference-Header-Content-Length must be the length of the body's JSON part, in bytes.")
    whole, length = memoryview(body), int(header_length)
    return _checked(parse_json(whole[:length])), BinaryData(whole[length:])


def _checked(request: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(request.get("id", ""), str):
        raise Refusal(f"“id” must be text, not {kind_of(request['id'])}.", field="id")
    return request


def _object(found: object, name: str) -> dict[str, Any]:
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Refusal(f"“{name}” must hold objects, not {kind_of(found)}.", field=name)
    return found


def _described(spec: TensorSpec) -> dict[str, Any]:
    described: dict[str, Any] = {"name": spec.name, "datatype": spec.datatype, "shape": list(spec.shape)}
    more = {"columns": list(spec.columns), "levels": list(spec.levels)}
    if any(more.values()):
        described["parameters"] = {name: value for name, value in more.items() if value}
    return described
