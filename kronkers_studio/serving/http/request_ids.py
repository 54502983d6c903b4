"""What names one request: the sender's own ``X-Request-Id``, or one that is unlike any other.

It goes back with every answer, so that whoever learns the truth later can say of which answer.
"""

from __future__ import annotations

import re
import secrets
from itertools import count

from kronkers_studio.serving.http.bodies import Scope, header

REQUEST_ID = b"x-request-id"
_GOOD = re.compile(r"[\x21-\x7e]{1,128}")


class RequestIds:
    """Ids of one run of the service: its own random part, then the number of the request."""

    def __init__(self) -> None:
        self._run = secrets.token_hex(8)
        self._numbers = count(1)

    def of(self, scope: Scope) -> bytes:
        """The id of one request. A sender's that is no plain text of at most 128 characters counts as none."""
        sent = header(scope, REQUEST_ID)
        if sent is not None and _GOOD.fullmatch(sent):
            return sent.encode("latin-1")
        return f"{self._run}-{next(self._numbers):x}".encode("ascii")
