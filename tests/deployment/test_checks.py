"""What `server check` says of real servers, and of numbers that no test server has."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import docker.errors
import pytest

from kronkers_studio.deployment import checks, setup
from kronkers_studio.deployment.checks import check_server, server_platform
from kronkers_studio.deployment.deploy_lock import deploy_lock
from kronkers_studio.deployment.engine import open_engine
from kronkers_studio.deployment.setup import set_up_server
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.errors import ServerError
from kronkers_studio.domain.servers import Remedy, Server, ServerCheck, ServerReport, Verdict
from tests.deployment.conftest import Connect
from tests.lab.servers import VISITOR, LabServer


def _line(report: ServerReport, title: str) -> ServerCheck:
    (found,) = (check for check in report.checks if check.title == title)
    return found


def test_a_fit_server_is_described_line_by_line(lab_server: LabServer, connect_to: Connect) -> None:
    server = lab_server.as_server()
    connection = connect_to(server)
    set_up_server(connection)

    report = check_server(connection, server)

    assert [check.title for check in report.checks] == [
        "SSH",
        "Operating system",
        "Processor",
        "Docker engine",
        "Permission",
        "Swarm",
        "Loopback only",
        "Disk",
        "Memory",
        "Clock",
        "Lock",
    ]
    assert all(check.advice for check in report.checks if check.verdict is not Verdict.OK)
    assert "PRETTY_NAME" in Path("/etc/os-release").read_text(encoding="utf-8")
    assert _line(report, "Operating system").found in Path("/etc/os-release").read_text(encoding="utf-8")
    assert _line(report, "Docker engine").found.startswith("Docker 2")
    assert "as good as root" in _line(report, "Permission").found
    assert _line(report, "Swarm").found == "manager of 1 node(s)"
    assert "127.0.0.1" in _line(report, "Loopback only").found
    assert _line(report, "Clock").verdict is Verdict.OK
    assert {_line(report, title).verdict for title in ("SSH", "Swarm", "Loopback only", "Lock")} == {Verdict.OK}


def test_a_new_server_says_what_the_first_release_will_do(spare_server: LabServer, connect_to: Connect) -> None:
    server = spare_server.as_server()
    spare_server.root("docker swarm leave --force", check=False)
    report = check_server(connect_to(server), server)
    assert (_line(report, "Swarm").verdict, _line(report, "Swarm").found) == (Verdict.WARN, "not prepared yet")
    assert _line(report, "Loopback only").verdict is Verdict.WARN


def test_without_a_usable_engine_the_rest_is_still_checked(lab_server: LabServer, connect_to: Connect) -> None:
    server = lab_server.as_server(user=VISITOR)
    report = check_server(connect_to(server), server)
    assert report.verdict is Verdict.BAD
    assert f"“{VISITOR}” may not use" in _line(report, "Docker engine").found
    assert "usermod" in _line(report, "Docker engine").advice
    assert _line(report, "Disk").found


def test_a_held_lock_is_shown_with_its_holder(connection: Connection, lab_server: LabServer) -> None:
    with deploy_lock(connection, "start churn r1") as owner:
        report = check_server(connection, lab_server.as_server())
    line = _line(report, "Lock")
    assert line.verdict is Verdict.WARN
    assert line.found.startswith(f"{owner.user} on {owner.computer} is changing releases (start churn r1, since 20")
    assert "last heard of" in line.found
    assert line.remedy is Remedy.UNLOCK
    assert report.lock is not None
    assert report.lock.holder == f"{owner.user} on {owner.computer}"


def test_an_account_without_a_shell_is_told_so_and_nothing_else_is_guessed(
    other_server: LabServer, connect_to: Connect
) -> None:
    passwd = other_server.folder / "etc" / "passwd"
    passwd.write_text(passwd.read_text(encoding="utf-8").replace(":/bin/sh", ":/usr/sbin/nologin"), encoding="utf-8")
    server = other_server.as_server()
    report = check_server(connect_to(server), server)
    assert [check.title for check in report.checks] == ["SSH", "Commands"]
    assert report.verdict is Verdict.BAD
    assert "not run commands" in _line(report, "Commands").found


_PODMAN = {  # what Podman 4.3.1 answers to GET /version, shortened
    "Platform": {"Name": "linux/amd64/debian-12"},
    "Components": [{"Name": "Podman Engine", "Version": "4.3.1"}, {"Name": "Conmon"}, {"Name": "OCI Runtime (crun)"}],
    "Version": "4.3.1",
    "ApiVersion": "1.41",
}


def test_podman_without_docker_is_named_as_podman(other_server: LabServer, connect_to: Connect) -> None:
    other_server.hide("docker", "dockerd")
    other_server.root(
        "mount -t tmpfs -o mode=755 tmpfs /usr/local/bin"
    )  # the lab has no Podman, so a program of its name
    other_server.root("printf '#!/bin/sh\n' > /usr/local/bin/podman; chmod 755 /usr/local/bin/podman")
    report = check_server(connect_to(other_server.as_server()), other_server.as_server())
    (line,) = [check for check in report.checks if check.title == "Docker engine"]
    assert line.found.endswith("has Podman in place of Docker.")
    assert "Podman does not have" in line.advice


def test_podman_is_named_as_podman(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    named = checks.other_product(_PODMAN)
    assert named is not None
    assert (named.verdict, named.found) == (Verdict.BAD, "Podman answers in place of Docker")
    assert "Swarm" in named.advice
    engine = open_engine(connection)
    assert checks.other_product(engine.version()) is None
    monkeypatch.setattr(engine, "version", lambda: _PODMAN)  # the lab has no Podman
    assert _line(check_server(connection, connection.server), "Docker engine") == named
    oddities: list[dict[str, Any]] = [{}, {"Components": None}, {"Components": [None, "Podman", {}]}]
    for odd in oddities:
        assert checks.other_product(odd) is None


def test_an_engine_without_root_is_said_to_lack_overlay_networks() -> None:
    info = {"SecurityOptions": ["name=seccomp,profile=default", "name=rootless", "name=cgroupns"]}
    line = checks.permission(Server("s", "h", 22, "ada", ""), info)
    assert line.verdict is Verdict.BAD
    assert "no overlay networks" in line.found
    assert line.advice


@pytest.mark.parametrize("strange", ["9" * 5000, "²", "-1", "1e9", "0x10", "１２", "nan", "", "1_000"])
def test_numbers_that_are_none_are_unreadable_and_nothing_else(strange: str) -> None:
    unreadable = "could not be read"
    assert checks.disk_space(f"head\n/dev/sda 1 1 {strange} 99% /var").found == unreadable
    assert checks.memory(f"MemTotal: {strange} kB\nMemAvailable: {strange} kB\n").found == unreadable


@pytest.mark.parametrize(
    ("check", "verdict", "found"),
    [
        (checks.operating_system("ID=x\n"), Verdict.BAD, "not a Linux"),
        (checks.operating_system('PRETTY_NAME="Debian GNU/Linux 12"\n'), Verdict.OK, "Debian GNU/Linux 12"),
        (checks.processor("aarch64"), Verdict.OK, "packages for linux/arm64"),
        (checks.processor("riscv64"), Verdict.BAD, "riscv64"),
        (checks.engine_version("19.03.8", (1, 40)), Verdict.BAD, "Docker 19.03.8"),
        (checks.disk_space("head\n/dev/sda 1 1 1000000 99% /var"), Verdict.BAD, "1.0 GB free on /var"),
        (checks.disk_space("head\n/dev/sda 1 1 5000000 99% /var"), Verdict.WARN, "5.1 GB free on /var"),
        (checks.disk_space("head\n/dev/sda 1 1 50000000 9% /"), Verdict.OK, "51.2 GB free on /"),
        (checks.disk_space(""), Verdict.WARN, "could not be read"),
        (checks.memory("MemTotal: 8000000 kB\nMemAvailable: 200000 kB\n"), Verdict.BAD, "0.2 of 8.2 GB"),
        (checks.memory("MemTotal: 8000000 kB\nMemAvailable: 900000 kB\n"), Verdict.WARN, "0.9 of 8.2 GB"),
        (checks.memory("MemTotal: 8000000 kB\nMemAvailable: 4000000 kB\n"), Verdict.OK, "4.1 of 8.2 GB"),
        (checks.memory("nonsense"), Verdict.WARN, "could not be read"),
        (checks.operating_system(f"PRETTY_NAME={'x' * 10_000}"), Verdict.OK, 100 * "x"),
        (checks.lock(None), Verdict.OK, "nobody is changing"),
        (checks.clock(1.0), Verdict.OK, "agrees"),
        (checks.clock(61.0), Verdict.WARN, "61 seconds ahead of"),
        (checks.clock(-7200.0), Verdict.WARN, "7200 seconds behind"),
        (checks.swarm({"Swarm": {"LocalNodeState": "active"}}), Verdict.BAD, "a worker in another Swarm"),
        (checks.swarm({"Swarm": {"LocalNodeState": "locked"}}), Verdict.BAD, "locked"),
    ],
)
def test_each_finding_has_its_verdict_and_advice(check: ServerCheck, verdict: Verdict, found: str) -> None:
    assert check.verdict is verdict
    assert found in check.found
    assert bool(check.advice) is (verdict is not Verdict.OK)


def test_a_release_is_built_for_the_servers_own_processor(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}[platform.machine()]
    assert server_platform(connection) == machine
    engine = open_engine(connection)
    monkeypatch.setattr(engine, "info", lambda: {"Architecture": "aarch64"})
    assert server_platform(connection) == "linux/arm64"
    monkeypatch.setattr(engine, "info", lambda: {"Architecture": "riscv64"})
    with pytest.raises(ServerError, match="riscv64"):
        server_platform(connection)


def test_who_sets_a_server_up_a_moment_later_than_another_finds_it_so(ready: Connection) -> None:
    """An engine only has words for it; so it is asked how things are. Seen to fail with the question left out."""
    engine = open_engine(ready)
    setup._start_swarm(engine)
    setup._make_network(engine, {"Name": "docker_gwbridge", "Driver": "bridge"})
    with pytest.raises(docker.errors.APIError):
        setup._make_network(engine, {"Name": "kronkers-none", "Driver": "no-such-driver"})
