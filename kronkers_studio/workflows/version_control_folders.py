"""Folders of version control in a version: they tell other programs what to run, and working copies are made without.

A shell's prompt or an editor that asks git how a folder stands runs what its ``.git/config`` names, without asking
anybody; Mercurial and Subversion have such hooks, too. Git takes a folder for a repository, whatever it is called, that
has what a repository has.
"""

from __future__ import annotations

import unicodedata

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.naming import folded
from kronkers_studio.domain.paths import lies_in
from kronkers_studio.workflows.session import Session

_NAMES = frozenset((".git", "git~1", ".hg", "hg~1", ".svn", "svn~1", ".bzr", ".jj"))
"""As files, too: a file called .git says where the folder lies. Windows has names with ~1 for old programs."""
_BARE = frozenset(("head", "objects", "refs"))


def version_control_folders(session: Session, project: str, commit: str) -> tuple[str, ...]:
    """The paths in a version of the outermost folders and files of version control, in order. Raises ``NotFound``."""
    found: list[str] = []
    for folder, below in session.workspace.content.walk_folders(project, commit):
        if lies_in(folder.path, found):
            continue
        if _is_bare_repository(below):
            heads = [entry.path for entry in below if _plain(entry.name) == "head"]
            found += [folder.path] if folder.path else heads  # of the whole version, what git would tell it by
            if folder.path:
                continue
        found += [entry.path for entry in below if _plain(entry.name) in _NAMES]
    return tuple(sorted(path for path in found if not lies_in(path, [other for other in found if other != path])))


def _is_bare_repository(below: list[Entry]) -> bool:
    kinds = {_plain(entry.name): entry.kind for entry in below}
    return kinds.keys() >= _BARE and kinds["objects"] is kinds["refs"] is EntryKind.FOLDER


def _plain(name: str) -> str:
    """The name as file systems may compare it: without regard to case, to letters that a Mac takes for none, and to
    dots and spaces at its end, which Windows drops."""
    seen = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
    return folded(seen).rstrip(". ")
