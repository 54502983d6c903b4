"""What model services log: in words of their own, and never the contents of a row."""

from __future__ import annotations

from kronkers_studio.domain.errors import NotFound, ServiceUnavailable
from kronkers_studio.domain.releases import IN_PLACE
from kronkers_studio.workflows.places import place_of
from kronkers_studio.workflows.session import Session


def service_log(session: Session, model: str, place: str) -> list[str]:
    """The last lines of the log of what runs of ``model`` in ``place``, oldest first: as JSON lines, or as they were
    printed.

    Raises ``NotFound`` when nothing was ever put live there, ``ServiceUnavailable`` when nothing is there now.
    """
    from kronkers_studio.settings.redaction import redacted

    releases = session.workspace.ledger.releases(model, place)
    if not releases:
        raise NotFound(f"{model} was never put live in {place}.", next_step="See `kronkers releases`.")
    live = session.workspace.ledger.live_release(model, place)
    shown = live or next((release for release in releases if release.state in IN_PLACE), None)
    lines = place_of(session, place).log(shown) if shown is not None else []
    if not lines:
        raise ServiceUnavailable(
            f"Nothing of {model} is in {place} now that has a log.",
            next_step="What its service said last before it stopped is in the log of Kronkers Studio.",
        )
    return [redacted(line) for line in lines]
