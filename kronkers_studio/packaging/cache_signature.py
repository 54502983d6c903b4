"""The signature of an archive of a cache: over the document that lists everything in it, by its digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kronkers_studio.domain.errors import SignatureRefused
from kronkers_studio.domain.signers import Signer
from kronkers_studio.packaging.images.image import document
from kronkers_studio.packaging.images.signatures import SigningKey, fingerprint, is_signature


def signature_of(contents: str, key: SigningKey) -> dict[str, str]:
    """The signature by ``key`` of the archive whose list has the digest ``contents``."""
    return {"key": key.public, "signature": key.sign(_payload(contents))}


def signer_of(name: str, signature: Mapping[str, Any] | None, contents: str, signers: Iterable[Signer]) -> Signer:
    """Who of ``signers`` signed the archive ``name``, whose list has the digest ``contents``.

    Raises ``SignatureRefused`` when there is no ``signature``, it does not fit, or it is by nobody of them.
    """
    compared = "Or compare the SHA-256 that the export printed, and name it: `kronkers cache import --sha256 …`."
    if signature is None:
        raise SignatureRefused(f"{name} is not signed.", next_step=f"Export it again from a workspace. {compared}")
    key, value = signature.get("key"), signature.get("signature")
    if not (isinstance(key, str) and isinstance(value, str) and is_signature(key, value, _payload(contents))):
        raise SignatureRefused(
            f"{name} has a signature that does not fit it.", next_step="It was changed after it was signed."
        )
    for signer in signers:
        if signer.key == key:
            return signer
    raise SignatureRefused(
        f"{name} is signed by somebody who is not known here: {fingerprint(key)}.",
        next_step="Compare that with what `kronkers key public` shows in the other workspace; if it is the same, "
        f"`kronkers key trust` accepts its signatures. {compared}",
    )


def _payload(contents: str) -> bytes:
    return document({"type": "kronkers package cache", "contents": contents})
