"""A gateway does what it is told, tells what it does, and loses no request while it is told something else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.deployment.gateway import gateway_control
from kronkers_studio.deployment.gateway.gateway_control import differences, key_uses, read_state, upstream_health
from kronkers_studio.domain.errors import ForeignEntry, GatewayFailed
from kronkers_studio.domain.gateways import (
    Consumer,
    GatewayState,
    Route,
    Upstream,
    key_of,
    new_api_key,
)
from tests.deployment.gateway.local_gateway import LocalGateway, Service, authorities, two_services

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
KEY, OTHER_KEY = new_api_key(), new_api_key()
TOKENS = {"wine-r1-aaaa": "a" * 64, "wine-r2-bbbb": "b" * 64}

pytestmark = pytest.mark.usefixtures("haproxy")


@pytest.fixture
def services() -> Iterator[tuple[Service, Service]]:
    with two_services() as both:
        yield both


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[LocalGateway]:
    gateway = LocalGateway(tmp_path, *authorities())
    yield gateway
    gateway.kill()


def _state(services: tuple[Service, ...], generation: int = 1, **changes: object) -> GatewayState:
    upstreams = tuple(Upstream(each.name, each.port, TOKENS[each.name]) for each in services)
    state = GatewayState(
        generation,
        routes=(Route("production", "wine", services[0].name),),
        upstreams=upstreams,
        consumers=(Consumer("shop", (key_of(KEY, NOW),)),),
    )
    return replace(state, **changes)  # type: ignore[arg-type]  # as the dataclass has them


def _answers_from(gateway: LocalGateway, key: str = KEY) -> str:
    return str(gateway.ask("/production/wine/predict", key, b"{}").json["service"])


def test_a_consumer_reaches_the_model_by_its_address_and_key(
    gateway: LocalGateway, services: tuple[Service, Service]
) -> None:
    gateway.start(_state(services))
    answer = gateway.ask("/production/wine/predict", KEY, b"[1, 2]", Origin="https://elsewhere.example")
    assert answer.status == 200
    asked = answer.json
    assert (asked["service"], asked["path"], asked["length"]) == ("wine-r1-aaaa", "/predict", 6)
    assert asked["headers"]["authorization"] == f"Bearer {TOKENS['wine-r1-aaaa']}"
    assert asked["headers"]["host"] == "127.0.0.1"
    assert not {"x-api-key", "origin"} & set(asked["headers"]), "neither the key nor another page's name goes on"
    assert answer.headers["kronkers-release"] == "wine-r1-aaaa"
    by_bearer = gateway.ask("/production/wine/openapi.json", Authorization=f"Bearer {KEY}")
    assert by_bearer.json["path"] == "/openapi.json"
    assert gateway.ask("/production/wine", KEY).json["path"] == "/"


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        ("/production/wine/predict", "nothing", 401),
        ("/production/wine/predict", "a wrong key", 401),
        ("/docs", "nothing", 401),
        ("/production/nothing/predict", "nothing", 401),
        ("/production/wine/metrics", "the key", 404),
        ("/production/wine/history", "the key", 404),
        ("/production/wine/../wine/metrics", "the key", 404),
        ("/production/wine//metrics", "the key", 404),
        ("/production/wine/%6detrics", "the key", 404),
        ("/production/nothing/predict", "the key", 404),
        ("/", "the key", 404),
    ],
)
def test_without_a_key_nothing_is_learnt_and_with_one_only_what_a_consumer_needs(
    gateway: LocalGateway, services: tuple[Service, Service], path: str, sent: str, status: int
) -> None:
    gateway.start(_state(services))
    answer = gateway.ask(path, {"nothing": "", "a wrong key": "kst_wrong", "the key": KEY}[sent])
    assert answer.status == status
    assert answer.json["error"]


def test_a_switch_takes_effect_at_once_without_a_new_process_and_back_again(
    gateway: LocalGateway, services: tuple[Service, Service]
) -> None:
    gateway.start(_state(services))
    worker = _worker_of(gateway)
    gateway.apply(_state(services, 2))  # files are written anew: who is told the same later has another generation
    second = replace(_state(services, 3), routes=(Route("production", "wine", "wine-r2-bbbb"),))
    worker = _worker_of(gateway)
    gateway.apply(second)
    assert _answers_from(gateway) == "wine-r2-bbbb"
    gateway.apply(replace(_state(services, 4)))
    assert _answers_from(gateway) == "wine-r1-aaaa"
    assert _worker_of(gateway) == worker
    assert read_state(gateway.host, gateway.place) == _state(services, 4)


def test_a_part_of_the_requests_goes_to_the_candidate(gateway: LocalGateway, services: tuple[Service, Service]) -> None:
    split = Route("production", "wine", "wine-r1-aaaa", candidate="wine-r2-bbbb", weight=30)
    gateway.start(_state(services, routes=(split,)))
    answered = [_answers_from(gateway) for _ in range(200)]
    assert 30 <= answered.count("wine-r2-bbbb") <= 95, "30 of a hundred, within five standard deviations"


def test_a_revoked_key_and_an_expired_one_are_refused_and_a_second_one_is_valid_beside_the_first(
    gateway: LocalGateway, services: tuple[Service, Service]
) -> None:
    expired = key_of(OTHER_KEY, NOW, datetime.now(UTC) - timedelta(seconds=1))
    consumer = Consumer("shop", (key_of(KEY, NOW), expired))
    gateway.start(_state(services, consumers=(consumer,)))
    gateway.apply(_state(services, 2, consumers=(consumer,)))
    assert gateway.ask("/production/wine/predict", KEY, b"{}").status == 200
    late = gateway.ask("/production/wine/predict", OTHER_KEY, b"{}")
    assert (late.status, "expired" in late.json["error"]) == (401, True)
    both = replace(consumer, keys=(key_of(KEY, NOW), key_of(OTHER_KEY, NOW, NOW + timedelta(days=9000))))
    gateway.apply(_state(services, 3, consumers=(both,)))
    assert gateway.ask("/production/wine/predict", OTHER_KEY, b"{}").status == 200
    begun = time.monotonic()
    gateway.apply(_state(services, 4, consumers=(replace(both, keys=both.keys[1:]),)))
    assert gateway.ask("/production/wine/predict", KEY, b"{}").status == 401
    assert gateway.ask("/production/wine/predict", OTHER_KEY, b"{}").status == 200
    assert time.monotonic() - begun < 30
    uses = {use.digest: use for use in key_uses(gateway.host, gateway.place)}
    assert abs(uses[key_of(OTHER_KEY, NOW).digest].last - time.time()) < 60


def test_who_asks_too_often_waits_and_others_do_not(gateway: LocalGateway, services: tuple[Service, Service]) -> None:
    slow = Consumer("report", (key_of(KEY, NOW),), rate=5)
    other = Consumer("shop", (key_of(OTHER_KEY, NOW),), quota=3)
    gateway.start(_state(services, consumers=(slow, other)))
    statuses = [gateway.ask("/production/wine/predict", KEY, b"{}").status for _ in range(8)]
    assert statuses == [200] * 5 + [429] * 3
    refused = gateway.ask("/production/wine/predict", KEY, b"{}")
    assert int(refused.headers["retry-after"]) > 0
    assert [gateway.ask("/production/wine/predict", OTHER_KEY, b"{}").status for _ in range(4)] == [200] * 3 + [429]
    gateway.apply(_state(services[:1], 2, consumers=(slow, other)))  # a new process, told what was counted by the old
    deadline = time.monotonic() + 20
    while not key_uses(gateway.host, gateway.place):
        assert time.monotonic() < deadline, gateway.log.read_text()
        time.sleep(0.1)
    assert gateway.ask("/production/wine/predict", OTHER_KEY, b"{}").status == 429


def test_a_key_is_for_the_models_that_it_was_given_for(
    gateway: LocalGateway, services: tuple[Service, Service]
) -> None:
    routes = (Route("production", "wine", "wine-r1-aaaa"), Route("testing", "wine", "wine-r2-bbbb"))
    only = Consumer("shop", (key_of(KEY, NOW),), models=("testing/wine",))
    gateway.start(_state(services, routes=routes, consumers=(only,)))
    assert gateway.ask("/testing/wine/predict", KEY, b"{}").json["service"] == "wine-r2-bbbb"
    assert gateway.ask("/production/wine/predict", KEY, b"{}").status == 403
    assert gateway.ask("/docs", KEY).status == 200


def test_what_is_in_force_outlives_the_gateway(gateway: LocalGateway, services: tuple[Service, Service]) -> None:
    gateway.start(_state(services))
    gateway.apply(_state(services, 2))
    gateway.apply(_state(services, 3, routes=(Route("production", "wine", "wine-r2-bbbb"),)))
    gateway.kill()
    gateway.restart()
    assert _answers_from(gateway) == "wine-r2-bbbb"
    assert (
        differences(
            gateway.host, _state(services, 3, routes=(Route("production", "wine", "wine-r2-bbbb"),)), gateway.place
        )
        == []
    )


def test_a_change_made_by_somebody_else_is_seen_and_not_undone(
    gateway: LocalGateway, services: tuple[Service, Service]
) -> None:
    gateway.start(_state(services, 5))
    with pytest.raises(GatewayFailed, match="Somebody else"):
        gateway.apply(_state(services, 5, routes=()))
    assert _answers_from(gateway) == "wine-r1-aaaa"
    gateway.host.run(
        'printf "del map maps/keys.map %s\\n" "$2" | socat - "UNIX-CONNECT:$1"',
        gateway.place.runtime_socket,
        key_of(KEY, NOW).digest,
    )
    assert differences(gateway.host, _state(services, 5), gateway.place) == ["keys: 1 entries differ"]


def test_a_service_that_is_not_ready_gets_nothing_and_its_health_is_told(
    gateway: LocalGateway, services: tuple[Service, Service]
) -> None:
    services[0].ready = False
    gateway.start(_state(services))
    deadline = time.monotonic() + 15
    while any(each.up for each in upstream_health(gateway.host, gateway.place) if each.service == "wine-r1-aaaa"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    answer = gateway.ask("/production/wine/predict", KEY, b"{}")
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    assert "Try again" in answer.json["error"]
    assert [each.up for each in upstream_health(gateway.host, gateway.place)] == [False, True]


def test_no_request_is_lost_while_the_gateway_gets_new_services_and_switches(
    gateway: LocalGateway, services: tuple[Service, Service]
) -> None:
    gateway.start(_state(services[:1]))
    statuses: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            statuses.append(gateway.ask("/production/wine/predict", KEY, b"{}").status)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    unlimited = (Consumer("shop", (key_of(KEY, NOW),), rate=1_000_000),)
    gateway.apply(_state(services[:1], 2, consumers=unlimited))
    for thread in threads:
        thread.start()
    try:
        for generation in range(3, 15, 3):
            gateway.apply(_state(services, generation, consumers=unlimited))
            new = (Route("production", "wine", "wine-r2-bbbb"),)
            gateway.apply(_state(services, generation + 1, consumers=unlimited, routes=new))
            gateway.apply(_state(services[:1], generation + 2, consumers=unlimited))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert len(statuses) > 50
    assert set(statuses) == {200}


@pytest.mark.parametrize(
    "changes",
    [
        {"routes": (Route("production", "wine\n    server evil", "wine-r1-aaaa"),)},
        {"routes": (Route("pro duction", "wine", "wine-r1-aaaa"),)},
        {"consumers": (Consumer("shop evil", (key_of(KEY, NOW),)),)},
        {"upstreams": (Upstream("wine-r1-aaaa", 1, 'x" if { always_true }'),)},
        {"consumers": (Consumer("shop", (replace(key_of(KEY, NOW), digest="0 evil"),)),)},
    ],
)
def test_nothing_becomes_another_directive(
    gateway: LocalGateway, services: tuple[Service, Service], changes: dict[str, Any]
) -> None:
    with pytest.raises(ForeignEntry):
        gateway.start(_state(services, **changes))


def _worker_of(gateway: LocalGateway) -> str:
    return gateway.host.run(
        'printf "show proc\\n" | socat - "UNIX-CONNECT:$1" | grep worker | head -1 | cut -d" " -f1',
        gateway.place.master_socket,
    )


class Killed(Exception):
    """The studio ends here."""


def _killed_before_reload(gateway: LocalGateway, state: GatewayState, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(gateway_control, "_reload", end)
        with pytest.raises(Killed):
            gateway_control.apply_state(gateway.host, state, None, gateway.place)


def test_files_that_no_process_has_read_are_not_taken_for_what_the_gateway_does(
    gateway: LocalGateway, services: tuple[Service, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.start(_state(services[:1]))
    gateway.apply(_state(services[:1], 2))
    told = _state(services, 3, routes=(Route("production", "wine", "wine-r2-bbbb"),))
    _killed_before_reload(gateway, told, monkeypatch)
    gateway_control.apply_state(gateway.host, replace(told, generation=4), None, gateway.place)
    assert _answers_from(gateway) == "wine-r2-bbbb"


def test_a_service_at_another_port_that_no_process_was_told_of_is_a_difference(
    gateway: LocalGateway, services: tuple[Service, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.start(_state(services[:1]))
    gateway.apply(_state(services[:1], 2))
    token = TOKENS["wine-r1-aaaa"]
    moved = _state(services[:1], 3, upstreams=(Upstream("wine-r1-aaaa", services[1].port, token),))
    _killed_before_reload(gateway, moved, monkeypatch)
    assert differences(gateway.host, moved, gateway.place)


def test_of_two_who_change_it_at_once_one_is_refused(
    gateway: LocalGateway, services: tuple[Service, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.start(_state(services))
    gateway.apply(_state(services, 2))
    put = gateway.host.put
    revoked = _state(services, 3, consumers=())

    def meanwhile(folder: str, files: Mapping[str, bytes]) -> None:
        monkeypatch.setattr(gateway.host, "put", put)
        gateway_control.apply_state(gateway.host, revoked, None, gateway.place)
        put(folder, files)

    monkeypatch.setattr(gateway.host, "put", meanwhile)
    with pytest.raises(GatewayFailed):
        gateway_control.apply_state(gateway.host, _state(services, 3), None, gateway.place)
    gateway.kill()
    gateway.restart()
    assert gateway.ask("/production/wine/predict", KEY, b"{}").status == 401, "the revocation holds"
    assert read_state(gateway.host, gateway.place) == revoked
