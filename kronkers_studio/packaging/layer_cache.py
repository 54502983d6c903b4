"""The large public parts of packages, kept between builds: base, dependency and server layers, locks, unpacked layers.

Everything here can be made again, and nothing here is secret: no byte of a model ever comes here. Several processes may
use one cache at once: whatever appears under its final name is complete.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kronkers_studio.domain.errors import PackagingFailed
from kronkers_studio.domain.models import Layer
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.packaging.digests import NotADigest, hex_of, parse_digest
from kronkers_studio.packaging.folder_removal import remove_tree
from kronkers_studio.settings.paths import cache_folder
from kronkers_studio.settings.private import make_private_folder

_CHUNK = 1 << 20
_PROOF_SECONDS = 24 * 3600.0


class LayerCache:
    """A cache in ``directory``, which is made when it is first written to."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    # blobs
    def blob(self, digest: str) -> Path:
        """Where the blob called ``sha256:…`` lies, or would lie. Raises ``PackagingFailed`` for any other name."""
        return self.directory / "blobs" / "sha256" / _file_name(digest)

    def has(self, digest: str, size: int) -> bool:
        """Whether that blob is here in its full size."""
        try:
            found = self.blob(digest).lstat()
        except OSError:
            return False
        return stat.S_ISREG(found.st_mode) and found.st_size == size

    @contextlib.contextmanager
    def draft(self) -> Iterator[Path]:
        """A path for a file in the making; it is removed afterwards unless ``adopt`` took it."""
        folder = self._folder("drafts")
        descriptor, name = tempfile.mkstemp(dir=folder)
        os.close(descriptor)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def adopt(self, draft: Path, digest: str) -> None:
        """Make a finished draft the blob called ``digest``."""
        self._folder("blobs", "sha256")
        _rename(draft, self.blob(digest))

    def read_blob(self, digest: str) -> Iterator[bytes]:
        """The blob's bytes, in pieces.

        Raises ``PackagingFailed`` when it is gone or its bytes are not what its name says (after the last piece: the
        reader has to drop what it read). It is then removed, so that the next build makes it again.
        """
        hasher = hashlib.sha256()
        try:
            with self.blob(digest).open("rb") as stream:
                while piece := stream.read(_CHUNK):
                    hasher.update(piece)
                    yield piece
        except OSError as error:
            raise _damaged(digest, str(error)) from None
        if f"sha256:{hasher.hexdigest()}" != digest:
            self.blob(digest).unlink(missing_ok=True)
            raise _damaged(digest, "its SHA-256 differs")

    def prove(self, digest: str, cancel: CancelToken = NEVER) -> None:
        """See that the blob is what its name says: by reading it, at most once a day as long as nothing touches it.

        Raises ``PackagingFailed`` as ``read_blob`` does; ``Cancelled``.
        """
        key = f"blob {digest}"
        fact = self.recall("proofs", key) or {}
        at, state = fact.get("at"), self._state(digest)
        if isinstance(at, float) and 0 <= time.time() - at < _PROOF_SECONDS and state and fact.get("state") == state:
            return
        for _ in self.read_blob(digest):
            cancel.check()
        self.remember("proofs", key, {"at": time.time(), "state": state})

    def _state(self, digest: str) -> list[int]:
        """What the file system says of the blob; nothing when it is not there."""
        try:
            found = self.blob(digest).lstat()
        except OSError:
            return []
        return [found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]

    def part(self, digest: str) -> Path:
        """Where an interrupted download of that blob is kept until it goes on."""
        return self._folder("parts") / _file_name(digest)

    # small facts
    def recall(self, kind: str, key: str) -> dict[str, Any] | None:
        """What was remembered as ``kind`` under ``key``; None when nothing was, or it cannot be read."""
        return _fact_in(self._fact(kind, key))

    def recall_all(self, kind: str) -> list[dict[str, Any]]:
        """Everything that was remembered as ``kind`` and can be read, in no particular order."""
        found = map(_fact_in, (self.directory / kind).glob("*.json"))
        return [fact for fact in found if fact is not None]

    def remember(self, kind: str, key: str, value: dict[str, Any]) -> None:
        """Keep ``value`` as ``kind`` under ``key``."""
        self._keep(self._fact(kind, key), value)

    def _keep(self, file: Path, value: dict[str, Any]) -> None:
        self._folder(file.parent.name)
        with self.draft() as draft:
            draft.write_text(json.dumps(value, indent=1, sort_keys=True), encoding="utf-8")
            _rename(draft, file)

    def facts(self, kind: str) -> dict[str, dict[str, Any]]:
        """Everything that was remembered as ``kind`` and can be read, by the names that the cache has for its keys."""
        found = {file.stem: _fact_in(file) for file in (self.directory / kind).glob("*.json")}
        return {stem: fact for stem, fact in found.items() if fact is not None}

    def fact(self, kind: str, stem: str) -> dict[str, Any] | None:
        """What is remembered as ``kind`` under the key that the cache calls ``stem``."""
        return _fact_in(self.directory / kind / f"{stem}.json")

    def keep_fact(self, kind: str, stem: str, value: dict[str, Any]) -> None:
        """Keep ``value`` as ``kind`` under the key that another cache calls ``stem``: 64 hexadecimal digits."""
        self._keep(self.directory / kind / f"{_file_name(f'sha256:{stem}')}.json", value)

    def forget(self, kind: str, key: str) -> None:
        """Remember nothing as ``kind`` under ``key`` any more."""
        self._fact(kind, key).unlink(missing_ok=True)

    # folders
    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder on the cache's own disk; removed afterwards."""
        folder = Path(tempfile.mkdtemp(dir=self._folder("drafts")))
        try:
            yield folder
        finally:
            remove_tree(folder)

    def unpacked(self, diff_id: str) -> Path:
        """Where the files of the layer with that diff id lie, or would lie (see ``unpacked_layers``)."""
        return self._folder("unpacked") / _file_name(diff_id)

    def _fact(self, kind: str, key: str) -> Path:
        return self.directory / kind / f"{key_of(key)}.json"

    def _folder(self, *names: str) -> Path:
        folder = self.directory.joinpath(*names)
        try:
            make_private_folder(self.directory)  # it holds programs that will be run
            make_private_folder(folder)
        except OSError as error:
            raise PackagingFailed(
                f"The cache folder {self.directory} cannot be written to: {error.strerror}.",
                next_step="Make room on that disk or correct the folder's permissions, then package again.",
            ) from None
        return folder


def users_layer_cache() -> LayerCache:
    """The one of this user on this computer."""
    return LayerCache(cache_folder() / "layers")


def _fact_in(file: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def key_of(*parts: object) -> str:
    """A short name for ``parts``: the same parts, the same name, on every computer."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def recalled_layer(fact: object) -> Layer | None:
    """The layer that was remembered as ``fact``; None when that is anything else."""
    if not isinstance(fact, dict) or set(fact) != {"role", "digest", "diff_id", "size", "media_type"}:
        return None
    size = fact["size"]
    if not all(isinstance(fact[name], str) for name in ("role", "media_type")) or not isinstance(size, int):
        return None
    try:
        return Layer(
            fact["role"], parse_digest(fact["digest"]), parse_digest(fact["diff_id"]), size, fact["media_type"]
        )
    except NotADigest:
        return None


def _file_name(digest: str) -> str:
    """What the blob's files are called: never anything but 64 hexadecimal digits."""
    try:
        return hex_of(parse_digest(digest))
    except NotADigest as error:
        raise PackagingFailed(
            "A layer is named by something that is no digest, and was refused.",
            next_step="Choose another base image, or package again.",
            details=str(error),
        ) from None


def _rename(source: Path, target: Path) -> None:
    try:
        source.replace(target)
    except PermissionError:
        if not target.exists():  # Windows refuses to replace a file that is being read: it has the same content
            raise


def _damaged(digest: str, why: str) -> PackagingFailed:
    return PackagingFailed(
        "A layer in the cache is damaged and was dropped.",
        next_step="Package again: it is then made anew.",
        details=f"{digest}: {why}",
    )
