"""A model that is in a program's memory, such as a notebook's: its file, and what says what made it, become a commit
of a project, and that a version."""

from __future__ import annotations

import io
from collections.abc import Mapping

from kronkers_studio.domain.content import DEFAULT_BRANCH
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.model_names import suggest_name, without_version
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.domain.naming import is_model_name
from kronkers_studio.domain.paths import join, parent
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.workflows.added_models import ADDED_MODELS
from kronkers_studio.workflows.file_commits import save_files
from kronkers_studio.workflows.models import checked_metrics, register_model
from kronkers_studio.workflows.session import Session

__all__ = ["ADDED_MODELS", "place_of_model", "register_given_model"]


def place_of_model(name: str, ending: str, path: str = "") -> str:
    """Where a model's file is kept in its project: ``path``, else in a folder of the model's name."""
    return path or f"{without_version(name)}/{suggest_name(name)}{ending}"


def register_given_model(
    session: Session,
    project: str,
    path: str,
    content: bytes,
    *,
    name: str,
    beside: Mapping[str, bytes] | None = None,
    data: ContentRef | None = None,
    data_files: Mapping[str, bytes] | None = None,
    description: str = "",
    metrics: Mapping[str, float] | None = None,
    message: str = "",
    branch: str = DEFAULT_BRANCH,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> ModelVersion:
    """Save ``content`` as the file ``path`` of ``project``, ``beside`` it the small files that say what made it, and
    register it as the next version of ``name``. It is looked at first, and never run.

    Of ``data_files``, by their paths in the project, the first is what it was trained on; all are one commit. Raises
    ``UnsupportedModel`` or ``InvalidInput`` before anything is stored, and as ``save_files`` and ``register_model``.
    """
    if not is_model_name(name):
        raise InvalidInput(
            f"“{name}” cannot be a model's name.",
            next_step="Use small letters, digits, dots, hyphens and underscores, at most 63, e.g. churn-score.",
        )
    metrics = checked_metrics(metrics or {})
    beside = beside or {}
    progress.step(f"Looking at {name}")
    _inspect(path, content, beside)
    if data is not None:
        found = session.workspace.content.resolve(data.project, data.commit)
        session.workspace.content.find(data.project, found.id, data.path)
    files = {path: content, **{join(parent(path), each): beside[each] for each in beside}, **(data_files or {})}
    commit, _new = save_files(
        session,
        project,
        files,
        message=message or f"Model {name}",
        branch=branch,
        create=True,
        progress=progress,
        cancel=cancel,
    )
    for saved in data_files or {}:
        data = ContentRef(project, commit.id, saved)
        break
    return register_model(
        session,
        project,
        path,
        ref=commit.id,
        name=name,
        description=description,
        metrics=metrics,
        data=data,
        progress=progress,
    )


def _inspect(path: str, content: bytes, beside: Mapping[str, bytes]) -> None:
    """Raises ``UnsupportedModel`` for what is no model, or would run a program; also for what needs code that nobody
    may ever allow, such as a notebook's own function: it can still be mended here. What may be allowed is registered.
    """
    from kronkers_studio.packaging import inspect_model, require_safe
    from kronkers_studio.packaging.model_files.pickles.allowances import why_never

    readers = {name: (lambda each=each: each) for name, each in beside.items()}
    facts = inspect_model(path.rpartition("/")[2], io.BytesIO(content), readers)
    require_safe(facts, frozenset(found for found in facts.unsafe if not why_never(found)))
