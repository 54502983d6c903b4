"""The gateway of a server: which releases programs of the company reach through it, and who they are.

A *route* is the stable address of a model in an environment. A *consumer* is a program, or the people behind it, that
asks models; it proves who it is by an API key. A *gateway state* is all that one gateway should be doing: from it its
files are made, and with it what it says of itself is compared.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

DEFAULT_RATE = 500
"""Requests that a consumer may send within ten seconds, unless something else is said."""

MOST_WEIGHT = 100

_ENVIRONMENT = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
_KEY_PREFIX = "kst_"
_SHOWN_OF_A_KEY = 8
_EVERY_MODEL = "*"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of a consumer, of which only the hash is kept. ``digest`` is SHA-256 of the key in hexadecimal digits;
    ``shown`` the key's first characters, by which people tell keys apart; ``expires`` None for never."""

    digest: str
    shown: str
    created: datetime
    expires: datetime | None = None

    def is_valid_at(self, moment: datetime) -> bool:
        return self.expires is None or moment < self.expires


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who asks models. ``rate`` is how many requests within ten seconds are answered, ``quota`` how many a day (0 for
    any number); ``models`` which of them, all when empty. Two keys may be valid at once, so that one can be replaced
    while programs still use the other."""

    name: str
    keys: tuple[ApiKey, ...] = ()
    rate: int = DEFAULT_RATE
    quota: int = 0
    models: tuple[str, ...] = ()

    @property
    def grants(self) -> tuple[str, ...]:
        """The models that it may ask; one "*" for all of them."""
        return self.models or (_EVERY_MODEL,)


@dataclass(frozen=True, slots=True)
class Upstream:
    """A release that a gateway can send requests to: its ``service`` on the loopback ``port`` of each server that runs
    it. ``token`` is what its service asks for; it is a secret."""

    service: str
    port: int
    token: str

    def __repr__(self) -> str:
        return f"Upstream(service={self.service!r}, port={self.port})"


@dataclass(frozen=True, slots=True)
class Route:
    """The address ``/environment/model`` and the service that answers there. ``candidate`` is a second one that gets
    ``weight`` of a hundred requests."""

    environment: str
    model: str
    service: str
    candidate: str = ""
    weight: int = 0

    @property
    def path(self) -> str:
        """As maps name it: without slashes around."""
        return f"{self.environment}/{self.model}"


@dataclass(frozen=True, slots=True)
class Peer:
    """Another gateway of the environment, which is asked when the service on this server does not answer."""

    name: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class GatewayState:
    """What a gateway should be doing. ``generation`` counts up with each change, so that of two states the later one is
    known; ``upstreams`` are the services that it can send requests to at once, also those on standby. ``workspace`` is
    the one whose gateway it is; "" in a state that was written before it was told."""

    generation: int
    routes: tuple[Route, ...] = ()
    upstreams: tuple[Upstream, ...] = ()
    consumers: tuple[Consumer, ...] = ()
    peers: tuple[Peer, ...] = ()
    workspace: str = ""

    @property
    def choices(self) -> Mapping[str, Route]:
        return {route.path: route for route in self.routes}


@dataclass(frozen=True, slots=True)
class ServerGateway:
    """That ``server`` has a gateway, whose routes begin with ``environment``. ``names`` are the host names and
    addresses that its certificate is for, which ends at ``valid_until``."""

    server: str
    environment: str
    names: tuple[str, ...]
    valid_until: datetime
    started: datetime


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """A service as a gateway sees it: ``up`` when its last checks passed; ``requests`` it was sent since the gateway
    was started, ``failed`` those of them that were answered 5xx."""

    service: str
    server: str
    up: bool
    requests: int
    failed: int


@dataclass(frozen=True, slots=True)
class KeyUse:
    """When the key with this ``digest`` was used last (seconds since the epoch), and how often since the gateway was
    started."""

    digest: str
    last: int
    requests: int


def is_environment_name(name: str) -> bool:
    """Whether an environment can be called ``name``: it is the first word of addresses."""
    return _ENVIRONMENT.fullmatch(name) is not None


def new_api_key() -> str:
    """A key nobody can guess (256 bits), which says by its beginning what it is, so that scanners for leaked secrets
    know it. It is shown once and kept nowhere."""
    return _KEY_PREFIX + secrets.token_urlsafe(32)


def key_of(text: str, created: datetime, expires: datetime | None = None) -> ApiKey:
    """What is kept of the key ``text``. A fast hash does: nobody guesses 256 random bits."""
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
    return ApiKey(digest, text[: len(_KEY_PREFIX) + _SHOWN_OF_A_KEY], created, expires)
