"""What a confined service needs: the socket that it is handed, and one folder to write in."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kronkers_studio.deployment.service_client import LoopbackClient
from tests.serving.model_folders import refused_start, wait_for_port, wine_folder, wine_rows

# Told of every socket bound, connected or made to listen, every program started and every file opened to be written,
# from the program's own start.
WATCHED = """
import os, runpy, socket, sys

seen = open({record!r}, "a", encoding="utf-8")

def note(event, arguments):
    if event.startswith(("subprocess.", "os.fork", "os.exec", "os.posix_spawn", "os.system")) or event in (
        "socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostbyname"
    ):
        print(event, file=seen, flush=True)
    elif event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        print("writes", arguments[0], file=seen, flush=True)

sys.addaudithook(note)
socket.socket.listen = lambda *_: print("socket.listen", file=seen, flush=True)
sys.argv[0] = "serving"
runpy.run_module("kronkers_studio.serving", run_name="__main__", alter_sys=True)
"""


def test_it_serves_on_the_socket_that_it_is_handed_and_makes_and_writes_nothing_else(tmp_path: Path) -> None:
    folder, scratch, record = wine_folder(tmp_path / "model"), tmp_path / "scratch", tmp_path / "record"
    scratch.mkdir()
    before = sorted(folder.iterdir())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.set_inheritable(True)
        own = [*("--listen-fd", str(listener.fileno())), *("--host", "203.0.113.1", "--port", "1")]
        files = [f"--{name}-file={scratch / name}" for name in ("ready", "stop", "log")]
        code = WATCHED.format(record=str(record))
        process = subprocess.Popen(
            [sys.executable, "-B", "-c", code, "--model", str(folder), *own, *files], close_fds=False
        )
        port = listener.getsockname()[1]
    try:
        assert wait_for_port(scratch / "ready", process) == port
        client = LoopbackClient(port)
        body = json.dumps({"rows": wine_rows()}).encode()
        for _ in range(3):
            assert client.request("POST", "/predict", body, {"Content-Type": "application/json"})[0] == 200
        assert b"kronkers_process_memory_bytes" in client.request("GET", "/metrics")[1]
        client.close()
        (scratch / "stop").touch()
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
    noted = record.read_text(encoding="utf-8").splitlines()
    written = {Path(line.removeprefix("writes ")).name for line in noted if line.startswith("writes ")}
    assert [line for line in noted if not line.startswith("writes ")] == []
    assert written <= {"ready.new", "log", "null"}, written
    assert sorted(folder.iterdir()) == before


def test_what_is_no_listening_socket_is_refused_with_a_sentence(tmp_path: Path) -> None:
    folder = wine_folder(tmp_path / "model")
    assert "no socket to listen on at 99" in refused_start(folder, "--listen-fd", "99")


def test_it_goes_on_where_it_may_not_open_the_null_device(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    from kronkers_studio.serving import logs

    def refused(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "open", refused)
    nowhere = logs._nowhere()
    try:
        with pytest.raises(BrokenPipeError):
            os.write(nowhere, b"x")
    finally:
        os.close(nowhere)
