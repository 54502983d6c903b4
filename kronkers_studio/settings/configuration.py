"""The user's settings: each declared once with its type, default, bounds and help text.

Order of precedence: environment (``KRONKERS_…``), the settings file in the platform's config folder, the default. Every
command asks for them, so they are read with the standard library alone: libraries for it take longer to import than a
migration of nothing takes.
"""

from __future__ import annotations

import errno
import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.settings.paths import default_workspace, settings_file
from kronkers_studio.settings.private import make_private_file, make_private_folder

GivingWay = Literal["always", "watching", "never"]
WhenClosed = Literal["ask", "tray", "quit"]
_PREFIX = "KRONKERS_"
_BOOLEANS: dict[object, bool] = {
    **dict.fromkeys((True, "1", "true", "t", "yes", "y", "on"), True),
    **dict.fromkeys((False, "0", "false", "f", "no", "n", "off"), False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRegistry:
    """How the image registry at ``host`` is reached. Its password is in the keyring, never here."""

    host: str
    user: str = ""
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class _About:
    """What is to be said of a setting, and the bounds of a number."""

    help: str
    at_least: float = -math.inf
    above: float = -math.inf
    at_most: float = math.inf

    def allows(self, number: float) -> bool:
        return self.at_least <= number <= self.at_most and number > self.above

    @property
    def bounds(self) -> str:
        """As words that follow "a number"; "" when there are none."""
        said = {" of at least": self.at_least, " above": self.above, " at most": self.at_most}
        return " and".join(f"{words} {bound:g}" for words, bound in said.items() if math.isfinite(bound))


def _about(help_text: str, **bounds: float) -> Mapping[str, _About]:
    return {"about": _About(help_text, **bounds)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Read with ``load_settings()``; changed with ``change_settings(name=value)``."""

    workspace: Path = field(default_factory=default_workspace, metadata=_about("The workspace that opens by default."))
    working_copies: Path = field(
        default=Path("~", "Kronkers"),
        metadata=_about(
            "Where working copies and new projects are made unless another folder is named; best in no folder that "
            "OneDrive keeps in step."
        ),
    )
    editor: str = field(
        default="",
        metadata=_about(
            "The program that “Open in …” offers first: the name of one that is found, such as “vscode”, or the path "
            "of another."
        ),
    )
    theme: Literal["system", "light", "dark"] = field(
        default="system", metadata=_about("Light or dark; “system” follows the operating system.")
    )
    base_image: str = field(
        default="docker.io/library/python:{python}-slim",
        metadata=_about(
            "Where the base layer of packages comes from: an image in a registry, an archive file (a path to .tar), "
            "or “engine:NAME” for an image on the server's own engine. {python} stands for the model's Python version."
        ),
    )
    image_registries: tuple[ImageRegistry, ...] = field(
        default=(),
        metadata=_about(
            "Image registries that want a login, or whose certificate comes from an authority of their own."
        ),
    )
    package_platform: str = field(
        default="linux/amd64",
        metadata=_about(
            "Operating system and processor that packages written to files are built for. A release is always built "
            "for its server's own."
        ),
    )
    keep_releases: int = field(
        default=3,
        metadata=_about(
            "How many earlier releases of a model a server keeps for going back, besides the live one; older ones are "
            "removed after the next release.",
            at_least=1,
        ),
    )
    scrape_seconds: float = field(
        default=2.0, metadata=_about("How often live metrics are read, in seconds.", at_least=1, at_most=5)
    )
    author: str = field(default="", metadata=_about("Your name in histories; empty takes the system's user name."))
    offline: bool = field(default=False, metadata=_about("Use only what was downloaded before."))
    run_unprotected: bool = field(
        default=False,
        metadata=_about(
            "Run models on this computer even where it cannot keep them from harming it. Only for models whose makers "
            "you trust."
        ),
    )
    read_limit: float = field(
        default=0.0,
        metadata=_about(
            "How many megabytes per second bringing in a folder may read at most, so that the disk, or the line to "
            "OneDrive, stays free for others.",
            at_least=0,
        ),
    )
    low_priority: GivingWay = field(
        default="watching",
        metadata=_about(
            "When bringing in folders gives way to other programs: always, only while a folder is watched in the "
            "background, or never."
        ),
    )
    table_seconds: float = field(
        default=60.0,
        metadata=_about(
            "How many seconds comparing or merging a table may take; looking at one may take a third of that, and "
            "reading all rows of one that is sent to a model twice as long.",
            above=0,
            at_most=3600,
        ),
    )
    table_memory: float = field(
        default=2.0,
        metadata=_about(
            "How many gigabytes of memory reading a table may take; a larger one is not read.",
            at_least=0.5,
            at_most=1024,
        ),
    )
    notify_failures: bool = field(
        default=True,
        metadata=_about(
            "Say so when something live stops or cannot be reached, when a watched folder cannot be brought in, and "
            "when work fails while you are not looking."
        ),
    )
    notify_successes: bool = field(
        default=False, metadata=_about("Also say so when long work ends well while you are not looking.")
    )
    when_closed: WhenClosed = field(
        default="ask",
        metadata=_about(
            "Whether Kronkers Studio goes on in the system's tray when its window is closed while something is live, "
            "watched or being worked on: “ask” asks once, “tray” goes on, “quit” ends."
        ),
    )
    first_run_done: bool = field(
        default=False, metadata=_about("Whether the first-run wizard has been finished or skipped.")
    )


_ABOUT: dict[str, _About] = {each.name: each.metadata["about"] for each in fields(Settings)}
_KINDS: dict[str, Any] = get_type_hints(Settings)
_REGISTRIES = tuple[ImageRegistry, ...]


def help_text(name: str) -> str:
    """What the setting is for, in a sentence or two."""
    return _ABOUT[name].help


def choices(name: str) -> tuple[str, ...]:
    """The values that a setting of few has, in their order; none for one of free text or numbers."""
    kind = _KINDS[name]
    return get_args(kind) if get_origin(kind) is Literal else ()


def author_name(settings: Settings) -> str:
    """Who is named in histories: the author of the settings, or the system's user name when that is empty."""
    return settings.author or user_name()


def user_name() -> str:
    """What the system calls who runs this; "unknown" when it has no name for them, as in some containers."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # the last on Windows without a variable that says it
        return "unknown"


def load_settings() -> Settings:
    """The settings in force now. Raises ``InvalidInput`` when the file or a variable holds what is no setting."""
    stored = {name.lower(): value for name, value in _stored().items()}
    variables = {variable.upper(): variable for variable in os.environ if variable.upper().startswith(_PREFIX)}
    values: dict[str, Any] = {}
    for name in _KINDS:
        variable = variables.get(_PREFIX + name.upper())
        if variable is not None:
            values[name] = _checked(name, os.environ[variable], f"Correct the variable {variable}, or unset it.")
        elif name in stored:
            values[name] = _checked(name, stored[name], f"Correct {name} in {settings_file()}.")
    return Settings(**values)


def change_settings(**changes: Any) -> Settings:
    """Validate ``changes``, write them to the settings file atomically, and return the settings in force.

    What else the file holds stays, known or not. Raises ``InvalidInput``, and changes nothing, when a value is not
    allowed, the file holds no settings, or it cannot be written.
    """
    load_settings()  # says what is wrong with the file
    checked = {name: _checked(name, value, "Nothing was changed.") for name, value in changes.items()}
    stored = {name: value for name, value in _stored().items() if name in checked or name.lower() not in checked}
    file = settings_file()
    try:
        if not file.is_absolute():
            raise FileNotFoundError(errno.ENOENT, "this account has no home folder")
        make_private_folder(file.parent)
        draft = file.with_name(f"{file.name}.{os.getpid()}.new")
        try:
            make_private_file(draft)
            draft.write_text(json.dumps({**stored, **checked}, indent=2, default=_plain), encoding="utf-8")
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as problem:
        raise InvalidInput(
            f"The settings cannot be kept in {file}: {problem.strerror or problem}.",
            next_step="Make its folder one that you may write to, or set KRONKERS_… variables instead.",
        ) from problem
    return load_settings()


def _stored() -> dict[str, Any]:
    """What the settings file holds; nothing when there is none, or it is empty."""
    file = settings_file()
    try:
        text = file.read_text(encoding="utf-8") if _reachable(file) else ""
        document = json.loads(text) if text else {}
    except (OSError, ValueError) as problem:
        raise _unreadable(file) from problem
    if not isinstance(document, dict):
        raise _unreadable(file)
    return document


def _reachable(file: Path) -> bool:
    """Whether there is a settings file; not when the account cannot even look into its folder."""
    try:
        return file.is_absolute() and file.is_file()
    except OSError:
        return False


def _unreadable(file: Path) -> InvalidInput:
    return InvalidInput(f"The settings in {file} cannot be read.", next_step="Correct the file, or delete it.")


def _checked(name: str, value: Any, next_step: str) -> Any:
    """``value`` as the setting ``name`` has it. Raises ``InvalidInput`` with ``next_step`` when it is not allowed."""
    kind, about = _KINDS[name], _ABOUT[name]
    try:
        taken = _converted(kind, value)
        if kind in (int, float) and not about.allows(taken):
            raise ValueError(taken)
    except (LookupError, AttributeError, TypeError, ValueError, OverflowError) as problem:
        raise InvalidInput(
            f"The setting “{name}” cannot be used: it has to be {_expected(kind, about)}.", next_step=next_step
        ) from problem
    return taken


def _converted(kind: Any, value: Any) -> Any:
    """``value``, as the file, a variable or the program gives it, as one of ``kind``. Raises what Python raises."""
    if kind is bool:
        return _BOOLEANS[value.lower() if isinstance(value, str) else value]
    if kind is float:
        return float(value)
    if kind is int:
        number = float(value)
        if not number.is_integer():
            raise ValueError(value)
        return int(number)
    if kind is Path:
        return Path(value)
    if kind == _REGISTRIES:
        found = json.loads(value) if isinstance(value, str) else value
        if not isinstance(found, list | tuple):
            raise TypeError(value)
        return tuple(map(_image_registry, found))
    if not isinstance(value, str) or value not in (get_args(kind) or (value,)):
        raise ValueError(value)
    return value


def _image_registry(found: Any) -> ImageRegistry:
    """One of the list, as the file has it or as it is."""
    if isinstance(found, ImageRegistry):
        return found
    host, user, ca_file = found["host"], found.get("user", ""), found.get("ca_file")
    if not isinstance(host, str) or not isinstance(user, str):
        raise TypeError(found)
    return ImageRegistry(host=host, user=user, ca_file=None if ca_file is None else Path(ca_file))


def _plain(value: Any) -> Any:
    """What JSON has no kind of its own for."""
    return asdict(value) if isinstance(value, ImageRegistry) else os.fspath(value)


def _expected(kind: Any, about: _About) -> str:
    """What a setting has to be, to be read after "it has to be"."""
    if kind is bool:
        return "“true” or “false”"
    if kind in (int, float):
        return f"a {'whole ' if kind is int else ''}number{about.bounds}"
    if kind is Path:
        return "a path"
    if kind == _REGISTRIES:
        return "a list of registries, each with its “host” and, where they are needed, “user” and “ca_file”"
    names = [f"“{choice}”" for choice in get_args(kind)]
    return f"{', '.join(names[:-1])} or {names[-1]}" if names else "a text"
