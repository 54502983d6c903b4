"""What is never brought into a project: workspaces, this program's own folders, and the key files that open them.

They are recognised by what they are and not by their path: the folder that is brought in may lead to its own workspace
through a link, another case, a short name or a second mount.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Collection, Sequence
from operator import attrgetter
from pathlib import Path

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.printable import printable
from kronkers_studio.migration import filesystem
from kronkers_studio.migration.folder_paths import Identity, absolute_folder, folder_key, identity, identity_of
from kronkers_studio.storage.keys import KEY_FILE_SIZES, is_key_file

_PACKS = "packs"
_BESIDE = ("keys.json", "metadata.db", "journal", "writer.lock")
_INSIDE = ("packs", "journal", "runs")
_WORKSPACE = "It is a workspace of Kronkers Studio, which is never brought into a project."
_OWN = "It is Kronkers Studio's own: a folder with its log, or with what it can download again."
_KEY_FILE = "It is a key file of Kronkers Studio: whoever has it can open the workspace. Keep it elsewhere."
_BY_NAME = attrgetter("name")
_MOST_REMEMBERED = 10_000


class OwnFolders:
    """Knows ``paths`` (folders and files, existing or not) in whatever spelling, and every other workspace.

    Not thread-safe.
    """

    def __init__(self, paths: Collection[Path] = ()) -> None:
        self._details: dict[Identity, str] = {}
        self._paths: dict[str, str] = {}  # where the disk has no identities
        self._file_sizes = set(KEY_FILE_SIZES)
        self._covered: dict[str, bool] = {}
        for path in paths:
            self._learn(path)

    def _learn(self, path: Path) -> None:
        path = absolute_folder(path)
        try:
            status = path.stat()
            names = [each.name for each in path.iterdir()] if path.is_dir() else None
        except (OSError, ValueError):
            return
        if names is None:
            self._file_sizes.add(status.st_size)
            self._note(path, status, _KEY_FILE)
        elif _is_workspace(names):
            self._note(path, status, _WORKSPACE)
            for inside in (path / name for name in _INSIDE if name in names):
                self._note(inside, inside.stat(), _WORKSPACE)
        else:
            self._note(path, status, _OWN)

    def _note(self, path: Path, status: os.stat_result, detail: str) -> None:
        known_by = identity(status)
        if known_by is not None:
            self._details[known_by] = detail
        else:
            self._paths[folder_key(path)] = detail

    def refuse(self, folder: Path) -> None:
        """Raises ``InvalidInput`` when ``folder`` is a workspace, or lies in one."""
        if self.in_workspace(folder):
            raise InvalidInput(
                f"{printable(str(folder))} is a workspace of Kronkers Studio, or lies in one: that is never brought "
                "into a project.",
                next_step="Choose the folder with your own files. To keep a copy of a workspace, copy its folder.",
            )

    def in_workspace(self, folder: Path) -> bool:
        """Whether ``folder``, which need not exist, is a workspace or lies in one."""
        real = Path(os.path.realpath(folder))
        return any(
            self._detail(str(place)) == _WORKSPACE or _looks_like_workspace(place) for place in (real, *real.parents)
        )

    def why_folder(self, system_path: str, entry: os.DirEntry[str]) -> str:
        """Why the folder that is listed as ``entry`` stays out, as a sentence; "" when it does not."""
        try:
            known_by = identity(entry.stat(follow_symlinks=False))
        except OSError:  # said where it is listed
            return ""
        if known_by is not None:
            return self._details.get(known_by, "")
        return self._detail(system_path)  # Windows gives no identity in a listing

    def why_listed(self, entries: Sequence[os.DirEntry[str]]) -> str:
        """The same, from what is in the folder, by name."""
        place = bisect_left(entries, _PACKS, key=_BY_NAME)
        if place == len(entries) or entries[place].name != _PACKS:
            return ""
        return _WORKSPACE if _is_workspace([entry.name for entry in entries]) else ""

    def may_be_key_file(self, status: os.stat_result) -> bool:
        """Whether ``why_file`` is worth asking, by the size alone."""
        return status.st_size in self._file_sizes

    def why_file(self, system_path: str, status: os.stat_result) -> str:
        """Why a file stays out; "" when it does not. May read its first bytes, unless that would download it."""
        known_by = identity(status) or identity_of(system_path)
        if known_by is not None and known_by in self._details:
            return self._details[known_by]
        if known_by is None and folder_key(Path(system_path)) in self._paths:
            return _KEY_FILE
        if status.st_size not in KEY_FILE_SIZES or filesystem.is_online_only(status):
            return ""
        try:
            return _KEY_FILE if is_key_file(filesystem.read_head(system_path, status.st_size)) else ""
        except OSError:  # said where it is read
            return ""

    def covers(self, path: str) -> bool:
        """Whether ``path`` is, or lies in, a folder that stays out. Remembered until ``forget``: of many files that
        change in a folder, only the first costs a look."""
        chain = []
        found = False
        while path not in self._covered:
            chain.append(path)
            if self._detail(path) or _looks_like_workspace(Path(path)):
                found = True
                break
            parent = str(Path(path).parent)
            if parent == path:
                break
            path = parent
        else:
            found = self._covered[path]
        if len(self._covered) > _MOST_REMEMBERED:
            self._covered.clear()
        self._covered.update(dict.fromkeys(chain, found))
        return found

    def forget(self) -> None:
        """Look anew from now on."""
        self._covered.clear()

    def _detail(self, path: str) -> str:
        known_by = identity_of(path)
        if known_by is not None:
            return self._details.get(known_by, "")
        return self._paths.get(folder_key(Path(path)), "") if self._paths else ""


def _is_workspace(names: Collection[str]) -> bool:
    """Two of its files suffice: of a copy, or the upper layer of an overlay, the keys may lie elsewhere."""
    return _PACKS in names and sum(name in names for name in _BESIDE) >= 2


def _looks_like_workspace(folder: Path) -> bool:
    try:
        return (folder / _PACKS).is_dir() and _is_workspace([_PACKS, *(n for n in _BESIDE if (folder / n).exists())])
    except OSError:
        return False
