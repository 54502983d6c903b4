"""The large public parts of packages, kept between builds: base, dependency and server layers, locks, unpacked layers.

Everything here can be made again, and nothing here is secret: no byte of a model ever comes here. Several processes may
use one cache at once: whatever appears under its final name is complete.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kronkers_studio.domain.errors import PackagingFailed
from kronkers_studio.settings.private import make_private_folder

_CHUNK = 1 << 20


class LayerCache:
    """A cache in ``directory``, which is made when it is first written to."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    # blobs
    def blob(self, digest: str) -> Path:
        """Where the blob called ``sha256:…`` lies, or would lie."""
        return self.directory / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def has(self, digest: str, size: int) -> bool:
        """Whether that blob is here in its full size."""
        try:
            return self.blob(digest).stat().st_size == size
        except OSError:
            return False

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

    def part(self, digest: str) -> Path:
        """Where an interrupted download of that blob is kept until it goes on."""
        return self._folder("parts") / digest.removeprefix("sha256:")

    # small facts
    def recall(self, kind: str, key: str) -> dict[str, Any] | None:
        """What was remembered as ``kind`` under ``key``; None when nothing was, or it cannot be read."""
        try:
            found = json.loads(self._fact(kind, key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def remember(self, kind: str, key: str, value: dict[str, Any]) -> None:
        """Keep ``value`` as ``kind`` under ``key``."""
        self._folder(kind)
        with self.draft() as draft:
            draft.write_text(json.dumps(value, indent=1, sort_keys=True), encoding="utf-8")
            _rename(draft, self._fact(kind, key))

    # folders
    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder on the cache's own disk; removed afterwards."""
        folder = Path(tempfile.mkdtemp(dir=self._folder("drafts")))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def unpacked(self, diff_id: str, fill: Callable[[Path], None]) -> Path:
        """The folder that ``fill`` makes for ``diff_id``: made once, then found again."""
        target = self.directory / "unpacked" / diff_id.removeprefix("sha256:")
        if target.is_dir():
            return target
        self._folder("unpacked")
        with self.scratch() as scratch:
            folder = scratch / "filled"
            folder.mkdir()
            fill(folder)
            try:
                folder.rename(target)
            except OSError:
                if not target.is_dir():  # otherwise another process was faster, with the same content
                    raise
        return target

    def _fact(self, kind: str, key: str) -> Path:
        return self.directory / kind / f"{key_of(key)}.json"

    def _folder(self, *names: str) -> Path:
        folder = self.directory.joinpath(*names)
        try:
            make_private_folder(self.directory)  # it holds programs that will be run
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PackagingFailed(
                f"The cache folder {self.directory} cannot be written to: {error.strerror}.",
                next_step="Make room on that disk or correct the folder's permissions, then package again.",
            ) from None
        return folder


def key_of(*parts: object) -> str:
    """A short name for ``parts``: the same parts, the same name, on every computer."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


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
