"""What is asked of a HAProxy that runs, as data, and what it answers.

A map that differs from what it should hold is changed entry by entry while requests are served. Nothing secret is in
these commands: maps hold hashes of keys and names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from kronkers_studio.domain.errors import GatewayFailed
from kronkers_studio.domain.gateways import KeyUse, ServiceHealth

_MOST_COMMAND = 12_000
"""Characters that HAProxy reads as one line (it has 16 kB for it)."""

_PEERS_FLAGS = re.compile(r"id=gateways .*?flags=0x([0-9a-f]{1,8})")
_RESYNCHRONIZED = 0x3

MAPS = ("keys", "expiry", "grants", "rates", "quotas", "candidates", "weights", "routes")
"""Every map by its name, in the order in which they are changed: revoked keys first; the switch itself last, when all
that it needs is there."""


def map_changes(intended: Mapping[str, Mapping[str, str]], actual: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The commands that make the maps in memory hold what they should."""
    commands = []
    for name in MAPS:
        wanted, held = intended.get(name, {}), actual.get(name, {})
        file = f"maps/{name}.map"
        commands += [f"del map {file} {key}" for key in held if key not in wanted]
        commands += [f"set map {file} {key} {value}" for key, value in wanted.items() if held.get(key, value) != value]
        commands += [f"add map {file} {key} {value}" for key, value in wanted.items() if key not in held]
    return commands


def batches(commands: Iterable[str]) -> list[str]:
    """The commands as few lines, each short enough to be read at once."""
    lines: list[str] = []
    for command in commands:
        if lines and len(lines[-1]) + len(command) < _MOST_COMMAND:
            lines[-1] += f";{command}"
        else:
            lines.append(command)
    return lines


def read_map(answer: str) -> dict[str, str]:
    """``show map``: lines of an address, a key and its value."""
    entries = {}
    for line in answer.splitlines():
        fields = line.split(" ", 2)
        if len(fields) == 3 and fields[0].startswith("0x"):
            entries[fields[1]] = fields[2]
        elif line.strip():
            raise GatewayFailed(
                "The gateway's answer is not a list of a map's entries.",
                next_step="Start the gateway of this server again.",
                details=line[:200],
            )
    return entries


def read_upstreams(answer: str) -> tuple[ServiceHealth, ...]:
    """``show stat -1 4 -1``: a table of servers as CSV, its first line the columns' names."""
    lines = answer.lstrip("# ").splitlines()
    columns = lines[0].split(",") if lines else []
    found = []
    for line in lines[1:]:
        row = dict(zip(columns, line.split(","), strict=False))
        if row.get("svname", "BACKEND") in ("BACKEND", "FRONTEND"):
            continue
        up = row.get("status", "").startswith("UP")
        found.append(
            ServiceHealth(row.get("pxname", ""), row["svname"], up, _number(row, "stot"), _number(row, "hrsp_5xx"))
        )
    return tuple(found)


def read_key_uses(answer: str) -> tuple[KeyUse, ...]:
    """``show table gateways/uses``: "0x…: key=… use=0 exp=0 shard=0 gpt0=1796113422 http_req_cnt=3"."""
    uses = []
    for line in answer.splitlines():
        fields = dict(field.split("=", 1) for field in line.split() if "=" in field)
        if "key" in fields:
            uses.append(KeyUse(fields["key"], _number(fields, "gpt0"), _number(fields, "http_req_cnt")))
    return tuple(uses)


def are_tables_known(answer: str) -> bool:
    """``show peers``: whether the process has all that the one before it counted, or knows that there is nothing. The
    two lowest flags say so."""
    found = _PEERS_FLAGS.search(answer)
    return found is not None and int(found[1], 16) & _RESYNCHRONIZED == _RESYNCHRONIZED


def read_worker(answer: str) -> tuple[int, int]:
    """``show proc`` of the master: the process that serves now, and how often the configuration was read anew."""
    for line in answer.splitlines():
        fields: Sequence[str] = line.split()
        if len(fields) >= 4 and fields[1] == "worker" and fields[0].isdigit():
            return int(fields[0]), int(fields[2]) if fields[2].isdigit() else 0
    raise GatewayFailed(
        "The gateway runs without a process that serves.", next_step="Start the gateway of this server again."
    )


def _number(fields: Mapping[str, str], name: str) -> int:
    text = fields.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
