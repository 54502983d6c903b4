"""Public layers unpacked on this computer, and the proof that such a folder still is what its name says.

A layer's name, its diff id, is the SHA-256 of its tar, and the tar depends on nothing but the files' names and bytes:
so a folder proves itself by being written as a tar again. That is done after it was unpacked and once a day; in
between, each use compares what the file system says of every file and folder (kind, mode, size, times, number) with
what it said at the last proof. Decision record 0011 says whom that stands against.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from kronkers_studio.domain.errors import PackagingFailed
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.packaging.digests import Digest
from kronkers_studio.packaging.folder_removal import is_folder
from kronkers_studio.packaging.layer_cache import LayerCache
from kronkers_studio.packaging.tar_stream import TarEntry, folders_of, stream_pieces, tar_stream

_PROOF_SECONDS = 24 * 3600.0
_ATTEMPTS = 5
_FILE_MODE, _FOLDER_MODE = 0o444, 0o555


class _Strange(Exception):
    """There is something else than files and folders."""


def unpacked_layer(
    cache: LayerCache, diff_id: Digest, prefix: str, fill: Callable[[Path], None], *, cancel: CancelToken = NEVER
) -> Path:
    """The folder with the files of the layer ``diff_id`` that lie below ``prefix`` in it, which are all of its files.

    ``fill`` writes them into an empty folder; it is asked when there is none yet, or when the one there is not the
    layer. Files and folders are read-only. Raises ``PackagingFailed``, ``Cancelled``, and what ``fill`` raises.
    """
    target = cache.unpacked(diff_id)
    for _ in range(_ATTEMPTS):
        if _as_proven(cache, diff_id, target) or _prove(cache, diff_id, target, prefix, cancel):
            return target
        with cache.scratch() as scratch:
            _take_away(target, scratch / "before")
            folder = scratch / "filled"
            folder.mkdir(mode=0o700)
            fill(folder)
            try:
                folder.rename(target)
            except OSError:
                if not target.is_dir():  # otherwise another process was faster: what it made is looked at next
                    raise
    raise PackagingFailed(
        "A layer in the cache is not what it should be, again and again.",
        next_step=f"Remove the folder {cache.directory}, which can be made again, then try again.",
        details=diff_id,
    )


def _take_away(target: Path, to: Path) -> None:
    """Move what is not the layer to where it is removed."""
    with contextlib.suppress(FileNotFoundError):  # another process was faster
        if is_folder(target.lstat()):
            target.chmod(0o700)  # a folder that is read-only cannot be moved to another one
        target.replace(to)


def _as_proven(cache: LayerCache, diff_id: Digest, target: Path) -> bool:
    """Whether nothing has changed since the last proof, and that was today."""
    fact = cache.recall("proofs", diff_id)
    if fact is None:
        return False
    at = fact.get("at")
    if not isinstance(at, float) or not 0 <= time.time() - at < _PROOF_SECONDS:
        return False
    try:
        return bool(fact.get("state") == _state(target))
    except (OSError, _Strange):
        return False


def _prove(cache: LayerCache, diff_id: Digest, target: Path, prefix: str, cancel: CancelToken) -> bool:
    """Whether ``target`` is the layer; remembered when it is."""
    try:
        _make_read_only(target)
        state = _state(target)
        proven = _diff_id(target, prefix, cancel) == diff_id
    except (OSError, _Strange, PackagingFailed):  # PackagingFailed: a file changed its size meanwhile
        return False
    if proven:
        cache.remember("proofs", diff_id, {"at": time.time(), "state": state})
    return proven


def _state(folder: Path) -> str:
    """What the file system says of everything below ``folder``, and of itself, in one number."""
    lines = [
        f"{name}\0{found.st_mode}\0{found.st_size}\0{found.st_mtime_ns}\0{found.st_ctime_ns}\0{found.st_ino}"
        for name, found in _walk(folder)
    ]
    return hashlib.sha256("\n\0".join(sorted(lines)).encode("utf-8", "surrogatepass")).hexdigest()


def _diff_id(folder: Path, prefix: str, cancel: CancelToken) -> str:
    """The diff id of a layer with the files below ``folder``; "" when there is a folder that no file lies in."""
    files, folders = [], set()
    for name, found in _walk(folder):
        if stat.S_ISDIR(found.st_mode):
            folders.add(f"{prefix}/{name}" if name else prefix)
        else:
            files.append((name, found.st_size))
    entries = folders_of(f"{prefix}/{name}" for name, _ in files)
    if not folders <= {entry.name for entry in entries}:
        return ""
    entries += [
        TarEntry(f"{prefix}/{name}", size, partial(_file_pieces, folder / name)) for name, size in sorted(files)
    ]
    hasher = hashlib.sha256()
    for piece in tar_stream(entries):
        cancel.check()
        hasher.update(piece)
    return f"sha256:{hasher.hexdigest()}"


def _file_pieces(path: Path) -> Iterator[bytes]:
    return stream_pieces(path.open("rb"))


def _walk(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Everything below ``folder``, by its path with "/" from there, and the folder itself as "". Follows no link."""
    own = folder.lstat()
    if not is_folder(own):
        raise _Strange(folder)
    yield "", own
    root, waiting = str(folder), [""]
    while waiting:
        inside = waiting.pop()
        with os.scandir(f"{root}{os.sep}{inside}") as entries:
            for entry in entries:
                found = entry.stat(follow_symlinks=False)
                name = f"{inside}/{entry.name}" if inside else entry.name
                if stat.S_ISREG(found.st_mode):
                    yield name, found
                elif is_folder(found):
                    waiting.append(name)
                    yield name, found
                else:
                    raise _Strange(name)


def _make_read_only(folder: Path) -> None:
    """Take everybody's permission to write. What was wanted already is left alone, and keeps its time of change."""
    for name, found in list(_walk(folder)):
        mode = _FOLDER_MODE if stat.S_ISDIR(found.st_mode) else _FILE_MODE
        if stat.S_IMODE(found.st_mode) & ~mode:
            (folder / name).chmod(mode)
