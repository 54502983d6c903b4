"""Watching a service's tasks: is it healthy, has it failed and why."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import docker.errors

from kronkers_studio.deployment.engine import Engine
from kronkers_studio.deployment.engine_documents import plain
from kronkers_studio.domain.progress import CancelToken
from kronkers_studio.domain.releases import ReleaseState

_POLL_SECONDS = 0.2
_LOG_LINES = 30
_UNPLACEABLE_SECONDS = 5.0
"""How long Swarm may say "no suitable node" before that is its last word; it counts from when nothing is in the way."""

_PORT_TAKEN = ("port is already allocated", "address already in use", "host-mode port already in use")
_KILLED = 137
"""The exit status of a program that was killed: by the kernel for want of memory, or by somebody."""

_ENDED = ("complete", "failed", "rejected", "shutdown", "orphaned", "remove")


@dataclass(frozen=True, slots=True)
class Startup:
    """How a start went. ``container`` is its id, ``reason`` why it is not healthy, ``advice`` what to do about it,
    ``log`` its last lines."""

    healthy: bool
    container: str = ""
    reason: str = ""
    log: str = ""
    advice: str = ""

    @property
    def port_taken(self) -> bool:
        """The engine has only words for it."""
        return any(words in self.reason for words in _PORT_TAKEN)

    @property
    def last_words(self) -> str:
        lines = [line.strip() for line in self.log.splitlines() if line.strip()]
        return lines[-1][:300] if lines else ""


def await_healthy(
    engine: Engine, service: str, timeout: float, cancel: CancelToken, *, ignored: Collection[str] = ()
) -> Startup:
    """Wait until a task of ``service`` runs and is healthy, has failed, or has come no further for ``timeout`` seconds:
    a server that is busy takes long over each step from "assigned" to "running", one that is stuck stays at one.

    ``ignored``: ids of tasks of an earlier life. Raises ``Cancelled``.
    """
    came_further = placeable_since = time.monotonic()
    task: dict[str, Any] | None = None
    before: dict[str, str] = {}
    while time.monotonic() - came_further < timeout:
        cancel.check()
        everything = tasks_of(engine, service)
        states = {each["ID"]: str(each["Status"]["State"]) for each in everything}
        if states != before:
            before, came_further = states, time.monotonic()
        tasks = [task for task in everything if task["ID"] not in ignored]
        task = tasks[-1] if tasks else None  # the first one: its failure is the service's
        if any(each["ID"] in ignored and each["Status"]["State"] not in _ENDED for each in everything):
            placeable_since = time.monotonic()  # a task that still answers its last requests holds the port
        if task is not None:
            state = task["Status"]["State"]
            if state == "running" and _is_healthy(engine, _container(task)):
                return Startup(True, _container(task))
            if state in _ENDED:
                return _failed(engine, task, _error(task))
            unplaceable = state == "pending" and "no suitable node" in _error(task)
            if unplaceable and time.monotonic() - placeable_since > _UNPLACEABLE_SECONDS:
                return _failed(engine, task, _error(task))
        time.sleep(_POLL_SECONDS)
    if task is None:
        return Startup(False, reason=f"the Swarm did nothing about it for {timeout:g} seconds")
    reason = f"it did not become healthy within {timeout:g} seconds"
    return _failed(engine, task, f"{reason} ({_error(task)})" if _error(task) else reason)


def tasks_of(engine: Engine, service: str) -> list[dict[str, Any]]:
    """The tasks of ``service``, newest first."""
    try:
        tasks: list[dict[str, Any]] = engine.tasks(filters={"service": service})
    except docker.errors.NotFound:  # the service is gone
        return []
    return sorted(tasks, key=lambda task: str(task.get("CreatedAt", "")), reverse=True)


def state_of(engine: Engine, service: dict[str, Any]) -> ReleaseState:
    """What ``service``, as the engine inspects it, is doing."""
    if service["Spec"].get("Mode", {}).get("Replicated", {}).get("Replicas") == 0:
        return ReleaseState.STANDBY
    tasks = tasks_of(engine, service["ID"])
    if not tasks:
        return ReleaseState.STARTING
    if tasks[0]["Status"]["State"] in _ENDED:
        return ReleaseState.FAILED
    # just after the engine was restarted, Swarm still says "running" of what no longer does
    return ReleaseState.LIVE if _is_healthy(engine, _container(tasks[0])) else ReleaseState.STARTING


def _is_healthy(engine: Engine, container: str) -> bool:
    if not container:
        return False
    try:
        state = engine.inspect_container(container)["State"]
    except docker.errors.NotFound:
        return False
    return bool(state["Running"]) and state.get("Health", {}).get("Status") == "healthy"


def _failed(engine: Engine, task: dict[str, Any], reason: str) -> Startup:
    container = _container(task)
    log = _last_lines(engine, container)
    wanted = _memory_wanted(engine, task, container)
    if wanted:
        return Startup(False, container, wanted, log, "A smaller model is needed, or one that loads less at once.")
    return Startup(False, container, reason, log, _advice(task, reason, log))


def _memory_wanted(engine: Engine, task: dict[str, Any], container: str) -> str:
    """The reason when the kernel ended it because it had no more memory to give; otherwise nothing."""
    if not container:
        return ""
    try:
        state = engine.inspect_container(container)["State"]
    except docker.errors.NotFound:
        return ""
    limit = int(task.get("Spec", {}).get("Resources", {}).get("Limits", {}).get("MemoryBytes", 0))
    if state.get("OOMKilled"):
        return f"it needed more than its {limit / (1 << 30):.3g} GiB of memory"
    if state.get("ExitCode") == _KILLED and task["Status"]["State"] in _ENDED:
        return f"it was killed, perhaps because the server or its {limit / (1 << 30):.3g} GiB had no memory left"
    return ""


def _advice(task: dict[str, Any], reason: str, log: str) -> str:
    if "no space left on device" in reason.lower():
        return "The server's disk is full: free some space there (kronkers server clean), then release it again."
    if task["Status"].get("ContainerStatus", {}).get("ExitCode") or log:
        return "Correct the model and release it again."
    return "Look at the server's Docker engine (kronkers server check), then release it again."


def last_lines_of(engine: Engine, service: dict[str, Any], most: int) -> list[str]:
    """The last lines that the newest task of ``service`` logged, oldest first."""
    tasks = tasks_of(engine, service["ID"])
    return _lines(engine, _container(tasks[0]), most) if tasks else []


def _last_lines(engine: Engine, container: str) -> str:
    return "\n".join(_lines(engine, container, _LOG_LINES))


def _lines(engine: Engine, container: str, most: int) -> list[str]:
    if not container:
        return []
    try:
        said = bytes(engine.logs(container, tail=most)).decode("utf-8", "replace").strip()
        return [plain(line) for line in said.splitlines()[-most:]]
    except docker.errors.APIError:  # gone already
        return []


def _container(task: dict[str, Any]) -> str:
    return str(task["Status"].get("ContainerStatus", {}).get("ContainerID", ""))


def _error(task: dict[str, Any]) -> str:
    return str(task["Status"].get("Err", "")).strip()
