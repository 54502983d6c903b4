"""The time ranges that a person chooses from."""

from __future__ import annotations

from kronkers_studio.desktop.localization import tr

_DAY = 86_400.0
SINCE_LIVE, OWN = "live", "own"
RANGES = {"5m": 300.0, "15m": 900.0, "1h": 3600.0, "6h": 21_600.0, "24h": _DAY, "7d": 7 * _DAY, "30d": 30 * _DAY,
           "1y": 365 * _DAY}  # fmt: skip


def range_choices() -> list[tuple[str, object]]:
    """(words, key) of every range; the keys are those of ``RANGES``, ``SINCE_LIVE`` and ``OWN``."""
    words = {
        "5m": tr("Last 5 minutes"),
        "15m": tr("Last 15 minutes"),
        "1h": tr("Last hour"),
        "6h": tr("Last 6 hours"),
        "24h": tr("Last 24 hours"),
        "7d": tr("Last 7 days"),
        "30d": tr("Last 30 days"),
        "1y": tr("Last year"),
    }
    ranges: list[tuple[str, object]] = [(words[key], key) for key in RANGES]
    return [(tr("Since it went live"), SINCE_LIVE), *ranges, (tr("From … to …"), OWN)]
