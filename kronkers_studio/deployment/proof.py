"""How a release and the studio prove to each other who they are (decisions/0014).

Both know a secret that is never stored: it is derived from the workspace's master key, the release's name and a random
number in the release's endpoint. The service gets it in a file when it is started.
"""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import dataclass, field

CHALLENGE_HEADER = "Kronkers-Challenge"
PROOF_HEADER = "kronkers-proof"  # in lower case, as answers are read


def new_nonce() -> str:
    """The random number of a new release, in hexadecimal digits, for its endpoint's ``"nonce"``."""
    return secrets.token_hex(16)


def new_challenge() -> str:
    """What a service is asked to prove itself with: 64 hexadecimal digits that nobody asked it before."""
    return secrets.token_hex(32)


def release_secret(subkey: bytes, place: str, model: str, number: int, nonce: str) -> bytes:
    """The 32-byte secret of release ``number`` of ``model`` in ``place``; ``subkey`` is the workspace's for this."""
    return hmac.digest(subkey, json.dumps([place, model, number, nonce]).encode("utf-8"), "sha256")


def proof(secret: bytes, challenge: str, model: str, version: int) -> str:
    """What a service that knows ``secret`` answers to ``challenge``, in hexadecimal digits."""
    said = f"proof:{challenge}:{model}:{version}".encode("utf-8", "surrogatepass")
    return hmac.digest(secret, said, "sha256").hex()


def token(secret: bytes) -> str:
    """What requests to the service carry as their bearer token."""
    return hmac.digest(secret, b"token", "sha256").hex()


@dataclass(frozen=True)
class Expected:
    """The release that must be at the other end; ``label`` names it in messages, as "wine r3"."""

    secret: bytes = field(repr=False)
    model: str
    version: int
    label: str

    @property
    def authorization(self) -> str:
        """The value of the header ``Authorization``."""
        return f"Bearer {token(self.secret)}"

    def is_proven(self, challenge: str, answered: str | None) -> bool:
        """Whether ``answered`` could only be said by the release. Takes the same time for any."""
        wanted = proof(self.secret, challenge, self.model, self.version)
        return hmac.compare_digest((answered or "").encode("utf-8", "surrogatepass"), wanted.encode("ascii"))
