"""What proves to a service and its client that the other end is who it says: a secret of the release, kept nowhere."""

from __future__ import annotations

import hashlib
import hmac
import json


def release_secret(subkey: bytes, place: str, model: str, number: int, nonce: str) -> bytes:
    """The 32 bytes that only whoever has the workspace's ``subkey`` can derive, for one release and its ``nonce``."""
    identity = json.dumps([place, model, number, nonce]).encode("ascii")
    return hmac.new(subkey, identity, hashlib.sha256).digest()
