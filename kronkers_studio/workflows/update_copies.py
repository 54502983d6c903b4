"""Bringing a working copy to a newer version, and putting together what was changed here and by others."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from kronkers_studio.domain.content import Commit, Entry, EntryKind, SkippedItem
from kronkers_studio.domain.differences import Choice, MergeConflicts
from kronkers_studio.domain.errors import NotFound, WorkingCopyChanged
from kronkers_studio.domain.paths import lies_in, parent
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.working_copies import SavedVersion, UpdatedCopy, WorkingCopy
from kronkers_studio.workflows.copy_marks import nothing_else_at_work, record, working_folder
from kronkers_studio.workflows.migration.working_tree import LookedThrough, looked_through
from kronkers_studio.workflows.replaced_files import holds, put_back, set_aside
from kronkers_studio.workflows.saved_copies import save_as_next, save_version
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.version_control_folders import version_control_folders
from kronkers_studio.workflows.working_copies import working_copy_at

_NAMED = 5


def update_working_copy(
    session: Session,
    folder: Path,
    *,
    branch: str = "",
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> UpdatedCopy:
    """Bring a working copy to the newest version of its branch, or of another ``branch``, which is its own then.

    Files that were changed here stay as they are; those that came and that were not, are written. Raises
    ``WorkingCopyChanged`` when both changed the same file, ``FileUnwritable`` when one cannot be replaced: nothing was
    changed then.
    """
    folder = working_folder(folder)
    with nothing_else_at_work(folder):
        put_back(session, folder)
        copy = working_copy_at(session, folder)
        head = session.workspace.head(copy.project, branch or copy.branch)
        if head is None:
            raise NotFound(
                f"Project “{copy.project}” has no branch “{branch or copy.branch}”.",
                next_step=f"`kronkers branch {copy.project}` shows those that exist.",
            )
        return _brought_to(session, replace(copy, branch=branch or copy.branch), head, progress, cancel)


def save_and_merge(
    session: Session,
    folder: Path,
    message: str = "",
    *,
    choice: Choice | None = None,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> SavedVersion:
    """Save what was changed in a working copy, and put it together with what others saved meanwhile.

    What was changed here becomes a version on a branch of its own first, so that nothing is lost. Where both changed
    the same and there is no ``choice`` for it (``Choice.OURS`` is the branch's), ``MergeConflicts`` is raised; the
    working copy is on that branch then.
    """
    folder = working_folder(folder)
    with nothing_else_at_work(folder):
        put_back(session, folder)
        copy = working_copy_at(session, folder)
        head = session.workspace.head(copy.project, copy.branch)
        if head is not None and head.id != copy.commit:
            return _put_together(session, copy, head, message, choice, progress, cancel)
    return save_version(session, folder, message, progress=progress, cancel=cancel)


def _put_together(
    session: Session,
    copy: WorkingCopy,
    head: Commit,
    message: str,
    choice: Choice | None,
    progress: Progress,
    cancel: CancelToken,
) -> SavedVersion:
    from kronkers_studio.workflows.trash import remove_branch
    from kronkers_studio.workflows.versions import merge_branches, plan_merge

    branch, own = copy.branch, _unused_branch(session, copy)
    look = looked_through(session, copy, progress, cancel)
    if not look.changes:
        updated = _brought_to(session, copy, head, progress, cancel)
        return SavedVersion(updated.copy, head, changed=False, before=copy.commit, merged=True)
    session.workspace.versions.create_branch(copy.project, own, copy.commit, author=session.author)
    aside = replace(copy, branch=own)
    record(session, aside)
    saved = save_as_next(session, aside, message, progress, cancel)
    try:
        plan = plan_merge(session, copy.project, own, branch, cancel=cancel)
        choices = {conflict.path: choice for conflict in plan.conflicts} if choice is not None else {}
        words = message or f"Put together with {branch}"
        merged = merge_branches(session, copy.project, own, branch, choices=choices, message=words, plan=plan)
    except MergeConflicts as conflict:
        conflict.next_step = (
            f"What you changed is version {saved.commit.id[:12]} on the branch “{own}”: nothing is lost. Decide each "
            f"with `kronkers merge {_word(copy.project)} {_word(own)} --into {_word(branch)}`, then `kronkers update "
            f"--branch {_word(branch)}` brings the result here."
        )
        raise
    updated = _brought_to(session, replace(saved.copy, branch=branch), merged.commit, progress, cancel)
    remove_branch(session, copy.project, own)
    return SavedVersion(updated.copy, merged.commit, True, copy.commit, saved.skipped, merged=True)


def _unused_branch(session: Session, copy: WorkingCopy) -> str:
    taken = {each.name for each in session.workspace.versions.branches(copy.project)}
    plain = f"{copy.branch}-{copy.commit[:6]}"
    return next(name for number in count(1) if (name := plain if number == 1 else f"{plain}-{number}") not in taken)


def _word(text: str) -> str:
    return f'"{text}"' if " " in text else text


# ---- writing what came ----


@dataclass(slots=True)
class _Came:
    """What the newer version has otherwise than the copy's: to be written, and to be taken away."""

    written: dict[str, Entry] = field(default_factory=dict)
    removed: dict[str, Entry] = field(default_factory=dict)
    folders_gone: list[str] = field(default_factory=list)


def _brought_to(
    session: Session, copy: WorkingCopy, head: Commit, progress: Progress, cancel: CancelToken
) -> UpdatedCopy:
    """Write into the copy what ``head`` has and its version has not; see ``update_working_copy``."""
    from kronkers_studio.workflows.browsing import restore
    from kronkers_studio.workflows.migration.seen_files import remember_as_stored

    if head.id == copy.commit:
        record(session, copy)
        return UpdatedCopy(copy, head)
    look = looked_through(session, copy, progress, cancel)
    left_out = () if copy.version_control else version_control_folders(session, copy.project, head.id)
    came, kept = _to_write(session, copy, head, look, left_out)
    here = _places(look)
    skipped: tuple[SkippedItem, ...] = ()
    replaced = [here.get(path, path) for path in (*came.removed, *came.written, *came.folders_gone)]
    with set_aside(session, Path(copy.folder), replaced, look, _by_place(copy, came.written)):
        if came.written:
            paths = sorted(came.written)
            report = restore(
                session,
                copy.project,
                head.id,
                Path(copy.folder),
                paths,
                without=left_out,
                progress=progress,
                cancel=cancel,
            )
            skipped = report.skipped
    were_left_out = version_control_folders(session, copy.project, copy.commit)
    absent = {path for path in copy.absent if path not in came.written and path not in came.removed}
    absent -= {*were_left_out}
    absent |= {*left_out, *(item.path for item in skipped)}
    updated = replace(copy, commit=head.id, absent=tuple(sorted(absent)))
    record(session, updated)
    remember_as_stored(session, updated, set(came.written))
    files = sum(entry.kind is not EntryKind.FOLDER for entry in came.written.values())
    new = tuple(path for path in left_out if path not in copy.absent)
    return UpdatedCopy(updated, head, files - len(skipped), len(came.removed), kept, new, skipped)


def _by_place(copy: WorkingCopy, came: dict[str, Entry]) -> dict[str, Entry]:
    """What is written, by where it is written in the folder."""
    from kronkers_studio.registry.restoring.target_names import TargetNames, rules_of

    names = TargetNames(rules_of(Path(copy.folder)))
    return {names.place(path): entry for path, entry in came.items()}


def _to_write(
    session: Session, copy: WorkingCopy, head: Commit, look: LookedThrough, left_out: Collection[str]
) -> tuple[_Came, int]:
    """What came, but for what lies in ``left_out``, and how many changes of the copy's own stay. Raises
    ``WorkingCopyChanged``."""
    own: dict[str, Entry | None] = {}
    for change in look.changes.changes:
        own[change.path] = change.after
        if change.before is not None and change.before.path != change.path:
            own[change.before.path] = None
    came, both, here = _Came(), [], _places(look)
    stays = {entry.path for entry in look.staying(copy)}
    mine = {path for path, after in own.items() if after is not None and after.kind is not EntryKind.FOLDER}
    holding_mine = {above for path, after in own.items() if after is not None for above in _folders_above(path)}
    diff = session.workspace.versions.diff(copy.project, copy.commit, head.id, renames=False)
    for change in (each for each in diff.changes if not lies_in(each.path, left_out)):
        path, after = change.path, change.after
        if path in own:
            if not _is_the_same(session, copy, here.get(path, path), own[path], after):
                both.append(path)
            continue
        if after is not None and _is_in_the_way(after, mine, holding_mine):
            both.append(path)
            continue
        if (after or change.before or Entry("", EntryKind.FOLDER)).kind is EntryKind.FOLDER:
            if after is not None:
                came.written[path] = after
            else:
                came.folders_gone.append(path)
            continue
        if after is not None:
            came.written[path] = after
        elif change.before is not None and path not in stays:
            came.removed[path] = change.before
    if both:
        named = ", ".join(f"“{printable(path)}”" for path in both[:_NAMED])
        more = f" and {len(both) - _NAMED:,} more" if len(both) > _NAMED else ""
        raise WorkingCopyChanged(
            f"Changed here, and otherwise in version {head.id[:12]}: {named}{more}. Nothing was changed.",
            next_step="`kronkers commit --merge` saves what you changed and puts both together.",
        )
    came.written = {path: entry for path, entry in came.written.items() if not _holds_more(path, entry, came)}
    return came, len(own)


def _folders_above(path: str) -> Iterator[str]:
    while path := parent(path):
        yield path


def _is_in_the_way(came: Entry, mine: set[str], holding_mine: set[str]) -> bool:
    """Whether one of the two made a folder of what is a file with the other."""
    if came.kind is not EntryKind.FOLDER and came.path in holding_mine:
        return True
    return any(above in mine for above in _folders_above(came.path))


def _holds_more(path: str, entry: Entry, came: _Came) -> bool:
    """A folder comes with what lies in it, each by itself."""
    return entry.kind is EntryKind.FOLDER and any(other.startswith(f"{path}/") for other in came.written)


def _is_the_same(session: Session, copy: WorkingCopy, place: str, here: Entry | None, there: Entry | None) -> bool:
    """Whether what was changed here came as well, just so."""
    if here is None or there is None:
        return here is there
    if (here.kind, here.size, here.target) != (there.kind, there.size, there.target):
        return False
    if here.kind is not EntryKind.FILE or (here.content and here.content == there.content):
        return True
    return holds(session, Path(copy.folder, *place.split("/")), there)


def _places(look: LookedThrough) -> dict[str, str]:
    """Where each found file lies in the folder, by its path in the project, where that differs."""
    return {path: item.path for path, item in look.found.items() if item.path != path}
