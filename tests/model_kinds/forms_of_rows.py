"""The same rows in every form that a service takes: JSON, CSV, Arrow, and tensors as JSON and as binary data."""

from __future__ import annotations

import csv
import io
import json
import math
import struct
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from kronkers_studio.deployment.service_client import ServiceClient
from kronkers_studio.serving.signature import NUMPY_TYPES

Row = Mapping[str, Any]
_KINDS = {"BYTES": pl.String, "BOOL": pl.Boolean}
_SECONDS = 20.0


class Service:
    """A live service that was packaged with a reference profile, and what it has counted."""

    def __init__(self, client: ServiceClient, model: str) -> None:
        self._client = client
        self._infer = f"/v2/models/{model}/infer"
        self._inputs: list[dict[str, Any]] = json.loads(self._got(f"/v2/models/{model}"))["inputs"]

    def counts_by_form(self, rows: Sequence[Row]) -> dict[str, dict[str, list[int]]]:
        """What is counted when ``rows`` are sent in each form: by the form, by the feature's name ("" for the
        answers)."""
        return {form: self._counted(*request, len(rows)) for form, request in self.requests(rows).items()}

    def requests(self, rows: Sequence[Row]) -> dict[str, tuple[str, dict[str, str], bytes]]:
        """Path, headers and body for each form."""
        named = self._columns() is not None
        content = [dict(row) for row in rows] if named else [list(row.values()) for row in rows]
        return {
            "JSON": ("/predict", {"Content-Type": "application/json"}, json.dumps({"rows": content}).encode()),
            "CSV": ("/predict", {"Content-Type": "text/csv; header=present"}, _csv(rows)),
            "Arrow": ("/predict", {"Content-Type": "application/vnd.apache.arrow.stream"}, self._arrow(rows)),
            "tensors of JSON": (self._infer, {"Content-Type": "application/json"}, self._as_json(rows)),
            "binary tensors": (self._infer, *self._as_binary(rows)),
        }

    def asked(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        return self._client.request("POST", path, body, headers, 60.0)

    def _counted(self, path: str, headers: dict[str, str], body: bytes, rows: int) -> dict[str, list[int]]:
        before = self._counts()
        status, answer = self.asked(path, headers, body)
        assert status == 200, (path, headers, answer[:500])
        deadline = time.monotonic() + _SECONDS
        while True:  # it counts after it has answered
            now = self._counts()
            added = {name: [int(n) for n in np.subtract(now[name], before[name])] for name in now}
            if all(sum(counts) >= rows for counts in added.values()):
                return added
            assert time.monotonic() < deadline, (added, rows)
            time.sleep(0.01)

    def _counts(self) -> dict[str, list[int]]:
        found = json.loads(self._got("/statistics"))
        counts = {one["name"]: one["counts"] for one in found["features"]}
        return counts if found["answers"] is None else {**counts, "": found["answers"]}

    def _got(self, path: str) -> bytes:
        status, answer = self._client.request("GET", path, timeout=60.0)
        assert status == 200, answer[:500]
        return answer

    def _columns(self) -> list[tuple[str, str]] | None:
        """Names and datatypes of what a row holds; None where nothing has a name."""
        found: list[tuple[str, str]] = []
        for entry in self._inputs:
            names = entry.get("parameters", {}).get("columns")
            if names is None and entry["shape"][1:] not in ([], [1]):
                return None
            found += [(name, entry["datatype"]) for name in names or [entry["name"]]]
        return found

    def _arrow(self, rows: Sequence[Row]) -> bytes:
        kinds = dict(self._columns() or [])
        frame = {
            name: pl.Series([row[name] for row in rows], dtype=_KINDS.get(kinds.get(name, ""), pl.Float64))
            for name in rows[0]
        }
        out = io.BytesIO()
        pl.DataFrame(frame).write_ipc_stream(out, compression="uncompressed")
        return out.getvalue()

    def _as_json(self, rows: Sequence[Row]) -> bytes:
        return json.dumps(
            {"inputs": [{**entry, "data": values} for entry, values in as_tensors(self._inputs, rows)]}
        ).encode()

    def _as_binary(self, rows: Sequence[Row]) -> tuple[dict[str, str], bytes]:
        entries, parts = [], []
        for entry, values in as_tensors(self._inputs, rows):
            parts.append(_binary(entry["datatype"], values))
            entries.append({**entry, "parameters": {"binary_data_size": len(parts[-1])}})
        head = json.dumps({"inputs": entries}).encode()
        headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
        return headers, b"".join([head, *parts])


def as_tensors(inputs: Sequence[Mapping[str, Any]], rows: Sequence[Row]) -> list[tuple[dict[str, Any], list[Any]]]:
    """``rows`` as tensors for ``inputs``, which a model's metadata describe: of each the name, datatype and shape, and
    its values; None is missing."""
    found = []
    for entry in inputs:
        default = list(rows[0]) if len(inputs) == 1 else [entry["name"]]
        names = entry.get("parameters", {}).get("columns") or default
        values = [row[name] for row in rows for name in names]
        shape = [len(rows)] if len(entry["shape"]) == 1 else [len(rows), len(names)]
        found.append(({"name": entry["name"], "datatype": entry["datatype"], "shape": shape}, values))
    return found


def _csv(rows: Sequence[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _binary(datatype: str, values: Sequence[Any]) -> bytes:
    if datatype == "BYTES":
        texts = [(value or "").encode() for value in values]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    kind = NUMPY_TYPES[datatype].newbyteorder("<")
    return np.array([math.nan if value is None else value for value in values], dtype=kind).tobytes()
