"""Which requests are kept, and the thread that writes them.

Whether a request is kept depends on its id alone, so that it is kept whole or not at all. The event loop only puts it
into a queue of bounded size; a thread joins, compresses, seals and writes it. What cannot be kept is counted.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kronkers_studio.serving.model import Model
from kronkers_studio.serving.recording.documents import (
    AnsweredRows,
    RecordedRequest,
    TooManyColumns,
    documents_of,
    is_readable,
)
from kronkers_studio.serving.recording.ring import CannotRecord, Ring
from kronkers_studio.serving.recording.sealing import Sealer

_log = logging.getLogger(__name__)

_MOST_HELD = 64 << 20  # bytes of requests and answers in memory that are not written yet
_ROWS_OF_A_BATCH, _BYTES_OF_A_BATCH = 1000, 1 << 20
_LONGEST_HELD = 10.0  # seconds: what a process that is killed loses at most
_PAUSE = 1.0
_SECONDS_TO_END = 3.0
_WHOLE = 1 << 64
_LOG_AGAIN = 60.0  # seconds between two lines that say the same


class Recorder(Collector):
    """Keeps ``share`` of all requests. ``problem`` says why nothing is kept, as a sentence; "" when all is well."""

    def __init__(
        self, model: Model, share: float, *, folder: Path, public_key: str, most_rows: int, most_bytes: int
    ) -> None:
        """Never fails: what stands against recording is the ``problem``."""
        self._model = model
        self._below = int(share * _WHOLE)
        self._waiting: deque[RecordedRequest] = deque()
        self._bytes_in = self._rows_in = 0  # which the event loop counts
        self._bytes_out = self._rows_out = 0  # which the thread that writes counts: no number has two writers
        self._kept = 0
        self._lost = {"too much at once": 0, "too large": 0, "not possible": 0}
        self._writing = threading.Lock()
        self._wake, self._ending = threading.Event(), False
        self._logged: tuple[str, float] = ("", 0.0)
        self._ring: Ring | None = None
        self.problem = ""
        try:
            self._sealer = Sealer(public_key)
            self._ring = Ring(folder, most_bytes=most_bytes, most_rows=most_rows)
        except CannotRecord as reason:
            self._fail(str(reason))
        self._thread = threading.Thread(target=self._run, name="recorded rows", daemon=True)
        if self._ring is not None:
            self._thread.start()
            _log.info("recording rows", extra={"fields": {"share": share, "most_rows": most_rows}})

    def samples(self, request_id: bytes) -> bool:
        """Whether the request with that id is to be kept."""
        return int.from_bytes(hashlib.blake2b(request_id, digest_size=8).digest(), "big") < self._below

    def add(self, request_id: bytes, answered: AnsweredRows) -> None:
        """Keep an answered request. Called by the event loop only, and returns at once."""
        if self._ring is None:
            self._lost["not possible"] += answered.rows
            return
        if not answered.rows:  # a tensor of none
            return
        size = answered.size
        held = self._bytes_in - self._bytes_out + size
        if held > _MOST_HELD:
            self._lost["too much at once"] += answered.rows
            return
        self._bytes_in += size
        self._rows_in += answered.rows
        self._waiting.append(RecordedRequest(request_id.decode("latin-1"), int(time.time() * 1000), answered))
        if self._rows_in - self._rows_out >= _ROWS_OF_A_BATCH or held >= _BYTES_OF_A_BATCH:
            self._wake.set()

    def read(self, after: int, most: int) -> bytes:
        """See ``Ring.read``; with all that was answered before. Raises ``OSError``."""
        with self._writing:
            self._write_all()
            return self._ring.read(after, most) if self._ring is not None else b""

    def remove(self, through: int) -> int:
        """See ``Ring.remove``. Raises ``OSError``."""
        with self._writing:
            self._write_all()
            return self._ring.remove(through) if self._ring is not None else 0

    def close(self) -> None:
        """Write what waits, and end."""
        self._ending = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_SECONDS_TO_END)

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily("kronkers_recorded_rows", "Rows recorded since the start.", value=self._kept)
        lost = CounterMetricFamily(
            "kronkers_unrecorded_rows", "Rows that should have been recorded and were not.", labels=("reason",)
        )
        for reason, rows in self._lost.items():
            lost.add_metric((reason,), rows)
        yield lost
        if self._ring is not None:
            yield GaugeMetricFamily("kronkers_recorded_rows_kept", "Recorded rows kept now.", value=self._ring.rows)
            yield GaugeMetricFamily("kronkers_recorded_bytes_kept", "Bytes that they take.", value=self._ring.size)

    def _run(self) -> None:
        since = time.monotonic()
        while not self._ending:
            self._wake.wait(_PAUSE)
            if self._wake.is_set() or time.monotonic() - since > _LONGEST_HELD:
                self._wake.clear()
                with self._writing:
                    self._write_all()
                since = time.monotonic()
        with self._writing:
            self._write_all()

    def _write_all(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            self._write(batch)
            self._bytes_out += sum(request.answered.size for request in batch)
            self._rows_out += sum(request.rows for request in batch)

    def _next_batch(self) -> list[RecordedRequest]:
        batch: list[RecordedRequest] = []
        rows = size = 0
        while self._waiting and (not batch or (rows < _ROWS_OF_A_BATCH and size < _BYTES_OF_A_BATCH)):
            request = self._waiting[0]
            if batch and rows + request.rows > _ROWS_OF_A_BATCH:
                break
            batch.append(self._waiting.popleft())
            rows, size = rows + request.rows, size + request.answered.size
        return batch

    def _write(self, batch: list[RecordedRequest]) -> None:
        left = dict.fromkeys(batch)
        try:
            for requests, document in documents_of(self._model, batch):
                self._keep(requests, document)
                for request in requests:
                    del left[request]
        except OSError as error:
            self._give_up(left, f"the place where they are kept cannot be written to ({error.strerror})")
        except Exception as error:  # noqa: BLE001 — what a model answers may be objects that raise anything
            if len(batch) > 1:  # one of them spoiled it
                for request in left:
                    self._write([request])
            elif isinstance(error, TooManyColumns):
                self._lost["too large"] += batch[0].rows
            else:
                self._give_up(left, f"what the model answered cannot be written down ({type(error).__name__})")

    def _keep(self, requests: list[RecordedRequest], document: bytes) -> None:
        if self._ring is None:
            return
        rows = sum(request.rows for request in requests)
        moments = [request.milliseconds for request in requests]
        sealed = self._sealer.sealed(document) if is_readable(document) else None
        if sealed is not None and self._ring.append(sealed, rows, min(moments), max(moments), self._sealer.key_id):
            self._kept += rows
            self.problem = ""
        elif len(requests) == 1:
            self._lost["too large"] += rows
        else:
            for request in requests:  # each by itself may fit
                self._write([request])

    def _give_up(self, batch: Iterable[RecordedRequest], reason: str) -> None:
        self._lost["not possible"] += sum(request.rows for request in batch)
        self._fail(reason)

    def _fail(self, reason: str) -> None:
        self.problem = f"Rows are not recorded, because {reason}."
        said, at = self._logged
        if said != reason or time.monotonic() - at > _LOG_AGAIN:
            self._logged = (reason, time.monotonic())
            _log.error(self.problem)
