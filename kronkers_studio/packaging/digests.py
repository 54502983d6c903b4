"""Names of blobs: the SHA-256 of their bytes, looked at before a path, an address or an argument is made of them."""

from __future__ import annotations

import hashlib
import re
from typing import NewType

Digest = NewType("Digest", str)
"""``sha256:`` and 64 small hexadecimal digits; made by ``parse_digest`` and ``digest_of`` only."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class NotADigest(ValueError):
    """What should name a blob does not."""


def parse_digest(text: object) -> Digest:
    """``text`` when it is a digest. Raises ``NotADigest`` for everything else, of whatever type."""
    if isinstance(text, str) and _DIGEST.fullmatch(text):
        return Digest(text)
    raise NotADigest(f"no SHA-256 digest: {text!r:.100}")


def digest_of(data: bytes) -> Digest:
    """The digest that names ``data``."""
    return Digest(f"sha256:{hashlib.sha256(data).hexdigest()}")


def blob_name(digest: str) -> str:
    """Where an archive in the layout of OCI has the blob."""
    return f"blobs/{digest.replace(':', '/')}"


def hex_of(digest: Digest) -> str:
    """The 64 digits alone: the name of a file."""
    return digest.removeprefix("sha256:")
