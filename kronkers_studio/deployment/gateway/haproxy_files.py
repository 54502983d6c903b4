"""A gateway state as the files that HAProxy reads: one configuration, and maps that are changed while it runs.

Each service has a backend of its own, because each asks for its own token. Which one answers a route is an entry of a
map: a switch is one entry changed, at once and without a new process; what is on standby needs none either.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping

from kronkers_studio.deployment.gateway import haproxy_text as text
from kronkers_studio.deployment.gateway.haproxy_frontend import frontend
from kronkers_studio.deployment.gateway.haproxy_text import GatewayPlace, checked
from kronkers_studio.domain.gateways import Consumer, GatewayState, Peer, Upstream

IN_CONTAINER = GatewayPlace()
"""Where every server's gateway is."""

_CHECK = "check inter 1s fastinter 250ms downinter 500ms fall 2 rise 1 observe layer4 error-limit 2 on-error mark-down"


def gateway_files(state: GatewayState, place: GatewayPlace = IN_CONTAINER) -> dict[str, bytes]:
    """The files of one generation by their path in its folder; certificates are not among them.

    Raises ``ForeignEntry`` when something in ``state`` has no form that may be written into a configuration.
    """
    files = {"haproxy.cfg": _configuration(state, place), "docs.html": _docs(state)}
    files |= {f"maps/{name}.map": _map(entries) for name, entries in map_entries(state).items()}
    encoded = {path: content.encode("utf-8") for path, content in files.items()}
    return encoded | {f"problems/{status}.http": text.problem_page(status) for status in text.PROBLEMS}


def map_entries(state: GatewayState) -> dict[str, dict[str, str]]:
    """What each map must hold, by its name: what is compared with what a gateway says of itself."""
    keys = [(key, consumer) for consumer in state.consumers for key in consumer.keys]
    known = {upstream.service for upstream in state.upstreams}
    routes = [route for route in state.routes if route.service in known]
    split = [route for route in routes if route.candidate in known and route.weight]
    for route in routes:
        checked("an environment", route.environment)
        checked("a model", route.model)
    return {
        "keys": {checked("a key's hash", key.digest): checked("a consumer", consumer.name) for key, consumer in keys},
        "expiry": {key.digest: str(int(key.expires.timestamp())) for key, _ in keys if key.expires is not None},
        "rates": {consumer.name: str(int(consumer.rate)) for consumer in state.consumers},
        "quotas": {consumer.name: str(int(consumer.quota)) for consumer in state.consumers if consumer.quota},
        "grants": dict(_grants(state.consumers)),
        "routes": {route.path: checked("a service", route.service) for route in routes},
        "candidates": {route.path: checked("a service", route.candidate) for route in split},
        "weights": {route.path: str(int(route.weight)) for route in split},
    }


def _grants(consumers: Iterable[Consumer]) -> Iterable[tuple[str, str]]:
    for consumer in consumers:
        for grant in consumer.grants:
            if grant != "*":
                environment, _, model = grant.partition("/")
                checked("an environment", environment)
                checked("a model", model)
            yield f"{checked('a consumer', consumer.name)}/{grant}", "1"


def _map(entries: Mapping[str, str]) -> str:
    return "".join(f"{key} {value}\n" for key, value in entries.items())


def _configuration(state: GatewayState, place: GatewayPlace) -> str:
    parts = [text.head(place), text.problems(), frontend(place)]
    if state.peers:
        parts.append(_peer_frontend(state.upstreams, place))
    parts += [_backend(upstream, state.peers) for upstream in state.upstreams]
    return "\n".join(parts)


def _backend(upstream: Upstream, peers: Iterable[Peer]) -> str:
    service = checked("a service", upstream.service)
    others = [_peer_server(peer) for peer in peers]
    alone = [*_backend_lines(upstream, service), *others]
    if others:  # what other gateways ask for is answered here or not at all
        alone += ["", *_backend_lines(upstream, f"{service}.here")]
    return "\n".join(alone) + "\n"


def _backend_lines(upstream: Upstream, name: str) -> list[str]:
    return [
        f"backend {name}",
        "    option httpchk",
        "    http-check send meth GET uri /v2/health/ready hdr Host 127.0.0.1",
        f'    http-request set-header authorization "Bearer {checked("a token", upstream.token)}"',
        f"    http-request set-header kronkers-service {upstream.service}",
        f"    server here 127.0.0.1:{int(upstream.port)} maxconn 64 {_CHECK}",
    ]


def _peer_server(peer: Peer) -> str:
    name, host = checked("a server", peer.name), checked("a host", peer.host)
    address = f"[{host}]" if ":" in host else host
    proven = f"{name}.gateway.kronkers"
    return (
        f"    server {name} {address}:{int(peer.port)} backup ssl verify required ca-file tls/peers-ca.pem "
        f"crt tls/peer.pem verifyhost {proven} check-sni {proven} sni str({proven}) maxconn 64 {_CHECK}"
    )


def _peer_frontend(upstreams: Iterable[Upstream], place: GatewayPlace) -> str:
    """Where other gateways ask, each proving itself by a certificate: the service on this server answers, or nobody
    does, so that a request never goes in a circle."""
    services = [checked("a service", upstream.service) for upstream in upstreams]
    lines = [
        "frontend peers_in",
        f"    bind :::{place.peers} v4v6 ssl crt tls/peer.pem ca-file tls/peers-ca.pem verify required alpn http/1.1",
        "    http-request set-var(txn.consumer) str(gateway)",
        "    http-request set-var(txn.route) str(-)",
        "    http-request set-var(txn.service) req.hdr(kronkers-service)",
        "    http-request set-header host 127.0.0.1",
    ]
    lines += [f"    use_backend {service}.here if {{ var(txn.service) -m str {service} }}" for service in services]
    return "\n".join(lines) + "\n"


def _docs(state: GatewayState) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(route.model)}</td><td>{html.escape(route.environment)}</td>"
        f"<td><code>POST /{html.escape(route.path)}/predict</code></td>"
        f'<td><a href="/{html.escape(route.path)}/openapi.json">OpenAPI</a></td></tr>'
        for route in sorted(state.routes, key=lambda route: route.path)
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Models</title>"
        "<style>body{font:16px/1.5 system-ui,sans-serif;margin:3rem auto;max-width:60rem;padding:0 1rem}"
        "td,th{padding:.4rem 1rem .4rem 0;text-align:left}</style><h1>Models</h1>"
        "<p>Each request carries an API key in the header <code>X-API-Key</code>.</p>"
        f"<table><tr><th>Model</th><th>Environment</th><th>Address</th><th></th></tr>{rows}</table></html>\n"
    )
