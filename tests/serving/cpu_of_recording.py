"""Processor time of a service for each request of one row, with every request recorded and with none; then its memory
and what it keeps while 100,000 rows more are recorded.

    python -m tests.serving.cpu_of_recording [REQUESTS]

Two services of the same model take turns, as in ``cpu_per_request``. The thread that writes is part of the service's
time.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path

from kronkers_studio.deployment.service_client import LoopbackClient
from kronkers_studio.monitoring.recorded_batches import RecordingKey
from tests.serving.cpu_per_request import _CPU, _MEMORY, ROUNDS, _load, _mixed, _numbers, _read
from tests.serving.model_folders import running

_KEPT = re.compile(rb"^kronkers_recorded_rows_kept (\S+)", re.MULTILINE)
_BYTES = re.compile(rb"^kronkers_recorded_bytes_kept (\S+)", re.MULTILINE)
_ALL = re.compile(rb"^kronkers_recorded_rows_total (\S+)", re.MULTILINE)
_LARGE, _TIMES = 1000, 100


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 12_000
    with tempfile.TemporaryDirectory() as name:
        for kind in (_numbers, _mixed):
            folder, rows = Path(name) / kind.__name__, Path(name) / f"rows{kind.__name__}"
            folder.mkdir()
            rows.mkdir()
            bodies, _ = kind(folder)
            _compare(kind.__name__.strip("_"), folder, rows, bodies, requests)


def _compare(title: str, folder: Path, rows: Path, bodies: list[bytes], requests: int) -> None:
    plain_folder = folder / "plain"
    plain_folder.mkdir()
    for file in folder.iterdir():
        if file.is_file():
            (plain_folder / file.name).write_bytes(file.read_bytes())
    key = RecordingKey(bytes(32)).public
    options = ("--record-rows", "1", "--record-key", key, "--record-folder", str(rows))
    with running(folder, *options) as (recording, _), running(plain_folder) as (plain, _):
        for port in (recording, plain):
            _load(port, bodies, 2_000)
        taken: dict[int, list[float]] = {recording: [], plain: []}
        for number in range(ROUNDS):
            for port in (recording, plain) if number % 2 else (plain, recording):
                began = _read(port, _CPU)
                _load(port, bodies, requests // ROUNDS)
                taken[port].append(1000 * (_read(port, _CPU) - began) / (requests // ROUNDS))
        with_, without = (min(taken[port]) for port in (recording, plain))
        print(f"{title}: recorded {with_:.4f} ms, not recorded {without:.4f} ms, ratio {with_ / without:.3f}")
        _record_many(recording, bodies)


def _record_many(port: int, bodies: list[bytes]) -> None:
    rows = [json.loads(body)["rows"][0] for body in bodies]
    body = json.dumps({"rows": (rows * _LARGE)[:_LARGE]}).encode()
    client = LoopbackClient(port)
    for turn in range(_TIMES + 1):
        if turn % (_TIMES // 4) == 0:
            told = [_read(port, each) for each in (_MEMORY, _ALL, _KEPT, _BYTES)]
            print("  memory {:.1f} MB; {:.0f} rows recorded, {:.0f} kept in {:.2f} MB".format(
                told[0] / 1e6, *told[1:3], told[3] / 1e6))  # fmt: skip
        client.request("POST", "/predict", body, {"Content-Type": "application/json"}, timeout=60)
    client.close()


if __name__ == "__main__":
    main()
