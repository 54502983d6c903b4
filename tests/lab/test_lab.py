"""The lab itself: what other tests rely on."""

from __future__ import annotations

import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import paramiko
import pytest

from kronkers_studio.deployment.ssh import fetch_host_key
from tests.lab.secret_service import SecretService
from tests.lab.servers import ROOT, LabServer
from tests.lab.ssh_peer import serve_each_connection


def test_a_server_has_its_own_users_name_and_engine(lab_server: LabServer) -> None:
    assert lab_server.root("hostname").strip() == lab_server.name
    assert "docker" in lab_server.root("id -nG analyst")
    assert "docker" not in lab_server.root("id -nG visitor")
    assert lab_server.root("docker info --format '{{.Name}}'").strip() == lab_server.name


def test_a_killed_run_leaves_no_process_and_the_next_start_removes_the_rest(lab_server: LabServer) -> None:
    script = (
        "from tests.lab.servers import Lab\n"
        "lab = Lab.start(); server = lab.server(engine=False)\n"
        "print(lab.folder, server._init, flush=True); input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        folder, init = run.stdout.readline().split()
        run.send_signal(signal.SIGKILL)
        run.wait()
    assert Path(folder).parent == ROOT
    assert Path(folder) != lab_server.lab.folder
    for _ in range(100):
        if not Path(f"/proc/{init}").exists():
            break
        time.sleep(0.05)
    assert not Path(f"/proc/{init}").exists()

    subprocess.run([sys.executable, "-m", "tests.lab", "down"], cwd=Path(__file__).parents[2], check=True)

    assert not Path(folder).exists()
    assert not Path(f"/sys/class/net/krlab{Path(folder).name}").exists()
    assert lab_server.folder.exists()


def test_the_base_image_is_an_archive_with_python(base_image_archive: Path, lab_server: LabServer) -> None:
    with base_image_archive.open("rb") as archive:
        loaded = subprocess.run(
            lab_server.inside("docker", "load"), stdin=archive, capture_output=True, text=True, check=True
        )
    assert "python:3.11-slim" in loaded.stdout
    said = lab_server.root(
        "docker run --rm --network none python:3.11-slim python3.11 -c 'import sys; print(sys.version)'"
    )
    assert said.startswith("3.11.")


def test_the_secret_service_keeps_and_locks_secrets(secret_service: SecretService) -> None:
    import keyring
    import keyring.errors

    keyring.set_password("lab", "me", "secret")
    assert keyring.get_password("lab", "me") == "secret"

    secret_service.lock()

    with pytest.raises(keyring.errors.KeyringError):
        keyring.get_password("lab", "me")
    secret_service.unlock()
    assert keyring.get_password("lab", "me") == "secret"


_SKIPPED = {
    "by a fixture or the test": "@pytest.mark.lab\ndef test_it():\n    pytest.skip('lab: no root')\n",
    "with its whole file": (
        "pytestmark = [pytest.mark.lab, pytest.mark.skipif(True, reason='lab: no root')]\n\ndef test_it(): pass\n"
    ),
}


@pytest.mark.parametrize(("required", "outcome"), [("", "1 skipped"), ("required", "1 failed|1 error")])
@pytest.mark.parametrize("skipped", _SKIPPED)
def test_a_lab_that_cannot_start_is_a_skip_and_a_failure_where_it_is_required(
    tmp_path: Path, skipped: str, required: str, outcome: str
) -> None:
    sample_text = f"import pytest\n\n{_SKIPPED[skipped]}"
    (tmp_path / "test_sample.py").write_text(sample_text, encoding="utf-8")
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.lab.fixtures"),
            *("-c", str(root / "pyproject.toml"), "--rootdir", str(root), str(tmp_path)),
        ],
        cwd=root,
        env={**os.environ, "KRONKERS_LAB": required},
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.search(outcome, run.stdout), run.stdout + run.stderr
    assert "lab: no root" in run.stdout


def test_a_client_that_resets_its_connection_does_not_end_a_threads_ssh_server() -> None:
    key = paramiko.RSAKey.generate(2048)
    transports: list[paramiko.Transport] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        arguments = (listening, key, paramiko.ServerInterface, transports)
        thread = threading.Thread(target=serve_each_connection, args=arguments)
        thread.start()
        port = listening.getsockname()[1]
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", port), 20) as leaving, leaving.makefile("rb") as heard:
                leaving.sendall(b"SSH-2.0-leaving\r\n")
                heard.readline()
                heard.read(100)  # in the middle of what the server offers
                leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert fetch_host_key("127.0.0.1", port).fingerprint == key.fingerprint
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
    for transport in transports:
        transport.close()
