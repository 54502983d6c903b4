"""Telling a gateway what to do, and reading back whether it does.

A *generation* is a folder with all files of one state. The one in force is what ``current`` points to, which is renamed
in place: whatever is cut off or killed, a gateway that starts finds one whole state, the old one or the new one.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Mapping
from typing import Protocol

from kronkers_studio.deployment.gateway import runtime_api
from kronkers_studio.deployment.gateway.haproxy_files import IN_CONTAINER, gateway_files, map_entries
from kronkers_studio.deployment.gateway.haproxy_text import GatewayPlace
from kronkers_studio.deployment.gateway.state_files import read_state_file, state_file
from kronkers_studio.domain.errors import GatewayFailed
from kronkers_studio.domain.gateways import GatewayState, KeyUse, ServiceHealth

_LONGEST_RELOAD = 15.0  # seconds
_LONGEST_HANDOVER = 8.0
_MARK = "== "
_TOLD = "KRONKERS_TOLD"
_GENERATION = re.compile(r"g([0-9]{1,18})(?:-[0-9a-f]{8})?")

_READ_STATE = 'test -e "$1/current/state.json" || exit 0; cat "$1/current/state.json"'
_READ_FIXED = 'cat "$1/current/fixed" 2>/dev/null || true'
_READ_IN_FORCE = 'readlink "$1/current" || true'
_COPY_CERTIFICATES = 'cp -a "$1/current/tls" "$1/$2/tls"'
_CHECK = 'haproxy -c -q -f "$1/haproxy.cfg" 2>&1'
_PUT_IN_FORCE = (
    'cd "$1" && exec 9>lock && flock -w 10 9 || exit 1; '
    '[ "$(readlink current)" = "$3" ] || { rm -rf "$2"; echo changed; exit 0; }; '
    'ln -sfn "$2" next && mv -fT next current && '
    'for old in g*; do [ "$old" = "$2" ] || [ "$old" = "$3" ] || rm -rf "$old"; done'
)
"""Only over the generation that was in force when this one was made: of two at once, one is told of the other."""

_FORGET = 'cd "$1" && rm -rf current next g*'
_TELL = 'socket=$1; shift; for line; do printf "%s\\n" "$line" | socat -t10 - "UNIX-CONNECT:$socket" || exit 1; done'
_READ_MAPS = (
    'socket=$1; shift; for name; do printf "== %s\\n" "$name"; '
    'printf "show map maps/%s.map\\n" "$name" | socat -t10 - "UNIX-CONNECT:$socket" || exit 1; done'
)


class GatewayHost(Protocol):
    """Where a gateway's files lie and its programs run: its container."""

    def run(self, script: str, *arguments: str) -> str:
        """What the shell script prints, its arguments $1, $2 …; raises ``GatewayFailed`` when it fails."""

    def put(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Write files by their path below ``folder``, which is made; nobody but the gateway may read them."""


def read_state(host: GatewayHost, place: GatewayPlace = IN_CONTAINER) -> GatewayState | None:
    """What the gateway was told last; None when it was never told anything."""
    content = host.run(_READ_STATE, place.folder)
    return read_state_file(content) if content else None


def forget_state(host: GatewayHost, place: GatewayPlace = IN_CONTAINER) -> None:
    """A gateway that starts from now on waits until it is told something. One that runs goes on."""
    host.run(_FORGET, place.folder)


def generation_in_force(host: GatewayHost, place: GatewayPlace = IN_CONTAINER) -> int:
    """The number of the gateway's last change, also of one whose state cannot be read; 0 when there is none."""
    return _number_of(_in_force(host, place))


def generation_files(
    state: GatewayState,
    certificates: Mapping[str, bytes] | None = None,
    place: GatewayPlace = IN_CONTAINER,
    *,
    known_certificates: str = "",
) -> dict[str, bytes]:
    """All files of a generation; certificates among them unless they are ``known_certificates``, by their digest."""
    files = gateway_files(state, place)
    fixed = f"{_fixed(files)} {_digest(certificates) if certificates is not None else known_certificates}"
    told = f'global\n    setenv {_TOLD} "{fixed}"\n\n'.encode("ascii")
    files |= {f"tls/{name}": content for name, content in (certificates or {}).items()}
    own = {"haproxy.cfg": told + files["haproxy.cfg"], "state.json": state_file(state), "fixed": fixed.encode("ascii")}
    return files | own


def apply_state(
    host: GatewayHost,
    state: GatewayState,
    certificates: Mapping[str, bytes] | None = None,
    place: GatewayPlace = IN_CONTAINER,
) -> None:
    """Make the gateway do ``state``, and see that it does. ``certificates`` by their file names ("server.pem"); None
    for those that it has.

    What can be changed while it runs is: routes, weights, keys, limits take effect at once, with no new process. New
    services and certificates need one, which takes over the sockets of the old one. Raises ``GatewayFailed``; the
    gateway then does what it did before or what it was told, never something between.
    """
    before = _in_force(host, place)
    if before and _number_of(before) >= state.generation:
        raise _changed_meanwhile(_number_of(before))
    known = _known_certificates(host, place)
    files = generation_files(state, certificates, place, known_certificates=known)
    name = f"g{state.generation}-{secrets.token_hex(4)}"
    folder = f"{place.folder}/{name}"
    host.put(folder, files)
    if certificates is None:
        host.run(_COPY_CERTIFICATES, place.folder, name)
    host.run(_CHECK, folder)
    if host.run(_PUT_IN_FORCE, place.folder, name, before).strip():
        raise _changed_meanwhile(generation_in_force(host, place))
    if not before:
        _await_start(host, place)
    elif _told(host, place) != files["fixed"].decode("ascii").strip():
        _reload(host, place)
    else:
        _change_maps(host, state, place)
    require_in_force(host, state, place)


def differences(host: GatewayHost, state: GatewayState, place: GatewayPlace = IN_CONTAINER) -> list[str]:
    """Where what the gateway's process holds in memory is not as in ``state``: a sentence for each map, and one for
    the configuration and the certificates that it read when it began."""
    intended, actual = map_entries(state), _read_maps(host, place)
    fixed = f"{_fixed(gateway_files(state, place))} {_known_certificates(host, place)}".strip()
    return [
        f"{name}: {len(set(intended[name].items()) ^ set(actual.get(name, {}).items()))} entries differ"
        for name in runtime_api.MAPS
        if intended[name] != actual.get(name, {})
    ] + (["it runs with another configuration"] if _told(host, place) != fixed else [])


def require_in_force(host: GatewayHost, state: GatewayState, place: GatewayPlace = IN_CONTAINER) -> None:
    """Raise ``GatewayFailed`` unless the gateway says that it does all of ``state``."""
    wrong = differences(host, state, place)
    if wrong:
        raise GatewayFailed(
            "The gateway does not do what it was told.",
            next_step="Repair it: `kronkers gateway repair`.",
            details="; ".join(wrong),
        )


def upstream_health(host: GatewayHost, place: GatewayPlace = IN_CONTAINER) -> tuple[ServiceHealth, ...]:
    """How each service is, as the gateway sees it."""
    return runtime_api.read_upstreams(_tell(host, place, "show stat -1 4 -1"))


def key_uses(host: GatewayHost, place: GatewayPlace = IN_CONTAINER) -> tuple[KeyUse, ...]:
    """When each key was used last on this gateway."""
    return runtime_api.read_key_uses(_tell(host, place, "show table gateways/uses"))


def _await_start(host: GatewayHost, place: GatewayPlace) -> None:
    """A gateway that was never told anything waits for its first files."""
    deadline = time.monotonic() + _LONGEST_RELOAD
    while _worker(host, place, waiting=True) == 0:
        if time.monotonic() > deadline:
            raise GatewayFailed(
                "The gateway does not start with what it was told.",
                next_step="Look at its log on the server: `docker service logs kronkers-gateway`.",
            )
        time.sleep(0.05)


def _reload(host: GatewayHost, place: GatewayPlace) -> None:
    """A new process reads the files, and takes over once it can serve; the old one ends what it has begun."""
    _await_tables(host, place)
    before = _worker(host, place)
    host.run(_TELL, place.master_socket, "reload")
    deadline = time.monotonic() + _LONGEST_RELOAD
    while _worker(host, place, waiting=True) in (before, 0):
        if time.monotonic() > deadline:
            raise GatewayFailed(
                "The gateway did not take its new configuration, and goes on with the old one.",
                next_step="Look at its log on the server: `docker service logs kronkers-gateway`.",
            )
        time.sleep(0.05)


def _await_tables(host: GatewayHost, place: GatewayPlace) -> None:
    """A process tells its tables to the one that replaces it only when it has itself heard, or waited five seconds for,
    those of the one before: until then limits and quotas would begin anew."""
    deadline = time.monotonic() + _LONGEST_HANDOVER
    while not runtime_api.are_tables_known(_tell(host, place, "show peers")) and time.monotonic() < deadline:
        time.sleep(0.2)


def _worker(host: GatewayHost, place: GatewayPlace, *, waiting: bool = False) -> int:
    """The process that serves. While it is replaced (``waiting``) the master may not answer for a moment: then 0."""
    try:
        return runtime_api.read_worker(host.run(_TELL, place.master_socket, "show proc"))[0]
    except GatewayFailed:
        if not waiting:
            raise
        return 0


def _change_maps(host: GatewayHost, state: GatewayState, place: GatewayPlace) -> None:
    commands = runtime_api.map_changes(map_entries(state), _read_maps(host, place))
    if commands:
        said = _tell(host, place, *runtime_api.batches(commands))
        if said.strip():
            raise GatewayFailed(
                "The gateway refused a change.", next_step="Repair it: `kronkers gateway repair`.", details=said[:300]
            )


def _read_maps(host: GatewayHost, place: GatewayPlace) -> dict[str, dict[str, str]]:
    answer = host.run(_READ_MAPS, place.runtime_socket, *runtime_api.MAPS)
    found: dict[str, dict[str, str]] = {}
    for part in answer.split(_MARK)[1:]:
        name, _, entries = part.partition("\n")
        found[name] = runtime_api.read_map(entries)
    return found


def _tell(host: GatewayHost, place: GatewayPlace, *lines: str) -> str:
    return host.run(_TELL, place.runtime_socket, *lines)


def _told(host: GatewayHost, place: GatewayPlace) -> str:
    """What the process that serves read when it began: digests of its configuration and of its certificates. Files say
    only what the next one will read; this one may not have been told of them."""
    return _tell(host, place, f"show env {_TOLD}").strip().removeprefix(f"{_TOLD}=")


def _known_certificates(host: GatewayHost, place: GatewayPlace) -> str:
    return host.run(_READ_FIXED, place.folder).strip().partition(" ")[2]


def _in_force(host: GatewayHost, place: GatewayPlace) -> str:
    """The folder of the generation in force; "" when there is none."""
    name = host.run(_READ_IN_FORCE, place.folder).strip()
    if name and not _GENERATION.fullmatch(name):
        raise GatewayFailed(
            "What is in force on the gateway was not put there by Kronkers Studio.",
            next_step="Look at who can write to the server; then stop the gateway and start it again.",
            details=name[:200],
        )
    return name


def _number_of(generation: str) -> int:
    found = _GENERATION.fullmatch(generation)
    return int(found[1]) if found else 0


def _changed_meanwhile(generation: int) -> GatewayFailed:
    return GatewayFailed(
        f"Somebody else has changed the gateway meanwhile (to its change {generation}).",
        next_step="Try again: what they changed is kept.",
    )


def _fixed(files: Mapping[str, bytes]) -> str:
    """The digest of what a process reads once, when it begins."""
    return _digest({path: files[path] for path in files if not path.startswith("maps/")})


def _digest(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path} {len(files[path])}\n".encode() + files[path])
    return digest.hexdigest()
