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

from kronkers_studio.workflows.session import Session, create_workspace, open_workspace

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


@pytest.fixture(scope="session")
def empty_workspace(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A closed workspace with nothing in it, and its key file: copy it, do not change it."""
    place = tmp_path_factory.mktemp("template")
    session, _recovery = create_workspace(place / "workspace", key_file=place / "key")
    session.close()
    return place / "workspace", place / "key"


@pytest.fixture
def session(empty_workspace: tuple[Path, Path], tmp_path: Path) -> Iterator[Session]:
    """An open workspace of this test's own."""
    directory = Path(shutil.copytree(empty_workspace[0], tmp_path / "workspace"))
    with open_workspace(directory, key_file=empty_workspace[1]) as opened:
        yield opened
