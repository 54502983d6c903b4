"""Base images from a registry over HTTPS, by the OCI distribution protocol: no engine, no further program.

Every byte is checked against the digest it was asked for by; an interrupted download goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kronkers_studio.domain.errors import BaseImageUnavailable
from kronkers_studio.domain.models import Layer
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.packaging.base_images import base_of, kept_base, known_base
from kronkers_studio.packaging.cache import LayerCache
from kronkers_studio.packaging.image import INDEX_TYPE, MANIFEST_TYPE, BaseImage
from kronkers_studio.packaging.layers import TAR, TAR_GZIP
from kronkers_studio.packaging.references import ImageReference, parse_reference

if TYPE_CHECKING:
    from kronkers_studio.packaging.registry_http import RegistryCredentials, RegistryHttp

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
_LARGEST_DOCUMENT = 8 * 1024 * 1024
_ATTEMPTS = 4


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
    certificates to trust instead of the usual ones. Raises ``BaseImageUnavailable``, ``InvalidInput``, ``Cancelled``.
    """
    wanted = parse_reference(reference)
    known = None if refresh else known_base(str(wanted), platform, cache)
    if known is not None:
        return known
    from kronkers_studio.packaging.registry_http import RegistryHttp

    with RegistryHttp(wanted, credentials, ca_file) as registry:
        progress.step(f"Asking {wanted.host} for {wanted.repository}")
        digest, manifest = _manifest(registry, wanted, platform)
        config = json.loads(_small_blob(registry, wanted, manifest["config"]))
        layers = _layers(wanted, manifest)
        missing = [layer for layer in layers if not cache.has(layer.digest, layer.size)]
        progress.step("Downloading the base image", sum(layer.size for layer in missing), "bytes")
        for layer in missing:
            _download(registry, wanted, layer, cache, progress, cancel)
    base = base_of(config, layers, f"{wanted.name}@{digest}")
    if base.platform != platform:
        raise _no_platform(wanted, platform, [base.platform])
    return kept_base(str(wanted), base, cache)


def _manifest(registry: RegistryHttp, wanted: ImageReference, platform: str) -> tuple[str, Mapping[str, Any]]:
    """The digest and the manifest of the image for ``platform``, through an index where there is one."""
    digest, document = _document(registry, wanted, wanted.digest or wanted.tag)
    if "manifests" in document:
        found = [entry for entry in document["manifests"] if _platform_of(entry) == platform]
        if not found:
            offered = sorted({_platform_of(entry) for entry in document["manifests"]} - {"unknown/unknown", "/"})
            raise _no_platform(wanted, platform, offered)
        digest, document = _document(registry, wanted, str(found[0]["digest"]))
    if "config" not in document or "layers" not in document:
        raise BaseImageUnavailable(
            f"{wanted} is not an image of a kind that is known here.",
            next_step="Choose an image in the OCI or Docker v2 format.",
            details=str(document.get("mediaType", "")),
        )
    return digest, document


def _document(registry: RegistryHttp, wanted: ImageReference, name: str) -> tuple[str, dict[str, Any]]:
    """A manifest or index by tag or digest, and its digest."""
    with registry.get(f"{wanted.api}/manifests/{name}", {"Accept": ", ".join((*_MANIFESTS, *_INDEXES))}) as answer:
        data = registry.read(answer, _LARGEST_DOCUMENT)
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    if name.startswith("sha256:") and digest != name:
        raise _damaged(wanted)
    try:
        document = json.loads(data)
    except ValueError:
        raise _damaged(wanted) from None
    if not isinstance(document, dict):
        raise _damaged(wanted)
    return digest, document


def _platform_of(entry: Mapping[str, Any]) -> str:
    platform = entry.get("platform") or {}
    return f"{platform.get('os', '')}/{platform.get('architecture', '')}"


def _small_blob(registry: RegistryHttp, wanted: ImageReference, descriptor: Mapping[str, Any]) -> bytes:
    digest = str(descriptor["digest"])
    with registry.get(f"{wanted.api}/blobs/{digest}") as answer:
        data = registry.read(answer, _LARGEST_DOCUMENT)
    if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
        raise _damaged(wanted)
    return data


def _layers(wanted: ImageReference, manifest: Mapping[str, Any]) -> list[Layer]:
    layers = []
    for descriptor in manifest["layers"]:
        media_type = _LAYER_TYPES.get(str(descriptor.get("mediaType")))
        if media_type is None:
            raise BaseImageUnavailable(
                f"{wanted} holds a layer that may not be copied from its registry.",
                next_step="Choose another base image.",
                details=str(descriptor.get("mediaType")),
            )
        layers.append(Layer("base", str(descriptor["digest"]), "", int(descriptor["size"]), media_type))
    return layers


def _download(
    registry: RegistryHttp,
    wanted: ImageReference,
    layer: Layer,
    cache: LayerCache,
    progress: Progress,
    cancel: CancelToken,
) -> None:
    """One layer into the cache. What an interrupted download left behind is used."""
    with cache.draft() as draft:
        part = cache.part(layer.digest)
        _move(part, draft)
        try:
            for attempt in range(1, _ATTEMPTS + 1):
                if registry.append(f"{wanted.api}/blobs/{layer.digest}", draft, layer.size, progress, cancel):
                    break
                if attempt == _ATTEMPTS:
                    raise BaseImageUnavailable(
                        f"The download from {wanted.host} broke off again and again.",
                        next_step="Try again later: it goes on where it stopped.",
                    )
        except BaseException:
            _move(draft, part)
            raise
        if _sha256(draft) != layer.digest:
            raise _damaged(wanted)
        cache.adopt(draft, layer.digest)


def _move(source: Path, target: Path) -> None:
    """Whoever moves a part first has it: two processes never write to one."""
    with contextlib.suppress(OSError):  # there is none, or another process has it: begin anew
        source.replace(target)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"


def _no_platform(wanted: ImageReference, platform: str, offered: list[str]) -> BaseImageUnavailable:
    return BaseImageUnavailable(
        f"{wanted} is not published for {platform}, only for {', '.join(offered) or 'other platforms'}.",
        next_step="Choose another base image or another platform in the settings.",
    )


def _damaged(wanted: ImageReference) -> BaseImageUnavailable:
    return BaseImageUnavailable(
        f"What {wanted.host} sent for {wanted.repository} is not what its digest says.",
        next_step="Try again; if it stays so, something between here and the registry changes downloads.",
    )
