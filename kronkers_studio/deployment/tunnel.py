"""Talking to a model service on a server: its port is on the server's loopback, reached through the SSH connection."""

from __future__ import annotations

from kronkers_studio.deployment.proof import Expected
from kronkers_studio.deployment.service_client import StreamClient
from kronkers_studio.deployment.ssh import Connection


class TunnelClient(StreamClient):
    """A client for the service on ``port`` of the server's loopback address, which must be ``expected`` if given.

    ``request`` raises ``ServerUnreachable`` when the connection to the server is lost, ``ServiceUnavailable`` when the
    service does not answer.
    """

    def __init__(self, connection: Connection, port: int, expected: Expected | None = None) -> None:
        super().__init__(
            lambda timeout: connection.open_tcp("127.0.0.1", port, timeout=timeout),
            next_step=f"See whether it still runs on {connection.server.name}; release the model again if it has "
            "stopped.",
            expected=expected,
        )
