"""How fast folders are read, found without loading all settings: every bringing in asks for it, and few change it."""

from __future__ import annotations

import json
import os
from typing import Literal, NamedTuple

from kronkers_studio.settings.paths import settings_file

GivingWay = Literal["always", "watching", "never"]
READ_LIMIT = 0.0
LOW_PRIORITY: GivingWay = "watching"
_NAMES = ("read_limit", "low_priority")
_VARIABLES = {f"KRONKERS_{name.upper()}" for name in _NAMES}


class PaceSettings(NamedTuple):
    """The settings ``read_limit`` (megabytes per second, 0: no limit) and ``low_priority``."""

    read_limit: float = READ_LIMIT
    low_priority: GivingWay = LOW_PRIORITY


def pace_in_force() -> PaceSettings:
    """By the settings' order: environment, settings file, default."""
    if not _is_given():
        return PaceSettings()
    from kronkers_studio.settings.configuration import load_settings

    settings = load_settings()
    return PaceSettings(settings.read_limit, settings.low_priority)


def _is_given() -> bool:
    """Whether anything but the default may be in force; so too when the file cannot be read, as loading then tells."""
    if any(name.upper() in _VARIABLES for name in os.environ):
        return True
    try:
        document = json.loads(settings_file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True
    return not isinstance(document, dict) or any(name in document for name in _NAMES)
