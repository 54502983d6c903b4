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
    """See what is in ``folder`` before it is brought into ``project`` ("": the one of the folder's name)."""

    page: ClassVar[str] = "migrate"
    folder: Path
    project: str = ""


@dataclass(frozen=True, slots=True)
class TrySample:
    """See what is in the bundled sample folder."""

    page: ClassVar[str] = "migrate"


@dataclass(frozen=True, slots=True)
class WatchProject:
    """Keep a project in sync with its folders while the window is open, or stop doing so."""

    page: ClassVar[str] = "migrate"
    project: str


@dataclass(frozen=True, slots=True)
class ForgetFolder:
    """Ask which of a project's folders is to be brought in no more."""

    page: ClassVar[str] = "migrate"
    project: str


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
class ShowChanges:
    """What changed in the newest version of a project on ``branch`` ("": the default branch) beside ``old`` (an id; "":
    the version before), and in the file ``path`` when there is one."""

    page: ClassVar[str] = "registry"
    project: str
    path: str = ""
    branch: str = ""
    old: str = ""


@dataclass(frozen=True, slots=True)
class CompareWith:
    """What changed in the chosen version beside ``old`` (an id; "": the version before)."""

    page: ClassVar[str] = "registry"
    old: str = ""


@dataclass(frozen=True, slots=True)
class ShowFileHistory:
    """The versions in which a file or folder changed, in ``ref`` ("": the default branch) and those before it."""

    page: ClassVar[str] = "registry"
    project: str
    path: str
    ref: str = ""


@dataclass(frozen=True, slots=True)
class SaveFile:
    """Ask where to save one file as it was at ``ref``."""

    page: ClassVar[str] = "registry"
    project: str
    path: str
    ref: str = ""


@dataclass(frozen=True, slots=True)
class CheckWorkspace:
    """Verify all that is stored."""

    page: ClassVar[str] = "registry"


@dataclass(frozen=True, slots=True)
class OpenTrash:
    page: ClassVar[str] = "registry"


@dataclass(frozen=True, slots=True)
class RestoreContent:
    """Ask what of ``project`` ("": the one in view) is to be restored, as it was when, and where to; ``path`` is what
    is likeliest meant."""

    page: ClassVar[str] = "registry"
    project: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class OpenIn:
    """Ask in which program the files of ``project`` ("": the one in view) as they were at ``ref`` ("": on the default
    branch) are to be opened."""

    page: ClassVar[str] = "registry"
    project: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class ShowWorkingCopies:
    """Where ``project`` ("": the one in view) is worked on, and what was changed there."""

    page: ClassVar[str] = "registry"
    project: str = ""


@dataclass(frozen=True, slots=True)
class MakeProject:
    """Ask for a new project's language and name."""

    page: ClassVar[str] = "registry"


@dataclass(frozen=True, slots=True)
class NameVersion:
    """Ask for a branch or a tag at the newest version of ``project`` ("": at the chosen version in view)."""

    page: ClassVar[str] = "registry"
    project: str = ""


@dataclass(frozen=True, slots=True)
class MergeBranches:
    """Ask which branches of ``project`` ("": the one in view) are to be merged."""

    page: ClassVar[str] = "registry"
    project: str = ""


@dataclass(frozen=True, slots=True)
class RemoveContent:
    """Ask which branch of ``project`` ("": the one in view), or whether all of it, is to go to the trash."""

    page: ClassVar[str] = "registry"
    project: str = ""


@dataclass(frozen=True, slots=True)
class ShowModel:
    """A model's own page, as it was there."""

    page: ClassVar[str] = "model"
    model: str


@dataclass(frozen=True, slots=True)
class ShowModelVersion:
    """The model version called ``label``, such as ``churn:3``, on its model's own page."""

    page: ClassVar[str] = "model"
    label: str


@dataclass(frozen=True, slots=True)
class AddVersion:
    """Ask for the file of a model's next version, anywhere on this computer."""

    page: ClassVar[str] = "model"
    model: str


@dataclass(frozen=True, slots=True)
class PackageVersion:
    """Ask what the package of a model version is to be and where it is to go, and make it."""

    page: ClassVar[str] = "model"
    label: str


@dataclass(frozen=True, slots=True)
class AddModelFile:
    """Ask for a model's file anywhere on this computer, to bring it in without its folder."""

    page: ClassVar[str] = "models"


@dataclass(frozen=True, slots=True)
class CompareVersions:
    """A model version beside another one."""

    page: ClassVar[str] = "model"
    label: str


@dataclass(frozen=True, slots=True)
class DescribeVersion:
    """What is said of a model version, to be changed."""

    page: ClassVar[str] = "model"
    label: str


@dataclass(frozen=True, slots=True)
class ChooseLibraries:
    """Which libraries a model version's service runs on, to be looked at and changed."""

    page: ClassVar[str] = "model"
    label: str


@dataclass(frozen=True, slots=True)
class AllowCode:
    """Which code that is on no list a model version's file may use, to be looked at and changed."""

    page: ClassVar[str] = "model"
    label: str


@dataclass(frozen=True, slots=True)
class StateSignature:
    """What a model version takes and gives, to be said where its file does not."""

    page: ClassVar[str] = "model"
    label: str


@dataclass(frozen=True, slots=True)
class RunModelTests:
    """Test a model version by its test set."""

    page: ClassVar[str] = "model"
    label: str


@dataclass(frozen=True, slots=True)
class ShowLineage:
    """Where a model version comes from, and what was made of it."""

    page: ClassVar[str] = "model"
    label: str


@dataclass(frozen=True, slots=True)
class PutLive:
    """Ask where to put a model live; ``version`` None is its newest, an empty ``model`` the first, an empty ``place``
    this computer."""

    page: ClassVar[str] = "deploy"
    model: str = ""
    version: int | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class RollBack:
    """Make the release with that number live again."""

    page: ClassVar[str] = "deploy"
    model: str
    place: str
    number: int


@dataclass(frozen=True, slots=True)
class StartAgain:
    """Make live again what ended by itself."""

    page: ClassVar[str] = "deploy"
    model: str
    place: str


@dataclass(frozen=True, slots=True)
class StopService:
    """Ask before what is live is stopped."""

    page: ClassVar[str] = "deploy"
    model: str
    place: str


@dataclass(frozen=True, slots=True)
class SendRows:
    """Rows to send to a live model."""

    page: ClassVar[str] = "deploy"
    model: str
    place: str


@dataclass(frozen=True, slots=True)
class ShowAccess:
    """The address of what is live, and programs that ask it."""

    page: ClassVar[str] = "deploy"
    model: str
    place: str


@dataclass(frozen=True, slots=True)
class ShowServiceLog:
    """What the service of a model logged."""

    page: ClassVar[str] = "deploy"
    model: str
    place: str


@dataclass(frozen=True, slots=True)
class SaveRecordedRows:
    """Save the rows that what is live of a model in a place recorded."""

    page: ClassVar[str] = "deploy"
    model: str
    place: str


@dataclass(frozen=True, slots=True)
class WatchService:
    """The live metrics of a model in a place; without a model, of everything that is live."""

    page: ClassVar[str] = "monitor"
    model: str
    place: str


@dataclass(frozen=True, slots=True)
class AddServer:
    page: ClassVar[str] = "servers"


@dataclass(frozen=True, slots=True)
class CheckServer:
    """Look at everything that releases need on a server."""

    page: ClassVar[str] = "servers"
    server: str


@dataclass(frozen=True, slots=True)
class SetUpServer:
    """Prepare a server for releases."""

    page: ClassVar[str] = "servers"
    server: str


@dataclass(frozen=True, slots=True)
class ShowServerLog:
    """Who changed what on a server."""

    page: ClassVar[str] = "servers"
    server: str


@dataclass(frozen=True, slots=True)
class RemoveServer:
    """Ask before a server is forgotten."""

    page: ClassVar[str] = "servers"
    server: str


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


@dataclass(frozen=True, slots=True)
class ShowSetting:
    """One setting, with the keyboard in it."""

    page: ClassVar[str] = "settings"
    name: str


@dataclass(frozen=True, slots=True)
class ChooseWorkspace:
    """Ask for the folder of another workspace."""

    page: ClassVar[str] = "settings"


@dataclass(frozen=True, slots=True)
class RefreshBaseImages:
    """Ask the image registries for newer base images."""

    page: ClassVar[str] = "settings"


Destination = (
    ToPage
    | ChooseFolder
    | LookThroughFolder
    | TrySample
    | WatchProject
    | ForgetFolder
    | ShowContent
    | ShowChanges
    | CompareWith
    | ShowFileHistory
    | SaveFile
    | CheckWorkspace
    | OpenTrash
    | RestoreContent
    | OpenIn
    | ShowWorkingCopies
    | MakeProject
    | NameVersion
    | MergeBranches
    | RemoveContent
    | ShowModel
    | ShowModelVersion
    | AddVersion
    | PackageVersion
    | AddModelFile
    | CompareVersions
    | DescribeVersion
    | ChooseLibraries
    | AllowCode
    | StateSignature
    | ShowLineage
    | RunModelTests
    | PutLive
    | RollBack
    | StartAgain
    | StopService
    | SendRows
    | ShowAccess
    | ShowServiceLog
    | SaveRecordedRows
    | WatchService
    | AddServer
    | CheckServer
    | SetUpServer
    | ShowServerLog
    | RemoveServer
    | LogIn
    | TakeLockAway
    | CleanServer
    | ReachImageRegistry
    | ShowSetting
    | ChooseWorkspace
    | RefreshBaseImages
)


def model_of(destination: Destination) -> str:
    """The model whose own page ``destination`` leads to; "" where it leads to another page."""
    match destination:
        case ShowModel(model) | AddVersion(model):
            return model
        case (
            ShowModelVersion(label)
            | PackageVersion(label)
            | CompareVersions(label)
            | DescribeVersion(label)
            | ChooseLibraries(label)
            | AllowCode(label)
            | StateSignature(label)
            | ShowLineage(label)
            | RunModelTests(label)
        ):
            return label.rpartition(":")[0]
    return ""
