"""How the folders of a project are looked through, remembered and read: by its options, at the pace of the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.content import SourceElsewhere
from kronkers_studio.domain.migration import MigrationOptions, MigrationSource, OnlineOnly
from kronkers_studio.domain.progress import NEVER, CancelToken, Progress
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.migration import FolderSource, FoundItem, KnownFile, Scan, StatCache


def _nobody(_items: Sequence[FoundItem]) -> None:
    """The default of ``found``: told of what a scan finds."""


def stat_cache(session: Session, project: str, folder: Path) -> StatCache:
    """What was stored of the folder for the project, over all runs."""
    from kronkers_studio.migration import StatCache

    return StatCache(session.workspace.database, project, folder)


def never_brought_in(session: Session) -> list[Path]:
    """The workspace, its key files, and this program's own folders: what stays out of every project."""
    from kronkers_studio.settings.paths import cache_folder, log_folder
    from kronkers_studio.storage.keys import remembered_key_files

    return [session.directory, *remembered_key_files(session.directory), cache_folder(), log_folder()]


def scan_source(
    session: Session,
    source: MigrationSource,
    known: Mapping[str, KnownFile],
    progress: Progress,
    cancel: CancelToken,
    *,
    plan: bool,
    found: Callable[[Sequence[FoundItem]], None] = _nobody,
) -> Scan:
    """What lies in the folder; ``known``, ``plan`` and ``found`` are those of ``migration.scan_folder``."""
    from kronkers_studio.migration import scan_folder

    progress.step("Looking through the folder", None, "files")
    return scan_folder(
        Path(source.folder),
        known=known,
        options=source.options,
        exclude=never_brought_in(session),
        plan=plan,
        progress=progress,
        cancel=cancel,
        found=found,
    )


def reader(
    folder: Path,
    options: MigrationOptions | None = None,
    session: Session | None = None,
    cancel: CancelToken = NEVER,
    *,
    watching: bool = False,
) -> FolderSource:
    """Reads the folder's files: for storing them with ``options`` and at the pace of the settings, else as they are."""
    from kronkers_studio.migration import FolderSource
    from kronkers_studio.migration.throttle import Pace

    if options is None or session is None:
        return FolderSource(folder)
    limit, give_way = _pace_of(session, watching=watching)
    pace = Pace(limit, give_way=give_way, cancel=cancel) if limit or give_way else None
    return FolderSource(folder, fetch=_fetches(options), pace=pace)


def reader_elsewhere(session: Session, source: MigrationSource, *, watching: bool) -> SourceElsewhere | None:
    """How other processes read the folder; None where one alone keeps to the limit that the settings give."""
    from kronkers_studio.workflows.migration.worker_process import read_elsewhere

    limit, give_way = _pace_of(session, watching=watching)
    if limit:
        return None
    return read_elsewhere(Path(source.folder), fetch=_fetches(source.options), give_way=give_way)


def _fetches(options: MigrationOptions) -> bool:
    return options.online_only is OnlineOnly.FETCH


def _pace_of(session: Session, *, watching: bool) -> tuple[float, bool]:
    """How gently the settings want files read: bytes per second (0: no limit), and whether to give way to others."""
    low = session.settings.low_priority
    return session.settings.read_limit * 1_000_000, low == "always" or (low == "watching" and watching)
