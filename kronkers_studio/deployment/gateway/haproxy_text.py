"""The configuration of HAProxy in its parts, and what may be written into one.

Nothing that a person or a workspace names goes into a configuration or a map unless it has one of the forms below: a line
break or a space would be another directive.
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


def head(place: GatewayPlace) -> str:
    """What holds for the whole process, and the tables that count: they outlive a reload, as the new process is told of
    them by the old one. A request whose service was not reached, or closed the connection without a word, is asked again
    elsewhere: asking a model twice changes nothing."""
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
    log-format '{{"time":%Ts.%ms,"consumer":"%[var(txn.consumer)]","route":"%[var(txn.route)]","service":"%b","server":"%s","method":"%HM","status":%ST,"milliseconds":%Ta,"bytes":%B,"end":"%tsc"}}'
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

def frontend(place: GatewayPlace) -> str:
    """Where consumers ask: who it is, how often it asks, what for, then which service answers. A request without a valid
    key learns nothing, not even whether a model is there."""
    return f"""\
frontend api
    bind :::{place.api} v4v6 ssl crt tls/server.pem alpn h2,http/1.1
    maxconn 4000
    http-request set-var(txn.consumer) str(-)
    http-request set-var(txn.route) str(-)
    http-request set-var(txn.key) req.hdr(x-api-key)
    http-request set-var(txn.key) "req.hdr(authorization),regsub(^[Bb]earer[[:space:]]+,)" if !{{ var(txn.key) -m found }} {{ req.hdr(authorization) -m beg -i "bearer " }}
    http-request set-var(txn.digest) "var(txn.key),sha2(256),hex,lower" if {{ var(txn.key) -m found }}
    http-request set-var(txn.owner) "var(txn.digest),map_str(maps/keys.map)" if {{ var(txn.digest) -m found }}
    http-request del-header x-api-key
    http-request del-header authorization
    http-request return status 401 content-type application/json hdr WWW-Authenticate "Bearer realm=\\"kronkers\\"" string '{{"error":"This request carries no API key. Send it as the header X-API-Key."}}' if !{{ var(txn.key) -m found }}
    http-request return status 401 content-type application/json hdr WWW-Authenticate "Bearer realm=\\"kronkers\\", error=\\"invalid_token\\"" string '{{"error":"This API key is not known here, or was revoked."}}' if !{{ var(txn.owner) -m found }}
    http-request set-var(txn.consumer) var(txn.owner)
    http-request set-var(txn.expiry) "var(txn.digest),map_str_int(maps/expiry.map,2147483647)"
    http-request return status 401 content-type application/json hdr WWW-Authenticate "Bearer realm=\\"kronkers\\", error=\\"invalid_token\\"" string '{{"error":"This API key has expired. Ask whoever gave it to you for a new one."}}' if {{ date,sub(txn.expiry) -m int ge 0 }}
    http-request track-sc0 var(txn.consumer) table gateways/rates
    http-request track-sc1 var(txn.consumer) table gateways/days
    http-request track-sc2 var(txn.digest) table gateways/uses
    http-request sc-set-gpt0(2) date
    http-request set-var(txn.rate) "var(txn.consumer),map_str_int(maps/rates.map,1)"
    http-request set-var(txn.quota) "var(txn.consumer),map_str_int(maps/quotas.map,2147483647)"
    http-request return status 429 content-type application/json hdr Retry-After 10 string '{{"error":"Too many requests within ten seconds for this API key."}}' if {{ sc_http_req_rate(0),sub(txn.rate) -m int gt 0 }}
    http-request return status 429 content-type application/json hdr Retry-After 3600 string '{{"error":"The number of requests a day for this API key is used up."}}' if {{ sc_http_req_rate(1),sub(txn.quota) -m int gt 0 }}
    http-request return status 200 content-type "text/html; charset=utf-8" hdr Cache-Control no-store hdr Content-Security-Policy "default-src 'none'; style-src 'unsafe-inline'" file docs.html if {{ path /docs }}
    http-request return status 413 content-type application/json string '{{"error":"The request is larger than a model takes (16 MB)."}}' if {{ req.hdr(content-length) -m int gt {16 << 20} }}
    http-request set-var(txn.environment) path,field(2,/)
    http-request set-var(txn.model) path,field(3,/)
    http-request set-var(txn.asked) var(txn.environment),concat(/,txn.model)
    http-request set-var(txn.service) "var(txn.asked),map_str(maps/routes.map)"
    http-request return status 404 content-type application/json string '{{"error":"There is no model at this address; /docs lists them."}}' if !{{ var(txn.service) -m found }}
    http-request set-var(txn.route) var(txn.asked)
    http-request set-var(txn.grant) "var(txn.consumer),concat(/,txn.route)"
    http-request set-var(txn.every) "var(txn.consumer),concat(/*)"
    http-request return status 403 content-type application/json string '{{"error":"This API key is not for this model."}}' if !{{ var(txn.grant),map_str(maps/grants.map) -m found }} !{{ var(txn.every),map_str(maps/grants.map) -m found }}
    http-request set-path %[path]/ if {{ path -m reg ^/[^/]+/[^/]+$ }}
    http-request replace-path /[^/]+/[^/]+(/.*) \\1
    http-request return status 404 content-type application/json string '{{"error":"A model has nothing at this address; its /openapi.json tells what there is."}}' unless {{ path -m reg ^/(predict|openapi\\.json|v2(/models/[^/]+(/versions/[^/]+)?(/infer|/ready)?|/health/(live|ready))?)?$ }}
    http-request set-var(txn.candidate) "var(txn.route),map_str(maps/candidates.map)"
    http-request set-var(txn.weight) "var(txn.route),map_str_int(maps/weights.map,0)"
    http-request set-var(txn.service) var(txn.candidate) if {{ var(txn.candidate) -m found }} {{ rand(100),sub(txn.weight) -m int lt 0 }}
    http-request del-header kronkers-challenge
    http-request del-header origin
    http-request del-header x-forwarded-for
    http-request set-header host 127.0.0.1
    http-response set-header Kronkers-Release %b
    use_backend %[var(txn.service)]

frontend metrics
    bind 127.0.0.1:{place.metrics}
    http-request set-log-level silent
    http-request use-service prometheus-exporter if {{ path /metrics }}
    http-request return status 404
"""


def problems() -> str:
    """The section that names the pages of ``PROBLEMS``."""
    return "http-errors problems\n" + "".join(
        f"    errorfile {status} problems/{status}.http\n" for status in PROBLEMS
    )


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
