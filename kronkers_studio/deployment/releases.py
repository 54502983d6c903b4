"""Releases on a server: one hardened service each, on the server's loopback address, watched until it is healthy.

A release never touches another one. What does not become healthy is removed again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import docker.errors

from kronkers_studio.deployment.commands import read_listening_ports, read_process_status
from kronkers_studio.deployment.engine import Engine, engine_errors, open_engine
from kronkers_studio.deployment.hardening import weaknesses
from kronkers_studio.deployment.images import image_tag
from kronkers_studio.deployment.lock import deploy_lock, record_change
from kronkers_studio.deployment.ports import choose_port, listening_ports
from kronkers_studio.deployment.service_definition import ServiceSpec, service_definition, service_name
from kronkers_studio.deployment.setup import node_id
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.deployment.tasks import Startup, await_healthy, state_of, tasks_of
from kronkers_studio.domain.errors import ReleaseFailed, ServerError, ServiceUnavailable, StudioError
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.releases import ReleaseState

__all__ = ["ServiceSpec", "pause_release", "release_state", "remove_release", "resume_release", "start_release"]

_PORT_ATTEMPTS = 3
_NAME_ATTEMPTS = 10


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
    ``ReleaseFailed`` with the service's last words when it is not healthy within ``timeout`` seconds, ``Cancelled``,
    ``ServerError``; then nothing of the new release is left, and nothing else was touched.
    """
    facts = {"version": spec.version, "package": spec.package}
    with _change(connection, "start", spec.label, "starting the service", **facts) as engine:
        image = _image(connection, engine, spec)
        for _ in range(_PORT_ATTEMPTS):
            port = _free_port(connection, engine)
            name = _create(engine, spec, image, port)
            progress.note(f"Waiting until {spec.label} is healthy")
            try:
                startup = await_healthy(engine, name, timeout, cancel)
                if startup.healthy:
                    _require_hardened(connection, engine, spec, startup.container)
                    return {"port": port, "service": name}
            except BaseException:  # cancelled, interrupted or cut off: nothing half-started may stay
                _remove_after_failure(engine, name)
                raise
            _remove(engine, name)
            if not startup.port_taken:  # somebody else took the port between our looking and our starting
                break
        raise _failure(spec.label, startup, "removed")


def pause_release(connection: Connection, endpoint: Mapping[str, Any]) -> None:
    """Stop the service but keep all that a quick return needs. No error when it is gone already.

    Swarm takes about three seconds for it; that is not waited for.
    As ``remove_release``, it needs neither the deploy lock nor a disk with room: stopping must always be possible.
    """
    engine = open_engine(connection)
    with engine_errors(connection, "stopping the service"):
        service = _inspect(engine, endpoint)
        if service is not None:
            _scale(engine, service, 0)
            _record_if_possible(connection, "pause", release=endpoint["service"])


def resume_release(
    connection: Connection,
    endpoint: Mapping[str, Any],
    *,
    timeout: float = 120.0,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> dict[str, Any]:
    """Start a paused service again and wait until it is healthy; its endpoint.

    Raises ``ServiceUnavailable`` when the server no longer has it, ``ReleaseFailed`` (it is paused again then).
    """
    name = str(endpoint["service"])
    with _change(connection, "resume", name, "starting the service again") as engine:
        service = _inspect(engine, endpoint)
        if service is None:
            raise ServiceUnavailable(
                f"{connection.server.name} no longer has {name}.", next_step="Release that version again."
            )
        if state_of(engine, service) is ReleaseState.LIVE:
            return dict(endpoint)
        earlier = [task["ID"] for task in tasks_of(engine, name)]
        _scale(engine, service, 1)
        progress.note(f"Waiting until {name} is healthy")
        try:
            startup = await_healthy(engine, name, timeout, cancel, ignored=earlier)
        except BaseException:  # cancelled, interrupted or cut off: it was paused, and shall be
            _pause_after_failure(engine, endpoint)
            raise
        if startup.healthy:
            return dict(endpoint)
        _pause_after_failure(engine, endpoint)
        raise _failure(name, startup, "paused")


def remove_release(connection: Connection, endpoint: Mapping[str, Any]) -> None:
    """Stop the service and remove it (Swarm takes about three seconds). No error when it is gone already.

    The image stays.
    """
    engine = open_engine(connection)
    with engine_errors(connection, "removing the service"):
        _remove(engine, str(endpoint["service"]))
        _record_if_possible(connection, "remove", release=endpoint["service"])


def release_state(connection: Connection, endpoint: Mapping[str, Any]) -> ReleaseState:
    """What the service is doing now; STOPPED when the server does not have it."""
    engine = open_engine(connection)
    with engine_errors(connection, "asking for the service's state"):
        service = _inspect(engine, endpoint)
        return ReleaseState.STOPPED if service is None else state_of(engine, service)


@contextlib.contextmanager
def _change(connection: Connection, action: str, label: str, doing: str, **facts: Any) -> Iterator[Engine]:
    """The engine, under the deploy lock; what is done and how it ended go into the server's audit log."""
    engine = open_engine(connection)
    with deploy_lock(connection, f"{action} {label}"), engine_errors(connection, doing):
        record_change(connection, action, release=label, **facts)
        try:
            yield engine
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
        if image["Config"].get("Healthcheck", {}).get("Test"):
            return image
        raise ReleaseFailed(
            f"The image of {spec.label} does not say how to check its health.", next_step="Package the model again."
        )
    raise ReleaseFailed(
        f"{connection.server.name} does not have the image of {spec.label}.", next_step="Release the version again."
    )


def _free_port(connection: Connection, engine: Engine) -> int:
    published = {
        int(port["PublishedPort"])
        for service in engine.services()
        for port in service["Spec"].get("EndpointSpec", {}).get("Ports") or ()
        if "PublishedPort" in port
    }
    return choose_port(listening_ports(connection.run(read_listening_ports()).output) | published)


def _create(engine: Engine, spec: ServiceSpec, image: dict[str, Any], port: int) -> str:
    """Create the service; its name, which gets a suffix when another workspace has a service of that name there."""
    info = engine.info()
    definition = service_definition(
        replace(spec, cpus=min(spec.cpus, float(info["NCPU"])), memory=min(spec.memory, int(info["MemTotal"]))),
        image_id=image["Id"],
        image=image,
        port=port,
        node=node_id(engine),
        api=engine.api,
    )
    plain = service_name(spec)
    for attempt in range(1, _NAME_ATTEMPTS + 1):
        name = plain if attempt == 1 else f"{plain}-{attempt}"
        try:
            engine.create_service(name=name, **definition)
            return name
        except docker.errors.APIError as error:
            if error.status_code != 409:
                raise
    raise ReleaseFailed(
        f"There are {_NAME_ATTEMPTS} services called {plain} on that server already.",
        next_step="Ask who else releases there, and remove what nobody needs (docker service rm).",
    )


def _require_hardened(connection: Connection, engine: Engine, spec: ServiceSpec, container: str) -> None:
    inspected = engine.inspect_container(container)
    first = str(inspected["State"]["Pid"])
    statuses = []
    for row in engine.top(container, "-o pid")["Processes"]:
        if row[0] != first:
            status = connection.run(read_process_status(int(row[0])))
            statuses += [status.output] if status.ok else []
    problems = weaknesses(inspected, statuses)
    if problems:
        raise ReleaseFailed(
            f"{spec.label} runs on {connection.server.name}, but not locked in as it must be: {'; '.join(problems)}.",
            next_step="It was removed again. Update the server's Docker engine, or ask its administrator which "
            "settings override these.",
        )


def _inspect(engine: Engine, endpoint: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        service: dict[str, Any] = engine.inspect_service(str(endpoint["service"]))
    except docker.errors.NotFound:
        return None
    return service


def _scale(engine: Engine, service: dict[str, Any], replicas: int) -> None:
    spec = service["Spec"]
    engine.update_service(
        service["ID"],
        service["Version"]["Index"],
        name=spec["Name"],
        labels=spec["Labels"],
        task_template=spec["TaskTemplate"],
        mode={"Replicated": {"Replicas": replicas}},
        endpoint_spec=spec["EndpointSpec"],
    )


def _remove(engine: Engine, name: str) -> None:
    with contextlib.suppress(docker.errors.NotFound):
        engine.remove_service(name)


def _remove_after_failure(engine: Engine, name: str) -> None:
    """The first failure is the one to report; without a connection nothing can be removed."""
    with contextlib.suppress(docker.errors.DockerException, OSError, ServerError):
        _remove(engine, name)


def _pause_after_failure(engine: Engine, endpoint: Mapping[str, Any]) -> None:
    with contextlib.suppress(docker.errors.DockerException, OSError, ServerError):
        service = _inspect(engine, endpoint)
        if service is not None:
            _scale(engine, service, 0)


def _failure(label: str, startup: Startup, done: str) -> ReleaseFailed:
    words = f" Its last words: “{startup.last_words}”." if startup.last_words else ""
    return ReleaseFailed(
        f"{label} did not start: {startup.reason}.{words}",
        next_step=f"It was {done} again, and what was live before still is. Correct the model and release it again.",
        details=startup.log[-4000:],
    )
