"""Documents that only the workspace opens: compressed, then put into a sealed box for its public key.

A sealed box (libsodium: X25519, XSalsa20-Poly1305, a key pair of its own for each) can be made by whoever has the
public key, and opened by who has the private one. This process, its disk and its server never have that.
"""

from __future__ import annotations

import hashlib
import re
import zlib

from kronkers_studio.serving.recording.ring import CannotRecord

KEY_ID_BYTES = 8
_KEY = re.compile(r"[0-9a-f]{64}")
_LEVEL = 6


class Sealer:
    """``key_id`` tells which private key opens what it sealed."""

    def __init__(self, public_key: str) -> None:
        """``public_key``: 32 bytes as hexadecimal digits. Raises ``CannotRecord`` when it is none, or the library that
        seals is not in this package."""
        if not _KEY.fullmatch(public_key):
            raise CannotRecord("it was given no key to seal them with")
        try:
            from nacl.public import PublicKey, SealedBox
        except ImportError:
            raise CannotRecord("its package was built without PyNaCl, which encrypts them") from None
        key = bytes.fromhex(public_key)
        self._box = SealedBox(PublicKey(key))
        self.key_id = hashlib.blake2b(key, digest_size=KEY_ID_BYTES).digest()

    def sealed(self, document: bytes) -> bytes:
        """``document``, compressed and sealed."""
        return bytes(self._box.encrypt(zlib.compress(document, _LEVEL)))
