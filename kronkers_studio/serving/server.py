"""The process: load the model, listen, say that it is ready, and clean up in the end."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

from kronkers_studio.serving.execution import Runner
from kronkers_studio.serving.frameworks.workers.python_workers import PythonWorkers
from kronkers_studio.serving.frameworks.workers.worker_model import WorkerModel
from kronkers_studio.serving.frameworks.workers.worker_pool import WorkerPool
from kronkers_studio.serving.http.app import Limits, build_app
from kronkers_studio.serving.http.identity import read_identity
from kronkers_studio.serving.http.request_log import RequestLog
from kronkers_studio.serving.http_server import HttpServer
from kronkers_studio.serving.logs import mute_output
from kronkers_studio.serving.manifest import Manifest, read_manifest
from kronkers_studio.serving.metrics.answer_counts import counts_for
from kronkers_studio.serving.metrics.exposition import Metrics
from kronkers_studio.serving.metrics.feature_bins import read_bins
from kronkers_studio.serving.metrics.feature_counts import FeatureCounts
from kronkers_studio.serving.model import Model
from kronkers_studio.serving.model_loader import load_model
from kronkers_studio.serving.problems import CannotStart
from kronkers_studio.serving.recording.recorder import Recorder
from kronkers_studio.serving.stop_file import StopFile
from kronkers_studio.serving.warm_up import warm_up

_log = logging.getLogger(__name__)

_SECONDS_FOR_WORKERS = 60.0  # until all have loaded the model; it is ready with fewer then
_PAUSE = 0.05


@dataclass(frozen=True)
class RecordingOptions:
    """The ``share`` of requests that are kept, the workspace's public key (hexadecimal digits), where they are kept,
    and how many rows and bytes at most."""

    share: float
    public_key: str
    folder: Path
    most_rows: int
    most_bytes: int


@dataclass(frozen=True)
class Options:
    """What the command line says. ``listen_fd``: a socket, handed over by who started this, that listens already;
    ``stop_file``: the service stops in order as soon as that file exists; ``mute``: what libraries print is dropped
    once it serves; ``workers``: how many processes of its own the model runs in (``load_model``); ``request_log``: the
    share of requests that have a line in the log; ``recording``: what is kept of the rows, None for nothing."""

    model: Path
    host: str = "127.0.0.1"
    port: int = 0
    listen_fd: int | None = None
    secret_file: Path | None = None
    ready_file: Path | None = None
    stop_file: Path | None = None
    mute: bool = False
    threads: int = 1
    workers: int | None = None
    request_log: float = 0.0
    recording: RecordingOptions | None = None
    limits: Limits = field(default_factory=Limits)


def serve(options: Options) -> None:
    """Serve the model until told to stop. Raises ``CannotStart``."""
    began = time.perf_counter()
    manifest = read_manifest(options.model)
    identity = read_identity(options.secret_file, manifest.name, manifest.version)
    model = load_model(manifest, options.threads, options.workers)
    pool = model.pool if isinstance(model, WorkerModel | PythonWorkers) else None
    threads = options.threads if pool is None else pool.grow()
    runner = Runner(model, threads=threads, most_waiting=options.limits.most_waiting, quick=pool is None)
    listener = _adopted(options.listen_fd) if options.listen_fd is not None else _listen(options.host, options.port)
    address, port = listener.getsockname()[:2]
    bins = read_bins(options.model, manifest.statistics)
    features = FeatureCounts(bins, model) if bins is not None else None
    about = (manifest.name, manifest.version, manifest.framework)
    metrics = Metrics(*about, counts_for(model), features, has_workers=pool is not None)
    recorder = _recorder(options.recording, model, metrics)
    stop = StopFile(options.stop_file) if options.stop_file else None

    def say_ready() -> None:
        _say_started(manifest, port, time.perf_counter() - began)
        if options.ready_file:
            _write_ready(options.ready_file, port)

    async def prepare() -> None:
        if options.mute:
            mute_output()
        if pool is not None:
            await _workers_live(pool)
        await warm_up(model, runner)

    server = HttpServer(
        prepare=prepare,
        when_ready=say_ready,
        each_second=metrics.advance,
        is_told_to_stop=lambda: stop is not None and stop.is_there(),
    )
    app = build_app(
        manifest,
        model,
        runner,
        options.limits,
        identity=identity,
        address=address,
        unready=lambda: server.unready or (pool.unready if pool is not None else ""),
        metrics=metrics,
        recorder=recorder,
    )
    server.config.app = RequestLog(app, options.request_log) if options.request_log > 0 else app
    try:
        server.run(sockets=[listener])
    finally:
        runner.close()
        if recorder is not None:
            recorder.close()
        if pool is not None:
            pool.close()
        if options.ready_file:
            _take_back(options.ready_file)
        _log.info("stopped")


def _recorder(options: RecordingOptions | None, model: Model, metrics: Metrics) -> Recorder | None:
    if options is None:
        return None
    recorder = Recorder(
        model,
        options.share,
        folder=options.folder,
        public_key=options.public_key,
        most_rows=options.most_rows,
        most_bytes=options.most_bytes,
    )
    metrics.register(recorder)
    return recorder


async def _workers_live(pool: WorkerPool) -> None:
    """Wait for all workers, without a thread: that would be waited for where the service stops meanwhile."""
    deadline = time.monotonic() + _SECONDS_FOR_WORKERS
    while not pool.is_full and time.monotonic() < deadline:
        await asyncio.sleep(_PAUSE)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off (it costs 40 ms an answer) only on sockets that name their protocol.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":  # elsewhere the option would let a second program take the same port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise CannotStart(f"The address {host}:{port} cannot be used: {error.strerror}.") from None
    listener.listen(1024)
    return listener


class _Listening(socket.socket):
    """A socket that listens already. asyncio says so once more, which a confined process may not."""

    def listen(self, backlog: int = 0, /) -> None:
        pass


def _adopted(descriptor: int) -> socket.socket:
    try:
        found = socket.socket(fileno=descriptor)
        accepts = found.type == socket.SOCK_STREAM and found.family in (socket.AF_INET, socket.AF_INET6)
        if not accepts or not found.getsockname()[1]:
            raise CannotStart(f"What was handed over as {descriptor} is not a listening TCP socket.")
    except OSError as error:
        raise CannotStart(f"There is no socket to listen on at {descriptor}: {error.strerror}.") from None
    # As in _listen: the protocol is named, which not every system can tell from the descriptor.
    return _Listening(found.family, found.type, socket.IPPROTO_TCP, found.detach())


def _say_started(manifest: Manifest, port: int, seconds: float) -> None:
    fields = {
        "model": manifest.name,
        "version": manifest.version,
        "framework": manifest.framework,
        "port": port,
        "seconds": round(seconds, 3),
    }
    _log.info("serving", extra={"fields": fields})


def _write_ready(file: Path, port: int) -> None:
    """Into the file that is there, if one is; whoever reads too early finds no whole JSON."""
    said = json.dumps({"port": port, "pid": os.getpid()})
    if file.exists():
        file.write_text(said, encoding="utf-8")
        return
    draft = file.with_name(file.name + ".new")
    draft.write_text(said, encoding="utf-8")
    draft.replace(file)


def _take_back(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except PermissionError:  # a confined process may only write into it
        file.write_bytes(b"")
