"""Which libraries a model's service runs on: what was found beside the model, and what a person chooses instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from kronkers_studio.domain.changes import DependenciesChosen
from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.dependencies import DependencyChoice, DependencyEvidence
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.libraries import library_wanted, project_of
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.paths import parent
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.workflows.model_folders import mlflow_folder
from kronkers_studio.workflows.session import Session

Reference = tuple[str, int | None, str | None]
"""A version as (name, number, alias); neither number nor alias means the newest."""

_LISTS = (".txt", ".in", ".lock", ".toml", ".yaml", ".yml", ".py", ".ipynb")
_LARGEST = 8 * 1024 * 1024  # bytes of a file that is looked at; notebooks hold pictures
_MOST_FILES = 50
_MOST_CHOSEN = 200


@dataclass(frozen=True, slots=True)
class ModelDependencies:
    """``evidence`` is what the files beside ``model`` say; ``locked`` what its newest package holds ("numpy==2.4.6"),
    () when there is none since the last choice."""

    model: ModelVersion
    evidence: tuple[DependencyEvidence, ...]
    locked: tuple[str, ...]


def model_dependencies(session: Session, model: Reference) -> ModelDependencies:
    """What is known of the libraries of a version. Raises ``NotFound``."""
    from kronkers_studio.packaging import find_evidence

    version = session.workspace.ledger.model_version(*model)
    since = last_choice(session, version)
    packages = session.workspace.ledger.packages(version.name, version.version)
    made = (package for package in packages if package.lock and (since is None or package.created > since))
    locked = next((package.requirements for package in made), ())
    return ModelDependencies(version, find_evidence(_beside(session, version)), locked)


def choose_dependencies(
    session: Session,
    model: Reference,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    python: str | None = None,
    reset: bool = False,
    check: bool = True,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> ModelVersion:
    """Have a version's service run on other libraries from its next package on.

    ``add`` ("pandas==2.2.1", "polars") is there in any case, in place of what was chosen of the same library before;
    ``remove`` takes such choices back; ``python`` ("3.12", "" for what was found). With ``reset`` all earlier choices
    are forgotten first. With ``check`` it is found out now whether all of it fits together for this computer.
    Raises ``NotFound``, ``InvalidInput``, ``PackagingFailed`` (nothing is changed then), ``Cancelled``.
    """
    version = session.workspace.ledger.model_version(*model)
    before = DependencyChoice() if reset or version.dependencies is None else version.dependencies
    added = dict(library_wanted(text, version) for text in add)
    replaced = {*added, *(library_wanted(text, version)[0] for text in remove)}
    kept = [one for one in before.requirements if project_of(one) not in replaced]
    choice = DependencyChoice(
        before.python_version if python is None else _checked_python(python), tuple(sorted([*kept, *added.values()]))
    )
    if len(choice.requirements) > _MOST_CHOSEN:
        raise InvalidInput(f"More than {_MOST_CHOSEN} libraries are too many for one version.")
    wanted = choice if choice != DependencyChoice() else None
    if wanted == version.dependencies:
        return version
    if check and wanted is not None:
        _require_fit(session, replace(version, dependencies=wanted), progress, cancel)
    change = DependenciesChosen(version.name, version.version, wanted, datetime.now(UTC), session.author)
    session.workspace.ledger.record(change, author=session.author)
    return session.workspace.ledger.model_version(version.name, version.version)


def as_chosen(model: ModelVersion) -> ModelVersion:
    """``model`` with the Python that was chosen for its service."""
    if model.dependencies is None or not model.dependencies.python_version:
        return model
    return replace(model, facts=replace(model.facts, python_version=model.dependencies.python_version))


def last_choice(session: Session, model: ModelVersion) -> datetime | None:
    """When somebody last chose libraries for a version; None when nobody ever did."""
    history = session.workspace.models.history(model.name, model.version)
    return max((one.entry.at for one in history if isinstance(one.change, DependenciesChosen)), default=None)


def _require_fit(session: Session, model: ModelVersion, progress: Progress, cancel: CancelToken) -> None:
    from kronkers_studio.packaging import lock_dependencies, runnable_here, this_platform, users_layer_cache

    progress.step("Finding out whether they fit together")
    wanted = runnable_here(as_chosen(model), progress)
    lock_dependencies(
        wanted.facts,
        this_platform(),
        chosen=wanted.dependencies.requirements if wanted.dependencies else (),
        offline=session.settings.offline,
        cache=users_layer_cache(),
        progress=progress,
        cancel=cancel,
    )


def _checked_python(version: str) -> str:
    """Raises ``InvalidInput`` for what is no Python that a service can have."""
    from kronkers_studio.packaging.dependencies.locking import OLDEST_PYTHON

    major, _, minor = version.partition(".")
    if not version or (major == "3" and minor.isdecimal() and len(minor) < 3 and (3, int(minor)) >= OLDEST_PYTHON):
        return version
    raise InvalidInput(
        f"A service cannot have Python {version[:20]}.", next_step="Choose 3.10 or newer, e.g. --python 3.12."
    )


def _beside(session: Session, model: ModelVersion) -> Mapping[str, Callable[[], bytes]]:
    """The files of the model's folder that may say something of libraries, by their names."""
    content = session.workspace.content
    source = model.source
    folder = mlflow_folder(session, source.project, source.commit, source.path)

    def reader(entry: Entry) -> Callable[[], bytes]:
        return lambda: content.read(entry)

    entries = [
        entry
        for entry in content.list_folder(
            source.project, source.commit, parent(source.path) if folder is None else folder
        )
        if entry.kind is EntryKind.FILE and entry.size <= _LARGEST and entry.name.lower().endswith(_LISTS)
    ]
    return {entry.name: reader(entry) for entry in entries[:_MOST_FILES]}
