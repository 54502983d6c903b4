"""Images as data: a base, a composed package, and how each layer's bytes are had."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kronkers_studio.domain.models import Layer, Package
from kronkers_studio.domain.signers import PackageSignature
from kronkers_studio.packaging.digests import digest_of

CONFIG_TYPE: Final = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE: Final = "application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True, slots=True)
class BaseImage:
    """What packages stand on. Its layers lie in the cache that it was read into.

    ``reference`` says where it came from, with the digest that it had. ``environment`` are the base's own variables
    ("PATH=…"), ``variant`` the processor's ("v8" on arm64), ``history`` its lines of history.
    """

    reference: str
    platform: str
    layers: tuple[Layer, ...]
    environment: tuple[str, ...] = ()
    variant: str = ""
    history: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class ComposedImage:
    """A package whose bytes can be had any number of times, always the same.

    ``config`` and ``manifest`` are the JSON documents as they are named by their digests. ``name`` is what engines call
    the image ("kronkers/churn:3"). ``sbom`` and ``provenance`` say what is in it and where it comes from;
    """

    package: Package
    name: str
    config: bytes
    manifest: bytes
    sbom: bytes
    provenance: bytes
    _openers: Mapping[str, Callable[[], Iterator[bytes]]] = field(repr=False)

    @property
    def config_digest(self) -> str:
        """``sha256:…``: what an engine calls the image's id."""
        return digest_of(self.config)

    @property
    def signature(self) -> PackageSignature | None:
        """None until it is signed."""
        return self.package.signature

    @property
    def layers(self) -> tuple[Layer, ...]:
        return self.package.layers

    def open_layer(self, layer: Layer) -> Iterator[bytes]:
        """The layer's stored bytes, in pieces.

        Raises ``PackagingFailed`` when they are no longer what they were, after the last piece at the latest.
        """
        return self._openers[layer.digest]()


def document(content: Mapping[str, Any]) -> bytes:
    """``content`` as JSON that is always written the same way."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def manifest_of(config: bytes, layers: Iterable[Layer], annotations: Mapping[str, str]) -> bytes:
    """The OCI manifest that joins ``config`` and ``layers``."""
    return document(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": CONFIG_TYPE, "digest": digest_of(config), "size": len(config)},
            "layers": [{"mediaType": layer.media_type, "digest": layer.digest, "size": layer.size} for layer in layers],
            "annotations": dict(annotations),
        }
    )
