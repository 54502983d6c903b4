"""Bringing a package's image to a server's engine: only the layers that it lacks, and proof that it has the image."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import docker.errors

from kronkers_studio.deployment.commands import read_disk, read_memory
from kronkers_studio.deployment.engine import (
    MOST_IMAGE,
    Engine,
    engine_errors,
    explanation,
    open_engine,
    open_patient_engine,
)
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.errors import BaseImageUnavailable, ServerError, ServerFull
from kronkers_studio.domain.image_contract import image_tag
from kronkers_studio.domain.models import Layer, Package
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress

Archive = Callable[[Collection[str]], Iterator[bytes]]
"""Makes the bytes of a `docker save` archive, leaving out the layers with the diff ids given."""

_PIECE = 256 * 1024
_LAYERED_DRIVERS = ("overlay2", "vfs", "btrfs", "zfs")
"""Storage drivers with which an archive may lack layers that the engine has; not with containerd's image store."""


_TIMES_SIZE = 4
"""Of what is sent, the engine keeps the archive beside its layers unpacked, which are up to three times as large."""
_RESERVE_BYTES = 200_000_000
_LEAST_MEMORY_BYTES = 150_000_000


class Image(Protocol):
    """What is to be brought: a composed package."""

    @property
    def config_digest(self) -> str: ...

    @property
    def package(self) -> Package: ...


def load_image(
    connection: Connection,
    archive: Archive,
    image: Image,
    *,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> str:
    """Make sure that the engine has ``image``; the image's id there.

    Only missing layers are sent. Nothing is left behind when it fails or is cancelled. Raises ``Cancelled``,
    ``ServerUnreachable``, ``ServerError`` when the engine refuses it or ends up with something else.
    """
    engine = open_engine(connection)
    with engine_errors(connection, "loading the image"):
        found = _find(engine, image)
        if found is None:
            shared = _shared_layers(engine, image.package.layers)
            _require_room(connection, engine, image, shared)
            _send(connection, archive, image, shared, progress, cancel)
            found = _find(engine, image)
        else:
            progress.note(f"{connection.server.name} has the package already")
        if found is None:
            raise ServerError(
                f"{connection.server.name} took the package but has another image than the one sent.",
                next_step="Try again; if it happens again, look at the engine's log on the server.",
            )
        repository, _, tag = _tag(image).partition(":")
        engine.tag(found, repository, tag)
        return found


def export_image(connection: Connection, name: str) -> Iterator[bytes]:
    """The image ``name`` of the engine as a `docker save` archive, in pieces.

    Raises ``BaseImageUnavailable`` when the engine has no such image.
    """
    open_engine(connection)
    engine = open_patient_engine(connection, most=MOST_IMAGE)
    with contextlib.closing(engine), engine_errors(connection, f"exporting the image {name}"):
        try:
            engine.inspect_image(name)
        except docker.errors.ImageNotFound:
            raise BaseImageUnavailable(
                f"The engine of {connection.server.name} has no image called {name}.",
                next_step=f"Load it there first (docker load, or docker pull {name}), or choose another base image.",
            ) from None
        yield from engine.get_image(name, chunk_size=_PIECE)


def _tag(image: Image) -> str:
    return image_tag(image.package.model, image.package.version, image.package.digest)


def _find(engine: Engine, image: Image) -> str | None:
    """The id of ``image`` on the engine, if it is there with exactly its layers."""
    layers = [layer.diff_id for layer in image.package.layers]
    for name in (image.config_digest, _tag(image)):
        try:
            found = engine.inspect_image(name)
        except docker.errors.ImageNotFound:
            continue
        if found.get("RootFS", {}).get("Layers") == layers:
            return str(found["Id"])
    return None


def _shared_layers(engine: Engine, layers: Sequence[Layer]) -> tuple[str, ...]:
    """How many of the lowest layers some image of the engine has too, where an archive may leave them out.

    A layer is of use only on top of the same layers, so a common beginning is what counts.
    """
    if engine.info().get("Driver") not in _LAYERED_DRIVERS:
        return ()
    wanted = [layer.diff_id for layer in layers]
    longest = 0
    for present in _layers_of_images(engine):
        same = 0
        while same < min(len(wanted), len(present)) and wanted[same] == present[same]:
            same += 1
        longest = max(longest, same)
    return tuple(wanted[:longest])


def _layers_of_images(engine: Engine) -> Iterator[list[str]]:
    for summary in engine.images():
        with contextlib.suppress(docker.errors.ImageNotFound):  # removed meanwhile
            yield list(engine.inspect_image(summary["Id"]).get("RootFS", {}).get("Layers") or [])


def _require_room(connection: Connection, engine: Engine, image: Image, shared: Collection[str]) -> None:
    """Raise ``ServerFull`` before anything is sent to a server whose disk or memory is too small for it.

    What cannot be read does not hinder: the engine has the last word.
    """
    name = connection.server.name
    sent = sum(layer.size for layer in image.package.layers if layer.diff_id not in shared)
    wanted = sent * _TIMES_SIZE + _RESERVE_BYTES
    folder = data_folder(engine.info())
    free = free_disk_bytes(connection.run(read_disk(folder)).output)
    if free is not None and free < wanted:
        full = ServerFull(
            f"{name} has {_megabytes(free)} free on its disk ({folder}); the package needs {_megabytes(wanted)}.",
            next_step="Nothing was sent. Clean up the server, or free some space there.",
        )
        full.server, full.command = name, f"`kronkers server clean {name}` removes what no release needs."
        raise full
    available = available_memory_bytes(connection.run(read_memory()).output)
    if available is not None and available < _LEAST_MEMORY_BYTES:
        raise ServerFull(
            f"{name} has {_megabytes(available)} of memory left; a model service needs "
            f"{_megabytes(_LEAST_MEMORY_BYTES)} and more.",
            next_step="Nothing was sent. Stop something there first.",
        )


def data_folder(info: Mapping[str, Any]) -> str:
    """Where the engine keeps its data, from what it says of itself."""
    folder = str(info.get("DockerRootDir", ""))
    return folder if folder.startswith("/") else "/"


def free_disk_bytes(df: str) -> int | None:
    """From the output of `df -Pk`; None when it cannot be read."""
    try:
        return int(df.splitlines()[-1].split()[3]) * 1024
    except (IndexError, ValueError):
        return None


def available_memory_bytes(meminfo: str) -> int | None:
    """From the text of /proc/meminfo; None when it cannot be read."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", meminfo, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _megabytes(count: int) -> str:
    return f"{count / 1_000_000:,.0f} MB"


def _send(
    connection: Connection,
    archive: Archive,
    image: Image,
    shared: tuple[str, ...],
    progress: Progress,
    cancel: CancelToken,
) -> None:
    """Send the archive without ``shared`` layers, and whole when the engine does not take it so."""
    if shared:
        try:
            _upload(connection, archive(frozenset(shared)), image, shared, progress, cancel)
            return
        except _Refused:
            progress.note(f"{connection.server.name} wants the whole package")
    try:
        _upload(connection, archive(frozenset()), image, (), progress, cancel)
    except _Refused as refusal:
        raise ServerError(
            f"The Docker engine of {connection.server.name} does not take the package: {refusal}.",
            next_step="See that its disk is not full; then try again.",
        ) from None


class _Refused(Exception):
    """The engine read the archive and said no; the text is its reason."""


def _upload(
    connection: Connection,
    archive: Iterator[bytes],
    image: Image,
    shared: Collection[str],
    progress: Progress,
    cancel: CancelToken,
) -> None:
    size = sum(layer.size for layer in image.package.layers if layer.diff_id not in shared)
    progress.step(f"Sending {image.package.model} {image.package.version} to {connection.server.name}", size, "bytes")
    with contextlib.closing(open_patient_engine(connection)) as engine:
        try:
            problems = engine.load_archive(_counted(archive, progress, cancel))
        except docker.errors.APIError as error:
            problems = [explanation(error)]
    if problems:
        raise _Refused(problems[0].rstrip("."))


def _counted(archive: Iterable[bytes], progress: Progress, cancel: CancelToken) -> Iterator[bytes]:
    """``archive`` in pieces of a good size for the network."""
    pieces: list[bytes] = []
    held = 0
    for piece in archive:
        cancel.check()
        pieces.append(piece)
        held += len(piece)
        if held >= _PIECE:
            yield b"".join(pieces)
            progress.advance(held)
            pieces, held = [], 0
    if pieces:
        yield b"".join(pieces)
        progress.advance(held)
