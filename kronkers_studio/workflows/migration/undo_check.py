"""What bringing a folder in would undo: a branch may hold what a merge, or another folder, brought meanwhile."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import NoReturn, TypeVar

from kronkers_studio.domain.content import Commit, Entry, EntryKind, StoredItem
from kronkers_studio.domain.errors import NotFound, WouldUndo
from kronkers_studio.domain.migration import MigrationSource, Undone
from kronkers_studio.domain.paths import lies_in, parent
from kronkers_studio.workflows.session import Session

_EXAMPLES = 5
_Item = TypeVar("_Item")


def undone_by(
    session: Session, branch: str, head: Commit, sources: Sequence[MigrationSource], stored: Iterable[StoredItem]
) -> Undone | None:
    """What ``stored``, all that is in ``sources`` and where it will lie in the project, would undo of ``head``."""
    by_path: dict[str, StoredItem] = {}

    def at(path: str) -> StoredItem | None:
        if not by_path:  # not made when there is nothing to look up, as nearly always
            by_path.update((each.item.path, each) for each in stored)
        return by_path.get(path)

    return undone_on(session, branch, head, sources, at=at, is_same=_is_stored_so)


def refuse_undoing(undone: Undone, session: Session, project: str, branch: str, folders: Sequence[str]) -> NoReturn:
    """Raises ``WouldUndo``, which says what would be lost and how to keep it."""
    raise WouldUndo(
        f"“{branch}” of “{project}” got something from elsewhere since the folder was last brought in there, and would "
        f"lose it: {undone.summary}. Nothing was changed.",
        next_step=f"To keep both, bring the folder in on a branch of its own, then merge that: "
        f"{_way_to_keep_both(undone, session, project, branch, folders)}. Or restore what is missing into the folder "
        f"first. Or let the folder alone count, with --replace; version {undone.head[:12]} keeps the rest.",
    )


def _way_to_keep_both(undone: Undone, session: Session, project: str, branch: str, folders: Sequence[str]) -> str:
    branches = session.workspace.versions.branches(project)
    names = {each.name for each in branches}
    own = next((each.name for each in branches if each.head.id == undone.base and each.name != branch), "")
    if own:
        steps = []
    else:
        own = next(name for name in _proposed(branch) if name not in names)
        steps = [f"`kronkers branch {_word(project)} {_word(own)} --from {undone.base[:12]}`"]
    named = " ".join(map(_word, folders))
    steps.append(f"`kronkers migrate {named} --project {_word(project)} --branch {_word(own)}`")
    steps.append(f"`kronkers merge {_word(project)} {_word(own)} --into {_word(branch)}`")
    return ", ".join(steps)


def _proposed(branch: str) -> Iterator[str]:
    yield f"{branch}-folder"
    yield from (f"{branch}-folder-{number}" for number in count(2))


def _word(text: str) -> str:
    """As it is typed on a command line."""
    return f'"{text}"' if " " in text else text


def undone_on(
    session: Session,
    branch: str,
    head: Commit,
    sources: Sequence[MigrationSource],
    *,
    at: Callable[[str], _Item | None],
    is_same: Callable[[_Item, Entry], bool],
) -> Undone | None:
    """What bringing ``sources`` in would undo of the branch's ``head``; None for nothing, as nearly always.

    ``at`` gives what the folders have for a path in the project, ``is_same`` tells whether that is what the branch has.
    """
    from kronkers_studio.workflows.migration.sources import project_sources

    remembered = {source.folder: source for source in project_sources(session, head.project)}
    everything = (remembered | {source.folder: source for source in sources}).values()
    for source in sources:
        others = [each for each in everything if each.into != source.into]
        beside = {each.folder for each in others} if source.folder in remembered else frozenset[str]()
        base = _last_brought_in(session, branch, head, source.folder, beside)
        if base is None or base.tree == head.tree:
            continue
        undone = Undone(head.id, base.id)
        for path, after in _changes(session, base, head, source, others).items():
            here = at(path)
            if after is None:
                undone = undone if here is None else _with(undone, path, returned=1)
            elif here is None:
                undone = _with(undone, path, removed=1)
            elif not is_same(here, after):
                undone = _with(undone, path, replaced=1)
        if undone.count:
            return undone
    return None


def _with(undone: Undone, path: str, *, removed: int = 0, replaced: int = 0, returned: int = 0) -> Undone:
    return replace(
        undone,
        removed=undone.removed + removed,
        replaced=undone.replaced + replaced,
        returned=undone.returned + returned,
        examples=(*undone.examples, path) if len(undone.examples) < _EXAMPLES else undone.examples,
    )


def _last_brought_in(
    session: Session, branch: str, head: Commit, folder: str, beside: Collection[str]
) -> Commit | None:
    """The version that the folder last became on the branch; None when it never did, as far as is known.

    The stat cache knows it for sure, also when the folder was found to be just what a merge had made; should it be
    lost, the commits do. Of folders that are brought in together a commit names only the first, maybe one ``beside``.
    """
    from kronkers_studio.registry.metadata.ancestry import newest_from
    from kronkers_studio.workflows.migration.folder_access import stat_cache

    database, content = session.workspace.database, session.workspace.content
    remembered = stat_cache(session, head.project, Path(folder)).committed(branch)
    if remembered is not None and remembered.commit == head.id:
        return head
    seen: Commit | None = None
    if remembered is not None:
        with contextlib.suppress(NotFound):  # it was cleaned up since
            seen = content.resolve(head.project, remembered.commit)
    own = newest_from(database, head.id, {folder})
    if own is None or seen is None:
        return own or seen or newest_from(database, head.id, beside)
    return max(own, seen, key=lambda commit: commit.created)


def _changes(
    session: Session,
    base: Commit,
    head: Commit,
    source: MigrationSource,
    others: Iterable[MigrationSource],
) -> Mapping[str, Entry | None]:
    """The files and links of the source's place that differ between two versions, as they are in the second."""
    from kronkers_studio.domain.differences import ChangeKind  # nearly always there is nothing to compare

    kept = {other.into for other in others if not source.into}
    try:
        difference = session.workspace.versions.diff(head.project, base.id, head.id, source.into, renames=False)
    except NotFound:  # the place is in neither
        return {}
    changes: dict[str, Entry | None] = {}
    for change in difference.changes:
        path = change.path
        if change.kind in (ChangeKind.MODE, ChangeKind.TOUCHED) or lies_in(parent(path), kept):
            continue
        after = _unless_folder(change.after)
        if after is not None or _unless_folder(change.before) is not None:
            changes[path] = after or changes.get(path)
    return changes


def _unless_folder(entry: Entry | None) -> Entry | None:
    return None if entry is None or entry.kind is EntryKind.FOLDER else entry


def _is_stored_so(stored: StoredItem, entry: Entry) -> bool:
    item = stored.item
    content = stored.content if item.kind is EntryKind.FILE else entry.content
    return (item.kind, content, item.target) == (entry.kind, entry.content, entry.target)
