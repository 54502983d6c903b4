"""Connections to the lab's servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kronkers_studio.deployment.setup import set_up_server
from kronkers_studio.deployment.ssh import Connection, connect
from kronkers_studio.domain.servers import Server
from tests.deployment.service_image import HandMadeImage, make_service_image
from tests.lab.servers import Lab, LabServer

Connect = Callable[..., Connection]


@pytest.fixture
def connect_to() -> Iterator[Connect]:
    """``ssh.connect``, with every connection closed after the test."""
    connections = []

    def connect_to(server: Server, *arguments: object, **options: object) -> Connection:
        connections.append(connect(server, *arguments, **options))  # type: ignore[arg-type]  # passed on as given
        return connections[-1]

    yield connect_to
    for connection in connections:
        connection.close()


@pytest.fixture(scope="session")
def spare_server(lab: Lab) -> LabServer:
    """A server with an engine whose link may be cut and whose engine may be stopped; leave them working."""
    return lab.server()


@pytest.fixture
def connection(lab_server: LabServer, connect_to: Connect) -> Connection:
    """A connection to the shared server as somebody who may use its engine."""
    return connect_to(lab_server.as_server())


@pytest.fixture
def ready(connection: Connection) -> Connection:
    """A connection to the shared server, set up for releases."""
    set_up_server(connection)
    return connection


@pytest.fixture
def service_image(base_image_archive: Path) -> HandMadeImage:
    """A well-behaved model service."""
    return make_service_image(base_image_archive)
