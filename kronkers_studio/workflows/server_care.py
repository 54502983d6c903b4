"""Keep servers clean: what no release needs any more goes, what a rollback needs stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from kronkers_studio.domain.image_contract import image_tag
from kronkers_studio.domain.progress import SILENT, Progress
from kronkers_studio.domain.releases import IN_PLACE, THIS_COMPUTER, Release, ReleaseState
from kronkers_studio.domain.servers import CleanedServer, Leftover
from kronkers_studio.workflows.places import place_of
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.settling import settle_releases
from kronkers_studio.workflows.workers import at_work


def find_leftovers(session: Session, server: str) -> list[Leftover]:
    """What is on the server of this workspace's and no release needs any more. Changes nothing."""
    from kronkers_studio.deployment.leftovers import Needs
    from kronkers_studio.deployment.leftovers import find_leftovers as find

    ledger = session.workspace.ledger

    def needs() -> Needs:
        releases = ledger.releases()
        in_place = [release for release in releases if release.state in IN_PLACE]
        over = [release for release in releases if release.state not in IN_PLACE]
        ended = {release.package for release in over if release.place == server}
        ended -= {release.package for release in in_place}
        tags = {
            package.digest: image_tag(package.model, package.version, package.digest) for package in ledger.packages()
        }
        return Needs(
            services=frozenset(map(_service, in_place)),
            past=frozenset(map(_service, over)),
            images=frozenset(tags.values()),
            ended=frozenset(tag for digest, tag in tags.items() if digest in ended),
        )

    return find(session.connection(ledger.server(server)), session.workspace.id, needs)


def remove_leftovers(session: Session, server: str, leftovers: Sequence[Leftover]) -> list[Leftover]:
    """Remove them from the server; those that are gone. What is in use after all stays.

    Raises ``ServerBusy`` while somebody else changes releases there.
    """
    from kronkers_studio.deployment.leftovers import remove_leftovers as remove

    return remove(session.connection(session.workspace.ledger.server(server)), leftovers)


def superfluous_releases(session: Session, place: str) -> list[Release]:
    """Of each model there, the releases on standby beyond the newest that the settings keep."""
    keep = session.settings.keep_releases
    standby: dict[str, list[Release]] = {}
    for release in session.workspace.ledger.releases(place=place):
        if release.state is ReleaseState.STANDBY and release.worker is None:
            standby.setdefault(release.model, []).append(release)
    return [
        release
        for releases in standby.values()
        for release in sorted(releases, key=lambda release: release.changed, reverse=True)[keep:]
    ]


def clean_server(session: Session, server: str, *, dry_run: bool = False, progress: Progress = SILENT) -> CleanedServer:
    """Remove from a server what no rollback needs: releases on standby beyond those that are kept, what interrupted
    releases left, and images that are not used any more. With ``dry_run`` only tell what that would be.

    What a copy of this workspace may have put there is removed as well: the person has seen it in the dry run.
    """
    progress.step(f"Looking at {server}")
    settle_releases(session, server)
    old = superfluous_releases(session, server)
    if not dry_run:
        _retire(session, old)
    found = find_leftovers(session, server)
    if not dry_run:
        progress.step(f"Cleaning {server}")
        found = remove_leftovers(session, server, found)
        found += remove_leftovers(session, server, find_leftovers(session, server))  # what the services had in use
    return CleanedServer(server, tuple(old), tuple(found), dry_run)


def clean_after_release(session: Session, place: str) -> None:
    """What ``clean_server`` does, after each release; but what the history does not know at all stays. On this computer
    only recorded rows are left of what is on standby."""
    if place == THIS_COMPUTER:
        for release in superfluous_releases(session, place):
            if release.recording is not None:
                place_of(session, place).remove(release)
        return
    _retire(session, superfluous_releases(session, place))
    remove_leftovers(session, place, [leftover for leftover in find_leftovers(session, place) if leftover.known])


def _retire(session: Session, releases: Sequence[Release]) -> None:
    ledger = session.workspace.ledger
    keep = session.settings.keep_releases
    for release in releases:
        with at_work() as worker:
            why = f"removed: {keep} earlier releases are kept"
            retired = replace(
                release, state=ReleaseState.STOPPED, message=why, changed=datetime.now(UTC), worker=worker
            )
            if ledger.replace_release(release, retired, author=session.author):
                place_of(session, release.place).remove(retired)
                ledger.replace_release(retired, replace(retired, worker=None), author=session.author)


def _service(release: Release) -> str:
    return str(release.endpoint.get("service", ""))
