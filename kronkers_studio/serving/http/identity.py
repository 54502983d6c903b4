"""The secret of a release: by it the service proves which release it is, and knows who may ask it.

The secret is 32 bytes that the studio and this process share, in a file of 64 hexadecimal digits. A client's challenge
(64 hexadecimal digits of its own choice) is answered with an HMAC over it and over the model's name and version; a
request carries another HMAC as its bearer token. Neither tells the secret. Without a secret nothing is proven and
nothing demanded.
"""

from __future__ import annotations

import hmac
import re
from pathlib import Path

from kronkers_studio.serving.problems import CannotStart

CHALLENGE = b"kronkers-challenge"
PROOF = b"kronkers-proof"

_HEX = re.compile(rb"[0-9a-fA-F]{64}")
_LARGEST_FILE = 1024


class Identity:
    """One release's side of the secret."""

    def __init__(self, secret: bytes, model: str, version: int) -> None:
        self._secret = secret
        self._tail = f":{model}:{version}".encode("utf-8", "surrogatepass")
        self._authorization = b"Bearer " + hmac.digest(secret, b"token", "sha256").hex().encode("ascii")

    def proof(self, challenge: bytes) -> bytes | None:
        """The answer to a ``challenge``, in hexadecimal digits; None when that is not one."""
        if not _HEX.fullmatch(challenge):
            return None
        return hmac.digest(self._secret, b"proof:" + challenge + self._tail, "sha256").hex().encode("ascii")

    def admits(self, authorization: bytes) -> bool:
        """Whether the value of a request's header ``Authorization`` is the release's. Takes the same time for any."""
        return hmac.compare_digest(authorization, self._authorization)


def read_identity(file: Path | None, model: str, version: int) -> Identity | None:
    """The identity whose secret lies in ``file``, None without a file. Raises ``CannotStart``."""
    if file is None:
        return None
    try:
        with file.open("rb") as stream:
            content = stream.read(_LARGEST_FILE).strip()
    except OSError as error:
        raise CannotStart(f"The release's secret in {file} cannot be read: {error.strerror}.") from None
    if not _HEX.fullmatch(content):
        raise CannotStart(f"{file} does not hold a release's secret: 64 hexadecimal digits.")
    return Identity(bytes.fromhex(content.decode("ascii")), model, version)
