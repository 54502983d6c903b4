"""SSH servers in a thread of the test, for what no real one does."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

import paramiko


def serve_each_connection(
    listening: socket.socket,
    key: paramiko.PKey,
    make_server: Callable[[], paramiko.ServerInterface],
    transports: list[paramiko.Transport],
) -> None:
    """Answer whoever connects until ``listening`` is shut down; the ends are added to ``transports``, for the caller to
    close. A client that leaves in the middle, as one does that sees a strange host key, ends only its own connection.
    """
    while True:
        try:
            stream, _ = listening.accept()
        except OSError:
            return
        transport = paramiko.Transport(stream)
        transports.append(transport)
        transport.add_server_key(key)
        with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
            transport.start_server(server=make_server())
