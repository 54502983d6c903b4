"""Packages as archive files and streams: the OCI image layout, which is at the same time what ``docker load`` takes."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

from kronkers_studio.domain.models import Layer
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.packaging.archive_files import write_whole
from kronkers_studio.packaging.digests import blob_name, digest_of
from kronkers_studio.packaging.images.image import INDEX_TYPE, MANIFEST_TYPE, ComposedImage, document
from kronkers_studio.packaging.images.referrers import blobs_of, referrers_index, referrers_of
from kronkers_studio.packaging.tar_stream import TarEntry, folders_of, tar_stream

REFERRERS_ANNOTATION: Final = "io.kronkers.referrers"
"""Of an archive's index: the digest of the index of what refers to its image."""


def write_oci_archive(
    image: ComposedImage, file: Path, *, progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> None:
    """Write ``image`` to ``file`` (an existing one is replaced once the new one is complete).

    Raises ``PackagingFailed`` and leaves nothing half-written behind; ``Cancelled``.
    """
    progress.step(f"Writing {file.name}", sum(layer.size for layer in image.layers), "bytes")
    write_whole(file, docker_archive(image), progress, cancel)


def docker_archive(image: ComposedImage, *, present: Collection[str] = ()) -> Iterator[bytes]:
    """The bytes of an archive for ``docker load``, in pieces, never held in memory as a whole.

    ``present`` are diff ids of layers that the engine has: the lowest layers that are all among them are left out
    ("thin"), which engines with overlay2 accept though no specification says so. Be ready to send all of it.
    Raises ``PackagingFailed`` midway when a cached layer turns out damaged.
    """
    sent = _missing(image.layers, present)
    documents = _documents(image, complete=len(sent) == len(image.layers))
    entries = folders_of([blob_name(image.config_digest)])
    entries += [TarEntry.document(name, content) for name, content in documents.items()]
    seen: set[str] = set()
    for layer in sent:
        if layer.digest not in seen:
            seen.add(layer.digest)
            entries.append(TarEntry(blob_name(layer.digest), layer.size, lambda layer=layer: image.open_layer(layer)))  # type: ignore[misc]
    return tar_stream(entries)


def _missing(layers: Collection[Layer], present: Collection[str]) -> list[Layer]:
    """The layers from the lowest on that the engine lacks: it finds a layer only together with all below it."""
    remaining = list(layers)
    while len(remaining) > 1 and remaining[0].diff_id in present:
        del remaining[0]
    return remaining


def _beside(image: ComposedImage) -> dict[str, bytes]:
    """What refers to a signed image, as blobs. Not listed in the layout's own index: tools that want the one image of
    an archive refuse one that lists several."""
    if image.signature is None:
        return {}
    referrers = referrers_of(image)
    found = [referrers_index(referrers), *(each.manifest for each in referrers), *blobs_of(referrers).values()]
    return {blob_name(digest_of(data)): data for data in found}


def _documents(image: ComposedImage, *, complete: bool) -> dict[str, bytes]:
    """The archive's small files by name. Only a complete archive may call itself an OCI layout."""
    found = {blob_name(image.config_digest): image.config}
    if complete:
        digest = image.package.digest
        descriptor = {
            "mediaType": MANIFEST_TYPE,
            "digest": digest,
            "size": len(image.manifest),
            "annotations": {
                "io.containerd.image.name": f"docker.io/{image.name}",
                "org.opencontainers.image.ref.name": image.name.rpartition(":")[2],
            },
        }
        found[blob_name(digest)] = image.manifest
        found |= _beside(image)
        index: dict[str, Any] = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [descriptor]}
        if image.signature is not None:
            index["annotations"] = {REFERRERS_ANNOTATION: digest_of(referrers_index(referrers_of(image)))}
        found["index.json"] = document(index)
        found["oci-layout"] = document({"imageLayoutVersion": "1.0.0"})
    load = [
        {
            "Config": blob_name(image.config_digest),
            "RepoTags": [image.name],
            "Layers": [blob_name(layer.digest) for layer in image.layers],
        }
    ]
    found["manifest.json"] = json.dumps(load, separators=(",", ":")).encode("utf-8")
    return found
