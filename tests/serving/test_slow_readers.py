"""Who asks and does not read: let go in time and within bounds, while who reads slowly gets all of it."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import time
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvicorn
from onnx import TensorProto, helper

from kronkers_studio.deployment.service_client import LoopbackClient
from kronkers_studio.serving.http import unsent
from kronkers_studio.serving.http.answers import Answer, send_answer
from kronkers_studio.serving.http.connections import BoundedProtocol, Connections
from tests.serving.load import request
from tests.serving.model_folders import running, save_onnx, wine_rows

_LARGE = 24 << 20  # bytes: more than the systems of both sides hold for a connection
_MOST_GROWTH = 32 << 20
_HANGS = 100.0
_GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def _answer(_scope: Any, _receive: Any, send: Any) -> None:
    await send_answer(send, Answer(b"x" * _LARGE))


@asynccontextmanager
async def _service(app: Any = _answer, *, idle: float = 75) -> AsyncIterator[tuple[int, Connections]]:
    """A server with real sockets whose answers are large: its port, and what its connections share."""
    shared = Connections()
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none", timeout_keep_alive=idle)  # type: ignore[arg-type]  # a part of a second
    listener = socket.create_server(("127.0.0.1", 0))
    unsent.see_progress(listener)
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: BoundedProtocol(config, shared, {}), sock=listener):
        yield listener.getsockname()[1], shared


def _asking(port: int, sent: bytes = _GET) -> socket.socket:
    """A connection of a reader whose system takes little at a time."""
    stream = socket.socket()
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stream.connect(("127.0.0.1", port))
    stream.sendall(sent)
    stream.setblocking(False)
    return stream


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(_HANGS):
        while not holds():
            await asyncio.sleep(0.02)


def _run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, _HANGS))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds become parts of one."""
    monkeypatch.setattr(unsent, "SECONDS_TO_READ", 0.5)
    monkeypatch.setattr(unsent, "_PAUSE", 0.05)


@pytest.mark.parametrize("bytes_at_a_time", [0, 1])
@pytest.mark.parametrize("closing", [b"", b"Connection: close\r\n"])
def test_who_does_not_read_is_let_go(quick: None, bytes_at_a_time: int, closing: bytes) -> None:
    """Also where the connection was to be closed after its answer, which would wait for ever."""

    async def test() -> None:
        async with _service() as (port, shared):
            stream = _asking(port, _GET[:-2] + closing + b"\r\n")
            loop = asyncio.get_running_loop()
            await _until(lambda: bool(shared.connections) and shared.unsent.size > 0)
            while shared.connections:
                if bytes_at_a_time:
                    await loop.sock_recv(stream, bytes_at_a_time)
                await asyncio.sleep(0.02)
            assert (shared.tasks, shared.unsent.size) == (set(), 0)
            stream.close()

    _run(test())


def test_a_connection_that_is_gone_leaves_nothing_behind(quick: None) -> None:
    """Without the collector of circles, which does not come for the size of what is in them."""

    async def test() -> None:
        async with _service() as (port, shared):
            stream = _asking(port)
            await _until(lambda: shared.unsent.size > 0)
            connection = weakref.ref(next(iter(shared.connections)))
            await _until(lambda: not shared.connections)
            stream.close()
            await _until(lambda: connection() is None)

    gc.collect()
    gc.disable()
    try:
        _run(test())
    finally:
        gc.enable()


def test_who_reads_slowly_gets_all_of_it(quick: None) -> None:
    """In several times as long as a reader has who takes nothing."""

    async def test() -> None:
        async with _service() as (port, _):
            loop = asyncio.get_running_loop()
            got, began = 0, loop.time()
            with _asking(port) as stream:
                while got < _LARGE:
                    part = await loop.sock_recv(stream, 1 << 18)
                    assert part, f"closed after {got} bytes"
                    got += len(part)
                    if loop.time() - began < 3 * unsent.SECONDS_TO_READ:
                        await asyncio.sleep(0.005)
            assert loop.time() - began > 3 * unsent.SECONDS_TO_READ

    _run(test())


def test_requests_behind_an_answer_that_nobody_reads_are_let_go_with_it(quick: None) -> None:
    async def test() -> None:
        async with _service() as (port, shared):
            stream = _asking(port, 50 * _GET)
            await _until(lambda: bool(shared.tasks))
            assert shared.unsent.size <= 2 * _LARGE
            await _until(lambda: not shared.connections and not shared.tasks)
            stream.close()

    _run(test())


def test_of_too_much_that_waits_the_slowest_go_and_only_as_many_as_must(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsent, "_PAUSE", 0.05)
    monkeypatch.setattr(unsent, "_SECONDS_TO_BEGIN", 1.0)
    monkeypatch.setattr(unsent, "MOST_UNSENT", 3 * _LARGE)
    monkeypatch.setattr(unsent, "SLOW", 1 << 20)

    async def test() -> None:
        async with _service() as (port, shared):
            loop = asyncio.get_running_loop()
            reading, slow, *dead = (_asking(port) for _ in range(6))
            began = loop.time()
            await _until(lambda: shared.total_requests == 6)
            assert shared.unsent.size > 5 * _LARGE, "all may begin"
            got = 0
            while got < _LARGE:
                part = await loop.sock_recv(reading, 1 << 20)
                assert part, f"closed after {got} bytes, and reads"
                got += len(part)
                with suppress(BlockingIOError):
                    slow.recv(16)
            await _until(lambda: len(shared.connections) <= 4)
            assert loop.time() - began > 1
            await asyncio.sleep(0.3)  # some more looks, which end nobody
            assert (len(shared.connections), shared.unsent.size <= unsent.MOST_UNSENT) == (4, True)
            for stream in (reading, slow, *dead):
                stream.close()

    _run(test())


def test_who_reads_fast_gets_more_than_all_may_have_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsent, "_PAUSE", 0.05)
    monkeypatch.setattr(unsent, "_SECONDS_TO_BEGIN", 0.2)
    monkeypatch.setattr(unsent, "MOST_UNSENT", _LARGE // 16)

    async def test() -> None:
        async with _service() as (port, _):
            loop = asyncio.get_running_loop()
            got, began = 0, loop.time()
            with _asking(port) as stream:
                while got < _LARGE:
                    part = await loop.sock_recv(stream, 1 << 18)
                    assert part, f"closed after {got} bytes"
                    got += len(part)
                    if got < _LARGE // 2 and loop.time() - began < 1:
                        await asyncio.sleep(0.005)

    _run(test())


def test_who_keeps_a_connection_and_says_nothing_is_closed() -> None:
    async def small(_scope: Any, _receive: Any, send: Any) -> None:
        await send_answer(send, Answer(b"{}"))

    async def test() -> None:
        async with _service(small, idle=0.3) as (port, shared):
            streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(64)]
            for number, (reader, writer) in enumerate(streams):
                if number % 2:
                    writer.write(_GET)
                    await reader.readuntil(b"{}")
            assert [await reader.read() for reader, _ in streams] == [b""] * 64
            assert not shared.connections
            for _, writer in streams:
                writer.close()

    _run(test())


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_goes_out_in_one_piece(method: str) -> None:
    """Its head and its body: the first that comes is all of it."""

    async def small(_scope: Any, _receive: Any, send: Any) -> None:
        await send_answer(send, Answer(b"HTTP/1.1 is no head here"))

    async def test() -> None:
        async with _service(small) as (port, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for _ in range(20):
                writer.write(_GET.replace(b"GET", method.encode()))
                got = await reader.read(4096)
                assert got.startswith(b"HTTP/1.1 200 OK\r\n")
                assert got.endswith(b"\r\n\r\n" if method == "HEAD" else b"HTTP/1.1 is no head here")
            writer.close()

    _run(test())


def test_who_asks_whether_to_go_on_is_told_so_at_once(wine_port: int) -> None:
    body = json.dumps({"rows": wine_rows()}).encode()
    sent = request(body)[: -len(body)].replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    with socket.create_connection(("127.0.0.1", wine_port), timeout=10) as stream:
        stream.sendall(sent)
        assert stream.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        stream.sendall(body)
        assert stream.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.slow
def test_64_readers_who_do_not_read_hold_nobody_up_and_their_memory_is_free_again(tmp_path: Path) -> None:
    """Three times, because memory that was needed once is kept for the next. Each asked for 4 MB."""
    large, small = (request(json.dumps({"rows": [[0.5]] * rows}).encode()) for rows in (1000, 1))
    with running(_widening(tmp_path / "model")) as (port, process):
        service = psutil.Process(process.pid)
        for number in (1, 2, 3):
            before = service.memory_info().rss
            readers = [_asking(port, large) for _ in range(64)]
            _let(lambda number=number: _answered(port) == 64 + (number - 1) * 264)  # type: ignore[misc]  # a lambda's default
            asyncio.run(_asked(port, small, 200))
            _let(lambda: len(service.net_connections("tcp")) < 24)  # what they hold together is bounded
            if number == 3:
                _let(lambda: len(service.net_connections("tcp")) == 1)  # which listens
            for stream in readers:
                stream.close()
        assert service.memory_info().rss - before < _MOST_GROWTH


def _widening(folder: Path) -> Path:
    """A model that answers a thousand numbers for each."""
    given = helper.make_tensor_value_info("X", TensorProto.FLOAT, ["rows", 1])
    gives = helper.make_tensor_value_info("wide", TensorProto.FLOAT, ["rows", 1000])
    ones = helper.make_tensor("ones", TensorProto.FLOAT, [1, 1000], [1.0] * 1000)
    graph = helper.make_graph([helper.make_node("MatMul", ["X", "ones"], ["wide"])], "widen", [given], [gives], [ones])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return save_onnx(folder, model.SerializeToString())


async def _asked(port: int, sent: bytes, times: int) -> None:
    """Ask one after another, each of which is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(times):
        writer.write(sent)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HANGS)
        assert head.startswith(b"HTTP/1.1 200 ")
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
    writer.close()


def _answered(port: int) -> int:
    client = LoopbackClient(port)
    lines = client.request("GET", "/metrics")[1].decode().splitlines()
    client.close()
    return int(float(next((line for line in lines if line.startswith("kronkers_requests_total{")), "0 0").split()[1]))


def _let(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _HANGS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)
