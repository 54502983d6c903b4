"""Releases on a real engine in a real Swarm."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.deployment import handshake, releases
from kronkers_studio.deployment.commands import take_lock
from kronkers_studio.deployment.credentials import Credentials
from kronkers_studio.deployment.deploy_lock import (
    break_deploy_lock,
    deploy_lock,
    read_changes,
    read_deploy_lock,
    record_change,
)
from kronkers_studio.deployment.engine import open_engine
from kronkers_studio.deployment.images import load_image
from kronkers_studio.deployment.jump_hosts import JumpHosts
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
from kronkers_studio.deployment.tunnel import TunnelClient
from kronkers_studio.domain.errors import (
    Cancelled,
    ReleaseFailed,
    ServerBusy,
    ServerUnreachable,
    ServiceUnavailable,
)
from kronkers_studio.domain.progress import CancelSource
from kronkers_studio.domain.releases import ReleaseState
from tests.deployment.conftest import Connect
from tests.deployment.service_image import (
    BREAKS_AT_ONCE,
    EATS_MEMORY,
    ENDS_LATE,
    NEVER_READY,
    REACHES_OUT,
    TAKES_OVER,
    HandMadeImage,
    make_service_image,
)
from tests.lab.servers import Lab, LabServer

pytestmark = pytest.mark.safety


@pytest.fixture(autouse=True)
def nothing_stays(ready: Connection) -> Iterator[None]:
    yield
    engine = open_engine(ready)
    for service in engine.services():
        remove_release(ready, {"service": service["Spec"]["Name"]})


def spec_of(image: HandMadeImage, number: int) -> ServiceSpec:
    package = image.package
    return ServiceSpec(
        model=package.model,
        version=package.version,
        number=number,
        image=image.config_digest,
        package=package.digest,
        service=service_name(package.model, number, secrets.token_hex(16)),
        workspace="workspace-1",
        secret=bytes(range(32)),
    )


def services(connection: Connection) -> set[str]:
    return {service["Spec"]["Name"] for service in open_engine(connection).services()}


def ask(connection: Connection, endpoint: dict[str, int]) -> int:
    client = TunnelClient(connection, endpoint["port"])
    try:
        return client.request("GET", "/v2/health/ready")[0]
    finally:
        client.close()


def _container(server: LabServer, endpoint: dict[str, Any]) -> str:
    """The id of the release's container; another test's may still be ending."""
    return server.root(f"docker ps -q --no-trunc --filter name={endpoint['service']}").strip()


def test_a_release_is_healthy_hardened_on_loopback_only_and_answers_through_ssh(
    lab_server: LabServer, ready: Connection, service_image: HandMadeImage
) -> None:
    load_image(ready, service_image.archive, service_image)
    before = lab_server.listening()

    endpoint = start_release(ready, spec_of(service_image, 1))

    assert endpoint["service"].startswith("churn-r1-")
    assert release_state(ready, endpoint) is ReleaseState.LIVE
    client = TunnelClient(ready, endpoint["port"])
    status, body = client.request("GET", "/hello")
    client.close()
    assert (status, json.loads(body)) == (200, {"path": "/hello", "name": "churn", "user": 65532})

    # nothing of it can be reached from the network: not by the server's address, and it is not in the server's table
    assert lab_server.listening() - before == {f"127.0.0.1:{endpoint['port']}"}
    assert {address for address in lab_server.listening() if not address.startswith("127.")} <= {
        "0.0.0.0:22",
        "[::]:22",
    }
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((lab_server.host, endpoint["port"]), timeout=5)

    # locked in, by the kernel's own account
    container = _container(lab_server, endpoint)
    status_text = lab_server.root(
        f"cat /proc/$(docker top {container} -o pid,args | grep -v docker-init | awk 'END {{print $1}}')/status"
    )
    facts = dict(line.split(":\t", 1) for line in status_text.splitlines() if ":\t" in line)
    assert facts["Uid"].split() == ["65532"] * 4
    assert facts["NoNewPrivs"] == "1"
    assert facts["Seccomp"] == "2"
    assert facts["Seccomp_filters"] == "2"
    assert {int(facts[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert "Read-only file system" in lab_server.root(f"docker exec {container} touch /x 2>&1", check=False)
    assert lab_server.root(f"docker exec {container} sh -c 'touch /tmp/x && echo can write'") == "can write\n"
    host = json.loads(lab_server.root(f"docker inspect {container}"))[0]["HostConfig"]
    assert (host["Memory"], host["PidsLimit"], host["NanoCpus"], host["Init"]) == (2 << 30, 512, 2 * 10**9, True)
    assert host["ReadonlyRootfs"]
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
    secret = lab_server.root(
        f"docker exec {container} sh -c 'stat -c \"%a %u %g\" $KRONKERS_SECRET_FILE; cat /run/secrets/*'"
    )
    assert secret.split() == ["400", "65532", "65532", bytes(range(32)).hex()]
    labels = json.loads(lab_server.root(f"docker service inspect {endpoint['service']}"))[0]["Spec"]["Labels"]
    assert labels == {
        "kronkers.workspace": "workspace-1",
        "kronkers.model": "churn",
        "kronkers.version": "1",
        "kronkers.release": "1",
        "kronkers.package": service_image.package.digest,
    }
    record = read_changes(ready)[-2:]
    assert [(line.action, line.release, line.about.get("outcome")) for line in record] == [
        ("start", "churn r1", None),
        ("start", "churn r1", "done"),
    ]
    assert read_deploy_lock(ready) is None


def test_a_neighbour_who_addresses_the_container_itself_gets_no_answer(
    lab_server: LabServer, other_server: LabServer, ready: Connection, service_image: HandMadeImage
) -> None:
    load_image(ready, service_image.archive, service_image)
    endpoint = start_release(ready, spec_of(service_image, 1))
    container = _container(lab_server, endpoint)
    bridge = json.loads(lab_server.root("docker network inspect docker_gwbridge"))[0]["Containers"]
    inside = bridge[lab_server.root(f"docker inspect -f {{{{.Id}}}} {container}").strip()]["IPv4Address"].split("/")[0]
    # engines before 28 pass on what a machine of the same segment sends to a container, or to the server's 127.0.0.1
    other_server.root(f"ip route add {inside}/32 via {lab_server.host}; ip address del 127.0.0.1/8 dev lo")
    other_server.root(f"ip route add 127.0.0.1/32 via {lab_server.host}; sysctl -qw net.ipv4.conf.all.route_localnet=1")
    ask_it = r"""timeout %d bash -c 'exec 3<>/dev/tcp/%s/%d && printf "GET / HTTP/1.0\r\n\r\n" >&3 && head -1 <&3'"""
    assert "HTTP" not in other_server.root(ask_it % (1, inside, 8080), check=False)
    assert "HTTP" not in other_server.root(ask_it % (1, "127.0.0.1", endpoint["port"]), check=False)
    assert "HTTP" in lab_server.root(ask_it % (20, inside, 8080), check=False)
    # and from inside there is no way out
    reach = f"import socket; socket.create_connection(('{other_server.host}', 22), 1)"
    said = lab_server.root(f'docker exec {container} python3.11 -c "{reach}" 2>&1; true')
    assert "No route to host" in said or "timed out" in said


def reached_from_inside(client: TunnelClient, host: str, port: int, kind: str = "tcp") -> str:
    """What the model's own program gets when it tries."""
    return str(json.loads(client.request("GET", f"/reach/{kind}/{host}/{port}")[1])["reached"])


def test_a_program_in_a_release_opens_no_connection_to_the_server_or_to_another_release(
    lab_server: LabServer, ready: Connection, base_image_archive: Path
) -> None:
    hostile = make_service_image(base_image_archive, program=REACHES_OUT)
    load_image(ready, hostile.archive, hostile)
    endpoint = start_release(ready, spec_of(hostile, 1))
    other = start_release(ready, spec_of(hostile, 2))
    bridge = json.loads(lab_server.root("docker network inspect docker_gwbridge"))[0]["IPAM"]["Config"][0]["Gateway"]
    own, neighbours, bridged = (
        {
            container["IPv4Address"].split("/")[0]: id
            for id, container in json.loads(lab_server.root(f"docker network inspect {name}"))[0]["Containers"].items()
        }
        for name in (endpoint["service"], other["service"], "docker_gwbridge")
    )
    container = _container(lab_server, endpoint)
    neighbours.update({address: id for address, id in bridged.items() if id != container})
    assert len(neighbours) >= 3
    client = TunnelClient(ready, endpoint["port"])
    try:
        for host in (bridge, lab_server.host, "127.0.0.1"):
            for kind in ("tcp", "fastopen", "thread"):
                assert reached_from_inside(client, host, 22, kind) == "PermissionError"
        assert {reached_from_inside(client, host, 8080) for host in neighbours} == {"PermissionError"}
        assert reached_from_inside(client, bridge, 53, "udp") == "PermissionError"
        assert reached_from_inside(client, bridge, 22, "child") == "PermissionError"
    finally:
        client.close()
    # and even what the engine itself starts in it, which nothing keeps from connecting, finds no other release
    for host in neighbours.keys() - own.keys():
        script = f"import socket; socket.create_connection(('{host}', 8080), 1)"
        said = lab_server.root(f'docker exec {container} python3.11 -c "{script}" 2>&1; true')
        assert "No route to host" in said or "timed out" in said, said


def test_who_stood_still_until_the_lock_was_broken_changes_nothing_more(
    ready: Connection, service_image: HandMadeImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_image(ready, service_image.archive, service_image)
    paused = start_release(ready, spec_of(service_image, 1))
    pause_release(ready, paused)
    before = services(ready)

    def stands_still(connection: Connection, *arguments: object, **facts: object) -> None:
        record_change(connection, *arguments, **facts)  # type: ignore[arg-type]
        held = read_deploy_lock(connection)
        assert held is not None
        break_deploy_lock(connection, held)
        connection.run(take_lock("another", "{}"))

    monkeypatch.setattr(releases, "record_change", stands_still)
    try:
        changes: list[Callable[[], object]] = [
            lambda: start_release(ready, spec_of(service_image, 2)),
            lambda: resume_release(ready, paused),
        ]
        for change in changes:
            with pytest.raises(ServerBusy, match="stood still"):
                change()
            found = read_deploy_lock(ready)
            assert found is not None
            assert found.token == "another"
            assert break_deploy_lock(ready, found)
    finally:
        monkeypatch.undo()
    assert services(ready) == before
    assert release_state(ready, paused) is ReleaseState.STANDBY
    assert len(open_engine(ready).secrets()) == len(before)


def test_a_program_in_a_release_cannot_take_over_what_looks_after_its_health_and_may_connect(
    ready: Connection, base_image_archive: Path
) -> None:
    hostile = make_service_image(base_image_archive, program=TAKES_OVER)
    load_image(ready, hostile.archive, hostile)
    endpoint = start_release(ready, spec_of(hostile, 1))
    client = TunnelClient(ready, endpoint["port"])
    deadline = time.monotonic() + 20
    found: dict[str, str] = {}
    try:
        while len(found) < 4 and time.monotonic() < deadline:
            found = json.loads(client.request("GET", "/")[1])
            time.sleep(0.2)
    finally:
        client.close()
    assert found == dict.fromkeys(("memory", "trace", "descriptor", "write"), "PermissionError")


def test_where_other_accounts_processes_are_hidden_hardening_is_looked_at_from_inside(
    lab_server: LabServer, ready: Connection, service_image: HandMadeImage, base_image_archive: Path
) -> None:
    load_image(ready, service_image.archive, service_image)
    unlocked = make_service_image(
        base_image_archive, configuration={"Entrypoint": ["sh", "-c", "exec python3.11 /opt/server.py"]}
    )
    load_image(ready, unlocked.archive, unlocked)
    lab_server.root("mount -o remount,hidepid=2 /proc")
    try:
        endpoint = start_release(ready, spec_of(service_image, 1))
        assert ask(ready, endpoint) == 200
        with pytest.raises(ReleaseFailed, match=r"could (gain new privileges|open connections)|could not be read"):
            start_release(ready, spec_of(unlocked, 2))
    finally:
        lab_server.root("mount -o remount,hidepid=0 /proc")


def test_a_release_that_needs_more_memory_than_it_may_have_is_told_so(
    ready: Connection, base_image_archive: Path
) -> None:
    image = make_service_image(base_image_archive, program=EATS_MEMORY)
    load_image(ready, image.archive, image)
    with pytest.raises(ReleaseFailed, match=r"memory") as failure:
        start_release(ready, replace(spec_of(image, 1), memory=64 << 20))
    assert "0.0625 GiB" in failure.value.message
    assert "137" not in failure.value.message
    assert "memory" in failure.value.message and "smaller model" in failure.value.next_step


def test_a_paused_release_whose_port_was_taken_comes_back_on_another(
    lab_server: LabServer, ready: Connection, service_image: HandMadeImage
) -> None:
    load_image(ready, service_image.archive, service_image)
    endpoint = start_release(ready, spec_of(service_image, 1))
    pause_release(ready, endpoint)
    deadline = time.monotonic() + 20
    while f"127.0.0.1:{endpoint['port']}" in lab_server.listening() and time.monotonic() < deadline:
        time.sleep(0.2)
    script = (
        "import socket, time; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); "
        f"s.bind(('127.0.0.1', {endpoint['port']})); s.listen(); time.sleep(600)"
    )
    squatter = subprocess.Popen(lab_server.inside("python3", "-c", script))
    try:
        while f"127.0.0.1:{endpoint['port']}" not in lab_server.listening():
            time.sleep(0.05)
        moved = resume_release(ready, endpoint)
        assert moved["port"] != endpoint["port"]
        assert moved["service"] == endpoint["service"]
        assert ask(ready, moved) == 200
    finally:
        squatter.kill()
        squatter.wait()


def test_a_release_comes_back_by_itself_when_the_servers_engine_was_restarted(
    spare_server: LabServer, connect_to: Connect, service_image: HandMadeImage
) -> None:
    connection = connect_to(spare_server.as_server())
    set_up_server(connection)
    load_image(connection, service_image.archive, service_image)
    endpoint = start_release(connection, spec_of(service_image, 1))
    spare_server.stop_engine()
    spare_server.start_engine()
    deadline = time.monotonic() + 60
    while release_state(connection, endpoint) is not ReleaseState.LIVE and time.monotonic() < deadline:
        time.sleep(0.5)
    assert ask(connection, endpoint) == 200
    remove_release(connection, endpoint)


def test_a_release_whose_network_the_engine_cannot_join_any_more_is_given_another_by_whoever_looks(
    lab: Lab, connect_to: Connect, service_image: HandMadeImage
) -> None:
    """Engines leave an interface with the network's number now and then when they start; here it is put there."""
    server = lab.server()
    connection = connect_to(server.as_server())
    set_up_server(connection)
    load_image(connection, service_image.archive, service_image)
    endpoint = start_release(connection, spec_of(service_image, 1))
    service = endpoint["service"]
    number = server.root(
        "docker network inspect -f "
        f"'{{{{index .Options \"com.docker.network.driver.overlay.vxlanid_list\"}}}}' {service}"
    ).strip()
    server.stop_engine()
    server.root("for space in /run/docker/netns/*; do umount $space; rm -f $space; done; sleep 1")
    server.root(f"ip link add vx-left type vxlan id {number} dstport 4789 proxy l2miss l3miss")
    server.start_engine()
    deadline = time.monotonic() + 60
    while "file exists" not in server.root(f"docker service ps --no-trunc {service}"):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    connection = connect_to(server.as_server())
    assert release_state(connection, endpoint) is ReleaseState.STARTING
    deadline = time.monotonic() + 60
    while release_state(connection, endpoint) is not ReleaseState.LIVE:
        assert time.monotonic() < deadline, server.root(f"docker service ps --no-trunc {service}")
        time.sleep(0.5)
    assert len(server.root(f"docker network ls -q --filter label=kronkers.service={service}").split()) == 2
    remove_release(connection, endpoint)
    deadline = time.monotonic() + 60
    while server.root(f"docker network ls -q --filter label=kronkers.service={service}"):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    server.stop()


def test_a_release_that_fails_is_removed_and_the_earlier_one_still_answers(
    ready: Connection, service_image: HandMadeImage, base_image_archive: Path
) -> None:
    load_image(ready, service_image.archive, service_image)
    live = start_release(ready, spec_of(service_image, 1))
    for number, program, reason, words in (
        (2, BREAKS_AT_ONCE, "non-zero exit", "newer scikit-learn"),
        (3, NEVER_READY, "did not become healthy within 5 seconds", "licence server"),
    ):
        broken = make_service_image(base_image_archive, program=program, version=number)
        load_image(ready, broken.archive, broken)

        with pytest.raises(ReleaseFailed) as failure:
            start_release(ready, spec_of(broken, number), timeout=5 if number == 3 else 60)

        assert reason in failure.value.message
        assert words in failure.value.message
        assert words in failure.value.details
        assert "It was removed again" in failure.value.next_step
        assert services(ready) == {live["service"]}
        assert release_state(ready, live) is ReleaseState.LIVE
        assert ask(ready, live) == 200
    assert read_deploy_lock(ready) is None


def test_a_release_can_be_paused_and_is_quickly_back_on_its_port(
    ready: Connection, service_image: HandMadeImage
) -> None:
    load_image(ready, service_image.archive, service_image)
    endpoint = start_release(ready, spec_of(service_image, 1))

    pause_release(ready, endpoint)

    assert release_state(ready, endpoint) is ReleaseState.STANDBY
    with pytest.raises(ServiceUnavailable):
        for _ in range(100):
            ask(ready, endpoint)
            time.sleep(0.1)
    assert resume_release(ready, endpoint) == endpoint
    assert resume_release(ready, endpoint) == endpoint  # running already
    assert ask(ready, endpoint) == 200
    remove_release(ready, endpoint)
    assert release_state(ready, endpoint) is ReleaseState.STOPPED
    remove_release(ready, endpoint)
    pause_release(ready, endpoint)
    with pytest.raises(ServiceUnavailable, match="no longer has churn-r1-"):
        resume_release(ready, endpoint)


def test_a_release_comes_back_although_its_earlier_life_takes_long_to_end(
    ready: Connection, base_image_archive: Path
) -> None:
    image = make_service_image(base_image_archive, program=ENDS_LATE)
    load_image(ready, image.archive, image)
    endpoint = start_release(ready, spec_of(image, 1))

    pause_release(ready, endpoint)  # what is still running holds its port until it is killed

    assert resume_release(ready, endpoint) == endpoint
    assert ask(ready, endpoint) == 200


def test_cancelling_removes_what_was_started(ready: Connection, base_image_archive: Path) -> None:
    image = make_service_image(base_image_archive, program=NEVER_READY)
    load_image(ready, image.archive, image)
    cancel = CancelSource()
    threading.Timer(1.5, cancel.cancel).start()
    with pytest.raises(Cancelled):
        start_release(ready, spec_of(image, 1), cancel=cancel)
    assert services(ready) == set()


def test_a_port_that_somebody_took_meanwhile_is_replaced_by_another(
    lab_server: LabServer, ready: Connection, service_image: HandMadeImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_image(ready, service_image.archive, service_image)
    lab_server.root(
        "(perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalAddr => \"127.0.0.1:23456\", Listen => 1); sleep'"
        " >/dev/null 2>&1 & echo $! > /run/squatter)"
    )
    ports = iter([23456, 23457])
    monkeypatch.setattr(releases, "choose_port", lambda taken: next(ports))
    assert start_release(ready, spec_of(service_image, 1))["port"] == 23457
    lab_server.root("kill $(cat /run/squatter)")


def test_while_somebody_else_changes_the_server_nothing_is_started(
    lab_server: LabServer, connect_to: Connect, ready: Connection, service_image: HandMadeImage
) -> None:
    load_image(ready, service_image.archive, service_image)
    with (
        deploy_lock(connect_to(lab_server.as_server()), "repairing"),
        pytest.raises(ServerBusy, match="repairing"),
    ):
        start_release(ready, spec_of(service_image, 1))
    assert services(ready) == set()


def test_an_image_without_a_health_check_or_not_there_is_refused(ready: Connection, base_image_archive: Path) -> None:
    image = make_service_image(base_image_archive, configuration={"Healthcheck": {}})
    with pytest.raises(ReleaseFailed, match="does not have the image"):
        start_release(ready, spec_of(image, 1))
    load_image(ready, image.archive, image)
    with pytest.raises(ReleaseFailed, match="how to check its health"):
        start_release(ready, spec_of(image, 1))


def test_what_cannot_be_locked_in_does_not_stay(ready: Connection, base_image_archive: Path) -> None:
    image = make_service_image(
        base_image_archive, configuration={"Entrypoint": ["sh", "-c", "exec python3.11 /opt/server.py"]}
    )
    load_image(ready, image.archive, image)
    if open_engine(ready).api >= (1, 44):
        pytest.skip("this engine forbids new privileges by itself")
    with pytest.raises(ReleaseFailed, match="it could gain new privileges"):
        start_release(ready, spec_of(image, 1))
    assert services(ready) == set()


def test_setting_a_server_up_again_changes_nothing(lab_server: LabServer, ready: Connection) -> None:
    def state() -> list[str]:
        """Nodes and networks; those of services that other tests ended may still be on their way out."""
        networks = "docker network ls --format '{{.ID}} {{.Label \"kronkers.service\"}}'"
        return [
            line for line in lab_server.root(f"docker node ls -q; {networks}").splitlines() if len(line.split()) == 1
        ]

    before = state()
    set_up_server(ready)
    assert state() == before


def test_a_link_cut_while_a_release_starts_is_a_clear_error_in_time(
    spare_server: LabServer, connect_to: Connect, service_image: HandMadeImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshake, "_DEAD_AFTER_SECONDS", 2)
    connection = connect_to(spare_server.as_server())
    set_up_server(connection)
    load_image(connection, service_image.archive, service_image)
    threading.Timer(1.0, spare_server.cut).start()
    start = time.monotonic()
    with pytest.raises(ServerUnreachable):
        start_release(connection, spec_of(service_image, 1))
    assert time.monotonic() - start < 25
    spare_server.mend()
    again = connect_to(spare_server.as_server())
    assert ask(again, start_release(again, spec_of(service_image, 2))) == 200  # its own forgotten lock does not hinder


def test_a_release_through_a_jump_host_is_sent_started_asked_and_removed(
    lab_server: LabServer, other_server: LabServer, service_image: HandMadeImage
) -> None:
    hosts = JumpHosts(lambda _jump: Credentials())
    behind = replace(lab_server.as_server(), jumps=(other_server.as_server(),))
    connection = hosts.connect(behind, Credentials())
    try:
        load_image(connection, service_image.archive, service_image)
        endpoint = start_release(connection, spec_of(service_image, 41))
        assert ask(connection, endpoint) == 200
        assert release_state(connection, endpoint, "workspace-1") is ReleaseState.LIVE
        remove_release(connection, endpoint)
        assert endpoint["service"] not in services(connection)
    finally:
        connection.close()
        hosts.close()
