"""Signing an image, and the proof before anything of it leaves: its parts are what they are said to be, and somebody
whose signature is accepted signed it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from kronkers_studio.domain.errors import SignatureRefused
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.signers import PackageSignature, Signer
from kronkers_studio.packaging.digests import digest_of
from kronkers_studio.packaging.images.image import ComposedImage
from kronkers_studio.packaging.images.image_documents import NotAnImage, json_object, manifest_config, manifest_layers
from kronkers_studio.packaging.images.provenance import SBOM_ANNOTATION
from kronkers_studio.packaging.images.signatures import SigningKey, fingerprint, is_signature, signed_payload
from kronkers_studio.packaging.layer_cache import LayerCache


def sign_image(image: ComposedImage, key: SigningKey) -> ComposedImage:
    """``image`` with the signature of ``key``: the same key gives the same image the same signature."""
    sbom, provenance = digest_of(image.sbom), digest_of(image.provenance)
    payload = signed_payload(image.name, image.package.digest, sbom, provenance)
    signature = PackageSignature(key.public, key.sign(payload), sbom, provenance)
    return replace(image, package=replace(image.package, signature=signature))


def require_signed(image: ComposedImage, signers: Iterable[Signer]) -> Signer:
    """Who of ``signers`` signed ``image``, whose documents fit together.

    Raises ``SignatureRefused`` when nobody of them did, or when the digest, the configuration, the layers, the bill of
    materials or the provenance is another than what was signed.
    """
    found = image.signature
    if found is None:
        raise _refused(image.name, "is not signed", "Package it again: every package is signed then.")
    try:
        differs = _difference(image, found, json_object(image.manifest))
    except NotAnImage as error:
        differs = f"its manifest is none ({error})"
    if differs:
        raise _refused(image.name, f"is not what was signed: {differs}", "Package it again.")
    payload = signed_payload(image.name, image.package.digest, found.sbom, found.provenance)
    return signer_of(image.name, found, payload, signers)


def signer_of(name: str, signature: PackageSignature, payload: bytes, signers: Iterable[Signer]) -> Signer:
    """Who of ``signers`` made the ``signature`` of ``payload``. Raises ``SignatureRefused``."""
    if not is_signature(signature.key, signature.signature, payload):
        raise _refused(name, "has a signature that does not fit it", "It was changed after it was signed.")
    for signer in signers:
        if signer.key == signature.key:
            return signer
    raise _refused(
        name,
        f"is signed by somebody who is not known here: {fingerprint(signature.key)}",
        "Compare that with what `kronkers key public` shows in the other workspace; if it is the same, "
        "`kronkers key trust` accepts its signatures.",
    )


def require_whole(
    image: ComposedImage, cache: LayerCache, *, progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> None:
    """Every layer that lies in ``cache`` is what its digest says. The model's is streamed, and proven, each time.

    Raises ``PackagingFailed``, before anything was sent; the damaged layer is made anew by the next package.
    """
    progress.step("Verifying the package")
    for layer in image.layers:
        if layer.role != "model":
            cache.prove(layer.digest, cancel)


def _difference(image: ComposedImage, signature: PackageSignature, manifest: Mapping[str, Any]) -> str:
    """What of ``image`` is another than its digest and its signature say; "" when everything fits."""
    annotations = manifest.get("annotations")
    stated = [(layer.digest, layer.size) for layer in manifest_layers(manifest)]
    checks = {
        "its manifest differs": digest_of(image.manifest) == image.package.digest,
        "its configuration differs": manifest_config(manifest).digest == digest_of(image.config),
        "its layers differ": stated == [(layer.digest, layer.size) for layer in image.layers],
        "its bill of materials differs": digest_of(image.sbom) == signature.sbom
        and isinstance(annotations, dict)
        and annotations.get(SBOM_ANNOTATION) == signature.sbom,
        "its provenance differs": digest_of(image.provenance) == signature.provenance,
    }
    return next((what for what, fits in checks.items() if not fits), "")


def _refused(name: str, what: str, next_step: str) -> SignatureRefused:
    return SignatureRefused(f"The package {name} {what}.", next_step=next_step)
