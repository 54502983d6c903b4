"""Where in the window a person is sent, and what is to be shown or asked there.

Whoever sends them on emits one of these with ``Studio.go``; the window goes to its ``page`` and hands it over to
``Page.visit``. What a page keeps over a restart is not one of these: a state that is taken up again asks nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class ToPage:
    """A page as it is."""

    page: str


@dataclass(frozen=True, slots=True)
class ChooseFolder:
    """Choose a folder to bring in."""

    page: ClassVar[str] = "migrate"


@dataclass(frozen=True, slots=True)
class LookThroughFolder:
    """See what is in ``folder`` before it is brought in."""

    page: ClassVar[str] = "migrate"
    folder: Path


@dataclass(frozen=True, slots=True)
class ShowContent:
    """A project's newest version on ``branch`` ("": the default branch) with the folder ``path`` open and ``name``
    chosen in it."""

    page: ClassVar[str] = "registry"
    project: str
    path: str = ""
    name: str = ""
    branch: str = ""


@dataclass(frozen=True, slots=True)
class CheckWorkspace:
    """Verify all that is stored."""

    page: ClassVar[str] = "registry"


@dataclass(frozen=True, slots=True)
class OpenTrash:
    page: ClassVar[str] = "registry"


@dataclass(frozen=True, slots=True)
class ShowModelVersion:
    """The model version called ``label``, such as ``churn:3``."""

    page: ClassVar[str] = "models"
    label: str


@dataclass(frozen=True, slots=True)
class PutLive:
    """Ask where to put a model live; ``version`` None is its newest."""

    page: ClassVar[str] = "deploy"
    model: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class SendRows:
    """Rows to send to a live model."""

    page: ClassVar[str] = "deploy"
    model: str
    place: str


@dataclass(frozen=True, slots=True)
class WatchService:
    """The live metrics of a model in a place."""

    page: ClassVar[str] = "monitor"
    model: str
    place: str


@dataclass(frozen=True, slots=True)
class AddServer:
    page: ClassVar[str] = "servers"


@dataclass(frozen=True, slots=True)
class LogIn:
    """Log in to a server again."""

    page: ClassVar[str] = "servers"
    server: str


@dataclass(frozen=True, slots=True)
class TakeLockAway:
    """End the deploy lock that somebody left on a server."""

    page: ClassVar[str] = "servers"
    server: str


@dataclass(frozen=True, slots=True)
class CleanServer:
    """Remove from a server what nothing needs any more."""

    page: ClassVar[str] = "servers"
    server: str


@dataclass(frozen=True, slots=True)
class ReachImageRegistry:
    """Say how the image registry at ``host`` is logged in to, or which CA file its certificate comes from."""

    page: ClassVar[str] = "settings"
    host: str


Destination = (
    ToPage
    | ChooseFolder
    | LookThroughFolder
    | ShowContent
    | CheckWorkspace
    | OpenTrash
    | ShowModelVersion
    | PutLive
    | SendRows
    | WatchService
    | AddServer
    | LogIn
    | TakeLockAway
    | CleanServer
    | ReachImageRegistry
)
