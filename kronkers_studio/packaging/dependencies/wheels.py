"""The very files that a lock means: each library's wheel for the servers' platform, by its name, size and hash.

uv chooses them. Which address each was published under is remembered beside the lock, not in it, so that the files can
be fetched for a computer that has no network; once fetched, they lie in the cache as blobs.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from kronkers_studio.domain.errors import PackagingFailed
from kronkers_studio.packaging.digests import Digest, NotADigest, parse_digest
from kronkers_studio.packaging.layer_cache import LayerCache

_FACTS = "wheels"
_LOCKED_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")
_LARGEST = 8 << 30


@dataclass(frozen=True, slots=True)
class Wheel:
    """One library's file. ``url`` is where it was published, "" when it came from a folder; ``size`` is 0 when nobody
    said."""

    name: str
    version: str
    file: str
    digest: Digest
    size: int = 0
    url: str = ""


def chosen_wheels(pylock: str) -> tuple[Wheel, ...]:
    """The wheels in what uv wrote as a ``pylock.toml``. Raises ``PackagingFailed`` when it is none."""
    try:
        return tuple(
            _wheel(package["name"], package["version"], each)
            for package in tomllib.loads(pylock).get("packages", [])
            for each in package["wheels"]
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise PackagingFailed(
            "The list of the model's libraries holds more than libraries and their hashes: refused.",
            next_step="Package again; if it stays so, look at uv's own settings on this computer.",
            details=f"{type(error).__name__}: {error}"[:500],
        ) from None


def lock_text(wheels: Iterable[Wheel]) -> str:
    """A lock of exactly these files, as uv installs from it."""
    hashes: dict[tuple[str, str], list[str]] = {}
    for wheel in wheels:
        hashes.setdefault((canonicalize_name(wheel.name), wheel.version), []).append(wheel.digest)
    lines = [
        f"{name}=={version} \\\n" + " \\\n".join(f"    --hash={digest}" for digest in sorted(found))
        for (name, version), found in sorted(hashes.items())
    ]
    return "\n".join(lines) + "\n"


def remember_wheels(wheels: Iterable[Wheel], cache: LayerCache) -> None:
    """Keep what is known of each."""
    for wheel in wheels:
        if cache.recall(_FACTS, wheel.digest) is None:
            cache.remember(_FACTS, wheel.digest, asdict(wheel))


def known_wheels(cache: LayerCache) -> dict[Digest, Wheel]:
    """Everything that is known of wheels, whether they lie in ``cache`` or not."""
    found = filter(None, map(recalled_wheel, cache.recall_all(_FACTS)))
    return {wheel.digest: wheel for wheel in found}


def recalled_wheel(fact: object) -> Wheel | None:
    """The wheel that was remembered as ``fact``; None when that is anything else."""
    if not isinstance(fact, dict) or set(fact) != {"name", "version", "file", "digest", "size", "url"}:
        return None
    if not all(isinstance(fact[each], str) for each in ("name", "version", "file", "url")):
        return None
    try:
        return _checked(Wheel(**fact))
    except (NotADigest, ValueError):
        return None


def locked_digests(lock_text: str) -> set[Digest]:
    """The hashes in a lock."""
    return {parse_digest(found) for found in _LOCKED_HASH.findall(lock_text)}


@contextlib.contextmanager
def wheel_folder(cache: LayerCache, wanted: Iterable[Digest] | None = None) -> Iterator[Path | None]:
    """A folder with the wheels in ``cache``, or with those of ``wanted``; None when any of them, or all, are missing.

    Each is read once more and compared with its digest. Raises ``PackagingFailed`` for a damaged one.
    """
    known = known_wheels(cache)
    digests = list(known) if wanted is None else list(wanted)
    here = [known[digest] for digest in digests if digest in known and cache.has(digest, known[digest].size)]
    if not here or (wanted is not None and len(here) != len(digests)):
        yield None
        return
    with cache.scratch() as scratch:
        for wheel in here:
            cache.prove(wheel.digest)
            _place(cache.blob(wheel.digest), scratch / wheel.file)
        yield scratch


def _place(blob: Path, target: Path) -> None:
    """The same file under another name; a copy where the disk has no such names, or somebody has put one there."""
    try:
        os.link(blob, target)
    except OSError:
        shutil.copyfile(blob, target)


def _wheel(name: str, version: str, told: dict[str, Any]) -> Wheel:
    place = str(told.get("url") or told.get("path") or "")
    parts = urlsplit(place)
    file = told.get("name") or unquote(parts.path.replace("\\", "/").rpartition("/")[2])
    plain = parts.scheme == "https" and "@" not in parts.netloc  # no login of an index is kept
    return _checked(
        Wheel(
            name=str(name),
            version=str(version),
            file=str(file),
            digest=parse_digest(f"sha256:{told['hashes']['sha256']}"),
            size=told.get("size", 0),
            url=parts._replace(fragment="").geturl() if plain else "",
        )
    )


def _checked(wheel: Wheel) -> Wheel:
    """``wheel`` when its file's name is one of that library at that version, and no path. Raises ``ValueError``."""
    try:
        name, version, _, _ = parse_wheel_filename(wheel.file)
    except InvalidWheelFilename:
        raise ValueError(f"{wheel.file!r:.100} is no wheel") from None
    if name != canonicalize_name(wheel.name) or str(version) != wheel.version or "/" in wheel.file:
        raise ValueError(f"{wheel.file!r:.100} is not {wheel.name} {wheel.version}")
    parse_digest(wheel.digest)
    if not isinstance(wheel.size, int) or isinstance(wheel.size, bool) or not 0 <= wheel.size <= _LARGEST:
        raise ValueError("a size that no wheel has")
    if wheel.url and urlsplit(wheel.url).scheme != "https":
        raise ValueError("an address without encryption")
    return wheel
