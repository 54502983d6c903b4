"""From a live release to an answer for a program on the network: one command more, and one for its key."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import GatewayFailed, InvalidInput, NotFound
from kronkers_studio.domain.gateways import ServerGateway
from kronkers_studio.domain.releases import ReleaseState
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows import platform_images
from kronkers_studio.workflows.consumers import add_consumer, add_key, list_consumers, remove_consumer, revoke_key
from kronkers_studio.workflows.demo import SAMPLE_FOLDER, sample_rows
from kronkers_studio.workflows.gateways import (
    authority_certificate,
    gateway_report,
    list_gateways,
    publish,
    start_gateway,
    stop_gateway,
)
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.places import place_of
from kronkers_studio.workflows.releases import list_releases, release_model, roll_back, stop_release
from kronkers_studio.workflows.servers import add_server, show_host_key
from kronkers_studio.workflows.session import Session, create_workspace
from tests.lab.base_image import cache_folder
from tests.lab.servers import LabServer
from tests.packaging.containers import docker

pytestmark = [pytest.mark.lab, pytest.mark.safety, pytest.mark.timeout(900)]


MODEL = "wine-cultivar"
FILE = "Quality/Wine/model/wine_cultivar.joblib"


class Program:
    """A program of the company: it knows the authority's certificate, an address and a key."""

    def __init__(self, certificate: str, host: str, key: str = "") -> None:
        self._context = ssl.create_default_context(cadata=certificate)
        self._host = host
        self.key = key

    def ask(self, path: str, rows: object = None) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPSConnection(self._host, 8443, context=self._context, timeout=20)
        try:
            body = json.dumps(rows).encode() if rows is not None else None
            headers = {"Content-Type": "application/json", **({"X-API-Key": self.key} if self.key else {})}
            connection.request("POST" if body else "GET", path, body, headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base_image_archive: Path) -> Iterator[Session]:
    """The sample, its model registered."""
    monkeypatch.setenv("KRONKERS_BASE_IMAGE", str(base_image_archive))
    session, _ = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with session:
        migrate_folder(session, resource(SAMPLE_FOLDER), "sample")
        register_model(session, "sample", FILE, name=MODEL)
        yield session


@pytest.fixture
def gateway(
    session: Session,
    lab_server: LabServer,
    debian_image_archive: Path,
    package_proxy: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ServerGateway]:
    """The shared server's gateway, from an image that the product built there once."""
    monkeypatch.setattr(platform_images, "cache_folder", lambda: cache_folder() / "kronkers-studio")
    docker(lab_server, "load", pieces=[debian_image_archive.read_bytes()])
    server = lab_server.as_server()
    fingerprint = show_host_key(server.address).fingerprint
    add_server(session, "first", server.address, fingerprint=fingerprint, identity_file=Path(server.identity_file))
    place = "first"
    yield start_gateway(session, place, environment="testing", proxy=package_proxy)
    stop_gateway(session, place)


def test_a_program_asks_what_is_live_by_one_address_that_stays(
    session: Session, gateway: ServerGateway, lab_server: LabServer
) -> None:
    place = gateway.server
    first = release_model(session, MODEL, 1, to=place)
    _, key = add_consumer(session, "shop", rate=1_000_000)
    program = Program(authority_certificate(session), lab_server.host, key.reveal())
    address = f"/testing/{MODEL}"
    rows = {"rows": sample_rows()}
    status, headers, body = program.ask(f"{address}/predict", rows)
    assert status == 200, body
    assert headers["kronkers-release"] == first.endpoint["service"]
    assert len(json.loads(body)["outputs"]) == len(sample_rows())
    assert program.ask(f"{address}/openapi.json")[0] == 200
    assert program.ask(f"{address}/metrics")[0] == 404
    stranger = Program(authority_certificate(session), lab_server.host)
    assert stranger.ask(f"{address}/predict", rows)[0] == 401

    answered: list[int] = []
    done = threading.Event()

    def keep_asking() -> None:
        while not done.is_set():
            answered.append(program.ask(f"{address}/predict", rows)[0])

    threads = [threading.Thread(target=keep_asking) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        second = release_model(session, MODEL, 1, to=place)
        assert program.ask(f"{address}/predict", rows)[1]["kronkers-release"] == second.endpoint["service"]
        assert _running(lab_server, session) == [first.endpoint["service"], second.endpoint["service"]]
        begun = time.monotonic()
        back = roll_back(session, MODEL, place)
        took = time.monotonic() - begun
        assert back.number == first.number
        assert program.ask(f"{address}/predict", rows)[1]["kronkers-release"] == first.endpoint["service"]
        print(f"going back took {took:.2f} s")
        time.sleep(1)
        third = release_model(session, MODEL, 1, to=place)
        assert _running(lab_server, session) == [first.endpoint["service"], third.endpoint["service"]]
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert set(answered) == {200}, [status for status in answered if status != 200]
    assert len(answered) > 20
    report = gateway_report(session, place)
    assert (report.running, report.differences) == (True, ())
    assert [address for _, address in report.addresses] == [f"https://{lab_server.host}:8443/testing/{MODEL}"]
    assert [service.up for service in report.services] == [True, True], "what is live, and what runs for the way back"

    stop_release(session, MODEL, place)
    assert program.ask(f"{address}/predict", rows)[0] == 404
    assert {release.state for release in list_releases(session, MODEL, place)} == {ReleaseState.STANDBY}
    assert _running(lab_server, session) == [], "nor what ran for the way back"


def _running(server: LabServer, session: Session) -> list[str]:
    """The services of the workspace that are to run, once Swarm has followed."""
    label = f"label=kronkers.workspace={session.workspace.id}"
    listed = server.root(f"docker service ls --filter {label} --format '{{{{.Name}}}} {{{{.Replicas}}}}'")
    return sorted(line.split()[0] for line in listed.splitlines() if not line.endswith("/0"))


def test_keys_are_made_replaced_and_revoked(session: Session, gateway: ServerGateway, lab_server: LabServer) -> None:
    consumer, first = add_consumer(session, "shop", models=(f"testing/{MODEL}",))
    certificate = authority_certificate(session)
    old, new = Program(certificate, lab_server.host, first.reveal()), Program(certificate, lab_server.host)
    assert old.ask("/docs")[0] == 200
    _, second = add_key(session, "shop")
    new.key = second.reveal()
    assert (old.ask("/docs")[0], new.ask("/docs")[0]) == (200, 200), "both are valid while programs change over"
    with pytest.raises(InvalidInput, match="2 valid keys"):
        add_key(session, "shop")
    revoke_key(session, "shop", consumer.keys[0].shown)
    assert (old.ask("/docs")[0], new.ask("/docs")[0]) == (401, 200)
    with pytest.raises(NotFound):
        revoke_key(session, "shop", consumer.keys[0].shown)
    assert publish(session, gateway.server)
    remove_consumer(session, "shop")
    assert new.ask("/docs")[0] == 401
    assert list_consumers(session) == []
    said = lab_server.root("cat /proc/*/cmdline | tr '\\0' ' '; docker inspect $(docker ps -q)")
    assert first.reveal() not in said
    assert second.reveal() not in said


def _eventually(program: Program, path: str, status: int) -> dict[str, str]:
    deadline = time.monotonic() + 90
    while True:
        try:
            answered, headers, body = program.ask(path)
        except OSError as error:
            answered, headers, body = 0, {}, repr(error).encode()
        if answered == status:
            return headers
        assert time.monotonic() < deadline, (answered, body)
        time.sleep(0.3)


def _publish_once_it_runs(session: Session, place: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            publish(session, place)
        except GatewayFailed:
            assert time.monotonic() < deadline
            time.sleep(0.5)
        else:
            return


def test_a_release_is_not_ended_while_a_gateway_that_sends_requests_to_it_is_starting_again(
    session: Session, gateway: ServerGateway, lab_server: LabServer
) -> None:
    place = gateway.server
    first = release_model(session, MODEL, 1, to=place)
    _, key = add_consumer(session, "shop")
    program = Program(authority_certificate(session), lab_server.host, key.reveal())
    lab_server.root("docker service update --detach --constraint-add node.labels.nowhere==1 kronkers-gateway")
    deadline = time.monotonic() + 60
    while lab_server.root("docker ps -q --filter label=kronkers=gateway").strip():
        assert time.monotonic() < deadline
        time.sleep(0.3)
    second = release_model(session, MODEL, 1, to=place)
    replaced = next(each for each in list_releases(session, MODEL, place) if each.number == first.number)
    with pytest.raises(GatewayFailed, match="at the moment"):
        place_of(session, place).pause(replaced)
    lab_server.root("docker service update --detach --constraint-rm node.labels.nowhere==1 kronkers-gateway")
    address = f"/testing/{MODEL}/openapi.json"
    assert _eventually(program, address, 200)["kronkers-release"] == first.endpoint["service"]
    _publish_once_it_runs(session, place)
    assert _eventually(program, address, 200)["kronkers-release"] == second.endpoint["service"]
    place_of(session, place).pause(replaced)
    assert _eventually(program, address, 200)["kronkers-release"] == second.endpoint["service"]
    stop_release(session, MODEL, place)


def test_a_gateway_is_told_anew_whatever_became_of_its_volume_and_by_its_own_workspace_alone(
    session: Session, gateway: ServerGateway, lab_server: LabServer, tmp_path: Path
) -> None:
    place = gateway.server
    _, key = add_consumer(session, "shop")
    program = Program(authority_certificate(session), lab_server.host, key.reveal())
    _eventually(program, "/docs", 200)
    volume = lab_server.root("docker volume inspect -f '{{.Mountpoint}}' kronkers-gateway").strip()

    other, _ = create_workspace(tmp_path / "other", key_file=tmp_path / "other-key")
    with other:
        server = lab_server.as_server()
        fingerprint = show_host_key(server.address).fingerprint
        add_server(other, "same", server.address, fingerprint=fingerprint, identity_file=Path(server.identity_file))
        with pytest.raises(GatewayFailed, match="another workspace"):
            start_gateway(other, "same")
        assert list_gateways(other) == []
    assert program.ask("/docs")[0] == 200

    lab_server.root(f"echo '{{}}' > {volume}/current/state.json")
    with pytest.raises(GatewayFailed, match="cannot be read"):
        publish(session, place)
    publish(session, place, anew=True)
    assert program.ask("/docs")[0] == 200

    lab_server.root(f"rm -rf {volume}/current {volume}/g*; docker kill $(docker ps -q --filter label=kronkers=gateway)")
    _publish_once_it_runs(session, place)
    _eventually(program, "/docs", 200)

    assert start_gateway(session, place).environment == "testing", "as it was, when nothing else is said"
    stop_gateway(session, place)
    assert not [name for name in lab_server.root(f"ls {volume}").split() if name.startswith(("g", "current"))]
    start_gateway(session, place, environment="testing")
