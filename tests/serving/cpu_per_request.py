"""Processor time of a service for each request of one row, with what comes in counted and without.

    python -m tests.serving.cpu_per_request [REQUESTS]

Two services of the same model take turns; 16 connections each. Printed are the fewest milliseconds of processor time
per request of any round, their ratio, and how much more memory each service has after all. The clients are threads of
this process, whose time does not count.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tests.serving.model_folders import running, save_joblib

CONNECTIONS = 16
ROUNDS = 6
_CPU = re.compile(rb"^kronkers_process_cpu_seconds_total (\S+)", re.MULTILINE)
_MEMORY = re.compile(rb"^kronkers_process_memory_bytes (\S+)", re.MULTILINE)


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 12_000
    with tempfile.TemporaryDirectory() as name:
        for kind in (_numbers, _mixed):
            folder = Path(name) / kind.__name__
            folder.mkdir()
            bodies, bins = kind(folder)
            _compare(kind.__name__.strip("_"), folder, bodies, bins, requests)


def _compare(title: str, folder: Path, bodies: list[bytes], bins: dict[str, Any], requests: int) -> None:
    content = json.dumps(bins).encode()
    (folder / "statistics.json").write_bytes(content)
    manifest = json.loads((folder / "model.json").read_bytes())
    off = folder / "off"
    off.mkdir()
    (off / "model.json").write_text(json.dumps(manifest), encoding="utf-8")
    (off / manifest["file"]).write_bytes((folder / manifest["file"]).read_bytes())
    manifest["statistics"] = hashlib.sha256(content).hexdigest()
    (folder / "model.json").write_text(json.dumps(manifest), encoding="utf-8")
    with _service(folder) as counting, _service(off) as plain:
        for port in (counting, plain):
            _load(port, bodies, 2_000)
        before = _read(counting, _MEMORY), _read(plain, _MEMORY)
        taken: dict[int, list[float]] = {counting: [], plain: []}
        for number in range(ROUNDS):
            for port in (counting, plain) if number % 2 else (plain, counting):
                began = _read(port, _CPU)
                _load(port, bodies, requests // ROUNDS)
                taken[port].append(1000 * (_read(port, _CPU) - began) / (requests // ROUNDS))
        after = _read(counting, _MEMORY), _read(plain, _MEMORY)
        with_, without = (min(taken[port]) for port in (counting, plain))  # what others on the computer take adds
        memory = " ".join(f"{(end - begin) / 1e6:+.1f} MB" for begin, end in zip(before, after, strict=True))
        print(f"{title}: counted {with_:.4f} ms, not counted {without:.4f} ms, ratio {with_ / without:.3f}; {memory}")
        print("  each round:", " ".join(f"{a:.3f}/{b:.3f}" for a, b in zip(*taken.values(), strict=True)))


def _numbers(folder: Path) -> tuple[list[bytes], dict[str, Any]]:
    """Twenty columns of numbers."""
    values = np.random.default_rng(1).normal(size=(2_000, 20))
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(values, values[:, 0] > 0)
    columns = [f"feature_{number}" for number in range(20)]
    signature = {"inputs": [{"name": "X", "datatype": "FP64", "shape": [-1, 20], "columns": columns}], "outputs": []}
    _save(folder, model, signature)
    cuts = [round(-1.2 + 0.3 * number, 3) for number in range(9)]
    features = [{"name": n, "kind": "number", "cuts": cuts, "least": -4.0, "greatest": 4.0} for n in columns]
    bodies = [json.dumps({"rows": [dict(zip(columns, row, strict=True))]}).encode() for row in values[:200].tolist()]
    return bodies, {"format": 1, "features": features, "answers": _classes("false", "true")}


def _mixed(folder: Path) -> tuple[list[bytes], dict[str, Any]]:
    """Ten columns of numbers and five of names."""
    chance = np.random.default_rng(2)
    names = [f"name {number}" for number in range(12)]
    rows = np.empty((2_000, 15), dtype=object)
    rows[:, :10] = chance.normal(size=(2_000, 10))
    rows[:, 10:] = chance.choice(names, size=(2_000, 5))
    parts = [("n", StandardScaler(), list(range(10))), ("c", OneHotEncoder(), list(range(10, 15)))]
    model = make_pipeline(ColumnTransformer(parts), LogisticRegression()).fit(rows, rows[:, 0] > 0)
    _save(folder, model, {"inputs": [], "outputs": []})
    cuts = [round(-1.2 + 0.3 * number, 3) for number in range(9)]
    features = [{"name": f"x{n}", "kind": "number", "cuts": cuts, "least": -4.0, "greatest": 4.0} for n in range(10)]
    features += [
        {"name": f"x{n}", "kind": "category", "categories": names[:10], "rare": names[10:]} for n in range(10, 15)
    ]
    bodies = [json.dumps({"rows": [row]}).encode() for row in rows[:200].tolist()]
    return bodies, {"format": 1, "features": features, "answers": _classes("false", "true")}


def _classes(*names: str) -> dict[str, Any]:
    return {"name": "", "kind": "category", "categories": list(names), "rare": []}


def _save(folder: Path, model: Any, signature: dict[str, Any]) -> None:
    save_joblib(folder, model, signature=signature)


@contextmanager
def _service(folder: Path) -> Iterator[int]:
    with running(folder, output=subprocess.DEVNULL) as (port, _):
        yield port


def _load(port: int, bodies: list[bytes], requests: int) -> None:
    threads = [
        threading.Thread(target=_ask, args=(port, bodies, begin, requests // CONNECTIONS))
        for begin in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(1.2)  # what waits is counted


def _ask(port: int, bodies: list[bytes], begin: int, requests: int) -> None:
    head = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(requests):
            body = bodies[(begin + number * CONNECTIONS) % len(bodies)]
            stream.sendall(head % len(body) + body)
            if not _answer(stream).startswith(b"HTTP/1.1 200"):
                raise SystemExit("a request was not answered")


def _answer(stream: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(stream)
    head, _, rest = data.partition(b"\r\n\r\n")
    length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
    while len(rest) < length:
        rest += _more(stream)
    return head


def _more(stream: socket.socket) -> bytes:
    got = stream.recv(65536)
    if not got:
        raise SystemExit("the service closed the connection")
    return got


def _read(port: int, pattern: re.Pattern[bytes]) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics?features=no") as answer:
        found = pattern.search(answer.read())
    assert found is not None
    return float(found[1])


if __name__ == "__main__":
    main()
