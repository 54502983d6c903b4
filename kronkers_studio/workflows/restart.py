"""Starting again what was live: it was stopped, or ended with its computer."""

from __future__ import annotations

from kronkers_studio.domain.errors import NotFound
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.releases import Release, ReleaseState
from kronkers_studio.workflows.releases import last_live, release_model, roll_back
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
    target = last_live(releases)
    if target is None:
        raise NotFound(
            f"No version of {name} was ever live in {place_name}.",
            next_step=f"Put one live with `kronkers release {name} --to {place_name}`.",
        )
    if target.state is ReleaseState.LIVE:
        return target
    if target.state is ReleaseState.STANDBY:
        return roll_back(session, name, place_name, to=target.number, progress=progress, cancel=cancel)
    return release_model(
        session,
        name,
        target.version,
        to=place_name,
        request_log=target.request_log,
        processes=target.processes,
        recording=target.recording,
        progress=progress,
        cancel=cancel,
    )
