"""What ended by itself, and starting it again: the same words and work on every page that shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.place_words import place_words
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.releases import Release, ReleaseState

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session


def lost_of(releases: Sequence[Release]) -> list[Release]:
    """Those of ``releases`` that ended by themselves and whose place nothing has taken; one for each service."""
    live = {(release.model, release.place) for release in releases if release.state is ReleaseState.LIVE}
    lost: dict[tuple[str, str], Release] = {}
    for release in releases:
        key = (release.model, release.place)
        if release.lost and key not in live and (key not in lost or release.changed > lost[key].changed):
            lost[key] = release
    return list(lost.values())


def start_again_title(release: Release) -> str:
    """What the task list says of it."""
    title = tr("Starting {model} again on {place}")
    return title.format(model=release.model, place=place_words(release.place))


def start_again_work(release: Release) -> Callable[[Session, Progress, CancelToken], Release]:
    """The work, for the task runner."""

    def work(session: Session, progress: Progress, cancel: CancelToken) -> Release:
        from kronkers_studio.workflows.restart import start_again

        return start_again(session, release.model, release.place, progress=progress, cancel=cancel)

    return work


def start_again(studio: Studio, release: Release, *, owner: QObject, failed: Callable[[StudioError], object]) -> None:
    """Start it again in the background."""
    session = studio.session
    if session is None:
        return
    work = start_again_work(release)
    studio.do(
        start_again_title(release),
        lambda progress, cancel: work(session, progress, cancel),
        changes=("releases",),
        failed=failed,
        owner=owner,
        resource=f"model {release.model}",
    )
