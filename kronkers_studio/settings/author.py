"""Who is named in histories, found without loading all settings: every command asks for it."""

from __future__ import annotations

import json
import os

from kronkers_studio.settings.paths import settings_file

_VARIABLE = "KRONKERS_AUTHOR"


def author_in_force() -> str:
    """``author_name`` of the setting ``author``, by the settings' order: environment, settings file, default."""
    given = next((value for name, value in os.environ.items() if name.upper() == _VARIABLE), None)
    if given is None:
        given = _author_in_file()
    return author_name(given)


def _author_in_file() -> str:
    try:
        document = json.loads(settings_file().read_text(encoding="utf-8"))
        author = document.get("author", "")
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return ""
    except (OSError, ValueError, AttributeError):
        author = None
    if isinstance(author, str):
        return author
    from kronkers_studio.settings.configuration import load_settings

    return load_settings().author  # says what is wrong with the file


def author_name(author: str) -> str:
    """``author``, or the system's user name when it is empty."""
    if author:
        return author
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user in the password database, as in some containers
        return "unknown"
