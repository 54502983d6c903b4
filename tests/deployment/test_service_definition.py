"""What Swarm is asked for, exactly; and what is made of what runs."""

from __future__ import annotations

from typing import Any

import pytest

from kronkers_studio.deployment.hardening import weaknesses
from kronkers_studio.deployment.ports import choose_port, listening_ports
from kronkers_studio.deployment.service_definition import ServiceSpec, service_definition, service_name

_SPEC = ServiceSpec(
    model="Churn & Co", version=3, number=7, image="sha256:config", package="sha256:manifest", memory=1 << 30, cpus=1.5
)
_SECOND = 1_000_000_000
_IMAGE = {
    "Config": {
        "Entrypoint": ["python3.11", "-m", "kronkers_studio.serving"],
        "Healthcheck": {"Test": ["CMD", "python3.11", "-c", "…"], "Interval": 10 * _SECOND, "StartInterval": _SECOND},
    }
}


def _definition(api: tuple[int, ...], image: dict[str, Any] = _IMAGE) -> dict[str, Any]:
    return service_definition(_SPEC, image_id="sha256:config", image=image, port=20001, node="node1", api=api)


def test_a_service_is_one_hardened_replica_on_this_server_with_its_port_on_the_host() -> None:
    labels = {
        "kronkers.model": "Churn & Co",
        "kronkers.version": "3",
        "kronkers.release": "7",
        "kronkers.package": "sha256:manifest",
    }
    assert _definition((1, 44)) == {
        "task_template": {
            "ContainerSpec": {
                "Image": "sha256:config",
                "Labels": labels,
                "User": "65532:65532",
                "ReadOnly": True,
                "Init": True,
                "CapabilityDrop": ["ALL"],
                "StopGracePeriod": 10 * _SECOND,
                "Mounts": [
                    {"Type": "tmpfs", "Target": "/tmp", "TmpfsOptions": {"SizeBytes": 256 << 20, "Mode": 0o1777}}
                ],
                "Healthcheck": {
                    "Test": ["CMD", "python3.11", "-c", "…"],
                    "Interval": 10 * _SECOND,
                    "StartInterval": _SECOND,
                    "Timeout": 5 * _SECOND,
                    "Retries": 3,
                    "StartPeriod": 60 * _SECOND,
                },
                "Privileges": {"NoNewPrivileges": True},
            },
            "Networks": [{"Target": "kronkers"}],
            "Placement": {"Constraints": ["node.id==node1"]},
            "Resources": {"Limits": {"MemoryBytes": 1 << 30, "NanoCPUs": 1_500_000_000, "Pids": 512}},
            "RestartPolicy": {"Condition": "any", "Delay": 5 * _SECOND},
        },
        "labels": labels,
        "mode": {"Replicated": {"Replicas": 1}},
        "endpoint_spec": {
            "Mode": "dnsrr",
            "Ports": [{"Protocol": "tcp", "TargetPort": 8080, "PublishedPort": 20001, "PublishMode": "host"}],
        },
    }


def test_on_engines_before_docker_25_the_program_itself_gives_up_new_privileges() -> None:
    container = _definition((1, 41))["task_template"]["ContainerSpec"]
    assert "Privileges" not in container
    assert container["Command"][:4] == ["python3.11", "-I", "-S", "-c"]
    assert "prctl(38,1,0,0,0)" in container["Command"][4]
    assert container["Command"][5:] == ["python3.11", "-m", "kronkers_studio.serving"]
    assert container["Healthcheck"]["Interval"] == 3 * _SECOND
    assert "StartInterval" not in container["Healthcheck"]


@pytest.mark.parametrize(
    ("model", "number", "name"),
    [
        ("churn", 1, "churn-r1"),
        ("Churn & Co", 12, "churn-co-r12"),
        ("größe", 1, "gr-e-r1"),
        ("模型", 2, "model-r2"),
        ("a" * 80, 3, "a" * 57 + "-r3"),
    ],
)
def test_the_services_name_is_one_that_engines_allow(model: str, number: int, name: str) -> None:
    spec = ServiceSpec(model=model, version=1, number=number, image="", package="")
    assert service_name(spec) == name
    assert len(name) <= 60


def test_ports_that_somebody_listens_on_are_read_from_the_kernels_tables() -> None:
    tables = (
        "  sl  local_address rem_address   st tx_queue rx_queue\n"
        "   0: 0100007F:4E21 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n"
        "   1: 0100007F:4E22 0100007F:0016 01 00000000:00000000 00:00000000 00000000     0\n"
        "   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000\n"
    )
    assert listening_ports(tables) == {20001, 22}


def test_a_free_port_is_chosen_below_those_that_the_system_hands_out() -> None:
    taken = set(range(20000, 30000)) - {25000}
    assert choose_port(taken) == 25000
    assert choose_port(()) in range(20000, 30000)


_GOOD: dict[str, Any] = {
    "Config": {"User": "65532:65532"},
    "HostConfig": {
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "Init": True,
        "Memory": 1,
        "PidsLimit": 1,
        "SecurityOpt": None,
    },
    "NetworkSettings": {"Ports": {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "20001"}]}},
}


@pytest.mark.parametrize(
    ("part", "change", "found"),
    [
        ("Config", {"User": ""}, "it runs as “root”"),
        ("HostConfig", {"ReadonlyRootfs": False}, "its file system can be written to"),
        ("HostConfig", {"CapDrop": None}, "it has kept capabilities"),
        ("HostConfig", {"CapAdd": ["NET_ADMIN"]}, "it has kept capabilities"),
        ("HostConfig", {"Privileged": True}, "it has kept capabilities"),
        ("HostConfig", {"Init": None}, "it has no init process"),
        ("HostConfig", {"Memory": 0}, "its memory is not limited"),
        ("HostConfig", {"PidsLimit": None}, "its processes are not limited"),
        ("HostConfig", {"SecurityOpt": ["seccomp=unconfined"]}, "it is not confined"),
        ("NetworkSettings", {"Ports": {"8080/tcp": [{"HostIp": "10.0.0.1"}]}}, "its port is open to the network"),
    ],
)
def test_every_weakness_is_found(part: str, change: dict[str, Any], found: str) -> None:
    assert weaknesses(_GOOD, ["NoNewPrivs:\t1\n"]) == []
    assert weaknesses({**_GOOD, part: {**_GOOD[part], **change}}, []) == [found]


def test_a_process_that_could_gain_new_privileges_is_found() -> None:
    assert weaknesses(_GOOD, ["NoNewPrivs:\t1\n", "NoNewPrivs:\t0\n"]) == ["it could gain new privileges"]
