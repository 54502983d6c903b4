"""Building an image on a server's engine from a Dockerfile: what only an engine can make, system libraries and all."""

from __future__ import annotations

import contextlib
import io
import tarfile
from collections.abc import Mapping

import docker.errors

from kronkers_studio.deployment.engine import engine_errors, explanation, open_engine, open_patient_engine
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.errors import ServerError
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress

_SECONDS = 3600.0
_MOST_SAID = 32 << 20  # bytes of what a build prints
_LAST_LINES = 15


def build_image(
    connection: Connection,
    dockerfile: bytes,
    name: str,
    *,
    arguments: Mapping[str, str] | None = None,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> None:
    """Build the image ``name`` from ``dockerfile``, with nothing beside it, on the server's network.

    ``arguments`` are the engine's own ("http_proxy"); they are not kept in the image. Raises ``ServerError`` with the
    last lines of the build when a step fails, ``ServerUnreachable``, ``Cancelled``.
    """
    server = connection.server.name
    progress.step(f"Building {name} on {server}")
    open_engine(connection)
    lines: list[str] = []
    engine = open_patient_engine(connection, most=_MOST_SAID, seconds=_SECONDS)
    with contextlib.closing(engine), engine_errors(connection, f"building {name}", seconds=_SECONDS):
        try:
            for line, error in engine.build_image(_context(dockerfile), name, arguments or {}):
                cancel.check()
                if error:
                    raise _failed(server, name, error, lines)
                if line:
                    lines = [*lines[1 - _LAST_LINES :], line]
                if line.startswith("Step "):
                    progress.note(line)
        except docker.errors.APIError as error:
            raise _failed(server, name, explanation(error), lines) from None


def _context(dockerfile: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(dockerfile)
        archive.addfile(entry, io.BytesIO(dockerfile))
    return stream.getvalue()


def _failed(server: str, name: str, why: str, lines: list[str]) -> ServerError:
    return ServerError(
        f"The engine of {server} could not build {name}: {why.rstrip('.')}.",
        next_step="See that the server reaches its package sources (through --proxy, where it needs one) and has the "
        "image that the Dockerfile begins with.",
        details="\n".join(lines),
    )
