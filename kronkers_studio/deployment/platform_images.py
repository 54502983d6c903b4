"""The image of what runs on a server beside the models: built on one engine, brought to others as a file.

It is known by its id, the hash of all that is in it: what an engine ends up with is what was built.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import docker.errors

from kronkers_studio.deployment.engine import engine_errors, explanation, open_engine, open_patient_engine
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.errors import ServerError
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress

_PIECE = 1 << 20


def image_id(connection: Connection, name: str) -> str:
    """The id of the image ``name`` (which may be its id) on the server's engine; "" when it has none."""
    engine = open_engine(connection)
    with engine_errors(connection, "looking for an image"):
        try:
            return str(engine.inspect_image(name)["Id"])
        except docker.errors.ImageNotFound:
            return ""


def load_saved_image(
    connection: Connection, archive: Path, id: str, *, progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> None:
    """Make sure that the engine has the image ``id``, which the file ``archive`` (`docker save`) holds.

    Raises ``ServerError`` when it has another one afterwards, ``Cancelled``.
    """
    if image_id(connection, id) == id:
        return
    name = connection.server.name
    progress.step(f"Sending the gateway's image to {name}", archive.stat().st_size, "bytes")
    engine = open_patient_engine(connection)
    with contextlib.closing(engine), engine_errors(connection, "loading the gateway's image"):
        try:
            problems = engine.load_archive(_pieces(archive, progress, cancel))
        except docker.errors.APIError as error:
            problems = [explanation(error)]
    if problems:
        raise ServerError(
            f"The Docker engine of {name} does not take the gateway's image: {problems[0].rstrip('.')}.",
            next_step="See that its disk is not full; then try again.",
        )
    if image_id(connection, id) != id:
        raise ServerError(
            f"{name} took the gateway's image but has another one than the one sent.",
            next_step="Build it anew: `kronkers gateway image --on SERVER`.",
        )


def _pieces(archive: Path, progress: Progress, cancel: CancelToken) -> Iterator[bytes]:
    with archive.open("rb") as file:
        while piece := file.read(_PIECE):
            cancel.check()
            yield piece
            progress.advance(len(piece))
