"""Where consumers ask: who it is, how often it asks, what for, then which service answers.

A request without a valid key learns nothing, not even whether a model is there.
"""

from __future__ import annotations

from kronkers_studio.deployment.gateway.haproxy_text import GatewayPlace

MOST_BYTES = 16 << 20
"""Of a request: what services take at most."""

_NEVER = 2147483647
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_OF_A_MODEL = r"^/(predict|openapi\.json|v2(/models/[^/]+(/versions/[^/]+)?(/infer|/ready)?|/health/(live|ready))?)?$"
"""What consumers may ask of a service; its metrics and history are not among it."""


def frontend(place: GatewayPlace) -> str:
    """The section of the address that consumers ask, and that of the gateway's own metrics."""
    lines = [
        "frontend api",
        f"bind :::{place.api} v4v6 ssl crt tls/server.pem alpn h2,http/1.1",
        "maxconn 4000",
        *_who_asks(),
        *_how_often(),
        *_what_for(),
        *_which_service(),
    ]
    return "\n    ".join(lines) + "\n" + _metrics(place)


def _who_asks() -> list[str]:
    bearer = '{ req.hdr(authorization) -m beg -i "bearer " }'
    login = r'hdr WWW-Authenticate "Bearer realm=\"kronkers\""'
    wrong = r'hdr WWW-Authenticate "Bearer realm=\"kronkers\", error=\"invalid_token\""'
    missing = "This request carries no API key. Send it as the header X-API-Key."
    expired = "This API key has expired. Ask whoever gave it to you for a new one."
    return [
        "http-request set-var(txn.consumer) str(-)",
        "http-request set-var(txn.route) str(-)",
        "http-request set-var(txn.key) req.hdr(x-api-key)",
        'http-request set-var(txn.key) "req.hdr(authorization),regsub(^[Bb][Ee][Aa][Rr][Ee][Rr][[:space:]]+,)" '
        f"if !{{ var(txn.key) -m found }} {bearer}",
        'http-request set-var(txn.digest) "var(txn.key),sha2(256),hex,lower" if { var(txn.key) -m found }',
        'http-request set-var(txn.owner) "var(txn.digest),map_str(maps/keys.map)" if { var(txn.digest) -m found }',
        "http-request del-header x-api-key",
        "http-request del-header authorization",
        _refuse(401, missing, "if !{ var(txn.key) -m found }", login),
        _refuse(401, "This API key is not known here, or was revoked.", "if !{ var(txn.owner) -m found }", wrong),
        "http-request set-var(txn.consumer) var(txn.owner)",
        f'http-request set-var(txn.expiry) "var(txn.digest),map_str_int(maps/expiry.map,{_NEVER})"',
        _refuse(401, expired, "if { date,sub(txn.expiry) -m int ge 0 }", wrong),
    ]


def _how_often() -> list[str]:
    often = "Too many requests within ten seconds for this API key."
    used_up = "The number of requests a day for this API key is used up."
    return [
        "http-request track-sc0 var(txn.consumer) table gateways/rates",
        "http-request track-sc1 var(txn.consumer) table gateways/days",
        "http-request track-sc2 var(txn.digest) table gateways/uses",
        "http-request sc-set-gpt0(2) date",
        'http-request set-var(txn.rate) "var(txn.consumer),map_str_int(maps/rates.map,1)"',
        f'http-request set-var(txn.quota) "var(txn.consumer),map_str_int(maps/quotas.map,{_NEVER})"',
        _refuse(429, often, "if { sc_http_req_rate(0),sub(txn.rate) -m int gt 0 }", "hdr Retry-After 10"),
        _refuse(429, used_up, "if { sc_http_req_rate(1),sub(txn.quota) -m int gt 0 }", "hdr Retry-After 3600"),
    ]


def _what_for() -> list[str]:
    page = f'hdr Cache-Control no-store hdr Content-Security-Policy "{_PAGE_POLICY}" file docs.html'
    granted = (
        "!{ var(txn.grant),map_str(maps/grants.map) -m found } !{ var(txn.every),map_str(maps/grants.map) -m found }"
    )
    nothing = "A model has nothing at this address; its /openapi.json tells what there is."
    large = f"if {{ req.hdr(content-length) -m int gt {MOST_BYTES} }}"
    return [
        f'http-request return status 200 content-type "text/html; charset=utf-8" {page} if {{ path /docs }}',
        _refuse(413, "The request is larger than a model takes (16 MB).", large),
        "http-request set-var(txn.environment) path,field(2,/)",
        "http-request set-var(txn.model) path,field(3,/)",
        "http-request set-var(txn.asked) var(txn.environment),concat(/,txn.model)",
        'http-request set-var(txn.service) "var(txn.asked),map_str(maps/routes.map)"',
        _refuse(404, "There is no model at this address; /docs lists them.", "if !{ var(txn.service) -m found }"),
        "http-request set-var(txn.route) var(txn.asked)",
        'http-request set-var(txn.grant) "var(txn.consumer),concat(/,txn.route)"',
        'http-request set-var(txn.every) "var(txn.consumer),concat(/*)"',
        _refuse(403, "This API key is not for this model.", f"if {granted}"),
        "http-request set-path %[path]/ if { path -m reg ^/[^/]+/[^/]+$ }",
        r"http-request replace-path /[^/]+/[^/]+(/.*) \1",
        _refuse(404, nothing, f"unless {{ path -m reg {_OF_A_MODEL} }}"),
    ]


def _which_service() -> list[str]:
    drawn = "if { var(txn.candidate) -m found } { rand(100),sub(txn.weight) -m int lt 0 }"
    forgotten = ("kronkers-challenge", "kronkers-service", "origin", "x-forwarded-for")
    return [
        'http-request set-var(txn.candidate) "var(txn.route),map_str(maps/candidates.map)"',
        'http-request set-var(txn.weight) "var(txn.route),map_str_int(maps/weights.map,0)"',
        f"http-request set-var(txn.service) var(txn.candidate) {drawn}",
        *(f"http-request del-header {name}" for name in forgotten),
        "http-request set-header host 127.0.0.1",
        "http-response set-header Kronkers-Release %b",
        "use_backend %[var(txn.service)]",
    ]


def _metrics(place: GatewayPlace) -> str:
    lines = [
        "\nfrontend metrics",
        f"bind 127.0.0.1:{place.metrics}",
        "http-request set-log-level silent",
        "http-request use-service prometheus-exporter if { path /metrics }",
        "http-request return status 404",
    ]
    return "\n    ".join(lines) + "\n"


def _refuse(status: int, sentence: str, condition: str, header: str = "") -> str:
    told = f"""string '{{"error":"{sentence}"}}'"""
    return " ".join(
        part
        for part in (f"http-request return status {status} content-type application/json", header, told, condition)
        if part
    )
