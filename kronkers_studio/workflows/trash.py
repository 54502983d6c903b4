"""Take things out of sight, bring them back, give them up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from kronkers_studio.domain.maintenance import TrashItem, TrashKind
from kronkers_studio.workflows.session import Session


def remove_project(session: Session, project: str) -> TrashItem:
    """Put a project into the trash. Raises ``NotFound``, or ``Refused`` when models were made from it."""
    return session.workspace.trash.put(TrashKind.PROJECT, project, "", author=session.author)


def remove_branch(session: Session, project: str, branch: str) -> TrashItem:
    """Put a branch into the trash. Raises ``NotFound``."""
    return session.workspace.trash.put(TrashKind.BRANCH, project, branch, author=session.author)


def remove_model_version(session: Session, model: str, version: int) -> TrashItem:
    """Put a model version into the trash, with its packages and past releases. Raises ``NotFound``, or ``Refused``
    while it is live or kept for going back."""
    from kronkers_studio.workflows.settling import settle_releases

    settle_releases(session, look_at_live=False)
    return session.workspace.trash.put(TrashKind.MODEL, model, str(version), author=session.author)


def list_trash(session: Session) -> list[TrashItem]:
    """What can be brought back, the last removed first."""
    return session.workspace.trash.items()


def restore_from_trash(session: Session, id: str) -> TrashItem:
    """Bring something back. Raises ``NotFound``, or ``AlreadyExists`` when its name means something else by now."""
    return session.workspace.trash.restore(id, author=session.author)


def empty_trash(session: Session, ids: Sequence[str] = (), *, older_than_days: float = 0.0) -> list[TrashItem]:
    """Give up what lies in the trash, or only ``ids``, or what has lain there for so many days.

    The space is freed by ``clean_up``, after its grace period.
    """
    before = datetime.now(UTC) - timedelta(days=older_than_days) if older_than_days else None
    return session.workspace.trash.empty(tuple(ids), before=before, author=session.author)
