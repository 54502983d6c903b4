"""Releases on a server: one hardened service each, on the server's loopback address, watched until it is healthy.

A release never touches another one. What does not become healthy is removed again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import docker.errors

from kronkers_studio.deployment.commands import read_listening_ports, read_process_status
from kronkers_studio.deployment.deploy_lock import LockOwner, deploy_lock, record_change, require_lock
from kronkers_studio.deployment.engine import Engine, engine_errors, explanation, open_engine
from kronkers_studio.deployment.hardening import descendants, weaknesses, whole
from kronkers_studio.deployment.network_repair import renew_unusable_network
from kronkers_studio.deployment.ports import choose_port, listening_ports
from kronkers_studio.deployment.service_definition import (
    SERVICE_LABEL,
    WORKSPACE_LABEL,
    ServiceSpec,
    labels_of,
    service_definition,
    service_name,
)
from kronkers_studio.deployment.setup import has_swarm, node_id
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.deployment.swarm_tasks import Startup, await_healthy, last_lines_of, state_of, tasks_of
from kronkers_studio.domain.errors import ReleaseFailed, ServerError, ServiceUnavailable, StudioError
from kronkers_studio.domain.image_contract import image_tag
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.releases import ReleaseState

__all__ = [
    "ServiceSpec",
    "pause_release",
    "release_state",
    "remove_release",
    "resume_release",
    "service_log",
    "service_name",
    "start_release",
]

_PORT_ATTEMPTS = 3
_LONGEST_CHANGE = 600.0  # seconds
_CONFLICT = 409  # the engine's answer when something is in use
_SECONDS_TO_END, _PAUSE = 30.0, 0.5
_BETWEEN = "\x1e"
_READ_STATUSES = """import os
for pid in filter(str.isdigit, os.listdir('/proc')):
    try:
        print(open(f'/proc/{pid}/status').read(), end='\\x1e')
    except OSError:
        pass
"""
"""Prints the kernel's account of every process that it sees."""


def start_release(
    connection: Connection,
    spec: ServiceSpec,
    *,
    timeout: float = 120.0,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> dict[str, Any]:
    """Start the release and wait until it is healthy; how to reach it: ``{"port": …, "service": …}``.

    The image must be on the engine (``images.load_image``) and the server set up (``setup.set_up_server``). Raises
    ``ReleaseFailed`` with the service's last words when it is not healthy and for ``timeout`` seconds has not come
    nearer to it (below ten minutes altogether), ``Cancelled``,
    ``ServerError``; then nothing of the new release is left (unless the server could not be reached any more), and
    nothing else was touched.
    """
    facts: dict[str, Any] = {"version": spec.version, "package": spec.package}
    if spec.recording is not None:
        facts["records"] = spec.recording.stored()
    with _change(connection, "start", spec.label, "starting the service", **facts) as (engine, lock):
        image = _image(connection, engine, spec)
        require_lock(connection, lock)
        try:
            network, secret = _network(engine, spec), _secret(engine, spec)
            for _ in range(_PORT_ATTEMPTS):
                port = _free_port(connection, engine)
                require_lock(connection, lock)
                _create(engine, spec, image, port, network, secret)
                progress.note(f"Waiting until {spec.label} is healthy")
                startup = await_healthy(engine, spec.service, timeout, cancel)
                if startup.healthy:
                    _require_hardened(connection, engine, spec, startup.container)
                    return {"port": port, "service": spec.service}
                if not startup.port_taken:
                    break
                _remove_service(
                    engine, spec.service
                )  # somebody else took the port between our looking and our starting
            raise _failure(spec.label, startup, "removed")
        except BaseException:  # failed, cancelled, interrupted or cut off: nothing half-started may stay
            _remove_after_failure(engine, spec.service)
            raise


def pause_release(connection: Connection, endpoint: Mapping[str, Any], workspace: str = "") -> None:
    """Stop the service but keep all that a quick return needs. No error when it is gone already. Here and below,
    ``workspace`` is whose it must be: a history that somebody else wrote may name any service.

    Swarm takes about three seconds for it; that is not waited for.
    As ``remove_release``, it needs neither the deploy lock nor a disk with room: stopping must always be possible.
    """
    engine = open_engine(connection)
    with engine_errors(connection, "stopping the service"):
        service = _inspect(engine, endpoint, workspace)
        if service is not None:
            _scale(engine, service, 0)
            _record_if_possible(connection, "pause", release=endpoint["service"])


def resume_release(
    connection: Connection,
    endpoint: Mapping[str, Any],
    workspace: str = "",
    *,
    timeout: float = 120.0,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> dict[str, Any]:
    """Start a paused service again and wait until it is healthy; its endpoint, which may have another port.

    Raises ``ServiceUnavailable`` when the server no longer has it, ``ReleaseFailed`` (it is paused again then).
    """
    name = str(endpoint["service"])
    with _change(connection, "resume", name, "starting the service again") as (engine, lock):
        service = _inspect(engine, endpoint, workspace)
        if service is None:
            raise ServiceUnavailable(
                f"{connection.server.name} no longer has {name}.", next_step="Release that version again."
            )
        if state_of(engine, service) is ReleaseState.LIVE:
            return {**endpoint, "port": engine.port_of(service)}
        try:
            for _ in range(_PORT_ATTEMPTS):
                earlier = [task["ID"] for task in tasks_of(engine, name)]
                require_lock(connection, lock)
                _scale(engine, service, 1)
                progress.note(f"Waiting until {name} is healthy")
                startup = await_healthy(engine, name, timeout, cancel, ignored=earlier)
                if startup.healthy:
                    return {**endpoint, "port": engine.port_of(service)}
                _pause_after_failure(engine, endpoint)
                service = _inspect(engine, endpoint)
                if not startup.port_taken or service is None:
                    break
                _move(service, _free_port(connection, engine))  # somebody else has taken its port meanwhile
        except BaseException:  # cancelled, interrupted or cut off: it was paused, and shall be
            _pause_after_failure(engine, endpoint)
            raise
        raise _failure(name, startup, "paused")


def remove_release(connection: Connection, endpoint: Mapping[str, Any], workspace: str = "") -> None:
    """Stop the service and remove it with its secret, its network and the rows that it recorded. No error when they are
    gone already.

    Swarm takes some seconds to end it; that is waited for only where rows were recorded, which its container holds
    until then. The image stays.
    """
    engine = open_engine(connection)
    with engine_errors(connection, "removing the service"):
        if has_swarm(engine) and not _is_others(engine, endpoint, workspace):
            remove_parts(engine, str(endpoint["service"]))
            _wait_for_volumes(engine, str(endpoint["service"]))
        _record_if_possible(connection, "remove", release=endpoint["service"])


def release_state(connection: Connection, endpoint: Mapping[str, Any], workspace: str = "") -> ReleaseState:
    """What the service is doing now; STOPPED when the server does not have it. One that its engine cannot start again
    because of its network is given a new one, and is starting then."""
    engine = open_engine(connection)
    with engine_errors(connection, "asking for the service's state"):
        service = _inspect(engine, endpoint, workspace)
        if service is None:
            return ReleaseState.STOPPED
        state = state_of(engine, service)
        stuck = state in (ReleaseState.STARTING, ReleaseState.FAILED) and renew_unusable_network(engine, service)
        return ReleaseState.STARTING if stuck else state


def service_log(connection: Connection, endpoint: Mapping[str, Any], workspace: str, lines: int) -> list[str]:
    """The last ``lines`` of what the service logged, oldest first; none when the server does not have it."""
    engine = open_engine(connection)
    with engine_errors(connection, "reading the service's log"):
        service = _inspect(engine, endpoint, workspace)
        return [] if service is None else last_lines_of(engine, service, lines)


def remove_parts(engine: Engine, service: str) -> None:
    """Remove the service, and the secret, network and volume that are labelled as its own.

    Swarm forgets the first three at once. What the engine has of them goes when the container has ended, after some
    seconds; until then a volume is in use, and stays.
    """
    if not has_swarm(engine):
        return
    _remove_service(engine, service)
    mine = {"label": f"{SERVICE_LABEL}={service}"}
    for secret in engine.secrets(filters=mine):
        if bears(secret["Spec"], SERVICE_LABEL, service):
            with contextlib.suppress(docker.errors.NotFound):
                engine.remove_secret(secret["ID"])
    for network in engine.networks(filters=mine):
        if bears(network, SERVICE_LABEL, service):
            remove_network(engine, network["Id"])
    for volume in own_volumes(engine, service):
        remove_volume(engine, volume)


def own_volumes(engine: Engine, service: str) -> list[str]:
    """The names of the volumes that are labelled as the service's own."""
    found = engine.volumes(filters={"label": f"{SERVICE_LABEL}={service}"})
    return [volume["Name"] for volume in found if bears(volume, SERVICE_LABEL, service)]


def bears(labelled: Mapping[str, Any], label: str, value: str) -> bool:
    """Whether it has that label: what an engine lists when it is asked for those that do is looked at all the same."""
    return bool(labelled.get("Labels", {}).get(label) == value)


def remove_network(engine: Engine, id: str) -> bool:
    """Remove a network; False while something that is ending still uses it. The engine has only words for why not: one
    that Swarm has forgotten is listed, and "not found", until its last container has ended."""
    try:
        engine.remove_network(id)
    except docker.errors.APIError as error:
        said = explanation(error).lower()
        if "in use" in said or "active endpoints" in said:
            return False
        if "not found" not in said and "no such network" not in said:
            raise
    return True


def remove_volume(engine: Engine, name: str) -> bool:
    """Remove a volume; False while a container has it, though it may have ended."""
    try:
        engine.remove_volume(name)
    except docker.errors.NotFound:
        return True
    except docker.errors.APIError as error:
        if error.status_code != _CONFLICT:
            raise
        return False
    return True


def _wait_for_volumes(engine: Engine, service: str) -> None:
    """Until the service's container has gone, and its volume with it; what is there after that is left to who cleans
    the server."""
    deadline = time.monotonic() + _SECONDS_TO_END
    while (volumes := own_volumes(engine, service)) and time.monotonic() < deadline:
        if not all(remove_volume(engine, volume) for volume in volumes):
            time.sleep(_PAUSE)


@contextlib.contextmanager
def _change(
    connection: Connection, action: str, label: str, doing: str, **facts: Any
) -> Iterator[tuple[Engine, LockOwner]]:
    """The engine, and the deploy lock that is held; what is done and how it ended go into the server's audit log."""
    engine = open_engine(connection)
    with (
        deploy_lock(connection, f"{action} {label}") as lock,
        engine_errors(connection, doing, seconds=_LONGEST_CHANGE),
    ):
        record_change(connection, action, release=label, **facts)
        try:
            yield engine, lock
        except BaseException as problem:
            outcome = problem.message if isinstance(problem, StudioError) else type(problem).__name__
            _record_if_possible(connection, action, release=label, outcome=f"failed: {outcome}")
            raise
        _record_if_possible(connection, action, release=label, outcome="done")


def _record_if_possible(connection: Connection, action: str, **facts: Any) -> None:
    """What has happened has happened, whether or not it can be written down."""
    with contextlib.suppress(ServerError):
        record_change(connection, action, **facts)


def _image(connection: Connection, engine: Engine, spec: ServiceSpec) -> dict[str, Any]:
    """The engine's inspection of the release's image, which must have a health check."""
    for name in (spec.image, image_tag(spec.model, spec.version, spec.package)):
        try:
            image: dict[str, Any] = engine.inspect_image(name)
        except docker.errors.ImageNotFound:
            continue
        if image.get("Config", {}).get("Healthcheck", {}).get("Test"):
            return image
        raise ReleaseFailed(
            f"The image of {spec.label} does not say how to check its health.", next_step="Package the model again."
        )
    raise ReleaseFailed(
        f"{connection.server.name} does not have the image of {spec.label}.", next_step="Release the version again."
    )


def _free_port(connection: Connection, engine: Engine) -> int:
    published = {
        port["PublishedPort"]
        for service in engine.services()
        for port in service["Spec"].get("EndpointSpec", {}).get("Ports") or ()
        if "PublishedPort" in port
    }
    return choose_port(listening_ports(connection.run(read_listening_ports()).output) | published)


def _network(engine: Engine, spec: ServiceSpec) -> str:
    """A network of the release's own, so that it cannot reach another release; its id."""
    definition = {"Name": spec.service, "Driver": "overlay", "Labels": labels_of(spec), "CheckDuplicate": True}
    return engine.create_raw_network(definition)


def _secret(engine: Engine, spec: ServiceSpec) -> str:
    """The release's secret, as the file in the container shall hold it; its id."""
    return engine.create_labelled_secret(spec.service, spec.secret.hex().encode("ascii"), labels_of(spec))


def _create(engine: Engine, spec: ServiceSpec, image: dict[str, Any], port: int, network: str, secret: str) -> None:
    info = engine.info()
    cpus, memory = info.get("NCPU", spec.cpus), info.get("MemTotal", spec.memory)
    definition = service_definition(
        replace(spec, cpus=min(spec.cpus, cpus), memory=min(spec.memory, memory)),
        image_id=image["Id"],
        image=image,
        port=port,
        node=node_id(engine),
        network=network,
        secret=secret,
        api=engine.api,
    )
    engine.create_service(**definition)


def _require_hardened(connection: Connection, engine: Engine, spec: ServiceSpec, container: str) -> None:
    inspected = engine.inspect_container(container)
    problems = weaknesses(inspected, _process_statuses(connection, engine, inspected))
    if problems:
        raise ReleaseFailed(
            f"{spec.label} runs on {connection.server.name}, but not locked in as it must be: {'; '.join(problems)}.",
            next_step="It was removed again. Update the server's Docker engine, or ask its administrator which "
            "settings override these.",
        )


def _process_statuses(connection: Connection, engine: Engine, container: Mapping[str, Any]) -> list[str]:
    """The kernel's account of the processes that the container's own init has started: read on the server or, where
    other accounts' processes are hidden (hidepid), inside of the container."""
    ours = descendants(engine.parents_inside(container["Id"]), container["State"].get("Pid", 0))
    said = [connection.run(read_process_status(pid)) for pid in ours]
    read = [status.output for status in said if status.ok]
    return read or _statuses_inside(engine, container)


def _statuses_inside(engine: Engine, container: Mapping[str, Any]) -> list[str]:
    program = (container["Config"].get("Entrypoint") or ["python3"])[0]
    try:
        said = engine.output_inside(container["Id"], [program, "-I", "-S", "-c", _READ_STATUSES])
    except docker.errors.APIError:
        return []  # which is a weakness of its own
    statuses = {}
    for status in said.decode("utf-8", "replace").split(_BETWEEN):
        facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        pid, parent = whole(facts.get("Pid", "")), whole(facts.get("PPid", ""))
        if pid is not None and parent is not None:
            statuses[pid] = (parent, status)
    return [statuses[pid][1] for pid in descendants({pid: parent for pid, (parent, _) in statuses.items()}, 1)]


def _inspect(engine: Engine, endpoint: Mapping[str, Any], workspace: str = "") -> dict[str, Any] | None:
    """The release's service; None when it is gone, or another's."""
    if not has_swarm(engine):
        return None
    try:
        service: dict[str, Any] = engine.inspect_service(str(endpoint["service"]))
    except docker.errors.NotFound:
        return None
    labels = service["Spec"].get("Labels", {})
    is_ours = "kronkers.model" in labels and labels.get(WORKSPACE_LABEL, workspace) == workspace  # first versions: none
    return service if is_ours or not workspace else None


def _is_others(engine: Engine, endpoint: Mapping[str, Any], workspace: str) -> bool:
    return _inspect(engine, endpoint) is not None and _inspect(engine, endpoint, workspace) is None


def _move(service: Mapping[str, Any], port: int) -> None:
    """Let ``service`` be published on ``port`` when it is next scaled."""
    service["Spec"]["EndpointSpec"]["Ports"][0]["PublishedPort"] = port


def _scale(engine: Engine, service: dict[str, Any], replicas: int) -> None:
    spec = service["Spec"]
    engine.update_service(
        service["ID"],
        service["Version"]["Index"],
        name=spec["Name"],
        labels=spec.get("Labels"),
        task_template=spec["TaskTemplate"],
        mode={"Replicated": {"Replicas": replicas}},
        endpoint_spec=spec.get("EndpointSpec"),
    )


def _remove_service(engine: Engine, name: str) -> None:
    with contextlib.suppress(docker.errors.NotFound):
        engine.remove_service(name)


def _remove_after_failure(engine: Engine, name: str) -> None:
    """The first failure is the one to report; without a connection nothing can be removed."""
    with contextlib.suppress(docker.errors.DockerException, OSError, ServerError):
        remove_parts(engine, name)


def _pause_after_failure(engine: Engine, endpoint: Mapping[str, Any]) -> None:
    with contextlib.suppress(docker.errors.DockerException, OSError, ServerError):
        service = _inspect(engine, endpoint)
        if service is not None:
            _scale(engine, service, 0)


def _failure(label: str, startup: Startup, done: str) -> ReleaseFailed:
    words = f" Its last words: “{startup.last_words}”." if startup.last_words else ""
    return ReleaseFailed(
        f"{label} did not start: {startup.reason}.{words}",
        next_step=f"It was {done} again. {startup.advice}",
        details=startup.log[-4000:],
    )
