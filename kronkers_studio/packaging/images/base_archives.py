"""Base images out of archives and engines: what ``docker save`` writes, and tars of the OCI image layout.

An archive is read once from front to back, so a file and an engine's export stream are the same thing. Layers that
come uncompressed are compressed once, on their way into the cache; compressed ones are kept as they are.
"""

from __future__ import annotations

import contextlib
import hashlib
import posixpath
import stat
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from kronkers_studio.domain.errors import BaseImageUnavailable
from kronkers_studio.domain.models import Layer
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.packaging.digests import blob_name
from kronkers_studio.packaging.images.base_images import base_of, kept_base, known_base
from kronkers_studio.packaging.images.image import BaseImage
from kronkers_studio.packaging.images.image_documents import (
    LARGEST_DOCUMENT,
    LARGEST_IMAGE,
    MOST_PARTS,
    ImageConfig,
    NotAnImage,
    image_config,
    index_entries,
    json_value,
    manifest_config,
    manifest_layers,
    parts_of,
    saved_images,
)
from kronkers_studio.packaging.images.layers import TAR_GZIP, compress
from kronkers_studio.packaging.layer_cache import LayerCache
from kronkers_studio.packaging.tar_stream import open_stream, stream_pieces

_MOST_DOCUMENTS = 64 * 1024 * 1024  # bytes of all of them
_MOST_MEMBERS = 20_000
_EXPANSION = 250  # an archive grows less when it is unpacked; a bomb grows a thousandfold
_ALWAYS_TAKEN = 1 << 30
_CHUNK = 1 << 20
_ZSTD = b"\x28\xb5\x2f\xfd"
_DEEPEST = 8
_MOST_LISTED = 1000
_SHOWN = 12  # platforms worth listing in a sentence


def base_from_archive(
    path: Path, platform: str, cache: LayerCache, *, progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> BaseImage:
    """The image for ``platform`` in the archive ``path``; an unchanged archive is not read again.

    Raises ``BaseImageUnavailable``, ``Cancelled``.
    """
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise _no_archive(path.name, "no file")
        key = f"archive {path.resolve()} {state.st_size} {state.st_mtime_ns}"
        known = known_base(key, platform, cache)
        if known is not None:
            return known
        with path.open("rb") as stream:
            pieces = _counted(stream_pieces(stream), progress, f"Reading {path.name}", state.st_size)
            largest = min(LARGEST_IMAGE, _ALWAYS_TAKEN + _EXPANSION * state.st_size)
            found = _read(pieces, platform, path.name, largest, cache, cancel)
    except OSError as error:
        raise BaseImageUnavailable(
            f"The base image {path} cannot be read: {error.strerror or error}.",
            next_step="Choose an archive that `docker save` or `skopeo copy` wrote.",
        ) from None
    return kept_base(key, found, cache)


def base_from_engine(
    export: Iterable[bytes],
    cache: LayerCache,
    *,
    platform: str = "",
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> BaseImage:
    """The image in what an engine exports (``docker save``, ``GET /images/{name}/get``).

    Its platform is the exported image's unless ``platform`` asks for one.
    Raises ``BaseImageUnavailable``, ``Cancelled``.
    """
    return _read(
        _counted(export, progress, "Reading the base image", None), platform, "engine", LARGEST_IMAGE, cache, cancel
    )


def _counted(pieces: Iterable[bytes], progress: Progress, title: str, total: int | None) -> Iterator[bytes]:
    progress.step(title, total, "bytes")
    for piece in pieces:
        progress.advance(len(piece))
        yield piece


@dataclass(slots=True)
class _Contents:
    """What an archive held: small JSON files, layers by file name, and links from one name to another."""

    documents: dict[str, Any] = field(default_factory=dict)
    layers: dict[str, Layer] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    _bytes: int = 0
    _parts: int = 0

    def add(self, name: str, data: bytes) -> None:
        """Keep a document."""
        self._bytes += len(data)
        self._parts += parts_of(data)
        if self._bytes > _MOST_DOCUMENTS or self._parts > MOST_PARTS:
            raise NotAnImage("far more JSON than images have")
        self.documents[name] = json_value(data)

    def object(self, name: str) -> dict[str, Any]:
        """The document called ``name``, which must be an object."""
        found = self.documents.get(self.named(name))
        if not isinstance(found, dict):
            raise NotAnImage(f"{name} is missing or no object")
        return found

    def layer(self, name: str) -> Layer:
        """The layer in the file called ``name``."""
        try:
            return self.layers[self.named(name)]
        except KeyError:
            raise NotAnImage(f"{name} is missing") from None

    def named(self, name: str) -> str:
        """``name``, or what it is a link to."""
        for _ in range(_DEEPEST):
            if name not in self.links:
                break
            name = self.links[name]
        return name


def _read(
    pieces: Iterable[bytes], platform: str, source: str, largest: int, cache: LayerCache, cancel: CancelToken
) -> BaseImage:
    """The image in an archive that may unpack to ``largest`` bytes."""
    contents = _Contents()
    try:
        with contextlib.closing(open_stream(pieces)) as archive:
            unpacked = 0
            for number, member in enumerate(archive):
                cancel.check()
                unpacked += member.size
                if unpacked > largest or number >= _MOST_MEMBERS:
                    raise NotAnImage(f"{unpacked} bytes and more, unpacked")
                _take(archive, member, contents, cache, cancel)
        config, names = _choose(contents, platform)
        return base_of(config, [contents.layer(name) for name in names], source)
    except (tarfile.TarError, EOFError, NotAnImage, RecursionError) as error:
        raise _no_archive(source, f"{type(error).__name__}: {error}") from None


def _no_archive(source: str, why: str) -> BaseImageUnavailable:
    return BaseImageUnavailable(
        f"The base image from {source} is not a complete image archive.",
        next_step="Make it again with `docker save` or `skopeo copy`.",
        details=why,
    )


def _take(
    archive: tarfile.TarFile, member: tarfile.TarInfo, contents: _Contents, cache: LayerCache, cancel: CancelToken
) -> None:
    """What a member is to the image. Its name is looked up in, never a path: nothing is written under it."""
    name = posixpath.normpath(member.name)
    if member.issym() or member.islnk():
        inside = posixpath.dirname(name) if member.issym() else ""
        contents.links[name] = posixpath.normpath(posixpath.join(inside, member.linkname))
        return
    stream = archive.extractfile(member) if member.isreg() else None
    if stream is None:
        return
    if name.endswith(".json") or (name.startswith("blobs/") and member.size <= LARGEST_DOCUMENT):
        data = stream.read(LARGEST_DOCUMENT + 1)
        if data.lstrip()[:1] in (b"{", b"["):
            _require_digest(name, hashlib.sha256(data).hexdigest())
            contents.add(name, data)
            return
        contents.layers[name] = _keep(name, iter((data,)), cache, cancel)
    elif name.startswith("blobs/") or name.endswith("layer.tar"):
        contents.layers[name] = _keep(name, _pieces(stream), cache, cancel)


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(_CHUNK):
        yield piece


def _keep(name: str, pieces: Iterator[bytes], cache: LayerCache, cancel: CancelToken) -> Layer:
    """One layer into the cache; its diff id is "" when it came compressed (the image's configuration knows it)."""
    first = next(pieces, b"")
    whole = _again(first, pieces)
    with cache.draft() as draft:
        if first[:2] == b"\x1f\x8b" or first[:4] == _ZSTD:
            digest, size = _copy(whole, draft, cancel)
            diff_id = ""
            _require_digest(name, digest.removeprefix("sha256:"))
        else:
            digest, diff_id, size = compress(whole, draft, cancel)
            _require_digest(name, diff_id.removeprefix("sha256:"))
        cache.adopt(draft, digest)
    media_type = TAR_GZIP if first[:4] != _ZSTD else TAR_GZIP.replace("gzip", "zstd")
    return Layer("base", digest, diff_id, size, media_type)


def _again(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _copy(pieces: Iterable[bytes], target: Path, cancel: CancelToken) -> tuple[str, int]:
    hasher, size = hashlib.sha256(), 0
    with target.open("wb") as file:
        for piece in pieces:
            cancel.check()
            hasher.update(piece)
            size += file.write(piece)
    return f"sha256:{hasher.hexdigest()}", size


def _require_digest(name: str, found: str) -> None:
    """A blob's name in the OCI layout is its digest."""
    if name.startswith("blobs/sha256/") and name.removeprefix("blobs/sha256/") != found:
        raise NotAnImage(f"{name} is damaged")


def _choose(contents: _Contents, platform: str) -> tuple[ImageConfig, list[str]]:
    """The configuration and the layers' file names of the image for ``platform`` ("" takes the first)."""
    found = _from_docker(contents) if "manifest.json" in contents.documents else _from_layout(contents)
    platforms = []
    for config, names in found:
        if not platform or config.platform == platform:
            return config, names
        platforms.append(config.platform)
    raise BaseImageUnavailable(
        f"The archive holds no image for {platform}, only for {', '.join(platforms[:_SHOWN]) or 'none at all'}.",
        next_step="Choose an archive with an image of the servers' platform.",
    )


def _from_docker(contents: _Contents) -> Iterator[tuple[ImageConfig, list[str]]]:
    for config, layers in saved_images(contents.documents["manifest.json"]):
        described = image_config(contents.object(posixpath.normpath(config)))
        yield described, [posixpath.normpath(name) for name in layers]


def _from_layout(contents: _Contents) -> Iterator[tuple[ImageConfig, list[str]]]:
    waiting = index_entries(contents.object("index.json"))
    for _ in range(_MOST_LISTED):  # an index may hold indexes
        if not waiting:
            return
        document = contents.documents.get(blob_name(waiting.pop(0).digest))
        if not isinstance(document, dict):  # for a platform that the archive leaves out
            continue
        if "manifests" in document:
            waiting.extend(index_entries(document))
        if "layers" in document:
            config = contents.documents.get(blob_name(manifest_config(document).digest))
            if isinstance(config, dict) and "rootfs" in config:  # otherwise no image: a signature, or an attestation
                yield image_config(config), [blob_name(layer.digest) for layer in manifest_layers(document)]
