"""The error tree. Expected failures say what happened and what to do next; everything else is a bug.

``StudioError`` is the root of all expected failures. The command line prints ``message`` and ``next_step`` and leaves
with ``exit_code``; the window shows the same two sentences inline. A traceback is for bugs only.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class StudioError(Exception):
    """An expected failure: ``message`` names the cause, ``next_step`` what the reader can do about it.

    Neither may contain a secret; ``details`` is for "Copy details" and the log, and may not either. ``command`` is what
    does it at a command line; the window has a button for that. ``server`` is the one that it is about, if any,
    ``image_registry`` the host of that one, and ``model`` the label of that version.
    """

    exit_code: ClassVar[int] = 1
    command: str = ""
    server: str = ""
    image_registry: str = ""
    model: str = ""

    def __init__(self, message: str, *, next_step: str = "", details: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        self.details = details

    @property
    def typed_step(self) -> str:
        """The next step for those who type commands."""
        return f"{self.next_step} {self.command}".strip()

    def __str__(self) -> str:
        return f"{self.message} {self.typed_step}".strip()


class Cancelled(StudioError):
    """The user cancelled; everything acknowledged so far is kept."""

    exit_code = 130


class Refused(StudioError):
    """A gate or a permission said no."""

    exit_code = 3


class InvalidInput(StudioError):
    """What the user typed or handed in cannot be used; nothing was changed."""

    exit_code = 2


class InvalidValue(InvalidInput):
    """What was typed for ``column`` is not what that column takes."""

    def __init__(self, message: str, *, column: str, next_step: str = "", details: str = "") -> None:
        super().__init__(message, next_step=next_step, details=details)
        self.column = column


class NotFound(StudioError):
    """A project, reference, path, model, server or release of that name does not exist."""


class AlreadyExists(StudioError):
    """A thing of that name exists and would have been overwritten."""


class DescriptionChanged(StudioError):
    """What is said of a model version is no longer what it was when somebody began to change it."""


class WindowUnavailable(StudioError):
    """Qt cannot be loaded on this system; everything but the window works."""


class OutputUnwritable(StudioError):
    """The command's result could not be printed; what it did is done."""


class FileUnwritable(StudioError):
    """A file that somebody wanted saved could not be written; what was there before is as it was."""


# Workspace and store
class WorkspaceError(StudioError):
    """The workspace cannot be made, opened or used."""


class WrongKey(WorkspaceError):
    """The passphrase, recovery key, key file or keyring entry does not open this workspace."""


class KeyUnavailable(WorkspaceError):
    """No key was given, or the system's keyring is locked or missing."""


class WorkspaceBusy(WorkspaceError):
    """Another process is writing to this workspace."""


class StoreDamaged(WorkspaceError):
    """Bytes in the store are not what was written; ``details`` lists where."""


class IndexDamaged(StoreDamaged):
    """The workspace's database is missing, damaged or too old. It is an index of what is stored beside it, and can be
    made again from there."""

    def __init__(self, message: str, *, missing: bool, next_step: str = "", details: str = "") -> None:
        super().__init__(message, next_step=next_step, details=details)
        self.missing = missing


class JournalIncomplete(StoreDamaged):
    """Changes are lost from the middle of the journal: the database can be made again as it was before them only."""


class ForeignEntry(WorkspaceError):
    """The workspace holds what this program would never have written: it was made or changed by something else."""


class StorageFull(WorkspaceError):
    """The disk is full or failed; nothing that was acknowledged is lost."""


class WorkspaceReadOnly(WorkspaceError):
    """The workspace may be read, not written to: its disk is read-only, or its files are somebody else's."""


class ContentCleanedUp(WorkspaceError):
    """Content that was to be shared was cleaned up before the version was finished; running it again reads it anew."""


class BranchChanged(WorkspaceError):
    """A branch is no longer where it was when the work began; nothing was changed."""


# Migration
class SourceUnavailable(StudioError):
    """The folder to migrate does not exist, vanished, or cannot be listed."""


class WouldUndo(Refused):
    """Bringing a folder in would undo what a merge or another folder brought into the branch; nothing was changed."""


# Working copies
class NotAWorkingCopy(StudioError):
    """The folder is no working copy of this workspace, or one that was never finished."""


class WorkingCopyBehind(Refused):
    """Others saved versions since the working copy was made of one; nothing was changed."""


class WorkingCopyChanged(Refused):
    """The same files were changed in a working copy and by others; nothing was changed."""


class EditorUnavailable(StudioError):
    """An editor is not on this computer, or does not start."""


# Restoring
class RestoreUnderWay(StudioError):
    """Another restore is writing to the same folder, or to one in it or above it; all that was restored is whole."""


# Tables
class TableUnreadable(StudioError):
    """The process that reads tables stopped at this one, took too long, or needed more memory than it may have."""


# Model tests
class InvalidTestSet(StudioError):
    """The file of a test set cannot be used; the message names the line."""


class NotTested(Refused):
    """A version was to be put live whose last tests, as it is now, did not pass."""


# Models and packages
class UnsupportedModel(StudioError):
    """Not a model of a supported framework, or one that is refused for safety."""


class CodeNotAllowed(UnsupportedModel):
    """A file asks for code that is on no list, and that somebody may allow for this version."""


class NotAModel(UnsupportedModel):
    """A file of which neither name nor bytes are a model's."""


class PackagingFailed(StudioError):
    """The package could not be built; nothing half-built is left."""


class BaseImageUnavailable(PackagingFailed):
    """No base image could be had from the registry, archive or engine named."""


class PushFailed(PackagingFailed):
    """A package could not be put into a registry; under its name there is what was there before."""


class SignatureRefused(Refused):
    """A package is not signed by anybody whose signature is accepted here, or is not what was signed."""


class RegistryLoginRefused(BaseImageUnavailable):
    """An image registry wants a login for what was asked, or another one than it was given."""


class RegistryUntrusted(BaseImageUnavailable):
    """An image registry's certificate does not prove that it is that registry."""


# Servers and releases
class SshConfigUnusable(InvalidInput):
    """OpenSSH's configuration on this computer (~/.ssh/config) cannot be read, or asks for what cannot be done."""


class ServerError(StudioError):
    """Something about an on-premises server went wrong."""


class ServerUnreachable(ServerError):
    """No SSH connection could be made."""


class HostKeyUnknown(ServerError):
    """The server's host key has not been confirmed; ``fingerprint`` is what it shows."""

    def __init__(self, message: str, *, fingerprint: str, next_step: str = "", details: str = "") -> None:
        super().__init__(message, next_step=next_step, details=details)
        self.fingerprint = fingerprint


class HostKeyChanged(ServerError):
    """The server shows another host key than the confirmed one: a hard stop."""


class AuthenticationFailed(ServerError):
    """The server refused every credential offered."""


class LogInUnanswered(AuthenticationFailed):
    """The server asks the person something, and nobody was there to answer, or they did not want to."""


class HostKeyRevoked(ServerError):
    """OpenSSH's known_hosts of this computer says that the host key must not be trusted any more."""


class ShellUnusable(ServerError):
    """The account on the server can log in but not run commands, or the server is not one of the kind needed."""


class RootObstacle(StrEnum):
    """Why nothing can be done as root."""

    NO_SUDO = "no sudo"
    PASSWORD_NEEDED = "password needed"  # noqa: S105  # words
    PASSWORD_REFUSED = "password refused"  # noqa: S105
    NOT_ALLOWED = "not allowed"


class RootUnavailable(ServerError):
    """The account cannot become root on the server. ``commands`` are what somebody who can has to run there."""

    def __init__(
        self, message: str, *, obstacle: RootObstacle, commands: tuple[str, ...], next_step: str = "", details: str = ""
    ) -> None:
        super().__init__(message, next_step=next_step, details=details)
        self.obstacle = obstacle
        self.commands = commands


class EngineUnavailable(ServerError):
    """The server's Docker engine cannot be used."""


class EngineUntrustworthy(ServerError):
    """What answers as the server's Docker engine says what no engine says."""


class ServerBusy(ServerError):
    """Somebody else is changing releases on the server; the message names who and since when."""


class ConfinementUnavailable(Refused):
    """This system cannot keep a model from harming it, and nobody agreed to run one all the same."""


class ServerFull(ServerError):
    """The server has too little disk space or memory for what was to be brought there; nothing was sent."""


class GatewayFailed(ServerError):
    """A server's gateway does not do what it was told, or gives an answer that is of no use."""


class GatewayAway(GatewayFailed):
    """A server has no gateway, or another workspace's: none sends requests to this workspace's releases, now or
    later."""


class GatewayStateUnreadable(GatewayFailed):
    """What a gateway was told last is of no form that this version knows."""


class ReleaseFailed(StudioError):
    """The new release did not become healthy, and was removed again."""


class PredictionFailed(StudioError):
    """The model service refused or failed the rows, or its answer is of no use; ``details`` is its answer.

    ``column`` is the column that it names as wrong, "" when it names none; ``row`` the number of the row in what was
    sent, from 1, 0 when it names none.
    """

    def __init__(self, message: str, *, column: str = "", row: int = 0, next_step: str = "", details: str = "") -> None:
        super().__init__(message, next_step=next_step, details=details)
        self.column = column
        self.row = row


class RowsRefused(PredictionFailed):
    """The rows do not fit what the model takes; none of them was sent."""


class ServiceUnavailable(StudioError):
    """No live release answers in that place."""


class ServiceUnproven(ServiceUnavailable):
    """What answers is not the release that should, or cannot prove that it is."""


class MetricsUnreadable(StudioError):
    """What a service answered when asked for its metrics is not a list of metrics."""


class RecordingUnreadable(StudioError):
    """What a service answered when asked for recorded rows is of no use, or it does not keep any."""
