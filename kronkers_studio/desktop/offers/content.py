"""What can be done with projects, and with the files and versions in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.desktop.actions import Act, Action, Command, CopyText, Kind, ShowInFileManager
from kronkers_studio.desktop.destinations import (
    CheckWorkspace,
    ChooseFolder,
    CompareWith,
    ForgetFolder,
    LookThroughFolder,
    MakeProject,
    MergeBranches,
    NameVersion,
    OpenIn,
    OpenTrash,
    RemoveContent,
    RestoreContent,
    SaveFile,
    ShowChanges,
    ShowContent,
    ShowFileHistory,
    ShowWorkingCopies,
    TrySample,
    WatchProject,
)
from kronkers_studio.desktop.localization import counted, home_short, tr
from kronkers_studio.domain.content import Project
from kronkers_studio.domain.printable import printable

if TYPE_CHECKING:
    pass


def project_actions(project: Project) -> list[Action]:
    """What can be done with a project."""
    name = project.name
    return [
        Action(
            Kind.ACTION,
            tr("Restore from “{project}” …").format(project=name),
            RestoreContent(name),
            "undo",
            where=tr("Files or folders, as they were"),
            also=_restore_words(),
        ),
        open_in(name),
        working_copies(name),
        Action(
            Kind.ACTION,
            tr("Name the current state of “{project}” …").format(project=name),
            NameVersion(name),
            "tag",
            where=tr("Or work on a copy"),
            also=_name_words(),
        ),
        Action(
            Kind.ACTION,
            tr("Combine copies of “{project}” …").format(project=name),
            MergeBranches(name),
            "migrate",
            where=tr("Put the changes of both into one"),
            also=_merge_words(),
        ),
        Action(
            Kind.ACTION,
            tr("Remove “{project}” or a copy of it …").format(project=name),
            RemoveContent(name),
            "trash",
            where=tr("It goes to the trash and can be brought back"),
            also=_remove_words(),
        ),
    ]


def folder_actions(project: str) -> list[Action]:
    """What can be done with the folders that a project is brought in from."""
    watched, forgotten = tr("It is kept in sync while this window is open"), tr("Its versions stay")
    return [
        Action(
            Kind.ACTION,
            tr("Watch “{project}”, or stop watching it").format(project=project),
            WatchProject(project),
            "refresh",
            where=watched,
            also=tr("sync automatically keep in step update"),
        ),
        Action(
            Kind.ACTION,
            tr("Forget a folder of {name} …").format(name=project),
            ForgetFolder(project),
            "close",
            where=forgotten,
            also=tr("remove disconnect no longer bring in"),
        ),
    ]


def brought_in_actions(project: str, folders: Sequence[Path]) -> list[Action]:
    """What can be done with a project and the folders that it is brought in from, from a list of such."""
    watch, forget = folder_actions(project)
    return [
        *(look_through(project, folder) for folder in folders[:1]),
        Action(Kind.ACTION, tr("Show in Files & history"), ShowContent(project), "registry"),
        replace(watch, short=tr("Watch, or stop watching")),
        *(action for folder in folders for action in place_actions(folder)),
        *(copy_path(str(folder)) for folder in folders[:1]),
        replace(forget, short=tr("Forget …")),
    ]


def look_through(project: str, folder: Path) -> Action:
    """Bring a folder in again."""
    title = tr("Look inside {name}").format(name=project)
    also = tr("bring in again update sync import")
    return Action(
        Kind.ACTION, title, LookThroughFolder(folder, project), "migrate", tr("Look inside"), home_short(folder), also
    )


def project_entry(project: Project) -> Action:
    files = counted(project.head.files, tr("{n} file"), tr("{n} files")) if project.head is not None else ""
    where = " · ".join(part for part in (files, home_short(project.source) if project.source else "") if part)
    return Action(Kind.PROJECT, project.name, ShowContent(project.name), "registry", where=where)


def content_actions(project: str, ref: str, path: str, *, is_file: bool, place: Path | None = None) -> list[Action]:
    """What can be done with a file or folder of a version; ``place`` is where it lies on this computer, if it may."""
    name = path.rpartition("/")[2]
    past = ShowFileHistory(project, path, ref)
    actions = [_row(tr("History of {name}"), name, past, "history", tr("History"), _when_words())]
    if is_file:
        actions.append(save_as(project, ref, path))
    else:
        actions.append(open_in(project, ref))
    restore = RestoreContent(project, path)
    actions.append(_row(tr("Restore {name} …"), name, restore, "undo", tr("Restore …"), _restore_words()))
    return [*actions, *place_actions(place), copy_path(path)]


def save_as(project: str, ref: str, path: str) -> Action:
    """One file of a version, to this computer."""
    act, also = SaveFile(project, path, ref), tr("download export copy extract get")
    return _row(tr("Save {name} as …"), path.rpartition("/")[2], act, "save", tr("Save as …"), also)


def change_actions(project: str, branch: str, old: str, path: str, place: Path | None) -> list[Action]:
    """What can be done with a file that bringing a folder in has changed, from wherever that is told."""
    name = path.rpartition("/")[2]
    changed = ShowChanges(project, path, branch, old)
    words, also = tr("See what changed in {name}"), tr("difference compare rows")
    return [
        _row(words, name, changed, "data", tr("See what changed"), also),
        _row(tr("History of {name}"), name, ShowFileHistory(project, path, branch), "history", tr("History"), ""),
        *place_actions(place),
        copy_path(path),
    ]


def found_file_actions(project: str, ref: str, path: str) -> list[Action]:
    """What can be done with a file that a search found."""
    folder, _, name = path.rpartition("/")
    show = _row(tr("Show {name}"), name, ShowContent(project, folder, name, ref), "registry", tr("Show it"), "")
    past = ShowFileHistory(project, path, ref)
    history = _row(tr("History of {name}"), name, past, "history", tr("History"), _when_words())
    return [show, history, save_as(project, ref, path), copy_path(path)]


def gone_actions(project: str, ref: str, path: str, place: Path | None) -> list[Action]:
    """What can be done with what is not in the version ``ref`` any more: its history leads to what it was."""
    past = ShowFileHistory(project, path, ref)
    history = _row(tr("History of {name}"), path.rpartition("/")[2], past, "history", tr("History"), _when_words())
    return [history, *found_actions(path, place)]


def found_actions(path: str, place: Path | None) -> list[Action]:
    """What can be done with something found in a folder that is not brought in yet, or was left out."""
    return [*place_actions(place), copy_path(path)]


def version_row_actions(commit: str, current: str, project: str) -> list[Action]:
    """What can be done with a version in a list of them; ``current`` is the newest one of the default branch."""
    actions = [Action(Kind.ACTION, tr("See what changed"), CompareWith(), "data")]
    if current and commit != current:
        actions.append(Action(Kind.ACTION, tr("Compare with the current state"), CompareWith(current), "data"))
    copied = Action(Kind.ACTION, tr("Copy the version's id"), CopyText(commit), "copy")
    ref = "" if commit == current else commit
    return [*actions, open_in(project, ref), name_version(), restore_what(), copied]


def place_actions(place: Path | None) -> list[Action]:
    """The way to where something lies on this computer."""
    if place is None:
        return []
    also = tr("explorer finder folder open reveal")
    words = tr("Show in the file manager")
    return [Action(Kind.ACTION, words, ShowInFileManager(place), "folder", where=home_short(place), also=also)]


def show_folder(project: str, folder: Path) -> Action:
    """The way to a folder that is brought in."""
    (shown,) = place_actions(folder)
    return replace(shown, title=tr("Show {name} in the file manager").format(name=project), short="")


def copy_path(path: str) -> Action:
    """As text, where one is wanted: in a program, or a mail."""
    return Action(Kind.ACTION, tr("Copy path"), CopyText(printable(path)), "copy", where=path)


def _row(title: str, name: str, act: Act, icon: str, short: str, also: str) -> Action:
    return Action(Kind.ACTION, title.format(name=name), act, icon, short, also=also)


def copy_cells(cells: Sequence[str]) -> Action:
    """A row of a table, as a spreadsheet takes it."""
    return Action(Kind.ACTION, tr("Copy row"), CopyText("\t".join(map(printable, cells))), "copy")


def _when_words() -> str:
    return tr("versions earlier states changes log")


def open_in(project: str = "", ref: str = "") -> Action:
    """Work on the files in another program."""
    title = tr("Open “{project}” in an editor …").format(project=project) if project else tr("Open in an editor …")
    where, also = tr("In a working copy, to be saved as a version"), tr("vscode rstudio jupyter pycharm edit checkout")
    return Action(Kind.ACTION, title, OpenIn(project, ref), "code", tr("Open in …"), where, also)


def working_copies(project: str) -> Action:
    """What was changed outside, and saving it."""
    title = tr("Working copies of “{project}”").format(project=project)
    where, also = tr("What was changed in editors, to be saved as a version"), tr("commit save checkout status changes")
    return Action(Kind.ACTION, title, ShowWorkingCopies(project), "code", tr("Working copies"), where, also)


def make_project() -> Action:
    """Begin with files that work."""
    where, also = tr("In Python, R or Julia: it trains at once"), tr("template begin start train model develop")
    return Action(Kind.ACTION, tr("New project …"), MakeProject(), "plus", "", where, also, useful=True)


def restore_what() -> Action:
    words = tr("Restore files or folders …")
    where = tr("As they were at any time")
    return Action(Kind.ACTION, words, RestoreContent(), "undo", tr("Restore …"), where, _restore_words(), useful=True)


def check_for_damage() -> Action:
    also = tr("verify scrub integrity workspace health check the workspace")
    where = tr("Reads every stored byte")
    return Action(Kind.ACTION, tr("Check for damage"), CheckWorkspace(), "shield", "", where, also, useful=True)


def name_version() -> Action:
    words = tr("Name this state, or work on a copy …")
    return Action(
        Kind.ACTION, words, NameVersion(), "tag", tr("Name this state …"), tr("The chosen version"), _name_words()
    )


def merge_branches() -> Action:
    where = tr("Put the changes of both into one")
    return Action(
        Kind.ACTION, tr("Combine copies …"), MergeBranches(), "migrate", tr("Combine …"), where, _merge_words()
    )


def remove_content() -> Action:
    where = tr("It goes to the trash and can be brought back")
    return Action(
        Kind.ACTION, tr("Remove a copy or the project …"), RemoveContent(), "trash", where=where, also=_remove_words()
    )


def open_trash() -> Action:
    also = tr("deleted removed bin recycle bring back undo delete")
    return Action(
        Kind.ACTION, tr("Open the trash …"), OpenTrash(), "trash", tr("Trash …"), tr("What was removed"), also
    )


def find_anything() -> Action:
    words = tr("Find a file, a model or a project")
    where = tr("In everything that was brought in, by names and columns")
    return Action(
        Kind.ACTION, words, Command.FIND, "search", tr("Find …"), where, tr("search look up"), "Ctrl+F", useful=True
    )


def bring_in() -> Action:
    where = tr("You see what is in it before anything is copied")
    also = tr("import migrate upload load add data copy onedrive new project")
    return Action(Kind.ACTION, tr("Bring in a folder"), ChooseFolder(), "migrate", where=where, also=also, useful=True)


def try_sample() -> Action:
    words, where = tr("Try the sample folder"), tr("A small OneDrive folder with real data and a model")
    also = tr("no folder at hand example demo test data")
    return Action(Kind.ACTION, words, TrySample(), "sparkle", where=where, also=also)


def guide() -> Action:
    words = tr("Guide me from a folder to a live model")
    where = tr("Step by step")
    also = tr("wizard assistant tutorial first steps begin run it again")
    return Action(Kind.ACTION, words, Command.GUIDE, "sparkle", tr("Guide me"), where, also, useful=True)


def _restore_words() -> str:
    return tr("undo revert get back recover download export old earlier version")


def _name_words() -> str:
    return tr("branch tag label bookmark snapshot version copy")


def _merge_words() -> str:
    return tr("merge combine join branches conflict")


def _remove_words() -> str:
    return tr("delete trash erase")
