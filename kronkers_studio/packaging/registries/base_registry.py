"""Base images from a registry over HTTPS, by the OCI distribution protocol: no engine, no further program.

Nothing that a registry says is believed: documents are checked before anything is made of them, and every byte against
the digest it was asked for by. An interrupted download goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kronkers_studio.domain.errors import BaseImageUnavailable, InvalidInput, PackagingFailed
from kronkers_studio.domain.models import Layer
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.packaging.digests import Digest, digest_of, parse_digest
from kronkers_studio.packaging.images import language_bases
from kronkers_studio.packaging.images.base_images import base_of, kept_base, kept_bases, known_base
from kronkers_studio.packaging.images.image import INDEX_TYPE, MANIFEST_TYPE, BaseImage
from kronkers_studio.packaging.images.image_documents import (
    LARGEST_DOCUMENT,
    Descriptor,
    NotAnImage,
    image_config,
    index_entries,
    json_object,
    manifest_config,
    manifest_layers,
)
from kronkers_studio.packaging.images.layers import TAR, TAR_GZIP
from kronkers_studio.packaging.layer_cache import LayerCache
from kronkers_studio.packaging.registries.image_references import ImageReference, parse_reference

if TYPE_CHECKING:
    from kronkers_studio.packaging.registries.registry_http import RegistryHttp
    from kronkers_studio.packaging.registries.registry_login import RegistryCredentials

_DOCKER = "application/vnd.docker.distribution.manifest"
_MANIFESTS = (MANIFEST_TYPE, f"{_DOCKER}.v2+json")
_INDEXES = (INDEX_TYPE, f"{_DOCKER}.list.v2+json")
_LAYER_TYPES = {
    TAR: TAR,
    TAR_GZIP: TAR_GZIP,
    "application/vnd.oci.image.layer.v1.tar+zstd": "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.diff.tar": TAR,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": TAR_GZIP,
}
_ATTEMPTS = 4
_OFFERED = 12  # platforms worth listing in a sentence


def base_from_registry(
    reference: str,
    platform: str,
    cache: LayerCache,
    *,
    credentials: RegistryCredentials | None = None,
    ca_file: Path | None = None,
    refresh: bool = False,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> BaseImage:
    """The image called ``reference`` ("docker.io/library/python:3.11-slim") for ``platform``.

    What was fetched before is taken from ``cache`` without asking the registry, so that packages stay the same and can
    be built without a network; ``refresh`` asks whether the tag means another image by now. ``ca_file`` holds the
    certificates (PEM) of authorities to trust besides the usual ones: a company's registry may send its layers from a
    public store. Raises ``BaseImageUnavailable`` (``RegistryLoginRefused``, ``RegistryUntrusted``), ``InvalidInput``,
    ``Cancelled``; ``PackagingFailed`` when the disk has no room for it.
    """
    wanted = parse_reference(reference)
    known = None if refresh else kept_from_registry(reference, platform, cache)
    if known is not None:
        return known
    from kronkers_studio.packaging.registries.registry_http import RegistryHttp

    try:
        with RegistryHttp(wanted, credentials, ca_file, cancel) as registry:
            progress.step(f"Asking {wanted.host} for {wanted.repository}")
            digest, manifest = _manifest(registry, wanted, platform)
            config = image_config(json_object(_small_blob(registry, wanted, manifest_config(manifest))))
            layers = _layers(wanted, manifest)
            base = base_of(config, layers, f"{wanted.name}@{digest}")
            if base.platform != platform:
                raise _no_platform(wanted, platform, [base.platform])
            missing = _missing(layers, cache)
            _require_room(cache.directory, sum(layer.size for layer in missing))
            progress.step("Downloading the base image", sum(layer.size for layer in missing), "bytes")
            for layer in missing:
                _download(registry, wanted, layer, cache, progress, cancel)
    except NotAnImage as error:
        raise BaseImageUnavailable(
            f"{wanted} is not an image of a kind that is known here.",
            next_step="Choose an image in the OCI or Docker v2 format.",
            details=str(error),
        ) from None
    return kept_base(str(wanted), base, cache)


def require_access(
    host: str, *, credentials: RegistryCredentials | None, ca_file: Path | None, cancel: CancelToken = NEVER
) -> None:
    """Ask the registry at ``host`` whether it takes the login, or is there at all when there is none to be tried.

    Raises ``RegistryLoginRefused``, ``RegistryUntrusted`` and other ``BaseImageUnavailable``, ``Cancelled``.
    """
    from kronkers_studio.packaging.registries.registry_http import RegistryHttp

    with RegistryHttp(ImageReference(host, ""), credentials, ca_file, cancel) as registry:
        registry.require_access()


def kept_from_registry(reference: str, platform: str, cache: LayerCache) -> BaseImage | None:
    """The image called ``reference`` for ``platform`` as it was fetched before; None when it was not.

    Raises ``InvalidInput`` for what cannot be an image's name.
    """
    return known_base(str(parse_reference(reference)), platform, cache)


def kept_from_registries(cache: LayerCache) -> list[tuple[ImageReference, BaseImage]]:
    """Every image that was fetched before, with what it was then; in the order of names and platforms."""
    found = []
    for key, base in kept_bases(cache):
        with contextlib.suppress(InvalidInput):  # an archive's
            image = parse_reference(key)
            if image.host != language_bases.HOST:
                found.append((image, base))
    return sorted(found, key=lambda each: (str(each[0]), each[1].platform))


def _manifest(registry: RegistryHttp, wanted: ImageReference, platform: str) -> tuple[Digest, Mapping[str, Any]]:
    """The digest and the manifest of the image for ``platform``, through an index where there is one."""
    digest, document = _document(registry, wanted, wanted.digest or wanted.tag, LARGEST_DOCUMENT)
    if "manifests" in document:
        entries = index_entries(document)
        found = [entry for entry in entries if entry.platform == platform]
        if not found:
            raise _no_platform(wanted, platform, [entry.platform for entry in entries])
        digest, document = _document(registry, wanted, found[0].digest, found[0].size)
    return digest, document


def _document(registry: RegistryHttp, wanted: ImageReference, name: str, largest: int) -> tuple[Digest, dict[str, Any]]:
    """A manifest or index of at most ``largest`` bytes by tag or digest, and its digest."""
    kinds = {"Accept": ", ".join((*_MANIFESTS, *_INDEXES))}
    data = registry.read(f"{wanted.api}/manifests/{name}", largest, kinds)
    digest = digest_of(data)
    if name not in (wanted.tag, digest):
        raise _damaged(wanted)
    try:
        return digest, json_object(data)
    except NotAnImage as error:
        raise _damaged(wanted, str(error)) from None


def _small_blob(registry: RegistryHttp, wanted: ImageReference, descriptor: Descriptor) -> bytes:
    data = registry.read(f"{wanted.api}/blobs/{descriptor.digest}", descriptor.size)
    if digest_of(data) != descriptor.digest:
        raise _damaged(wanted)
    return data


def _layers(wanted: ImageReference, manifest: Mapping[str, Any]) -> list[Layer]:
    layers = []
    for descriptor in manifest_layers(manifest):
        media_type = _LAYER_TYPES.get(descriptor.media_type)
        if media_type is None:
            raise BaseImageUnavailable(
                f"{wanted} holds a layer that may not be copied from its registry.",
                next_step="Choose another base image.",
                details=descriptor.media_type,
            )
        layers.append(Layer("base", descriptor.digest, "", descriptor.size, media_type))
    return layers


def _missing(layers: Iterable[Layer], cache: LayerCache) -> list[Layer]:
    """The layers that ``cache`` lacks, each once."""
    return list({layer.digest: layer for layer in layers if not cache.has(layer.digest, layer.size)}.values())


def _require_room(folder: Path, size: int) -> None:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if size > free:
        raise PackagingFailed(
            f"The base image is {size / 1e9:.1f} GB to download, and {folder} has room for {free / 1e9:.1f} GB.",
            next_step="Make room on that disk, or choose a smaller base image.",
        )


def _download(
    registry: RegistryHttp,
    wanted: ImageReference,
    layer: Layer,
    cache: LayerCache,
    progress: Progress,
    cancel: CancelToken,
) -> None:
    """One layer into the cache. What an interrupted download left behind is used, what a refused one did is not."""
    from kronkers_studio.packaging.registries.registry_problems import Untrue

    with cache.draft() as draft:
        part = cache.part(layer.digest)
        _take_part(part, draft)
        try:
            _fetch(registry, wanted, layer, draft, progress, cancel)
        except Untrue:
            raise
        except BaseException:
            _move(draft, part)
            raise
        if _sha256(draft) != layer.digest:
            raise _damaged(wanted)
        cache.adopt(draft, layer.digest)


def _fetch(
    registry: RegistryHttp,
    wanted: ImageReference,
    layer: Layer,
    draft: Path,
    progress: Progress,
    cancel: CancelToken,
) -> None:
    for _ in range(_ATTEMPTS):
        if registry.append(f"{wanted.api}/blobs/{layer.digest}", draft, layer.size, progress, cancel):
            return
    raise BaseImageUnavailable(
        f"The download from {wanted.host} broke off again and again.",
        next_step="Try again later: it goes on where it stopped.",
    )


def _take_part(part: Path, draft: Path) -> None:
    """Go on with ``part``, if it is a file. Nothing is ever written through a link."""
    try:
        regular = stat.S_ISREG(part.lstat().st_mode)
    except OSError:
        return
    if regular:
        _move(part, draft)


def _move(source: Path, target: Path) -> None:
    """Whoever moves a part first has it: two processes never write to one."""
    with contextlib.suppress(OSError):  # there is none, or another process has it: begin anew
        source.replace(target)


def _sha256(file: Path) -> Digest:
    with file.open("rb") as stream:
        return parse_digest(f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}")


def _no_platform(wanted: ImageReference, platform: str, offered: Iterable[str]) -> BaseImageUnavailable:
    named = sorted(set(offered) - {"", "unknown/unknown"})
    shown = ", ".join(named[:_OFFERED]) + (" …" if len(named) > _OFFERED else "")
    return BaseImageUnavailable(
        f"{wanted} is not published for {platform}, only for {shown or 'other platforms'}.",
        next_step="Choose another base image or another platform in the settings.",
    )


def _damaged(wanted: ImageReference, why: str = "") -> BaseImageUnavailable:
    return BaseImageUnavailable(
        f"What {wanted.host} sent for {wanted.repository} is not what its digest says.",
        next_step="Try again; if it stays so, something between here and the registry changes downloads.",
        details=why,
    )
