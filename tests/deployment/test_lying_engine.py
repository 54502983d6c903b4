"""A server's Docker engine that answers nonsense: each action ends with a sentence, in time and within bounds."""

from __future__ import annotations

import json
import random
import resource
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.deployment import engine as engine_module
from kronkers_studio.deployment.checks import check_server, server_platform
from kronkers_studio.deployment.engine import Limits, open_engine
from kronkers_studio.deployment.images import load_image
from kronkers_studio.deployment.leftovers import Needs, find_leftovers, remove_leftovers
from kronkers_studio.deployment.releases import (
    ServiceSpec,
    pause_release,
    release_state,
    remove_release,
    resume_release,
    service_name,
    start_release,
)
from kronkers_studio.deployment.setup import set_up_server
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.errors import (
    EngineUnavailable,
    EngineUntrustworthy,
    ServerError,
    StudioError,
)
from kronkers_studio.domain.releases import ReleaseState
from tests.deployment import lying_engine
from tests.deployment.conftest import Connect
from tests.deployment.engine_layers import present_layers
from tests.deployment.service_image import HandMadeImage, make_service_image
from tests.lab.servers import Lab, LabServer

pytestmark = pytest.mark.safety

WORKSPACE = "workspace-1"
SECRET = bytes(range(32))
NOTHING_NEEDED = Needs(frozenset(), frozenset(), frozenset(), frozenset())


@dataclass
class Liar:
    """A server whose engine is spoken to through a program that lies as ``rules`` say."""

    server: LabServer
    folder: Path

    def say(self, *rules: tuple[str, str, Any]) -> None:
        (self.folder / "rules.new").write_text(json.dumps(rules))
        (self.folder / "rules.new").rename(self.folder / "rules.json")
        (self.folder / "asked").write_bytes(b"")

    @property
    def asked(self) -> bytes:
        return (self.folder / "asked").read_bytes()


@pytest.fixture(scope="module")
def lying(lab: Lab) -> Iterator[Liar]:
    server = lab.server(engine=False)
    server.start_engine(socket_path="/run/real.sock")
    folder = server.folder / "tmp" / "liar"
    folder.mkdir()
    liar = Liar(server, folder)
    liar.say()
    command = server.inside("python3", lying_engine.__file__, "/run/docker.sock", "/run/real.sock", str(folder))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "listening\n"
    yield liar
    process.kill()
    process.wait()
    process.stdout.close()
    server.stop()


@pytest.fixture
def liar(lying: Liar) -> Iterator[Liar]:
    yield lying
    lying.say()


@pytest.fixture
def asking(liar: Liar, connect_to: Connect) -> Connection:
    return connect_to(liar.server.as_server())


def spec_of(image: HandMadeImage) -> ServiceSpec:
    package = image.package
    return ServiceSpec(
        model=package.model,
        version=package.version,
        number=1,
        image=image.config_digest,
        package=package.digest,
        service=service_name(package.model, 1, secrets.token_hex(16)),
        workspace=WORKSPACE,
        secret=SECRET,
    )


def everything(connection: Connection, image: HandMadeImage, spec: ServiceSpec) -> list[Callable[[], object]]:
    """What the product does with an engine, from looking at it to removing the last of it."""
    endpoint = {"service": spec.service, "port": 20001}
    return [
        lambda: check_server(connection, connection.server),
        lambda: server_platform(connection),
        lambda: set_up_server(connection),
        lambda: load_image(connection, image.archive, image),
        lambda: start_release(connection, spec, timeout=8),
        lambda: release_state(connection, endpoint, WORKSPACE),
        lambda: pause_release(connection, endpoint, WORKSPACE),
        lambda: resume_release(connection, endpoint, WORKSPACE, timeout=8),
        lambda: find_leftovers(connection, WORKSPACE, lambda: NOTHING_NEEDED),
        lambda: remove_leftovers(connection, find_leftovers(connection, WORKSPACE, lambda: NOTHING_NEEDED)),
        lambda: remove_release(connection, endpoint, WORKSPACE),
    ]


def outcome(action: Callable[[], object]) -> StudioError | object:
    """What it gives, or the error that it says; whatever else comes out is a fault."""
    try:
        return action()
    except StudioError as problem:
        assert (problem.message + problem.next_step).isprintable(), problem.message
        assert len(problem.message) < 1500
        return problem


def test_an_answer_that_sends_the_client_elsewhere_is_not_followed_and_no_secret_goes_there(
    liar: Liar, asking: Connection, lab: Lab, service_image: HandMadeImage
) -> None:
    set_up_server(asking)
    load_image(asking, service_image.archive, service_image)
    import socket
    import threading

    got: list[bytes] = []
    with socket.create_server((lab.gateway, 0)) as thief:
        port = thief.getsockname()[1]

        def listen() -> None:
            thief.settimeout(3)
            try:
                stream = thief.accept()[0]
            except TimeoutError:
                return
            with stream:
                got.append(stream.recv(65536))

        listener = threading.Thread(target=listen)
        listener.start()
        elsewhere = {"Location": f"http://{lab.gateway}:{port}/collect"}
        liar.say(("POST .*/secrets/create", "status", [307, elsewhere, ""]))
        found = outcome(lambda: start_release(asking, spec_of(service_image)))
        listener.join()
    assert got == []
    assert isinstance(found, EngineUntrustworthy)
    assert "307" in found.message


SHAPES = ("[]", "{}", "null", "3", '"x"', "NaN", "", "[1]", '{"a": NaN}', "[" * 100_000, '{"a":' * 5000, "\ud800")


@pytest.mark.parametrize(
    "asked", ["/version", "/info", "/services", "/images/json", "/networks", "/secrets", "/containers/json"]
)
def test_answers_of_other_shapes_end_each_action_with_a_sentence(
    liar: Liar, connect_to: Connect, service_image: HandMadeImage, asked: str
) -> None:
    for shape in SHAPES:
        liar.say((asked, "body", shape))
        connection = connect_to(liar.server.as_server())
        actions = everything(connection, service_image, spec_of(service_image))
        for action in (*actions[:4], *actions[5:7], *actions[8:]):  # without starting, which takes long
            outcome(action)
        connection.close()


def test_an_engine_that_does_not_tell_how_large_its_server_is_gets_a_release_or_a_sentence(
    liar: Liar, asking: Connection, service_image: HandMadeImage
) -> None:
    """Seen to fail: `KeyError: 'NCPU'`."""
    set_up_server(asking)
    load_image(asking, service_image.archive, service_image)
    spec = spec_of(service_image)
    liar.say(("/info", "body", "{}"))
    outcome(lambda: start_release(asking, spec, timeout=8))
    liar.say()
    remove_release(asking, {"service": spec.service}, WORKSPACE)


@pytest.mark.parametrize(
    ("said", "part"),
    [
        ({"ApiVersion": "999.1"}, None),
        ({"ApiVersion": "999.1", "MinAPIVersion": "999.0"}, "Update Kronkers Studio"),
        ({"ApiVersion": "abc"}, "not used"),
        ({"ApiVersion": "1.41", "MinAPIVersion": 1.2}, "not used"),
        ({"ApiVersion": "1.2"}, "too old"),
        ({"ApiVersion": "1." + "9" * 5000}, "not used"),
        ({}, "not used"),
    ],
)
def test_a_version_of_the_interface_that_cannot_be_used_is_said(
    liar: Liar, asking: Connection, said: dict[str, Any], part: str | None
) -> None:
    liar.say(("GET /version", "body", json.dumps(said)))
    found = outcome(lambda: open_engine(asking))
    assert part is None or part in str(found)
    assert isinstance(found, ServerError) == (part is not None)


FLOODS = (
    ("huge", 2 << 30),
    ("endless", "[1,"),
    ("endless", " "),
    ("endless", "{}"),
    ("endless", '{"status": "loading"}\n'),
    ("raw", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n0123456789"),
    ("raw", "HTTP/1.1 200 OK\r\n" + f"X-Filler: {'y' * 60000}\r\n" * 90 + "\r\n"),
    ("raw", "HTTP/1.1 100 Continue\r\n\r\n" * 100_000),
    ("raw", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc"),
    ("raw", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + "0" * 200_000),
    ("raw", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}"),
    ("raw", "HTTP/1.1 200 OK\r\nSet-Cookie: " + "a=b;expires=" + " " * 60_000 + "\r\nContent-Length: 2\r\n\r\n{}"),
    ("raw", "SSH-2.0-nothing\r\n"),
    ("body", "[" + "[]," * 5_000_000 + "[]]"),
    ("body", "[" + "{}," * 4_000_000 + "{}]"),
    ("status", [500, {}, "\xff\xfe" * 4_000_000]),
    ("status", [404, {}, json.dumps(["message"])]),
    ("status", [500, {}, json.dumps({"message": "\x1b[31m\nred" * 1000})]),
    ("status", [204, {}, ""]),
    ("status", [302, {"Location": "//evil.example/"}, ""]),
)


@pytest.mark.parametrize("flood", range(len(FLOODS)))
def test_floods_and_broken_answers_are_given_up_within_bounds(
    liar: Liar, asking: Connection, service_image: HandMadeImage, flood: int
) -> None:
    open_engine(asking)
    kind, value = FLOODS[flood]
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for where, ask in (("/info", server_platform), ("/images/json", present_layers)):
        liar.say((where, kind, value))
        assert isinstance(outcome(partial(ask, asking)), StudioError)
    assert time.monotonic() - began < 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 350_000  # KB


def test_a_progress_without_end_while_an_image_is_sent_is_given_up(
    liar: Liar, asking: Connection, base_image_archive: Path
) -> None:
    image = make_service_image(base_image_archive, program="import time; time.sleep(1)")
    for rule in (
        ("endless", '{"stream": "Loading layer"}\r\n'),
        ("endless", '{"stream": "'),
        ("body", '{"error": {"a": 1}}\n'),
        ("body", '{"error": "\\u001b[31mred"}\n'),
        ("body", '["error"]\n{"error"'),
        ("status", [500, {}, "[]"]),
    ):
        liar.say(("/images/load", *rule))
        assert isinstance(outcome(lambda: load_image(asking, image.archive, image)), ServerError)


def test_slow_bytes_end_with_the_deadline_of_the_request_and_slow_answers_with_that_of_the_stage(
    liar: Liar, connect_to: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "Limits", lambda: Limits(seconds=3, silence=2))
    asking = connect_to(liar.server.as_server())
    open_engine(asking)
    liar.say(("/info", "slow", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + " " * 500))
    began = time.monotonic()
    with pytest.raises(EngineUnavailable, match="stopped answering"):
        server_platform(asking)
    assert time.monotonic() - began < 8
    liar.say(("/info", "slow", "\n"), ("/info", "body", "{}"))
    with pytest.raises(EngineUnavailable), engine_module.engine_errors(asking, "asking", seconds=1.5):
        for _ in range(100):
            time.sleep(0.1)
            open_engine(asking).version()


def test_what_is_anothers_stays_when_the_engine_lists_it_as_ours(
    liar: Liar, asking: Connection, service_image: HandMadeImage
) -> None:
    set_up_server(asking)
    load_image(asking, service_image.archive, service_image)
    root = liar.server.root
    docker = "docker -H unix:///run/real.sock"
    image = root(f"{docker} images -q 'kronkers/*' | head -1").strip()
    root(
        f"{docker} network create -d overlay --label kronkers.workspace=another --label kronkers.service=theirs theirs;"
        f"echo x | {docker} secret create --label kronkers.workspace=another --label kronkers.service=theirs theirs -;"
        f"{docker} service create -q -d --replicas 0 --name theirs --label kronkers.workspace=another"
        f" --label kronkers.model=churn {image}"
    )
    try:
        # an engine that does not know filters lists all
        listed = {
            kind: root(f"curl -s --unix-socket /run/real.sock http://d/{kind}")
            for kind in ("services", "secrets", "networks")
        }
        liar.say(*((f"/{kind}[?]", "body", said) for kind, said in listed.items()))
        found = find_leftovers(asking, WORKSPACE, lambda: NOTHING_NEEDED)
        assert found == []
        remove_release(asking, {"service": "gone-r1-00"}, WORKSPACE)
        # and a history that names what is another's
        endpoint = {"service": "theirs", "port": 20001}
        pause_release(asking, endpoint, WORKSPACE)
        remove_release(asking, endpoint, WORKSPACE)
        assert release_state(asking, endpoint, WORKSPACE) is ReleaseState.STOPPED
        for kind in ("service", "secret", "network"):
            assert "theirs" in root(f"{docker} {kind} ls --format '{{{{.Name}}}}'").split()
    finally:
        root(f"{docker} service rm theirs; {docker} secret rm theirs; {docker} network rm theirs", check=False)


def run_with_lies(liar: Liar, connect_to: Connect, image: HandMadeImage, seeds: range) -> None:
    asked = ("/version", "/info", "/services", "/services/", "/tasks", "/containers/[^/]+/json", "/containers/json")
    more = (
        "/images/json",
        "/images/.*/json",
        "/networks",
        "/networks/",
        "/secrets",
        "/system/df",
        "/top",
        "/exec",
        "/logs",
    )
    for seed in seeds:
        chance = random.Random(seed)  # lies that come back when a test fails
        connection = connect_to(liar.server.as_server())
        spec = spec_of(image)
        lie = (chance.choice(asked + more), "mutate", seed)
        liar.say(lie)
        for action in everything(connection, image, spec):
            began = time.monotonic()
            outcome(action)
            assert time.monotonic() - began < 60, (seed, lie)
        liar.say()
        remove_release(connection, {"service": spec.service})
        connection.close()


@pytest.mark.timeout(600)
def test_an_engine_that_lies_in_one_value_never_makes_more_of_it_than_an_error(
    liar: Liar, connect_to: Connect, service_image: HandMadeImage
) -> None:
    run_with_lies(liar, connect_to, service_image, range(6))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_an_engine_that_lies_in_two_hundred_ways(liar: Liar, connect_to: Connect, service_image: HandMadeImage) -> None:
    run_with_lies(liar, connect_to, service_image, range(100, 300))
