"""Who signs packages: public keys by the names that people gave them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody whose signatures are accepted. ``key`` is the public key (Ed25519) as 64 hexadecimal digits,
    ``fingerprint`` what people compare: ``SHA256:…`` of it. ``added`` is None for the workspace itself."""

    name: str
    key: str
    fingerprint: str
    added: datetime | None = None
    author: str = ""


@dataclass(frozen=True, slots=True)
class PackageSignature:
    """A signature of a package: by which public key, and the 64 bytes, both in hexadecimal digits; and what is signed
    besides the package's digest: those of its bill of materials and of its provenance."""

    key: str
    signature: str
    sbom: str
    provenance: str


@dataclass(frozen=True, slots=True)
class VerifiedImage:
    """What was found of an image: its digest is right, as are those of all its parts, and ``signer`` signed it.

    ``image`` is its name, ``components`` how many pieces of software its bill of materials lists.
    """

    image: str
    digest: str
    model: str
    version: int
    signer: str
    fingerprint: str
    components: int
    bytes_read: int
