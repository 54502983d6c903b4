"""Signatures of images: Ed25519 over a small document that names the image's digest.

The document has the form of "simple signing", which other tools know. It holds no time, and Ed25519 takes no chance:
the same key signs the same image with the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.packaging.images.image import document

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_KEY = re.compile(r"[0-9a-f]{64}")
_SIGNATURE = re.compile(r"[0-9a-f]{128}")
LARGEST_KEY_FILE = 16 * 1024
"""Bytes of a file with a public key."""


class SigningKey:
    """A private key, made of 32 random bytes. It does not show itself."""

    __slots__ = ("_private",)

    def __init__(self, seed: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._private = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public(self) -> str:
        """The public key as 64 hexadecimal digits."""
        return self._private.public_key().public_bytes_raw().hex()

    def sign(self, payload: bytes) -> str:
        """The signature of ``payload`` as 128 hexadecimal digits."""
        return self._private.sign(payload).hex()


def is_signature(key: str, signature: str, payload: bytes) -> bool:
    """Whether the holder of the public ``key`` signed ``payload``; False also for what is no key or no signature."""
    from cryptography.exceptions import InvalidSignature

    if not (_KEY.fullmatch(key) and _SIGNATURE.fullmatch(signature)):
        return False
    try:
        _public(key).verify(bytes.fromhex(signature), payload)
    except (InvalidSignature, ValueError):
        return False
    return True


def signed_payload(name: str, digest: str, sbom: str, provenance: str) -> bytes:
    """What is signed of the image ``name`` with that manifest digest, bill of materials and provenance."""
    return document(
        {
            "critical": {
                "identity": {"docker-reference": name},
                "image": {"docker-manifest-digest": digest},
                "type": "cosign container image signature",
            },
            "optional": {"sbom": sbom, "provenance": provenance},
        }
    )


def fingerprint(key: str) -> str:
    """``SHA256:…`` of a public key, for people to compare."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(bytes.fromhex(key)).digest()).decode("ascii").rstrip("=")


def public_key_pem(key: str) -> str:
    """A public key as a PEM file holds it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return _public(key).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def read_public_key(pem: bytes) -> str:
    """The public key in the PEM file ``pem``. Raises ``InvalidInput`` when there is none of this kind in it."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        found = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, Ed25519PublicKey):
        raise InvalidInput(
            "The file holds no public key (Ed25519, PEM).",
            next_step="`kronkers key public` prints that of a workspace: save that and name the file.",
        )
    return found.public_bytes_raw().hex()


def _public(key: str) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
