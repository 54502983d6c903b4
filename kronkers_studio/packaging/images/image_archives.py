"""Reading a package back from the archive file that it was written to: every blob against its digest, then its parts.

The archive is read once, and stays where it is: layers are read from it again when they are sent.
"""

from __future__ import annotations

import hashlib
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from kronkers_studio.domain.errors import PackagingFailed
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.packaging.digests import Digest, NotADigest, parse_digest
from kronkers_studio.packaging.images.archives import REFERRERS_ANNOTATION
from kronkers_studio.packaging.images.image import ComposedImage
from kronkers_studio.packaging.images.image_documents import (
    LARGEST_DOCUMENT,
    LARGEST_IMAGE,
    Descriptor,
    NotAnImage,
    index_entries,
    json_object,
)
from kronkers_studio.packaging.images.signed_images import signed_image
from kronkers_studio.packaging.tar_stream import open_file

_CHUNK = 1 << 20
_MOST_MEMBERS = 20_000
_BLOBS = "blobs/sha256/"
_INDEX = "index.json"


@dataclass(slots=True)
class _Blobs:
    """Where each blob lies in the file: at which byte, and how long it is. All of them have their digest."""

    file: Path
    places: dict[Digest, tuple[int, int]] = field(default_factory=dict)
    index: bytes = b""

    def manifest(self, wanted: Descriptor) -> bytes:
        return self.small(wanted.digest)

    def blob(self, wanted: Descriptor) -> bytes:
        return self.small(wanted.digest)

    def small(self, digest: Digest) -> bytes:
        """A document. Raises ``NotAnImage`` when it is not there, or is too large for one."""
        place = self.places.get(digest)
        if place is None or place[1] > LARGEST_DOCUMENT:
            raise NotAnImage(f"{digest} is missing")
        return b"".join(self.open(digest))

    def open(self, digest: Digest) -> Iterator[bytes]:
        """The blob's bytes, in pieces. Raises ``PackagingFailed`` when they have changed since, after the last one."""
        start, left = self.places[digest]
        hasher = hashlib.sha256()
        try:
            with self.file.open("rb") as stream:
                stream.seek(start)
                while left and (piece := stream.read(min(left, _CHUNK))):
                    left -= len(piece)
                    hasher.update(piece)
                    yield piece
        except OSError as error:
            raise _unreadable(self.file, str(error.strerror or error)) from None
        if left or f"sha256:{hasher.hexdigest()}" != digest:
            raise _unreadable(self.file, "it changed while it was read")


def image_from_archive(
    file: Path, *, progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> tuple[ComposedImage, int]:
    """The image in an archive that ``write_oci_archive`` wrote, every byte of which has its digest; and how many bytes
    were read. Who signed it is still to be asked.

    Raises ``PackagingFailed`` when it is none, or damaged; ``Cancelled``.
    """
    try:
        state = file.stat()
        if not stat.S_ISREG(state.st_mode):
            raise NotAnImage("no file")
        progress.step(f"Verifying {file.name}", state.st_size, "bytes")
        blobs = _read(file, progress, cancel)
        index = json_object(blobs.index)
        entries = index_entries(index)
        if len(entries) != 1:
            raise NotAnImage(f"{len(entries)} images")
        image = signed_image(blobs.small(entries[0].digest), _referrers(index, blobs), blobs, blobs.open)
        for layer in image.layers:
            if blobs.places.get(parse_digest(layer.digest), (0, -1))[1] != layer.size:
                raise NotAnImage(f"the layer {layer.digest} is missing")
    except OSError as error:
        raise PackagingFailed(
            f"{file} cannot be read: {error.strerror or error}.",
            next_step="Choose a file that `kronkers package --output` wrote.",
        ) from None
    except (tarfile.TarError, EOFError, NotAnImage, RecursionError) as error:
        raise _unreadable(file, f"{type(error).__name__}: {error}") from None
    return image, sum(size for _, size in blobs.places.values())


def _read(file: Path, progress: Progress, cancel: CancelToken) -> _Blobs:
    blobs = _Blobs(file)
    with file.open("rb") as stream, open_file(stream) as archive:
        for number, member in enumerate(archive):
            cancel.check()
            if number >= _MOST_MEMBERS or member.size > LARGEST_IMAGE:
                raise NotAnImage("more than any package holds")
            content = archive.extractfile(member) if member.isreg() else None
            if content is None:
                continue
            if member.name == _INDEX:
                blobs.index = content.read(LARGEST_DOCUMENT + 1)
            elif member.name.startswith(_BLOBS):
                digest = _digest(member.name)
                if _sha256(content, progress, cancel) != digest:
                    raise NotAnImage(f"{member.name} is damaged")
                blobs.places[digest] = (member.offset_data, member.size)
    return blobs


def _digest(name: str) -> Digest:
    try:
        return parse_digest(f"sha256:{name.removeprefix(_BLOBS)}")
    except NotADigest as error:
        raise NotAnImage(str(error)) from None


def _sha256(stream: IO[bytes], progress: Progress, cancel: CancelToken) -> str:
    hasher = hashlib.sha256()
    while piece := stream.read(_CHUNK):
        cancel.check()
        hasher.update(piece)
        progress.advance(len(piece))
    return f"sha256:{hasher.hexdigest()}"


def _referrers(index: dict[str, object], blobs: _Blobs) -> bytes | None:
    annotations = index.get("annotations")
    named = annotations.get(REFERRERS_ANNOTATION) if isinstance(annotations, dict) else None
    if named is None:
        return None
    try:
        return blobs.small(parse_digest(named))
    except NotADigest as error:
        raise NotAnImage(str(error)) from None


def _unreadable(file: Path, why: str) -> PackagingFailed:
    return PackagingFailed(
        f"{file.name} is not a whole package of Kronkers Studio.",
        next_step="Write it again with `kronkers package --output`, or get it again from where it came.",
        details=why,
    )
