"""Opening a version's files in an editor: a working copy of them is made, or used again, and the editor is started.

What is opened may be anybody's: most editors ask whether they may trust a folder before they run anything of it (tasks,
extensions, settings), and nothing here answers for the person. Which do not is said before one is started.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from kronkers_studio.domain.content import DEFAULT_BRANCH
from kronkers_studio.domain.editors import Editor
from kronkers_studio.domain.errors import EditorUnavailable
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.working_copies import CheckedOut, WorkingCopy
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.working_copies import check_out, list_working_copies, working_copy_at

_STARTING = 0.6  # seconds: what fails to start says so by then


@dataclass(frozen=True, slots=True)
class Opened:
    """A working copy in an editor."""

    copied: CheckedOut
    editor: Editor

    @property
    def copy(self) -> WorkingCopy:
        return self.copied.copy


def find_editors(session: Session) -> list[Editor]:
    """The editors on this computer, the one of the settings first; the file manager last."""
    from kronkers_studio.settings.editors.finding import installed_editors

    return installed_editors(session.settings.editor)


def editor_called(session: Session, name: str) -> Editor:
    """The editor of that key or name, or the program at that path; the first for "". Raises ``EditorUnavailable``."""
    from kronkers_studio.settings.editors.finding import program_editor
    from kronkers_studio.settings.paths import from_home

    found = find_editors(session)
    wanted = name.casefold()
    for editor in found:
        if not name or wanted in (editor.key.casefold(), editor.label.casefold()):
            return editor
    other = program_editor(from_home(Path(name))) if name else None
    if other is not None:
        return other
    there = ", ".join(editor.key for editor in found) or "none"
    raise EditorUnavailable(
        f"There is no editor “{printable(name)}” on this computer."
        if name
        else "No editor was found on this computer.",
        next_step=f"Found: {there}. Another program is named by its whole path.",
    )


def place_of_copy(session: Session, project: str, ref: str = "") -> str:
    """The folder of the working copy that ``open_version`` would open again; "" where it would make one."""
    copy = _there(session, project, ref)
    return copy.folder if copy is not None else ""


def open_version(
    session: Session,
    project: str,
    ref: str = "",
    editor: str = "",
    folder: Path | None = None,
    *,
    version_control: bool = False,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> Opened:
    """Open a version's files in ``editor`` (its key, name or path; "" for the first one that is found).

    A working copy of the same branch, or of the same version, is used again as it is; else one is made, in ``folder``
    or where the settings say. Raises ``EditorUnavailable`` before anything is written, and what ``check_out`` raises.
    """
    chosen = editor_called(session, editor)
    there = _there(session, project, ref) if folder is None else None
    copied = (
        CheckedOut(there)
        if there is not None
        else check_out(session, project, ref, folder, version_control=version_control, progress=progress, cancel=cancel)
    )
    progress.step(f"Starting {chosen.label}")
    start_editor(session, chosen, Path(copied.copy.folder))
    return Opened(copied, chosen)


def open_working_copy(session: Session, folder: Path, editor: str = "") -> Opened:
    """Open a working copy that there is. Raises ``NotAWorkingCopy`` or ``EditorUnavailable``."""
    chosen, copy = editor_called(session, editor), working_copy_at(session, folder)
    start_editor(session, chosen, Path(copy.folder))
    return Opened(CheckedOut(copy), chosen)


def start_editor(session: Session, editor: Editor, folder: Path) -> int:
    """Start ``editor`` with ``folder``, by itself and without a shell; its process. Raises ``EditorUnavailable``."""
    from kronkers_studio.deployment.processes import ended_badly, spawn
    from kronkers_studio.settings.editors.environment import editor_environment
    from kronkers_studio.settings.paths import log_folder
    from kronkers_studio.settings.private import make_private_folder

    log = log_folder() / "editor.log"
    try:
        make_private_folder(log.parent)
        # Not from within the folder, in which Windows would look for parts of the program too.
        pid = spawn(editor.arguments(_place(editor, folder)), editor_environment(session.directory), log)
    except OSError as error:
        raise EditorUnavailable(
            f"{editor.label} cannot be started: {error.strerror or error}.",
            next_step="Install it anew, or choose another program.",
        ) from None
    until = time.monotonic() + _STARTING
    while time.monotonic() < until:
        if code := ended_badly(pid):
            raise EditorUnavailable(
                f"{editor.label} ended at once, with {code}.",
                next_step=f"Start it by itself to see why; {log} has what it said.",
            )
        time.sleep(0.05)
    return pid


def prefer_editor(session: Session, editor: str) -> None:
    """Offer ``editor`` (a key, or the path of a program) first from now on."""
    from kronkers_studio.settings.configuration import change_settings

    if editor != session.settings.editor:
        session.settings = change_settings(editor=editor)


def _place(editor: Editor, folder: Path) -> str:
    """What the editor is given: the folder, or the one project file in it."""
    if editor.project_file:
        found = [each for each in sorted(folder.glob(f"*{editor.project_file}")) if each.is_file()]
        if len(found) == 1:
            return str(found[0])
    return str(folder)


def _there(session: Session, project: str, ref: str) -> WorkingCopy | None:
    """A working copy of the branch that ``ref`` names, or of the very version. Raises ``NotFound`` for neither."""
    commit = session.workspace.content.resolve(project, ref)
    branch = ref if ref and session.workspace.head(project, ref) is not None else "" if ref else DEFAULT_BRANCH
    for known in list_working_copies(session):
        copy = known.copy
        if copy is not None and copy.project == project and (copy.branch == branch or copy.commit == commit.id):
            return copy
    return None
