"""The gateway on a real server: before a real service, confined, and there again after whatever ends it."""

from __future__ import annotations

import http.client
import ssl
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kronkers_studio.deployment.gateway.certificates import issue, new_authority
from kronkers_studio.deployment.gateway.gateway_control import apply_state, read_state, upstream_health
from kronkers_studio.deployment.gateway.gateway_service import (
    SERVICE,
    GatewayContainer,
    find_gateway,
    remove_gateway,
    start_gateway,
)
from kronkers_studio.deployment.images import load_image
from kronkers_studio.deployment.releases import ServiceSpec, remove_release, start_release
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.gateways import Consumer, GatewayState, Route, Upstream, key_of, new_api_key
from tests.deployment.gateway.platform_image import platform_image
from tests.deployment.service_image import HandMadeImage
from tests.lab.servers import LabServer

KEY = new_api_key()
AUTHORITY, PEERS = new_authority("Kronkers models"), new_authority("Kronkers gateways")


def _spec(image: HandMadeImage) -> ServiceSpec:
    package = image.package
    return ServiceSpec(
        model=package.model,
        version=package.version,
        number=1,
        image=image.config_digest,
        package=package.digest,
        service="wine-r1-aaaa",
        workspace="w" * 32,
        secret=b"s" * 32,
    )


def _ask(server: LabServer, path: str, key: str = KEY) -> tuple[int, bytes]:
    context = ssl.create_default_context(cadata=AUTHORITY.certificate.decode())
    connection = http.client.HTTPSConnection(server.host, 8443, context=context, timeout=10)
    try:
        connection.request("GET", path, headers={"X-API-Key": key} if key else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _eventually(server: LabServer, path: str, status: int, seconds: float = 60) -> bytes:
    deadline = time.monotonic() + seconds
    while True:
        try:
            answered, body = _ask(server, path)
            if answered == status:
                return body
            said = f"{answered} {body!r}"
        except OSError as error:
            said = repr(error)
        assert time.monotonic() < deadline, said
        time.sleep(0.2)


@pytest.fixture
def gateway(
    lab_server: LabServer, ready: Connection, debian_image_archive: Path, package_proxy: str
) -> GatewayContainer:
    return start_gateway(ready, platform_image(lab_server, ready, debian_image_archive, package_proxy))


@pytest.mark.timeout(600)
def test_a_program_on_the_network_reaches_a_model_through_the_gateway_and_nothing_else(
    lab_server: LabServer, ready: Connection, gateway: GatewayContainer, service_image: HandMadeImage
) -> None:
    load_image(ready, service_image.archive, service_image)
    endpoint = start_release(ready, _spec(service_image))
    certificates = {
        "server.pem": issue(AUTHORITY, [lab_server.host]),
        "peer.pem": issue(PEERS, [f"{lab_server.name}.gateway.kronkers"]),
        "peers-ca.pem": PEERS.certificate,
    }
    state = GatewayState(
        generation=int(time.time()),
        routes=(Route("production", "wine", "wine-r1-aaaa"),),
        upstreams=(Upstream("wine-r1-aaaa", endpoint["port"], "t" * 64),),
        consumers=(Consumer("shop", (key_of(KEY, datetime.now(UTC)),)),),
    )
    try:
        apply_state(gateway, state, certificates)
        assert b'"path": "/openapi.json"' in _eventually(lab_server, "/production/wine/openapi.json", 200)
        assert _ask(lab_server, "/production/wine/predict", key="")[0] == 401
        assert [each.up for each in upstream_health(gateway)] == [True]
        on_all_addresses = {line for line in lab_server.listening() if not line.startswith(("127.", "[::1]"))}
        assert {line.rpartition(":")[2] for line in on_all_addresses} <= {"22", "8443"}
        _is_confined(lab_server)
        lab_server.root("docker kill $(docker ps -q --filter label=kronkers=gateway)")
        _eventually(lab_server, "/production/wine/openapi.json", 200)
        again = find_gateway(ready)
        assert again is not None
        assert read_state(again) == state
    finally:
        remove_release(ready, endpoint)
        remove_gateway(ready)


def _is_confined(server: LabServer) -> None:
    container = server.root(f"docker ps -q --filter label=com.docker.swarm.service.name={SERVICE}").strip()
    pids = server.root(f"docker top {container} -o pid,comm | grep haproxy").split()[::2]
    for pid in pids:
        status = server.root(f"cat /proc/{pid}/status")
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert fields["Uid"].split() == ["65531"] * 4
        assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0
        assert fields["Seccomp"] == "2"
