"""Logins of registries: what one asks for, and whom the answer may be told."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from kronkers_studio.packaging.images.image_documents import NotAnImage, json_object
from kronkers_studio.settings.secrets import Secret

_PARAMETER = re.compile(r'\b(\w{1,32})="([^"]{0,2000})"', re.ASCII)
_LONGEST_CHALLENGE = 8192
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")  # what may stand in a header (RFC 6750)
_LOGIN_HOSTS = {"registry-1.docker.io": "auth.docker.io"}


@dataclass(frozen=True, slots=True)
class RegistryCredentials:
    """A login of a registry; the password may be an access token."""

    user: str
    password: Secret

    @property
    def basic(self) -> str:
        """As a header's value."""
        return f"Basic {base64.b64encode(f'{self.user}:{self.password.reveal()}'.encode()).decode('ascii')}"


def parsed_challenge(header: str) -> tuple[str, dict[str, str]]:
    """The scheme, in small letters, and the parameters of a ``WWW-Authenticate`` header."""
    scheme, _, rest = header[:_LONGEST_CHALLENGE].partition(" ")
    return scheme.lower(), dict(_PARAMETER.findall(rest))


def same_site(registry: str, other: str) -> bool:
    """Whether both hosts are one organisation's, as far as their names tell: equal, or below the same domain."""
    if registry == other or _LOGIN_HOSTS.get(registry) == other:
        return True
    own, others = registry.split("."), other.split(".")
    if registry.replace(".", "").isdigit() or ":" in registry:  # addresses have no domain
        return False
    shared = 3 if len(own) > 2 and len(own[-1]) == 2 and len(own[-2]) <= 3 else 2  # team.example.co.uk
    return min(len(own), len(others)) >= shared and own[-shared:] == others[-shared:]


def token_in(data: bytes) -> str:
    """The token in a login server's answer; empty without one."""
    try:
        answer = json_object(data)
    except NotAnImage:
        return ""
    found = answer.get("token") or answer.get("access_token")
    return found if isinstance(found, str) and _TOKEN.fullmatch(found) else ""
