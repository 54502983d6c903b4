"""What a gateway's server answers is another computer's: whatever it says, it is read within bounds or refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kronkers_studio.deployment.gateway import runtime_api
from kronkers_studio.deployment.gateway.haproxy_files import gateway_files
from kronkers_studio.deployment.gateway.state_files import read_state_file, state_file
from kronkers_studio.domain.errors import ForeignEntry, GatewayFailed
from kronkers_studio.domain.gateways import Consumer, GatewayState, Peer, Route, Upstream, key_of

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
STATE = GatewayState(
    7,
    (Route("production", "wine", "wine-r1", "wine-r2", 10),),
    (Upstream("wine-r1", 20001, "t" * 64), Upstream("wine-r2", 20002, "u" * 64)),
    (Consumer("shop", (key_of("kst_x", NOW, NOW),), 5, 6, ("production/wine",)),),
    (Peer("second", "10.0.0.3", 8444),),
)


def test_a_state_is_read_back_as_it_was_written() -> None:
    assert read_state_file(state_file(STATE).decode()) == STATE
    assert "t" * 16 not in repr(STATE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"generation": "seven"}',
        json.dumps({**json.loads(state_file(STATE)), "routes": [1]}),
        json.dumps({**json.loads(state_file(STATE)), "more": 1}),
        "[" * 100_000,
        '{"generation": ' + "9" * 5000 + "}",
    ],
)
def test_what_is_no_state_is_refused(text: str) -> None:
    with pytest.raises(GatewayFailed, match="cannot be read"):
        read_state_file(text)


@given(st.text(max_size=400))
def test_answers_of_any_form_are_read_or_refused(text: str) -> None:
    for read in (runtime_api.read_map, runtime_api.read_worker):
        try:
            read(text)
        except GatewayFailed:
            continue
    runtime_api.read_upstreams(text)
    runtime_api.read_key_uses(text)
    runtime_api.are_tables_known(text)


names = st.text(max_size=30)


@given(names, names, names, names, names)
def test_no_name_becomes_a_line_of_its_own(
    environment: str, model: str, service: str, consumer: str, token: str
) -> None:
    """Whatever the names are: what is written has as many lines as with ordinary ones, or is not written."""
    state = GatewayState(
        1,
        (Route(environment, model, service),),
        (Upstream(service, 1, token),),
        (Consumer(consumer, (key_of("kst_x", NOW),)),),
    )
    usual = GatewayState(
        1,
        (Route("production", "wine", "wine-r1"),),
        (Upstream("wine-r1", 1, "t" * 64),),
        (Consumer("shop", (key_of("kst_x", NOW),)),),
    )
    try:
        files = gateway_files(state)
    except ForeignEntry as problem:
        named = any(token in name for name in (environment, model, service, consumer))
        assert named or len(token) < 8 or token not in str(problem)
        return
    for path, content in gateway_files(usual).items():
        assert files[path].count(b"\n") == content.count(b"\n"), path


@given(
    st.dictionaries(st.sampled_from("abc"), st.sampled_from("123")),
    st.dictionaries(st.sampled_from("abc"), st.sampled_from("123")),
)
def test_the_changes_of_a_map_make_it_what_it_should_be(wanted: dict[str, str], held: dict[str, str]) -> None:
    map_ = dict(held)
    for command in runtime_api.map_changes({"routes": wanted}, {"routes": held}):
        verb, _, file, key, *value = command.split(" ")
        assert file == "maps/routes.map"
        if verb == "del":
            del map_[key]
        elif verb == "set":
            assert key in map_
            map_[key] = value[0]
        else:
            assert key not in map_, "HAProxy would hold it twice"
            map_[key] = value[0]
    assert map_ == wanted


@given(st.lists(st.integers(1, 400).map(lambda size: "x" * size), max_size=200))
def test_commands_are_put_together_in_order_and_within_a_line(commands: list[str]) -> None:
    lines = runtime_api.batches(commands)
    assert ";".join(lines).split(";") == (commands or [""])
    assert all(len(line) < 16_000 for line in lines)
