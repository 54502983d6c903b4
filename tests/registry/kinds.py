"""What the fixtures of these tests give."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from kronkers_studio.domain.content import Commit
from kronkers_studio.registry import StoreOutcome


class BringIn(Protocol):
    """Brings a folder into a project of the test's workspace; gives the commit, whether it is a new one, and what was
    stored."""

    def __call__(
        self, folder: Path, project: str = "project", branch: str = "main"
    ) -> tuple[Commit, bool, StoreOutcome]: ...
