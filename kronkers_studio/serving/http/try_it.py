"""The page on which a person tries the model in a browser: one file, the same for every model.

It holds nothing of the model, so anybody may see it: what it shows it asks for, with the release's token where it has
one. It runs its own script and nothing else, and asks nobody but this service.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from pathlib import Path

from kronkers_studio.serving.http.answers import Answer

_PARTS = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


@functools.cache
def try_it_page() -> Answer:
    """The page, with a policy that names the digests of its own script and style."""
    page = Path(__file__).with_name("try_it.html").read_text(encoding="utf-8")
    own = {kind: f"'sha256-{_digest(text)}'" for kind, text in _PARTS.findall(page)}
    policy = (
        f"default-src 'none'; script-src {own['script']}; style-src {own['style']}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = (
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", policy.encode("ascii")),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-cache"),
    )
    return Answer(page.encode(), headers=headers)


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
