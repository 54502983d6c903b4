"""The configuration of HAProxy in its parts, and what may be written into one.

Nothing that a person or a workspace names goes into a configuration or a map unless it has one of the forms below: a
line break or a space would be another directive.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kronkers_studio.domain.errors import ForeignEntry
from kronkers_studio.domain.printable import printable


@dataclass(frozen=True, slots=True)
class GatewayPlace:
    """Where a gateway is: ``folder`` its volume, in which ``current`` points to the generation in force, and its ports.
    ``api`` and ``peers`` are open to the network, the others to the server alone."""

    folder: str = "/var/lib/kronkers-gateway"
    api: int = 8443
    peers: int = 8444
    metrics: int = 8445
    tables: int = 8446

    @property
    def configuration(self) -> str:
        return f"{self.folder}/current/haproxy.cfg"

    @property
    def runtime_socket(self) -> str:
        return f"{self.folder}/run/runtime.sock"

    @property
    def master_socket(self) -> str:
        return f"{self.folder}/run/master.sock"


_NAMES = {
    "an environment": re.compile(r"[a-z0-9][a-z0-9-]{0,30}"),
    "a model": re.compile(r"[a-z0-9][a-z0-9._-]{0,62}"),
    "a consumer": re.compile(r"[a-z0-9][a-z0-9._-]{0,62}"),
    "a service": re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}"),
    "a server": re.compile(r"[a-z0-9][a-z0-9-]{0,30}"),
    "a host": re.compile(r"[a-zA-Z0-9][a-zA-Z0-9.-]{0,252}|[0-9a-fA-F:]{2,45}"),
    "a key's hash": re.compile(r"[0-9a-f]{64}"),
    "a token": re.compile(r"[0-9a-zA-Z._-]{16,256}"),
}


def checked(kind: str, text: str) -> str:
    """``text``, when it has the form of ``kind`` ("a model"). Raises ``ForeignEntry``."""
    if _NAMES[kind].fullmatch(text):
        return text
    shown = "" if kind == "a token" else f" (“{printable(text[:40])}”)"
    raise ForeignEntry(
        f"What should be the name of {kind}{shown} cannot be one, so the gateway is not told of it.",
        next_step="It was made or changed by something else than Kronkers Studio: look at who can write to this "
        "workspace and to the server.",
    )


_LOG_LINE = (
    '{"time":%Ts.%ms,"consumer":"%[var(txn.consumer)]","route":"%[var(txn.route)]","service":"%b","server":"%s",'
    '"method":"%HM","status":%ST,"milliseconds":%Ta,"bytes":%B,"end":"%tsc"}'
)
"""Who asked which model, and how it ended; neither keys nor what was sent."""


def head(place: GatewayPlace) -> str:
    """What holds for the whole process, and the tables that count: they outlive a reload, as the new process is told of
    them by the old one. A request whose service was not reached, or closed the connection without a word, is asked
    again elsewhere: asking a model twice changes nothing."""
    return f"""\
global
    default-path config
    localpeer here
    log stdout format raw local0 info
    stats socket {place.runtime_socket} mode 600 level admin expose-fd listeners
    stats timeout 30s
    hard-stop-after 60s
    maxconn 8000
    ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
    ssl-default-bind-ciphers ECDHE+AESGCM:ECDHE+CHACHA20
    ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256
    ssl-default-server-options ssl-min-ver TLSv1.2
    tune.ssl.default-dh-param 2048

defaults
    mode http
    log global
    log-format '{_LOG_LINE}'
    option dontlognull
    option http-buffer-request
    timeout connect 2s
    timeout client 30s
    timeout http-request 15s
    timeout http-keep-alive 30s
    timeout server 120s
    timeout queue 10s
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response
    errorfiles problems

peers gateways
    bind 127.0.0.1:{place.tables}
    server here
    table rates type string len 64 size 20k expire 30s store http_req_rate(10s)
    table days type string len 64 size 20k expire 25h store http_req_rate(1d)
    table uses type string len 64 size 50k store gpt0,http_req_cnt
"""


PROBLEMS = {
    400: "This is not a request that can be read.",
    408: "The request did not arrive in time.",
    500: "The gateway failed.",
    502: "The model's service did not give a whole answer. Try again.",
    503: "No service of this model answers at the moment. Try again in a few seconds.",
    504: "The model's service did not answer in time.",
}


def problems() -> str:
    """The section that names the pages of ``PROBLEMS``."""
    return "http-errors problems\n" + "".join(f"    errorfile {status} problems/{status}.http\n" for status in PROBLEMS)


def problem_page(status: int) -> bytes:
    """The whole answer, as HAProxy sends it byte for byte."""
    words = {400: "Bad Request", 408: "Request Time-out", 500: "Internal Server Error", 502: "Bad Gateway"}
    words |= {503: "Service Unavailable", 504: "Gateway Time-out"}
    body = f'{{"error":"{PROBLEMS[status]}"}}'.encode("ascii")
    again = "Retry-After: 2\r\n" if status in (502, 503) else ""
    head = (
        f"HTTP/1.1 {status} {words[status]}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
        f"{again}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
