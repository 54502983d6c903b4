"""The same through the SSH connection to a server, on which somebody else has the port."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kronkers_studio.deployment.proof import Expected
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.deployment.tunnel import TunnelClient
from kronkers_studio.domain.errors import ServiceUnavailable, ServiceUnproven
from tests.lab.servers import LabServer
from tests.own_time import own_time

EXPECTED = Expected(b"s" * 32, "wine", 3, "wine r3")


@contextmanager
def on_server(server: LabServer, name: str) -> Iterator[int]:
    """The port on the server's loopback where ``name`` of the hostile answers is given."""
    root = Path(__file__).parents[2]
    command = server.inside("env", f"PYTHONPATH={root}", sys.executable, "-m", "tests.deployment.hostile", name)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.mark.parametrize(
    "name",
    [
        *("nothing", "garbage", "length of a gigabyte", "body for ever", "chunks for ever", "tiny chunks for ever"),
        *("headers for ever", "interim for ever", "ends within the body", "minus one chunk"),
    ],
)
def test_an_answer_that_is_none_is_called_that_through_ssh(
    lab_server: LabServer, connection: Connection, name: str
) -> None:
    with on_server(lab_server, name) as port:
        client = TunnelClient(connection, port)
        began = own_time()
        with pytest.raises(ServiceUnavailable):
            client.request("GET", "/metrics", timeout=10, most_bytes=1_000_000)
        client.close()
        assert own_time() - began < 12
    assert connection.is_alive()


@pytest.mark.parametrize("name", ["silent", "head byte by byte", "body byte by byte", "chunks byte by byte"])
def test_one_deadline_holds_through_ssh(lab_server: LabServer, connection: Connection, name: str) -> None:
    with on_server(lab_server, name) as port:
        client = TunnelClient(connection, port)
        began = own_time()
        with pytest.raises(ServiceUnavailable, match="did not answer within 2 seconds"):
            client.request("GET", "/metrics", timeout=2)
        client.close()
        assert own_time() - began < 4


@pytest.mark.parametrize("name", ["garbage", "html without head", "ssh"])
def test_whoever_has_the_port_on_a_server_is_sent_nothing(
    lab_server: LabServer, connection: Connection, name: str
) -> None:
    with on_server(lab_server, name) as port:
        client = TunnelClient(connection, port, EXPECTED)
        with pytest.raises(ServiceUnproven, match="Something else answers at the address of wine r3"):
            client.request("POST", "/predict", b"rows", timeout=5)
        client.close()
