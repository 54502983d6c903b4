"""What whoever helps needs to know of this program, this computer and the workspace: without secrets, and without names
unless they are wanted. It is collected first, so that a person can look at all of it, and then written into a file;
nothing is ever sent.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import secrets
import shutil
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kronkers_studio import __version__
from kronkers_studio.domain.errors import AlreadyExists, FileUnwritable, InvalidInput, StudioError
from kronkers_studio.settings.configuration import Settings
from kronkers_studio.settings.logs import read_log
from kronkers_studio.settings.redaction import Mask, redacted
from kronkers_studio.settings.secrets import Secret

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_LIBRARIES = (
    "PySide6-Essentials",
    "cryptography",
    "docker",
    "keyring",
    "numpy",
    "onnx",
    "paramiko",
    "polars",
    "pyqtgraph",
    "sqlcipher3",
    "uv",
)
_SECRET_VARIABLES = ("PASSPHRASE", "PASSWORD", "KEY", "TOKEN", "SECRET")
_OWN_WORDS = ("author", "workspace", "base_image", "image_registries")  # settings that may name people and computers


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the diagnostics: its ``name``, ``about`` as a sentence, and its ``text``."""

    name: str
    about: str
    text: str


def collect_diagnostics(
    settings: Settings, session: Session | None = None, *, why_closed: str = "", names: bool = False
) -> list[Part]:
    """All that would be written. ``names``: with names of files, models, servers and people, instead of stand-ins.

    Without a ``session``, ``why_closed`` says why there is none; nothing is said of a workspace then.
    """
    held = _held_secrets(session)  # alive while everything is looked through for them
    mask = None if names else Mask(_known_names(settings, session))

    def clean(text: str) -> str:
        text = redacted(text)
        return text if mask is None else mask.text(text)

    parts = [
        Part("versions.json", "The versions of the program, of Python and of its libraries.", _json(_versions())),
        Part("computer.json", "The operating system, processors, memory and free space.", _json(_computer(settings))),
        Part("settings.json", "The settings; passwords are never among them.", _json(_settings(settings, names=names))),
        Part("workspace.json", "How much is in the workspace, as numbers.", _workspace(session, why_closed)),
        Part("log.txt", "The last lines of the program's log.", "\n".join(read_log())),
    ]
    cleaned = [Part(part.name, part.about, clean(part.text)) for part in parts]
    del held
    return [_readme(cleaned, names=names), *cleaned]


def write_diagnostics(parts: Iterable[Part], file: Path, *, overwrite: bool = False) -> Path:
    """Write ``parts`` into the zip ``file``, readable by its owner only; it is there whole, or as it was before.

    Raises ``InvalidInput`` for another ending, ``AlreadyExists`` unless it may be overwritten, ``FileUnwritable``.
    """
    if file.suffix.lower() != ".zip":
        raise InvalidInput(f"{file.name} is no name of a zip file.", next_step="Let it end in .zip.")
    draft = file.with_name(f".{file.name}.{secrets.token_hex(6)}.new")
    try:
        if not overwrite and file.exists():
            raise AlreadyExists(f"{file} is there already.", next_step="Choose another name, or let it be overwritten.")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for part in parts:
                archive.writestr(part.name, part.text)
        draft.replace(file)
    except OSError as error:
        raise FileUnwritable(
            f"{file} could not be written: {error.strerror or error}.",
            next_step="Save it in another folder.",
            details=str(error),
        ) from None
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
    return file


def _readme(parts: list[Part], *, names: bool) -> Part:
    kept = "Names of files, models, servers and people are as they are."
    if not names:
        kept = (
            "Names of files, models, servers and people are replaced by stand-ins such as <path 3>; the same name has "
            "the same one everywhere."
        )
    lines = [
        f"Diagnostics of Kronkers Studio {__version__}, {datetime.now(UTC).isoformat(timespec='seconds')}",
        "",
        "Without passwords, keys, passphrases and tokens, and without anything out of files or tables.",
        kept,
        "It was sent to nobody: whoever made it decides who gets it.",
        "",
        *(f"{part.name}: {part.about}" for part in parts),
    ]
    return Part("README.txt", "What is in this file.", "\n".join(lines) + "\n")


def _versions() -> dict[str, Any]:
    libraries = {}
    for name in _LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            libraries[name] = metadata.version(name)
    return {
        "kronkers-studio": __version__,
        "python": platform.python_version(),
        "frozen": bool(getattr(sys, "frozen", False)),
        "libraries": libraries,
    }


def _computer(settings: Settings) -> dict[str, Any]:
    import locale

    import psutil

    from kronkers_studio.workflows.this_computer import not_prevented

    return {
        "system": platform.system(),
        "release": platform.release(),
        "version": platform.version().replace(platform.node(), "") if platform.node() else platform.version(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "free_memory_bytes": psutil.virtual_memory().available,
        "free_bytes_at_workspace": _free_space(settings.workspace),
        "locale": locale.getlocale()[0],
        "encoding": locale.getpreferredencoding(False),
        "desktop": os.environ.get("XDG_CURRENT_DESKTOP", ""),
        "session": os.environ.get("XDG_SESSION_TYPE", ""),
        "models_not_kept_from": list(not_prevented()),
        "variables_set": sorted(name for name in os.environ if name.startswith("KRONKERS_")),  # not what they hold
    }


def _free_space(folder: Path) -> int | None:
    for each in (folder, *folder.parents):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(each).free
    return None


def _settings(settings: Settings, *, names: bool) -> dict[str, Any]:
    standard = Settings()
    found: dict[str, Any] = {}
    for each in fields(Settings):
        value, usual = getattr(settings, each.name), getattr(standard, each.name)
        if each.name in _OWN_WORDS and value != usual and not names:
            found[each.name] = f"<{len(value)} set>" if isinstance(value, tuple) else "<set>"
        elif each.name == "image_registries":
            found[each.name] = [{"host": registry.host, "user": registry.user} for registry in value]
        elif each.name == "workspace" and not names:
            found[each.name] = "<the usual place>"
        else:
            found[each.name] = value
    return found


def _workspace(session: Session | None, why_closed: str) -> str:
    if session is None:
        return _json({"open": False, "why": why_closed or "No workspace is open."})
    from kronkers_studio.workflows import browsing

    ledger, directory = session.workspace.ledger, session.directory
    releases = ledger.releases()
    figures: dict[str, Any] = {"open": True}
    with contextlib.suppress(StudioError):  # a damaged workspace is what help may be wanted for
        projects = browsing.list_projects(session)
        figures["projects"] = len(projects)
        figures["files"] = sum(project.head.files for project in projects if project.head is not None)
    figures |= {
        "model_versions": len(ledger.model_versions()),
        "releases_by_state": Counter(release.state.value for release in releases),
        "releases_that_ended_by_themselves": sum(release.lost for release in releases),
        "places_with_releases": len({release.place for release in releases}),
        "servers": len(ledger.servers()),
        "bytes": {name: _size(directory / name) for name in _FOLDERS_AND_FILES},
    }
    return _json(figures)


_FOLDERS_AND_FILES = ("packs", "journal", "metadata.db", "search.db", "series.db", "runs")


def _size(path: Path) -> int:
    total = 0
    for file in path.rglob("*") if path.is_dir() else [path]:
        with contextlib.suppress(OSError):
            total += file.lstat().st_size if not file.is_dir() else 0
    return total


def _known_names(settings: Settings, session: Session | None) -> Mapping[str, Iterable[str]]:
    """Names of things here, by what they are names of."""
    registries = [name for each in settings.image_registries for name in (each.host, each.user)]
    known: dict[str, list[str]] = {"person": [settings.author], "registry": registries}
    if session is None:
        return known
    from kronkers_studio.workflows.watching import brought_in

    ledger = session.workspace.ledger
    servers, versions, releases = ledger.servers(), ledger.model_versions(), ledger.releases()
    known["person"] += [release.author for release in releases] + [version.author for version in versions]
    hosts = [*servers, *(jump for each in servers for jump in each.jumps)]
    names = [name for each in hosts for name in (each.name, each.alias, each.host, f"{each.user}@{each.host}")]
    known["server"] = [name for name in names if name]
    known["server"] += [release.place for release in releases if release.place != "this-computer"]
    known["account"] = [each.user for each in hosts]
    known["path"] = [each.identity_file for each in servers]
    known["model"] = [version.name for version in versions] + [release.model for release in releases]
    with contextlib.suppress(StudioError):
        for each in brought_in(session):
            known.setdefault("project", []).append(each.project)
            known["path"] += [str(folder) for folder in each.folders] + [folder.name for folder in each.folders]
    return known


def _held_secrets(session: Session | None) -> list[Secret]:
    """Secrets that are known without asking anybody: those of variables, and the keys of services."""
    values = [
        value for name, value in os.environ.items() if value and any(word in name.upper() for word in _SECRET_VARIABLES)
    ]
    if session is not None:
        from kronkers_studio.deployment.proof import token

        for release in session.workspace.ledger.releases():
            with contextlib.suppress(StudioError):
                secret = session.release_secret(release)
                values += [secret.hex(), token(secret)]
    return [Secret(value) for value in values]


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
