"""A gateway state as the JSON that lies beside the gateway's configuration, from which any workstation learns it.

What is read was written on a server by whoever may write there: it is taken field by field, and by nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from kronkers_studio.domain.errors import GatewayFailed
from kronkers_studio.domain.gateways import ApiKey, Consumer, GatewayState, Peer, Route, Upstream

MOST_BYTES = 8 << 20
_MOST_OF_EACH = 20_000
_MOST_TEXT = 300

_Item = TypeVar("_Item")


def state_file(state: GatewayState) -> bytes:
    """As ``read_state_file`` reads it. It holds the tokens of services: only root may read it."""
    document = {
        "format": 1,
        "generation": state.generation,
        "routes": [
            {
                "environment": route.environment,
                "model": route.model,
                "service": route.service,
                "candidate": route.candidate,
                "weight": route.weight,
            }
            for route in state.routes
        ],
        "upstreams": [
            {"service": upstream.service, "port": upstream.port, "token": upstream.token}
            for upstream in state.upstreams
        ],
        "consumers": [
            {
                "name": consumer.name,
                "rate": consumer.rate,
                "quota": consumer.quota,
                "models": list(consumer.models),
                "keys": [_key(key) for key in consumer.keys],
            }
            for consumer in state.consumers
        ],
        "peers": [{"name": peer.name, "host": peer.host, "port": peer.port} for peer in state.peers],
    }
    return json.dumps(document, indent=1, sort_keys=True).encode("utf-8")


def read_state_file(content: bytes) -> GatewayState:
    """Raises ``GatewayFailed`` when it is no state that this version knows."""
    try:
        if len(content) > MOST_BYTES:
            raise ValueError("it is too large")
        document = json.loads(content)
        if not isinstance(document, dict) or document.get("format") != 1:
            raise ValueError("it has another format")
        return GatewayState(
            generation=_whole(document, "generation", 1 << 53),
            routes=_each(document, "routes", _read_route),
            upstreams=_each(document, "upstreams", _read_upstream),
            consumers=_each(document, "consumers", _read_consumer),
            peers=_each(document, "peers", lambda peer: Peer(_text(peer, "name"), _text(peer, "host"), _port(peer))),
        )
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise GatewayFailed(
            "What the gateway should be doing cannot be read from its server.",
            next_step="Repair it: `kronkers release repair` writes it anew from the history.",
            details=str(error)[:_MOST_TEXT],
        ) from None


def _key(key: ApiKey) -> dict[str, Any]:
    expires = key.expires.timestamp() if key.expires is not None else None
    return {"digest": key.digest, "shown": key.shown, "created": key.created.timestamp(), "expires": expires}


def _read_key(key: Mapping[str, Any]) -> ApiKey:
    expires = None if key["expires"] is None else _moment(key["expires"])
    return ApiKey(_text(key, "digest"), _text(key, "shown"), _moment(key["created"]), expires)


def _read_route(route: Mapping[str, Any]) -> Route:
    environment, model, service, candidate = (
        _text(route, name) for name in ("environment", "model", "service", "candidate")
    )
    return Route(environment, model, service, candidate, _whole(route, "weight", 100))


def _read_upstream(upstream: Mapping[str, Any]) -> Upstream:
    return Upstream(_text(upstream, "service"), _port(upstream), _text(upstream, "token"))


def _read_consumer(consumer: Mapping[str, Any]) -> Consumer:
    models = consumer["models"]
    if not isinstance(models, list) or not all(isinstance(model, str) and len(model) < _MOST_TEXT for model in models):
        raise TypeError("models")
    rate, quota = _whole(consumer, "rate", 1 << 31), _whole(consumer, "quota", 1 << 31)
    return Consumer(_text(consumer, "name"), _each(consumer, "keys", _read_key), rate, quota, tuple(models))


def _each(document: Mapping[str, Any], name: str, read: Callable[[Mapping[str, Any]], _Item]) -> tuple[_Item, ...]:
    items = document[name]
    if not isinstance(items, list) or len(items) > _MOST_OF_EACH or not all(isinstance(item, dict) for item in items):
        raise TypeError(name)
    return tuple(read(item) for item in items)


def _text(document: Mapping[str, Any], name: str) -> str:
    text = document[name]
    if not isinstance(text, str) or len(text) > _MOST_TEXT:
        raise TypeError(name)
    return text


def _whole(document: Mapping[str, Any], name: str, most: int) -> int:
    number = document[name]
    if type(number) is not int or not 0 <= number <= most:
        raise ValueError(name)
    return number


def _port(document: Mapping[str, Any]) -> int:
    return _whole(document, "port", 65535)


def _moment(seconds: Any) -> datetime:
    if type(seconds) not in (int, float):
        raise TypeError("a moment")
    return datetime.fromtimestamp(seconds, UTC)
