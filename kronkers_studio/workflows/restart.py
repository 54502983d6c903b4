"""Starting again what was live: it was stopped, or ended with its computer."""

from __future__ import annotations

from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.releases import Release, ReleaseState
from kronkers_studio.workflows.releases import release_model, roll_back, rollback_target
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.settling import settle_releases


def start_again(
    session: Session,
    name: str,
    place_name: str,
    *,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> Release:
    """Make live again what was live last of ``name`` in that place and was stopped, or ended with its computer; what is
    live already stays as it is. Raises ``NotFound`` when nothing of it was ever live there."""
    settle_releases(session, place_name)
    releases = session.workspace.ledger.releases(name, place_name)
    live = next((release for release in releases if release.state is ReleaseState.LIVE), None)
    if live is not None:
        return live
    lost = [release for release in releases if release.lost]
    target = max(lost, key=lambda release: release.changed) if lost else rollback_target(releases, name, None)
    if target.state is ReleaseState.STANDBY:
        return roll_back(session, name, place_name, to=target.number, progress=progress, cancel=cancel)
    return release_model(session, name, target.version, to=place_name, progress=progress, cancel=cancel)
