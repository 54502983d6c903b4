"""Who may ask: checks that stand before every route.

A service on a loopback address is within reach of every web page that this computer's browser shows, and of everybody
who has an account. Against the first, the Host header must name this computer's loopback address, not a name that a
page made point to it (DNS rebinding), and requests that a page of another origin sends are refused. Against the second
stands the release's token. Health can be asked without it: engines do, and it is where a release proves itself.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from kronkers_studio.serving.http.answers import Answer, Send, problem, send_answer
from kronkers_studio.serving.http.bodies import Receive, Scope
from kronkers_studio.serving.http.identity import Identity

_HEALTH = frozenset({"/v2/health/live", "/v2/health/ready"})
_HOST = re.compile(r"(?P<name>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_CLOSE = ((b"connection", b"close"),)
_MOST_HOSTS = 64  # that are remembered as checked


class Access:
    """Lets requests through to ``app``, or refuses them.

    ``address`` is the one listened on. Host and Origin are checked when that is a loopback address or there is an
    ``identity``; otherwise who runs the service decides by what lies before it.
    """

    def __init__(
        self, app: Callable[[Scope, Receive, Send], Awaitable[None]], identity: Identity | None, address: str
    ) -> None:
        self._app = app
        self._identity = identity
        self._address = address.partition("%")[0]
        self._checks_origin = identity is not None or ip_address(self._address).is_loopback
        self._good_hosts: set[bytes] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await send_answer(send, refusal)

    def _refusal(self, scope: Scope) -> Answer | None:
        host = origin = None
        authorization = b""
        for name, value in scope["headers"]:
            if name == b"host":
                if host not in (None, value):
                    return problem("The header Host is there twice.", 400, headers=_CLOSE)
                host = value
            elif name == b"origin":
                origin = value
            elif name == b"authorization":
                authorization = value
        if self._checks_origin:
            if host is not None and not self._is_ours(host):  # only programs leave it out; browsers never do
                return problem("This service is asked by the address 127.0.0.1 or localhost only.", 421, headers=_CLOSE)
            if origin is not None and origin not in (b"http://" + (host or b""), b"https://" + (host or b"")):
                return problem("Web pages of other origins may not ask this service.", 403, headers=_CLOSE)
        if self._identity is None or scope["path"] in _HEALTH or self._identity.admits(authorization):
            return None
        return problem(
            "This request does not carry the release's token.",
            401,
            headers=((b"www-authenticate", b'Bearer realm="kronkers"'), *_CLOSE),
        )

    def _is_ours(self, host: bytes) -> bool:
        if host in self._good_hosts:
            return True
        found = _HOST.fullmatch(str(host, "latin-1"))
        if found is None or not self._names_us(found["name"].strip("[]").lower()):
            return False
        if len(self._good_hosts) < _MOST_HOSTS:
            self._good_hosts.add(host)
        return True

    def _names_us(self, name: str) -> bool:
        if name in ("localhost", self._address):
            return True
        try:
            asked = ip_address(name)
        except ValueError:  # a name, which its owner can point to any address
            return False
        return asked.is_loopback or ip_address(self._address).is_unspecified
