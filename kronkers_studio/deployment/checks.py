"""Is a server fit for releases? One line per thing that matters, each with what to do when it is wrong."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from kronkers_studio.deployment.commands import read_clock, read_disk, read_memory, read_system
from kronkers_studio.deployment.deploy_lock import read_deploy_lock
from kronkers_studio.deployment.engine import OLDEST_API, Engine, engine_errors, open_engine
from kronkers_studio.deployment.images import data_folder
from kronkers_studio.deployment.setup import is_set_up, listens_on_loopback_only
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.errors import EngineUnavailable, EngineUntrustworthy, ServerError, ShellUnusable
from kronkers_studio.domain.servers import DeployLock, Remedy, Server, ServerCheck, ServerReport, Verdict

_GB = 1_000_000_000
_PLATFORMS = {"x86_64": "linux/amd64", "amd64": "linux/amd64", "aarch64": "linux/arm64", "arm64": "linux/arm64"}
_MOST_SKEW_SECONDS = 5.0
_MOST_NAME = 100


def check_server(connection: Connection, server: Server) -> ServerReport:
    """Look at the server; changes nothing there. Raises ``ServerUnreachable`` when the connection is lost."""
    checks = [ServerCheck("SSH", Verdict.OK, _logged_in(server))]
    try:
        checks.append(operating_system(connection.run(read_system()).output))
    except ShellUnusable as problem:  # nothing else can be looked at
        checks.append(ServerCheck("Commands", Verdict.BAD, problem.message, problem.next_step))
        return ServerReport(server.name, tuple(checks))
    disk = "/"
    try:
        engine = open_engine(connection)
        with engine_errors(connection, "describing itself"):
            info = engine.info()
            checks += [
                processor(str(info.get("Architecture", ""))),
                other_product(engine.version()) or engine_version(str(info.get("ServerVersion", "")), engine.api),
                permission(server, info),
                swarm(info),
                _loopback(engine),
            ]
            disk = data_folder(info)
    except (EngineUnavailable, EngineUntrustworthy) as problem:
        checks.append(ServerCheck("Docker engine", Verdict.BAD, problem.message, problem.next_step))
    checks.append(disk_space(connection.run(read_disk(disk)).output))
    checks.append(memory(connection.run(read_memory()).output))
    checks.append(_clock(connection))
    held = read_deploy_lock(connection)
    checks.append(lock(held))
    return ServerReport(server.name, tuple(checks), held)


def _logged_in(server: Server) -> str:
    if not server.jumps:
        return f"logged in as {server.user}; the host key is the confirmed one"
    way = ", ".join(jump.account for jump in server.jumps)
    return f"logged in as {server.user} through {way}; the host keys are the confirmed ones"


def server_platform(connection: Connection) -> str:
    """The platform that packages for the server must be built for. Raises ``ServerError`` when there is none."""
    engine = open_engine(connection)
    with engine_errors(connection, "describing itself"):
        architecture = str(engine.info().get("Architecture", ""))
    platform = package_platform(architecture)
    if platform is None:
        raise ServerError(
            f"No packages can be made for the processor of {connection.server.name} ({architecture or 'unknown'}).",
            next_step="Use a server with an x86-64 or a 64-bit ARM processor.",
        )
    return platform


def operating_system(os_release: str) -> ServerCheck:
    """From the text of /etc/os-release."""
    values = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    name = "".join(c for c in values.get("PRETTY_NAME", "").strip('"') if c.isprintable())[:_MOST_NAME]
    if not name:
        return ServerCheck(
            "Operating system",
            Verdict.BAD,
            "not a Linux that says what it is",
            "Releases need a Linux server: Debian, Ubuntu, Red Hat Enterprise Linux and the like.",
        )
    return ServerCheck("Operating system", Verdict.OK, name)


def processor(architecture: str) -> ServerCheck:
    """``architecture`` in the engine's words."""
    platform = package_platform(architecture)
    if platform is None:
        return ServerCheck(
            "Processor",
            Verdict.BAD,
            architecture or "unknown",
            "Packages can be made for x86-64 and 64-bit ARM processors.",
        )
    return ServerCheck("Processor", Verdict.OK, f"{architecture}: packages for {platform}")


def package_platform(architecture: str) -> str | None:
    """The platform that packages must be built for, from the engine's word for its processor; None: there is none."""
    return _PLATFORMS.get(architecture)


def engine_version(version: str, api: tuple[int, ...]) -> ServerCheck:
    if api < OLDEST_API:
        return ServerCheck(
            "Docker engine",
            Verdict.BAD,
            f"Docker {version}",
            "Ask the administrator to update Docker to 20.10 or newer.",
        )
    return ServerCheck("Docker engine", Verdict.OK, f"Docker {version}")


def other_product(version: Mapping[str, Any]) -> ServerCheck | None:
    """From the engine's answer about its version: the line when something else than Docker speaks Docker's language."""
    components = version.get("Components")
    named = [str(part.get("Name", "")) for part in components if isinstance(part, dict)] if components else []
    if not any(name.startswith("Podman") for name in named):
        return None
    return ServerCheck(
        "Docker engine",
        Verdict.BAD,
        "Podman answers in place of Docker",
        "Releases need Docker's Swarm, which Podman does not have. Ask the administrator to install Docker Engine (on "
        "Debian and Red Hat it takes the place of podman-docker).",
    )


def permission(server: Server, info: Mapping[str, Any]) -> ServerCheck:
    """The engine answered, so the user may use it; what that means is worth saying."""
    if any("rootless" in option for option in info.get("SecurityOptions") or ()):
        return ServerCheck(
            "Permission",
            Verdict.BAD,
            f"the engine is {server.user}'s own, without root; such an engine has no overlay networks",
            "Releases need one: ask the administrator for the use of an engine that is installed for the whole server.",
        )
    return ServerCheck(
        "Permission", Verdict.OK, f"{server.user} may use the engine (who may is as good as root on that server)"
    )


def swarm(info: Mapping[str, Any]) -> ServerCheck:
    found = info.get("Swarm") or {}
    state = str(found.get("LocalNodeState", "inactive"))
    if state == "inactive":
        return ServerCheck(
            "Swarm",
            Verdict.WARN,
            "not prepared yet",
            "Press Set up, or leave it to the first release.",
        )
    if state != "active":
        return ServerCheck(
            "Swarm",
            Verdict.BAD,
            state,
            "Ask the administrator to unlock or repair it (docker swarm unlock; docker info).",
        )
    if not found.get("ControlAvailable"):
        return ServerCheck(
            "Swarm",
            Verdict.BAD,
            "a worker in another Swarm",
            "Use that Swarm's manager as the server, or let the administrator take this one out (docker swarm leave).",
        )
    return ServerCheck("Swarm", Verdict.OK, f"manager of {found.get('Nodes', 1)} node(s)")


def disk_space(df: str) -> ServerCheck:
    """From the output of `df -Pk` for the engine's data."""
    try:
        fields = df.splitlines()[-1].split()
        free, folder = _number(fields[3]) * 1024, fields[5][:_MOST_NAME]
    except (IndexError, ValueError):
        return ServerCheck("Disk", Verdict.WARN, "could not be read", "See on the server that several GB are free.")
    found = f"{free / _GB:.1f} GB free on {folder}"
    if free < 2 * _GB:
        return ServerCheck("Disk", Verdict.BAD, found, "Free some space: a package with its base takes 1 GB or more.")
    if free < 10 * _GB:
        return ServerCheck("Disk", Verdict.WARN, found, "Enough for a few packages; free some space soon.")
    return ServerCheck("Disk", Verdict.OK, found)


def memory(meminfo: str) -> ServerCheck:
    """From the text of /proc/meminfo."""
    values = {line.split(":")[0]: line.split()[1] for line in meminfo.splitlines() if len(line.split()) > 1}
    try:
        total, available = _number(values["MemTotal"]) * 1024, _number(values["MemAvailable"]) * 1024
    except (KeyError, ValueError):
        return ServerCheck("Memory", Verdict.WARN, "could not be read", "See on the server that 1 GB or more is free.")
    found = f"{available / _GB:.1f} of {total / _GB:.1f} GB available"
    if available < _GB / 4:
        return ServerCheck("Memory", Verdict.BAD, found, "Stop something: a model service takes 150 MB and more.")
    if available < _GB:
        return ServerCheck("Memory", Verdict.WARN, found, "Enough for a few small models.")
    return ServerCheck("Memory", Verdict.OK, found)


def clock(skew: float) -> ServerCheck:
    """``skew``: how many seconds the server's clock is ahead of this computer's."""
    if abs(skew) <= _MOST_SKEW_SECONDS:
        return ServerCheck("Clock", Verdict.OK, "agrees with this computer's")
    way = "ahead of" if skew > 0 else "behind"
    return ServerCheck(
        "Clock",
        Verdict.WARN,
        f"{abs(skew):.0f} seconds {way} this computer's",
        "Let the administrator turn time synchronisation on (timedatectl set-ntp true), there or here.",
    )


def _clock(connection: Connection) -> ServerCheck:
    before = time.time()
    said = connection.run(read_clock()).output.strip()
    after = time.time()
    try:
        now = _number(said) + 0.5  # whole seconds
    except ValueError:
        return ServerCheck("Clock", Verdict.WARN, "could not be read", "See on the server that its time is right.")
    return clock(now - (before + after) / 2)


def lock(held: DeployLock | None) -> ServerCheck:
    """The deploy lock."""
    if held is None:
        return ServerCheck("Lock", Verdict.OK, "nobody is changing releases")
    heard = "" if held.silent_seconds is None else f"; last heard of {held.silent_seconds:.0f} seconds ago"
    return ServerCheck(
        "Lock",
        Verdict.WARN,
        f"{held.holder} is changing releases ({held.purpose}, since {held.since}{heard})",
        "Wait until that is done. When you know that nobody works there, take the lock away.",
        Remedy.UNLOCK,
    )


def _number(text: str) -> int:
    """A whole number as programs print it. Raises ``ValueError``."""
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise ValueError("no number")
    return int(text)


def _loopback(engine: Engine) -> ServerCheck:
    title = "Loopback only"
    if not is_set_up(engine):
        return ServerCheck(
            title,
            Verdict.WARN,
            "not prepared yet",
            "Press Set up, or leave it to the first release.",
        )
    if not listens_on_loopback_only(engine):
        return ServerCheck(
            title,
            Verdict.BAD,
            "services would be open to the network",
            "Stop the releases, let the administrator dissolve the Swarm (docker swarm leave --force) and set the "
            "server up again.",
        )
    return ServerCheck(title, Verdict.OK, "services listen on 127.0.0.1 and are reached through SSH")
