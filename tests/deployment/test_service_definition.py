"""What Swarm is asked for, exactly; and what is made of what runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kronkers_studio.deployment.hardening import descendants, weaknesses
from kronkers_studio.deployment.network_denial import start_program
from kronkers_studio.deployment.ports import choose_port, listening_ports
from kronkers_studio.deployment.service_definition import ServiceSpec, service_definition, service_name
from kronkers_studio.domain.recording import Recording

_SPEC = ServiceSpec(
    model="Churn & Co",
    version=3,
    number=7,
    image="sha256:config",
    package="sha256:manifest",
    service="churn-co-r7-0badcafe",
    workspace="w1",
    secret=b"not for everybody",
    memory=1 << 30,
    cpus=1.5,
)
_SECOND = 1_000_000_000
_IMAGE = {
    "Config": {
        "Entrypoint": ["python3.11", "-m", "kronkers_studio.serving"],
        "Healthcheck": {"Test": ["CMD", "python3.11", "-c", "…"], "Interval": 10 * _SECOND, "StartInterval": _SECOND},
    }
}


def _definition(api: tuple[int, ...], image: dict[str, Any] = _IMAGE, spec: ServiceSpec = _SPEC) -> dict[str, Any]:
    return service_definition(
        spec,
        image_id="sha256:config",
        image=image,
        port=20001,
        node="node1",
        network="network1",
        secret="secret1",
        api=api,
    )


def test_a_service_logs_the_share_of_requests_that_its_release_says() -> None:
    definition = _definition((1, 44), spec=replace(_SPEC, request_log=0.25))
    assert definition["task_template"]["ContainerSpec"]["Env"] == [
        "KRONKERS_SECRET_FILE=/run/secrets/kronkers",
        "KRONKERS_REQUEST_LOG=0.25",
    ]


@pytest.mark.parametrize("workers", [0, 3])
def test_a_model_has_as_many_processes_as_its_release_says(workers: int) -> None:
    definition = _definition((1, 44), spec=replace(_SPEC, workers=workers))
    assert f"KRONKERS_WORKERS={workers}" in definition["task_template"]["ContainerSpec"]["Env"]


def test_a_service_keeps_recorded_rows_in_a_volume_of_its_own_of_bounded_size() -> None:
    definition = _definition((1, 44), spec=replace(_SPEC, recording=Recording(0.05, 500), recording_key="ab" * 32))
    container = definition["task_template"]["ContainerSpec"]
    assert container["Mounts"][1:] == [
        {
            "Type": "volume",
            "Source": "churn-co-r7-0badcafe-rows",
            "Target": "/opt/kronkers/rows",
            "VolumeOptions": {"Labels": {"kronkers.workspace": "w1", "kronkers.service": "churn-co-r7-0badcafe"}},
        }
    ]
    assert container["Ulimits"] == [{"Name": "fsize", "Soft": 64 << 20, "Hard": 64 << 20}]
    assert container["ReadOnly"]
    assert container["Env"][1:] == [
        "KRONKERS_RECORD_ROWS=0.05",
        "KRONKERS_RECORD_MOST=500",
        f"KRONKERS_RECORD_KEY={'ab' * 32}",
    ]
    assert b"not for everybody".hex() not in str(definition)


def test_a_service_is_one_hardened_replica_on_this_server_with_its_port_on_the_host() -> None:
    labels = {
        "kronkers.workspace": "w1",
        "kronkers.model": "Churn & Co",
        "kronkers.version": "3",
        "kronkers.release": "7",
        "kronkers.package": "sha256:manifest",
    }
    assert _definition((1, 44)) == {
        "name": "churn-co-r7-0badcafe",
        "task_template": {
            "ContainerSpec": {
                "Image": "sha256:config",
                "Labels": labels,
                "User": "65532:65532",
                "ReadOnly": True,
                "Init": True,
                "CapabilityDrop": ["ALL"],
                "StopGracePeriod": 15 * _SECOND,
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
                "Command": ["python3.11", "-I", "-S", "-c", start_program(), *_IMAGE["Config"]["Entrypoint"]],
                "Env": ["KRONKERS_SECRET_FILE=/run/secrets/kronkers"],
                "Secrets": [
                    {
                        "SecretID": "secret1",
                        "SecretName": "churn-co-r7-0badcafe",
                        "File": {"Name": "kronkers", "UID": "65532", "GID": "65532", "Mode": 0o400},
                    }
                ],
                "Privileges": {"NoNewPrivileges": True},
            },
            "Networks": [{"Target": "network1"}],
            "Placement": {"Constraints": ["node.id==node1"]},
            "Resources": {"Limits": {"MemoryBytes": 1 << 30, "NanoCPUs": 1_500_000_000, "Pids": 512}},
            "RestartPolicy": {"Condition": "any", "Delay": 5 * _SECOND},
            "LogDriver": {"Name": "json-file", "Options": {"max-size": "10m", "max-file": "3"}},
        },
        "labels": labels,
        "mode": {"Replicated": {"Replicas": 1}},
        "endpoint_spec": {
            "Mode": "dnsrr",
            "Ports": [{"Protocol": "tcp", "TargetPort": 8080, "PublishedPort": 20001, "PublishMode": "host"}],
        },
    }


def test_the_secret_is_not_in_what_may_be_printed_or_in_the_definition() -> None:
    assert "everybody" not in repr(_SPEC)
    assert "everybody" not in repr(_definition((1, 41)))


def test_on_engines_before_docker_25_the_program_itself_gives_up_new_privileges() -> None:
    container = _definition((1, 41))["task_template"]["ContainerSpec"]
    assert "Privileges" not in container
    assert container["Command"][:4] == ["python3.11", "-I", "-S", "-c"]
    assert "c(38,1,0,0,0)" in container["Command"][4]
    assert container["Command"][5:] == ["python3.11", "-m", "kronkers_studio.serving"]
    assert container["Healthcheck"]["Interval"] == 3 * _SECOND
    assert "StartInterval" not in container["Healthcheck"]


@pytest.mark.parametrize(
    ("model", "number", "name"),
    [
        ("churn", 1, "churn-r1-0badcafe"),
        ("Churn & Co", 12, "churn-co-r12-0badcafe"),
        ("größe", 1, "gr-e-r1-0badcafe"),
        ("模型", 2, "model-r2-0badcafe"),
        ("a" * 80, 3, "a" * 48 + "-r3-0badcafe"),
    ],
)
def test_the_services_name_is_one_that_engines_allow_and_no_other_release_has(
    model: str, number: int, name: str
) -> None:
    assert service_name(model, number, "0badcafe12345678") == name
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
        "NanoCpus": 1,
        "SecurityOpt": None,
    },
    "NetworkSettings": {"Ports": {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "20001"}]}},
}
_GOOD_STATUS = "Name:\tpython3.11\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t2\n" + "".join(
    f"{name}:\t0000000000000000\n" for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
)


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
        ("HostConfig", {"NanoCpus": 0}, "its use of the processor is not limited"),
        ("HostConfig", {"SecurityOpt": ["seccomp=unconfined"]}, "it is not confined"),
        ("NetworkSettings", {"Ports": {"8080/tcp": [{"HostIp": "10.0.0.1"}]}}, "its port is open to the network"),
    ],
)
def test_every_weakness_is_found(part: str, change: dict[str, Any], found: str) -> None:
    assert weaknesses(_GOOD, [_GOOD_STATUS]) == []
    assert weaknesses({**_GOOD, part: {**_GOOD[part], **change}}, [_GOOD_STATUS]) == [found]


@pytest.mark.parametrize(
    ("good", "bad", "found"),
    [
        ("NoNewPrivs:\t1", "NoNewPrivs:\t0", "it could gain new privileges"),
        ("NoNewPrivs:\t1\n", "", "it could gain new privileges"),
        ("Seccomp:\t2", "Seccomp:\t0", "its system calls are not filtered"),
        ("Seccomp:\t2\n", "", "its system calls are not filtered"),
        ("Seccomp_filters:\t2", "Seccomp_filters:\t1", "it could open connections"),
        ("CapEff:\t0000000000000000", "CapEff:\t0000000000002000", "it has kept capabilities"),
        ("CapBnd:\t0000000000000000", "CapBnd:\t00000000a80425fb", "it has kept capabilities"),
        ("CapBnd:\t0000000000000000\n", "", "it has kept capabilities"),
    ],
)
def test_every_weakness_of_any_process_is_found(good: str, bad: str, found: str) -> None:
    assert good in _GOOD_STATUS
    assert weaknesses(_GOOD, [_GOOD_STATUS, _GOOD_STATUS.replace(good, bad)]) == [found]


def test_a_kernel_that_does_not_count_filters_is_no_weakness() -> None:
    assert weaknesses(_GOOD, [_GOOD_STATUS.replace("Seccomp_filters:\t2\n", "")]) == []


def test_where_no_process_can_be_looked_at_the_service_does_not_pass() -> None:
    assert weaknesses(_GOOD, []) == ["what the kernel allows its processes could not be read"]


def test_the_processes_that_count_are_those_that_the_containers_init_has_started() -> None:
    parents = {10: 1, 11: 10, 12: 11, 20: 1, 21: 20}  # 20 and 21: a health check, started by the engine
    assert descendants(parents, 10) == [11, 12]
    assert descendants({}, 10) == []
    assert descendants({11: 12, 12: 11}, 10) == []
