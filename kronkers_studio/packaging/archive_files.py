"""Archives written to files: whole, or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from kronkers_studio.domain.errors import PackagingFailed
from kronkers_studio.domain.progress import CancelToken, Progress


def write_whole(file: Path, pieces: Iterable[bytes], progress: Progress, cancel: CancelToken) -> None:
    """Write ``pieces`` to ``file``, of which an existing one is replaced once the new one is complete.

    ``progress`` advances by bytes. Raises ``PackagingFailed`` and leaves nothing half-written behind; ``Cancelled``.
    """
    draft: Path | None = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        draft = Path(name)
        with os.fdopen(descriptor, "wb") as target:
            for piece in pieces:
                cancel.check()
                progress.advance(target.write(piece))
            target.flush()
            os.fsync(target.fileno())
        draft.replace(file)
    except OSError as error:
        raise _unwritable(file, error) from None
    finally:
        if draft is not None:
            draft.unlink(missing_ok=True)


def require_place(file: Path) -> None:
    """Whether ``file`` can be written, before the work that leads to it: raises ``PackagingFailed`` when not."""
    try:
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        folder = file.parent
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(file, error) from None


def _unwritable(file: Path, error: OSError) -> PackagingFailed:
    return PackagingFailed(
        f"{file} cannot be written: {error.strerror or error}.",
        next_step="Choose another place, or make room on that disk.",
    )
