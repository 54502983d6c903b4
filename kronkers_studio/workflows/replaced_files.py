"""Files of a working copy that an update replaces: they lie in its ``.kronkers`` folder until all that came is written.

The mark says so meanwhile, and names them. When the update fails they are put back, and what came is taken away again;
when it is killed, the next one puts them back first, and begins anew.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.errors import FileUnwritable, NotAWorkingCopy, StudioError, WorkingCopyChanged
from kronkers_studio.domain.naming import MARK_FOLDER
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.working_copies import WorkingCopy
from kronkers_studio.workflows.copy_marks import marks
from kronkers_studio.workflows.migration.working_tree import LookedThrough, Version
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.migration.working_copy_mark import Mark


@contextlib.contextmanager
def set_aside(
    session: Session, folder: Path, paths: list[str], look: LookedThrough, came: Mapping[str, Entry]
) -> Iterator[None]:
    """Inside the block what lies at ``paths`` in the folder is out of the way, and is gone after it.

    ``came`` is what the block writes, by its place in the folder. When the block fails all is as it was before. Raises
    ``WorkingCopyChanged`` for a file that was changed since it was looked at, and ``FileUnwritable``.
    """
    before = marks(session).read(folder)
    if before is None:
        raise NotAWorkingCopy(f"{printable(str(folder))} is not a working copy any more.")
    files, folders = _in_the_way(folder, paths, look)
    during = replace(before, finished=False, holding=f"before-{secrets.token_hex(4)}", aside=files, folders=folders)
    marks(session).write(folder, during)
    try:
        _move_away(folder, during, look)
        yield
    except BaseException as failure:
        _take_away(session, folder, came)
        _put_back(folder, during)
        marks(session).write(folder, before)
        if isinstance(failure, OSError):
            raise FileUnwritable(
                f"A file in {printable(str(folder))} cannot be replaced: {failure.strerror or failure}.",
                next_step="Close the program that has it open, then update once more.",
            ) from None
        raise
    for held, _place in _held(folder, during):
        _remove(held)
    _remove_folder(folder / MARK_FOLDER / during.holding)


def put_back(session: Session, folder: Path) -> None:
    """Put back what an update that was killed had set aside in ``folder``, which is a whole working copy again then.

    What came in its place stays there, and is found to have come by the next update.
    """
    mark = marks(session).read(folder)
    if mark is None or not mark.holding:
        return
    _put_back(folder, mark)
    version = Version.of(session, WorkingCopy(str(folder), mark.project, mark.branch, mark.commit))
    for (held, _place), path in zip(_held(folder, mark), mark.aside, strict=True):
        entry = version.entries.get(version.path_of(path))
        if entry is not None and holds(session, held, entry):  # the store has it
            _remove(held)
    _remove_folder(folder / MARK_FOLDER / mark.holding)
    marks(session).write(folder, replace(mark, finished=True, holding="", aside=(), folders=()))


def holds(session: Session, file: Path, entry: Entry) -> bool:
    """Whether ``file`` is what ``entry`` is: a link to the same place, or a file of the same bytes."""
    try:
        status = file.lstat()
        if stat.S_ISLNK(status.st_mode):
            return entry.kind is EntryKind.LINK and os.readlink(file) == entry.target  # noqa: PTH115  # as it stands
        if not stat.S_ISREG(status.st_mode) or entry.kind is not EntryKind.FILE or status.st_size != entry.size:
            return False
        with file.open("rb") as mine, session.workspace.content.open(entry) as theirs:
            while piece := mine.read(1 << 20):
                if piece != theirs.read(len(piece)):
                    return False
            return not theirs.read(1)
    except OSError:
        return False


def _in_the_way(folder: Path, paths: list[str], look: LookedThrough) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is to be moved, and folders; what was made since, or is of a kind that is not looked at, stays."""
    seen = {item.path for item in look.found.values()}
    files, folders = [], []
    for path in paths:
        place = folder.joinpath(*path.split("/"))
        if place.is_dir() and not place.is_symlink():
            folders.append(path)
        elif path in seen:
            files.append(path)
    return tuple(files), tuple(folders)


def _move_away(folder: Path, mark: Mark, look: LookedThrough) -> None:
    seen = {item.path: (item.kind, item.size, item.mtime_ns) for item in look.found.values()}
    if mark.aside:
        (folder / MARK_FOLDER / mark.holding).mkdir()
    for path, (held, place) in zip(mark.aside, _held(folder, mark), strict=True):
        os.replace(place, held)  # noqa: PTH105  # of a link the link itself
        status = held.lstat()
        kind, size, mtime_ns = seen[path]
        if kind is EntryKind.FILE and (status.st_size, status.st_mtime_ns) != (size, mtime_ns):
            raise WorkingCopyChanged(
                f"“{printable(path)}” is being changed just now. Nothing was changed.",
                next_step="Save it, then update once more.",
            )
    places = [place.parent for _held_file, place in _held(folder, mark)]
    for place in (*places, *(folder.joinpath(*path.split("/")) for path in sorted(mark.folders, reverse=True))):
        _remove_empty(place, folder)  # a file may come where a folder was


def _held(folder: Path, mark: Mark) -> Iterator[tuple[Path, Path]]:
    """Where each file that is set aside lies, and where it belongs."""
    holding = folder / MARK_FOLDER / mark.holding
    for number, path in enumerate(mark.aside):
        yield holding / str(number), folder.joinpath(*path.split("/"))


def _put_back(folder: Path, mark: Mark) -> None:
    """As it was; where something new has the place by now, what was there stays in the holding folder."""
    for path in mark.folders:
        with contextlib.suppress(FileExistsError, NotADirectoryError):
            folder.joinpath(*path.split("/")).mkdir(parents=True, exist_ok=True)
    for held, place in _held(folder, mark):
        if os.path.lexists(held) and not os.path.lexists(place):
            with contextlib.suppress(FileExistsError, NotADirectoryError):
                place.parent.mkdir(parents=True, exist_ok=True)
                held.replace(place)
    _remove_folder(folder / MARK_FOLDER / mark.holding)


def _take_away(session: Session, folder: Path, came: Mapping[str, Entry]) -> None:
    """Remove what was written of ``came``; what is something else by now stays."""
    for path, entry in came.items():
        place = folder.joinpath(*path.split("/"))
        with contextlib.suppress(OSError, StudioError):  # it stays then, as a change that came otherwise too
            if entry.kind is EntryKind.FOLDER:
                _remove_empty(place, folder)
            elif holds(session, place, entry):
                place.unlink()
                _remove_empty(place.parent, folder)


def _remove(file: Path) -> None:
    """What cannot be removed stays in the mark's folder, where it is in nobody's way."""
    with contextlib.suppress(OSError):
        if not file.is_symlink():
            file.chmod(stat.S_IWRITE | stat.S_IREAD)  # Windows removes nothing that may only be read
        file.unlink()


def _remove_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def _remove_empty(place: Path, top: Path) -> None:
    """Folders that nothing is left in."""
    while place != top:
        try:
            place.rmdir()
        except OSError:  # something is in it
            return
        place = place.parent
