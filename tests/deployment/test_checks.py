"""What `server check` says of real servers, and of numbers that no test server has."""

from __future__ import annotations

from pathlib import Path

import pytest

from kronkers_studio.deployment import checks
from kronkers_studio.deployment.checks import check_server
from kronkers_studio.deployment.setup import set_up_server
from kronkers_studio.domain.servers import ServerCheck, ServerReport, Verdict
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
    ]
    assert all(check.advice for check in report.checks if check.verdict is not Verdict.OK)
    assert "PRETTY_NAME" in Path("/etc/os-release").read_text(encoding="utf-8")
    assert _line(report, "Operating system").found in Path("/etc/os-release").read_text(encoding="utf-8")
    assert _line(report, "Docker engine").found.startswith("Docker 2")
    assert "as good as root" in _line(report, "Permission").found
    assert _line(report, "Swarm").found == "manager of 1 node(s)"
    assert "127.0.0.1" in _line(report, "Loopback only").found
    assert _line(report, "Clock").verdict is Verdict.OK
    assert {_line(report, title).verdict for title in ("SSH", "Swarm", "Loopback only")} == {Verdict.OK}


def test_a_new_server_says_what_the_first_release_will_do(spare_server: LabServer, connect_to: Connect) -> None:
    server = spare_server.as_server()
    spare_server.root("docker swarm leave --force", check=False)
    report = check_server(connect_to(server), server)
    assert (_line(report, "Swarm").verdict, _line(report, "Swarm").found) == (Verdict.WARN, "not set up yet")
    assert _line(report, "Loopback only").verdict is Verdict.WARN


def test_without_a_usable_engine_the_rest_is_still_checked(lab_server: LabServer, connect_to: Connect) -> None:
    server = lab_server.as_server(user=VISITOR)
    report = check_server(connect_to(server), server)
    assert report.verdict is Verdict.BAD
    assert f"“{VISITOR}” may not use" in _line(report, "Docker engine").found
    assert "usermod" in _line(report, "Docker engine").advice
    assert _line(report, "Disk").found


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
