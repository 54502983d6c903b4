"""Folders to migrate, and rights to lose: the tests may run as root, who may read everything."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

_NOBODY = 65534
LONG_AGO_NS = 1_600_000_000_000_000_000


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder that any user may list (pytest's own is closed to others)."""
    path = Path(tempfile.mkdtemp(prefix="migration-"))
    path.chmod(0o755)
    yield path
    for inside, _, _ in os.walk(path):
        Path(inside).chmod(0o755)
    shutil.rmtree(path)


@pytest.fixture
def make(folder: Path) -> Callable[..., Path]:
    """Write a file below ``folder``, at rest since long ago unless told otherwise."""

    def write(path: str, content: bytes | str = b"content", *, mtime_ns: int | None = LONG_AGO_NS) -> Path:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        if mtime_ns is not None:
            os.utime(file, ns=(mtime_ns, mtime_ns))
        return file

    return write


@pytest.fixture
def without_rights() -> Callable[[], AbstractContextManager[None]]:
    """Inside the context this process has an ordinary user's rights, even when root runs the tests."""

    @contextlib.contextmanager
    def drop() -> Iterator[None]:
        if os.geteuid() != 0:
            yield
            return
        os.seteuid(_NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)

    return drop


@pytest.fixture
def make_socket(folder: Path) -> Iterator[Callable[[str], Path]]:
    opened: list[socket.socket] = []

    def bind(name: str) -> Path:
        listener = socket.socket(socket.AF_UNIX)
        opened.append(listener)
        listener.bind(str(folder / name))
        return folder / name

    yield bind
    for listener in opened:
        listener.close()
