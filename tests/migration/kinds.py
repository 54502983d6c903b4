"""What the fixtures of these tests give."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

WithoutRights = Callable[[], AbstractContextManager[None]]


class Make(Protocol):
    """Writes a file below the test's folder, at rest since long ago unless told otherwise."""

    def __call__(self, path: str, content: bytes | str = b"content", *, mtime_ns: int | None = ...) -> Path: ...


class Kronkers(Protocol):
    """Runs the command on a workspace of the test's own; asserts its exit code and gives what it printed, of
    ``--json`` the values."""

    def __call__(self, *arguments: object, expect: int = 0) -> Any: ...
