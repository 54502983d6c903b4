"""What refers to an image: its bill of materials, its provenance, its signature; each a small manifest of its own.

As OCI's 1.1 specifications have it: the manifest names the image as its ``subject``, and for registries that keep no
list of referrers there is an index under a tag made of the image's digest.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kronkers_studio.packaging.digests import Digest, digest_of
from kronkers_studio.packaging.images.bill_of_materials import SBOM_TYPE
from kronkers_studio.packaging.images.image import INDEX_TYPE, MANIFEST_TYPE, ComposedImage, document
from kronkers_studio.packaging.images.provenance import PROVENANCE_TYPE
from kronkers_studio.packaging.images.signatures import signed_payload

SIGNATURE_TYPE: Final = "application/vnd.dev.cosign.artifact.sig.v1+json"
SIGNATURE_ANNOTATION: Final = "dev.cosignproject.cosign/signature"
KEY_ANNOTATION: Final = "io.kronkers.signer"

PAYLOAD_TYPE: Final = "application/vnd.dev.cosign.simplesigning.v1+json"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
EMPTY: Final = b"{}"
"""The configuration of what has none."""


@dataclass(frozen=True, slots=True)
class Referrer:
    """A manifest of kind ``artifact_type`` that refers to an image, and the blobs that it lists."""

    artifact_type: str
    manifest: bytes
    blobs: tuple[bytes, ...]

    @property
    def digest(self) -> Digest:
        return digest_of(self.manifest)

    @property
    def descriptor(self) -> dict[str, Any]:
        """How an index lists it."""
        return {
            "mediaType": MANIFEST_TYPE,
            "digest": self.digest,
            "size": len(self.manifest),
            "artifactType": self.artifact_type,
        }


def referrers_of(image: ComposedImage) -> tuple[Referrer, ...]:
    """The bill of materials, the provenance and the signature of ``image``; nothing of one that is not signed."""
    signature = image.signature
    if signature is None:
        return ()
    payload = signed_payload(image.name, image.package.digest, signature.sbom, signature.provenance)
    signed = base64.b64encode(bytes.fromhex(signature.signature)).decode("ascii")
    return (
        _referrer(image, SBOM_TYPE, SBOM_TYPE, image.sbom),
        _referrer(image, PROVENANCE_TYPE, PROVENANCE_TYPE, image.provenance),
        _referrer(
            image,
            SIGNATURE_TYPE,
            PAYLOAD_TYPE,
            payload,
            {SIGNATURE_ANNOTATION: signed, KEY_ANNOTATION: signature.key},
        ),
    )


def referrers_index(referrers: Sequence[Referrer]) -> bytes:
    """The index that lists ``referrers``."""
    return document({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [each.descriptor for each in referrers]})


def referrers_tag(digest: str) -> str:
    """The tag of the index of what refers to the image with that digest."""
    return digest.replace(":", "-")


def blobs_of(referrers: Sequence[Referrer]) -> dict[Digest, bytes]:
    """Every blob that the manifests list, each once."""
    return {digest_of(blob): blob for each in referrers for blob in each.blobs}


def _referrer(
    image: ComposedImage,
    artifact_type: str,
    content_type: str,
    content: bytes,
    annotations: Mapping[str, str] | None = None,
) -> Referrer:
    layer: dict[str, Any] = {"mediaType": content_type, "digest": digest_of(content), "size": len(content)}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": artifact_type,
        "config": {"mediaType": _EMPTY_TYPE, "digest": digest_of(EMPTY), "size": len(EMPTY)},
        "layers": [{**layer, "annotations": dict(annotations)} if annotations else layer],
        "subject": {"mediaType": MANIFEST_TYPE, "digest": image.package.digest, "size": len(image.manifest)},
    }
    return Referrer(artifact_type, document(manifest), (EMPTY, content))
