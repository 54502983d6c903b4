"""Patterns for names of hosts and users as OpenSSH reads them (ssh_config(5), PATTERNS): `*`, `?`, `!` before what
shall not match. Python's own patterns know brackets besides, and can be made to take very long."""

from __future__ import annotations

from collections.abc import Iterable


def matches_any(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of ``patterns`` matches ``name``, and none that begins with `!` does."""
    found = False
    for pattern in patterns:
        excluded = pattern.startswith("!")
        if matches(name, pattern[1:] if excluded else pattern):
            if excluded:
                return False
            found = True
    return found


def matches(name: str, pattern: str) -> bool:
    """Whether ``pattern`` matches all of ``name``; takes at most as many steps as the product of their lengths."""
    at = here = 0
    star, retry = -1, 0
    while at < len(name):
        if here < len(pattern) and pattern[here] == "*":
            star, retry = here, at
            here += 1
        elif here < len(pattern) and pattern[here] in ("?", name[at]):
            here, at = here + 1, at + 1
        elif star >= 0:  # let the last star take one character more
            retry += 1
            here, at = star + 1, retry
        else:
            return False
    return not pattern[here:].strip("*")
