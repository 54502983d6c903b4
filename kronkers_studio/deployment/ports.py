"""Choosing a free port on a server's loopback address."""

from __future__ import annotations

import random
import re
from collections.abc import Collection

_RANGE = range(20000, 30000)
"""Below the ports that Linux hands out by itself (32768 …)."""

_LISTEN = "0A"


def listening_ports(tables: str) -> set[int]:
    """The ports that somebody listens on, from the text of /proc/net/tcp and /proc/net/tcp6."""
    ports = set()
    for line in tables.splitlines():
        fields = line.split()
        if len(fields) > 3 and fields[3] == _LISTEN and re.fullmatch(r"[0-9A-F]+:[0-9A-F]{4}", fields[1]):
            ports.add(int(fields[1][-4:], 16))
    return ports


def choose_port(taken: Collection[int]) -> int:
    """A port that is not ``taken``; at random, so that two who choose at once rarely choose the same."""
    free = [port for port in _RANGE if port not in taken]
    return random.SystemRandom().choice(free or _RANGE)  # all taken: what is started then says so
