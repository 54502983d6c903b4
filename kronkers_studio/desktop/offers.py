"""What can be done with each thing in the workspace, in one place: what pages' buttons and the palette are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.desktop.actions import Act, Action, Command, CopyText, Kind, ShowInFileManager, UseTheme
from kronkers_studio.desktop.destinations import (
    AddModelFile,
    AddServer,
    CheckServer,
    CheckWorkspace,
    ChooseFolder,
    ChooseWorkspace,
    CleanServer,
    CompareVersions,
    CompareWith,
    DescribeVersion,
    ForgetFolder,
    LogIn,
    LookThroughFolder,
    MergeBranches,
    NameVersion,
    OpenTrash,
    PutLive,
    ReachImageRegistry,
    RefreshBaseImages,
    RemoveContent,
    RemoveServer,
    RestoreContent,
    RollBack,
    SaveFile,
    SendRows,
    SetUpServer,
    ShowAccess,
    ShowChanges,
    ShowContent,
    ShowFileHistory,
    ShowLineage,
    ShowModelVersion,
    ShowServerLog,
    ShowServiceLog,
    ShowSetting,
    StartAgain,
    StopService,
    TakeLockAway,
    ToPage,
    TrySample,
    WatchProject,
    WatchService,
)
from kronkers_studio.desktop.localization import counted, home_short, tr
from kronkers_studio.desktop.place_words import place_title, place_words, release_pill
from kronkers_studio.domain.content import Project
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.releases import Release, ReleaseState
from kronkers_studio.domain.servers import Server

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session


_VERSIONS = 300
"""Of which the palette offers what can be done with them, besides the newest of each model."""


@dataclass(frozen=True, slots=True)
class Things:
    """Everything in the workspace that something can be done with, files aside."""

    projects: Sequence[Project] = ()
    folders: Sequence[tuple[str, Path]] = ()  # (project, a folder that is brought into it)
    versions: Sequence[ModelVersion] = ()
    releases: Sequence[Release] = ()  # newest first
    servers: Sequence[Server] = ()
    image_registries: Sequence[str] = ()  # their hosts


def read_things(session: Session) -> Things:
    """Off the main thread."""
    from kronkers_studio.workflows import browsing, image_registries, models, releases, servers, watching

    return Things(
        projects=browsing.list_projects(session),
        folders=[(each.project, folder) for each in watching.brought_in(session) for folder in each.folders],
        versions=models.list_models(session),
        releases=releases.recorded_releases(session),
        servers=servers.list_servers(session),
        image_registries=[access.host for access in image_registries.list_registries(session.settings)],
    )


def actions_of(things: Things) -> list[Action]:
    """What can be done with ``things``, and the ways to them."""
    return [
        *(action for releases in services_of(things.releases) for action in service_actions(releases)),
        *(action for version in _newest(things.versions) for action in version_actions(version)),
        *(look_through(project, folder) for project, folder in things.folders),
        *(show_folder(project, folder) for project, folder in things.folders),
        *(each for project in dict.fromkeys(each for each, _ in things.folders) for each in folder_actions(project)),
        *(action for project in things.projects for action in project_actions(project)),
        *(action for server in things.servers for action in server_actions(server)),
        *(reach_image_registry(host) for host in things.image_registries),
        *(_project(project) for project in things.projects),
        *_models(things.versions),
        *(_server(server) for server in things.servers),
    ]


def _newest(versions: Sequence[ModelVersion]) -> list[ModelVersion]:
    """The newest of each model, and of the rest so many that all are looked through between two keys. The others are
    on the Models page."""
    by_name: dict[str, int] = {}
    for each in versions:
        by_name[each.name] = max(each.version, by_name.get(each.name, 0))
    rest = sorted((each for each in versions if each.version != by_name[each.name]), key=lambda each: each.created)
    kept = {id(each) for each in rest[-_VERSIONS:]}
    return [each for each in versions if each.version == by_name[each.name] or id(each) in kept]


# What is live


def services_of(releases: Sequence[Release]) -> list[list[Release]]:
    """The releases of each model in each place together."""
    groups: dict[tuple[str, str], list[Release]] = {}
    for release in releases:
        groups.setdefault((release.model, release.place), []).append(release)
    return list(groups.values())


def service_actions(releases: Sequence[Release]) -> Iterator[Action]:
    """All that can be done with the ``releases`` of one model in one place, newest first; at least one."""
    shown = shown_of(releases)
    yield from shown_actions(shown)
    if shown.state is ReleaseState.LIVE:
        yield address_action(shown)
        yield log_action(shown)
    for release in releases:
        if release.number != shown.number and release.state is ReleaseState.STANDBY:
            yield return_action(release, shown)


def shown_of(releases: Sequence[Release]) -> Release:
    """Of one model's ``releases`` in one place the one that counts: what is live, else what ended by itself, else the
    newest."""
    live = next((release for release in releases if release.state is ReleaseState.LIVE), None)
    lost = next((release for release in releases if release.lost), None)
    return live or lost or releases[0]


def shown_actions(release: Release) -> list[Action]:
    """What can be done with the release that counts."""
    model, place, version = release.model, release.place, release.version
    if release.lost:
        again = tr("Start {model} again on {place}"), tr("Start again"), tr("restart run relaunch")
        return [_of(release, *again, StartAgain(model, place), "play"), charts_action(release)]
    if release.state is ReleaseState.LIVE:
        rows = tr("Send rows to {model} on {place}"), tr("Send rows"), tr("predict score test try ask answer file")
        stop = tr("Stop {model} on {place}"), tr("Stop"), tr("end shut down take offline")
        return [
            _of(release, *rows, SendRows(model, place), "send"),
            charts_action(release),
            _of(release, *stop, StopService(model, place), "stop"),
        ]
    if release.state is ReleaseState.STANDBY:
        return [return_action(release, release)]
    if release.state is ReleaseState.FAILED:
        words = tr("Try again to put {model} live on {place} …"), tr("Try again …"), _put_live_words()
        return [_of(release, *words, PutLive(model, version, place), "deploy")]
    return []


def address_action(release: Release) -> Action:
    """How other programs ask it."""
    also = tr("url port api curl python excel endpoint key copy address")
    act = ShowAccess(release.model, release.place)
    return _of(release, tr("Address of {model} on {place}, and programs that ask it"), "", also, act, "code")


def log_action(release: Release) -> Action:
    """What its service wrote down."""
    act = ShowServiceLog(release.model, release.place)
    also = tr("logs output messages errors trouble why debug")
    return _of(release, tr("Log of {model} on {place}"), tr("Log"), also, act, "document")


def charts_action(release: Release) -> Action:
    """Its live charts."""
    act = WatchService(release.model, release.place)
    return _of(release, tr("Charts of {model} on {place}"), tr("Charts"), _charts_words(), act, "monitor")


def return_action(release: Release, shown: Release) -> Action:
    """Make ``release`` live again, which is a way back when ``shown`` is live and newer."""
    back = shown.state is ReleaseState.LIVE and release.number < shown.number
    title = tr("Roll back {model} on {place} to version {version}")
    if not back:
        title = tr("Make version {version} of {model} live again on {place}")
    short = tr("Roll back") if back else tr("Make live again")
    if shown.state is ReleaseState.LIVE and not back:
        short = tr("Return to version {n}").format(n=release.version)
    also = tr("undo revert restore previous earlier version roll back")
    return _of(release, title, short, also, RollBack(release.model, release.place, release.number), "undo")


def _of(release: Release, title: str, short: str, also: str, act: Act, icon: str) -> Action:
    words = title.format(model=release.model, place=place_words(release.place), version=release.version)
    state = release_pill(release)[0]
    where = tr("version {version} · {state}").format(version=release.version, state=state)
    return Action(Kind.ACTION, words, act, icon, short, where, also)


# Models


def version_actions(version: ModelVersion) -> list[Action]:
    """What can be done with a model version."""
    return [put_live(version), compare_version(version), describe_version(version), lineage_of(version)]


def compare_version(version: ModelVersion) -> Action:
    """See it beside another version."""
    also = tr("difference diff side by side metrics quality better")
    return _of_version(
        version, tr("Compare {model} version {version} …"), tr("Compare …"), also, CompareVersions, "data"
    )


def describe_version(version: ModelVersion) -> Action:
    """Say what it is for, and add what was measured of it."""
    also = tr("card description tags metrics quality measure edit limits intended use")
    words = tr("Describe {model} version {version} …")
    return _of_version(version, words, tr("Describe …"), also, DescribeVersion, "document")


def lineage_of(version: ModelVersion) -> Action:
    """Where it comes from and what was made of it."""
    also = tr("lineage origin provenance data script trained where from")
    words = tr("Where {model} version {version} comes from …")
    return _of_version(version, words, tr("Follow it further …"), also, ShowLineage, "history")


def _of_version(
    version: ModelVersion, title: str, short: str, also: str, act: Callable[[str], Act], icon: str
) -> Action:
    words = title.format(model=version.name, version=version.version)
    return Action(Kind.ACTION, words, act(version.label), icon, short, _framework(version), also)


def put_live(version: ModelVersion) -> Action:
    title = tr("Put version {version} of {model} live …").format(version=version.version, model=version.name)
    act = PutLive(version.name, version.version)
    return Action(Kind.ACTION, title, act, "deploy", tr("Put live …"), _framework(version), _put_live_words())


def add_model_file() -> Action:
    words = tr("Add a model file …")
    where, also = tr("One from anywhere on this computer"), tr("register import upload open joblib pickle onnx")
    return Action(Kind.ACTION, words, AddModelFile(), "plus", tr("Add a file …"), where, also)


def put_any_live() -> Action:
    words = tr("Put a version live …")
    where, also = tr("On this computer or on a server"), f"{_put_live_words()} {tr('model')}"
    return Action(Kind.ACTION, words, PutLive(), "deploy", tr("Put live …"), where, also, useful=True)


def put_live_in(place: str) -> Action:
    """Put whichever model live there."""
    title = tr("Put a model live on {place} …").format(place=place_words(place))
    also = f"{_put_live_words()} {tr('put live here')}"
    act = PutLive(place=place)
    return Action(Kind.ACTION, title, act, "deploy", tr("Put live here …"), place_title(place), also)


def _models(versions: Sequence[ModelVersion]) -> Iterator[Action]:
    for version in versions:
        title = tr("{model} version {version}").format(model=version.name, version=version.version)
        also = " ".join([version.label, version.description, *version.aliases])
        act = ShowModelVersion(version.label)
        yield Action(Kind.MODEL, title, act, "models", where=_framework(version), also=also)


def _framework(version: ModelVersion) -> str:
    return f"{version.facts.framework.label} {version.facts.framework_version}".strip()


# Projects


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


def _project(project: Project) -> Action:
    files = counted(project.head.files, tr("{n} file"), tr("{n} files")) if project.head is not None else ""
    where = " · ".join(part for part in (files, home_short(project.source) if project.source else "") if part)
    return Action(Kind.PROJECT, project.name, ShowContent(project.name), "registry", where=where)


# One file, folder or version


def content_actions(project: str, ref: str, path: str, *, is_file: bool, place: Path | None = None) -> list[Action]:
    """What can be done with a file or folder of a version; ``place`` is where it lies on this computer, if it may."""
    name = path.rpartition("/")[2]
    past = ShowFileHistory(project, path, ref)
    actions = [_row(tr("History of {name}"), name, past, "history", tr("History"), _when_words())]
    if is_file:
        actions.append(save_as(project, ref, path))
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


def version_row_actions(commit: str, current: str) -> list[Action]:
    """What can be done with a version in a list of them; ``current`` is the newest one of the default branch."""
    actions = [Action(Kind.ACTION, tr("See what changed"), CompareWith(), "data")]
    if current and commit != current:
        actions.append(Action(Kind.ACTION, tr("Compare with the current state"), CompareWith(current), "data"))
    copied = Action(Kind.ACTION, tr("Copy the version's id"), CopyText(commit), "copy")
    return [*actions, name_version(), restore_what(), copied]


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


# Files and history


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


# Servers


def add_server() -> Action:
    where = tr("A computer of yours, reached over SSH")
    also = tr("connect host machine new remote")
    return Action(Kind.ACTION, tr("Add a server …"), AddServer(), "servers", where=where, also=also, useful=True)


def server_actions(server: Server) -> list[Action]:
    """All that can be done with a server."""
    first = [put_live_in(server.name), check_server(server), set_up_server(server)]
    return [*first, *more_for_server(server), remove_server(server)]


def check_server(server: Server) -> Action:
    return _about(server, tr("Check {server}"), tr("Check"), CheckServer(server.name), "shield", tr("test verify"))


def set_up_server(server: Server) -> Action:
    also = tr("prepare install swarm docker")
    return _about(server, tr("Set up {server}"), tr("Set up"), SetUpServer(server.name), "settings", also)


def remove_server(server: Server) -> Action:
    also = tr("delete forget disconnect")
    return _about(server, tr("Remove {server}"), tr("Remove"), RemoveServer(server.name), "trash", also)


def more_for_server(server: Server) -> list[Action]:
    """What is needed more rarely."""
    name = server.name
    return [
        _about(
            server, tr("Log in to {server} again …"), tr("Log in again …"), LogIn(name), "key", tr("password ssh key")
        ),
        _about(
            server, tr("Clean up {server} …"), tr("Clean up …"), CleanServer(name), "trash", tr("free disk space prune")
        ),
        _about(
            server,
            tr("See who has the lock of {server} …"),
            tr("See who has the lock …"),
            TakeLockAway(name),
            "lock",
            tr("unlock take the lock away busy"),
        ),
        _about(
            server,
            tr("See who changed what on {server} …"),
            tr("See who changed what …"),
            ShowServerLog(name),
            "history",
            tr("log audit events"),
        ),
    ]


def _about(server: Server, title: str, short: str, act: Act, icon: str, also: str) -> Action:
    words = title.format(server=server.name)
    return Action(Kind.ACTION, words, act, icon, short, server.address, also)


def _server(server: Server) -> Action:
    return Action(Kind.SERVER, server.name, ToPage("servers"), "servers", where=server.address)


# Settings


def setting_title(name: str) -> str:
    """What the setting called ``name`` is called on its page."""
    return {
        "theme": tr("Theme"),
        "notify_failures": tr("Tell me about failures"),
        "notify_successes": tr("Tell me when long work is done"),
        "when_closed": tr("When the window is closed"),
        "author": tr("Name in histories"),
        "scrape_seconds": tr("Live metrics"),
        "keep_releases": tr("Earlier releases that are kept"),
        "run_unprotected": tr("Run models here all the same"),
        "autostart": tr("Start them again when I log in"),
        "read_limit": tr("Read at most"),
        "low_priority": tr("Run slower when I am working"),
        "base_image": tr("Base image"),
        "package_platform": tr("Platform of the servers"),
        "offline": tr("Work offline"),
    }[name]


def settings_actions() -> list[Action]:
    """The way to each setting of the Settings page."""
    about = {
        "theme": (tr("Appearance"), tr("light dark colours look mode")),
        "notify_failures": (tr("In the background"), tr("notifications alerts messages tray warn")),
        "notify_successes": (tr("In the background"), tr("notifications alerts messages tray finished")),
        "when_closed": (tr("In the background"), tr("tray quit exit keep running minimize background")),
        "author": (tr("You"), tr("your name user who")),
        "scrape_seconds": (tr("Monitoring"), tr("how often are read interval refresh seconds charts")),
        "keep_releases": (tr("Servers"), tr("history rollback old versions")),
        "run_unprotected": (tr("Models on this computer"), tr("sandbox protection confinement security")),
        "autostart": (tr("Models on this computer"), tr("autostart boot startup restart computer services")),
        "read_limit": (tr("Bringing in folders"), tr("how fast folders are read speed limit bandwidth throttle")),
        "low_priority": (tr("Bringing in folders"), tr("slow priority nice give way to other programs")),
        "base_image": (tr("For administrators"), tr("docker container python image")),
        "package_platform": (tr("For administrators"), tr("amd64 arm64 processor architecture linux")),
        "offline": (tr("For administrators"), tr("no network internet download")),
    }
    return [
        Action(Kind.SETTING, setting_title(name), ShowSetting(name), "settings", where=where, also=also)
        for name, (where, also) in about.items()
    ]


def choose_workspace() -> Action:
    words, where = tr("Open another workspace …"), tr("Another encrypted folder")
    return Action(
        Kind.ACTION, words, ChooseWorkspace(), "folder", tr("Open another …"), where, tr("switch change location")
    )


def add_image_registry() -> Action:
    where, also = tr("Where base images come from"), tr("docker login harbor container registry")
    return Action(Kind.ACTION, tr("Add an image registry …"), ReachImageRegistry(""), "plus", tr("Add …"), where, also)


def reach_image_registry(host: str) -> Action:
    """Say how it is reached."""
    title = tr("Log in to the image registry {host} …").format(host=host)
    return Action(Kind.ACTION, title, ReachImageRegistry(host), "key", where=host, also=tr("change password ca file"))


def refresh_base_images() -> Action:
    where = tr("For packages that are built from now on")
    return Action(
        Kind.ACTION, tr("Get newer base images"), RefreshBaseImages(), "refresh", where=where, also=tr("update pull")
    )


# The window


def window_actions() -> list[Action]:
    """What can be done from anywhere; those with a shortcut are listed in Help."""
    theme = tr("Appearance"), tr("theme colours mode look")
    return [
        Action(Kind.ACTION, tr("Find anything and do anything"), Command.PALETTE, "search", shortcut="Ctrl+K"),
        bring_in(),
        put_any_live(),
        add_model_file(),
        find_anything(),
        restore_what(),
        check_for_damage(),
        add_server(),
        guide(),
        try_sample(),
        name_version(),
        merge_branches(),
        remove_content(),
        open_trash(),
        choose_workspace(),
        add_image_registry(),
        refresh_base_images(),
        open_log(),
        save_diagnostics(),
        Action(Kind.ACTION, tr("Rebuild the workspace's index"), Command.REBUILD, "refresh", also=tr("repair mend")),
        Action(
            Kind.ACTION, tr("Show or hide the Tasks panel"), Command.TASKS, "tasks", shortcut="Ctrl+T", useful=True,
            where=tr("What is being done, and what was"), also=tr("progress jobs cancel running"),
        ),
        Action(Kind.ACTION, tr("Back"), Command.BACK, "back", shortcut="Alt+Left", where=tr("The page before")),
        Action(Kind.ACTION, tr("Forward"), Command.FORWARD, "forward", shortcut="Alt+Right"),
        Action(
            Kind.ACTION, tr("Help and shortcuts"), Command.HELP, "help", shortcut="F1", also=tr("keys keyboard words")
        ),
        Action(Kind.ACTION, tr("Use the light theme"), UseTheme("light"), "settings", "", *theme),
        Action(Kind.ACTION, tr("Use the dark theme"), UseTheme("dark"), "settings", "", *theme),
        Action(Kind.ACTION, tr("Follow the system's theme"), UseTheme("system"), "settings", "", *theme),
        Action(
            Kind.ACTION, tr("Quit Kronkers Studio"), Command.QUIT, "close", shortcut="Ctrl+Q",
            also=tr("exit end close the window"),
        ),
    ]  # fmt: skip


def open_log() -> Action:
    where, also = tr("What the program and the services wrote down"), tr("logs errors messages trouble debug")
    return Action(Kind.ACTION, tr("Open the log"), Command.LOG, "document", tr("Open the log"), where, also)


def save_diagnostics() -> Action:
    where = tr("A file for whoever helps you, without secrets")
    also = tr("support help zip report bug versions trouble log")
    title = tr("Save diagnostics …")
    return Action(Kind.ACTION, title, Command.DIAGNOSTICS, "archive", title, where, also)


def page_action(key: str, title: str, icon: str, position: int, about: str, also: str = "") -> Action:
    """The way to a page."""
    return Action(Kind.PAGE, title, ToPage(key), icon, where=about, also=also, shortcut=f"Ctrl+{position}")


def distinct(actions: Iterable[Action]) -> list[Action]:
    """Each title once, the first of it."""
    found: dict[str, Action] = {}
    for action in actions:
        found.setdefault(action.title, action)
    return list(found.values())


def _put_live_words() -> str:
    return tr("deploy publish release serve launch go live ship production")


def _charts_words() -> str:
    return tr("monitor metrics graph figures watch requests")


def _restore_words() -> str:
    return tr("undo revert get back recover download export old earlier version")


def _name_words() -> str:
    return tr("branch tag label bookmark snapshot version copy")


def _merge_words() -> str:
    return tr("merge combine join branches conflict")


def _remove_words() -> str:
    return tr("delete trash erase")
