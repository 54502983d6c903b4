"""Find models in what was brought in, and register them as versions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import BinaryIO

from kronkers_studio.domain.changes import AliasMoved, ModelRegistered
from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.errors import InvalidInput, NotAModel, NotFound, UnsupportedModel
from kronkers_studio.domain.migration import FileKind
from kronkers_studio.domain.model_files import HEAD_BYTES, may_be_model, model_file_kind
from kronkers_studio.domain.model_names import is_like_a_version
from kronkers_studio.domain.models import CodeFile, ContentRef, ModelFacts, ModelVersion, Tensor
from kronkers_studio.domain.naming import is_model_name
from kronkers_studio.domain.paths import join, parent
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.workflows.model_folders import find_folders, mlflow_folder, own_file, suggested_name
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.stated_signatures import first_statement, state_signature

_BESIDE_SUFFIXES = (
    *(".txt", ".toml", ".py", ".python-version", "conda.yaml", "conda.yml", "python_env.yaml", "mlmodel"),
    *("renv.lock", "description", "config.json"),
)
_BESIDE_LIMIT = 256 * 1024  # bytes of a text file worth reading beside a model


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A file that may be a model. ``facts`` is None when it cannot be registered; ``problem`` then says why, and
    ``next_step`` what can be done."""

    source: ContentRef
    size: int
    suggested_name: str
    facts: ModelFacts | None
    problem: str = ""
    registered: str = ""  # the label of the version already registered from these very bytes
    next_step: str = ""


def find_models(
    session: Session, project: str, ref: str = "", *, progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> list[FoundModel]:
    """Every model file at ``ref``, recognised from its bytes and without running it; of a folder that MLflow saved
    the model's own file alone."""
    content = session.workspace.content
    commit = content.resolve(project, ref)
    progress.step("Looking for models", None, "files")
    by_bytes = _registered_content(session, project)
    entries = []
    for entry in content.walk(project, commit.id):
        cancel.check()
        if entry.kind is EntryKind.FILE and may_be_model(entry.name) and _looks_like_one(session, entry):
            entries.append(entry)
    folders = find_folders(session, project, commit.id, [entry.path for entry in entries])
    found = []
    for candidate in entries:
        cancel.check()
        own = folders.own.get(candidate.path)
        if own is None and folders.hold(candidate.path):
            continue
        entry = candidate if own is None else content.find(project, commit.id, own)
        progress.advance()
        source = ContentRef(project, commit.id, entry.path)
        folder = parent(candidate.path) if own is not None else None
        facts, problem, next_step = None, folders.problems.get(entry.path, ""), ""
        try:
            facts = None if problem else _inspect(session, source, entry)
        except NotAModel as reason:
            named = model_file_kind(entry.name)
            if named is None or named.kind is FileKind.DATA:  # as most of that name are none
                continue
            problem, next_step = reason.message, reason.next_step
        except UnsupportedModel as reason:
            problem, next_step = reason.message, reason.next_step
        label = by_bytes.get((entry.path, entry.content), "")
        name = suggested_name(entry.path, folder)
        found.append(FoundModel(source, entry.size, name, facts, problem, label, next_step))
    return found


def _looks_like_one(session: Session, entry: Entry) -> bool:
    """Of a file whose name is mostly of others, such as notes.txt, its first bytes are looked at: of many, little."""
    from kronkers_studio.packaging import may_be_model_in

    if model_file_kind(entry.name) is not None:
        return True
    with session.workspace.content.open(entry) as stream:
        return may_be_model_in(entry.name, stream.read(HEAD_BYTES))


def register_model(
    session: Session,
    project: str,
    path: str,
    *,
    ref: str = "",
    name: str = "",
    description: str = "",
    metrics: Mapping[str, float] | None = None,
    data: ContentRef | None = None,
    inputs: Sequence[Tensor] = (),
    outputs: Sequence[Tensor] = (),
    progress: Progress = SILENT,
) -> ModelVersion:
    """Register the file ``path`` at ``ref`` as the next version of ``name``; of a folder that MLflow saved, or of the
    MLmodel in it, the model's own file there.

    ``inputs`` and ``outputs`` are what a person says that it takes and gives, where its file does not say it.
    The same bytes at the same path under the same name are one version: it is returned, not registered again.
    Raises ``UnsupportedModel`` (nothing is registered), ``NotFound``, ``InvalidInput`` for a bad name or metric, or
    inputs that do not fit.
    """
    metrics = checked_metrics(metrics or {})
    content, ledger = session.workspace.content, session.workspace.ledger
    commit = content.resolve(project, ref)
    path = own_file(session, project, commit.id, path)
    name = name or suggested_name(path, mlflow_folder(session, project, commit.id, path))
    if not is_model_name(name):
        raise InvalidInput(
            f"“{name}” cannot be a model's name.",
            next_step="Use small letters, digits, dots, hyphens and underscores, at most 63, e.g. churn-score; "
            "names that Windows keeps for devices, such as con, cannot be used.",
        )
    progress.step(f"Registering {name}")
    entry = content.find(project, commit.id, path)
    facts = _inspect(session, ContentRef(project, commit.id, path), entry)
    if data is not None:
        data_commit = content.resolve(data.project, data.commit)
        content.find(data.project, data_commit.id, data.path)
        data = ContentRef(data.project, data_commit.id, data.path)

    for known in ledger.model_versions(name) if name in ledger.model_names() else []:
        alike = (known.facts.weights, known.facts.code) == (facts.weights, facts.code)
        same = alike and _same_model(session, known, project, commit.id, entry)
        if same and dict(known.metrics) == metrics:
            if not inputs and not outputs:
                return known
            return state_signature(session, (known.name, known.version, None), inputs=inputs, outputs=outputs)
    number = ledger.next_version(name)
    version = ModelVersion(
        name=name,
        version=number,
        source=ContentRef(project, commit.id, path),
        facts=facts,
        created=datetime.now(UTC),
        author=session.author,
        size=entry.size,
        description=description,
        metrics=metrics,
        data=data,
        stated=first_statement(session, facts, inputs, outputs, f"{name}:{number}"),
    )
    ledger.record(ModelRegistered(version), author=session.author)
    return version


def checked_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    """What was measured, ready to be stored. Raises ``InvalidInput`` for a metric without a name or without a value
    that can be compared: not a number, or infinite."""
    for name, value in metrics.items():
        if not name.strip():
            raise InvalidInput("A metric needs a name.", next_step="Write it as name=number, e.g. accuracy=0.93.")
        if not math.isfinite(value):
            raise InvalidInput(
                f"“{name}” is {value}, which is no measured value. Nothing was changed.",
                next_step="Leave the metric out, or find out why it could not be measured.",
            )
    return {name: float(value) + 0.0 for name, value in metrics.items()}  # of -0.0 it makes 0.0


def list_models(session: Session, name: str | None = None) -> list[ModelVersion]:
    """All versions (of ``name``), newest first within a name."""
    return session.workspace.ledger.model_versions(name)


def show_model(session: Session, name: str, version: int | None = None, alias: str | None = None) -> ModelVersion:
    return session.workspace.ledger.model_version(name, version, alias)


def set_alias(session: Session, name: str, version: int, alias: str) -> ModelVersion:
    """Let ``alias`` name ``version``; it moves there from any other version.

    Raises ``InvalidInput`` for what can be no alias, or would be mistaken for a version's number.
    """
    if not is_model_name(alias):
        raise InvalidInput(f"“{alias}” cannot be an alias.", next_step="Use small letters, e.g. champion.")
    if is_like_a_version(alias):
        raise InvalidInput(
            f"“{alias}” cannot be an alias: it looks like the number of a version.",
            next_step="Give it a name with a meaning, e.g. champion.",
        )
    session.workspace.ledger.model_version(name, version)
    session.workspace.ledger.record(AliasMoved(name, alias, version), author=session.author)
    return session.workspace.ledger.model_version(name, version)


def open_model(session: Session, version: ModelVersion) -> Callable[[], BinaryIO]:
    """A function that opens the registered file's bytes from the store, any number of times."""
    content = session.workspace.content
    entry = content.find(version.source.project, version.source.commit, version.source.path)
    return lambda: content.open(entry)


def open_weights(session: Session, version: ModelVersion, name: str) -> BinaryIO:
    """The bytes of the file of weights of that name, from the folder that the model's file was registered in."""
    content = session.workspace.content
    source = version.source
    return content.open(content.find(source.project, source.commit, join(parent(source.path), name)))


def open_code(session: Session, version: ModelVersion, file: CodeFile) -> BinaryIO:
    """The bytes of a file of the model's own code, as it was when the version was registered."""
    content = session.workspace.content
    return content.open(content.find(version.source.project, version.source.commit, file.path))


def inspected_again(session: Session, version: ModelVersion, allowed: frozenset[str]) -> ModelFacts:
    """What a registered file is with ``allowed`` names let through. Raises ``UnsupportedModel``, ``NotFound``."""
    source = version.source
    return _inspect(
        session, source, session.workspace.content.find(source.project, source.commit, source.path), allowed
    )


def _inspect(session: Session, source: ContentRef, entry: Entry, allowed: frozenset[str] = frozenset()) -> ModelFacts:
    from kronkers_studio.packaging import inspect_model

    content = session.workspace.content
    folder = parent(source.path)
    described_in = mlflow_folder(session, source.project, source.commit, source.path)

    def reader(other: Entry) -> Callable[[], bytes]:
        return lambda: content.read(other)

    beside = {
        other.name: reader(other)
        for other in content.list_folder(
            source.project, source.commit, folder if described_in is None else described_in
        )
        if other.kind is EntryKind.FILE
        and other.size <= _BESIDE_LIMIT
        and other.name.lower().endswith(_BESIDE_SUFFIXES)
    }

    def size_beside(name: str) -> int | None:
        try:
            found = content.find(source.project, source.commit, join(folder, name))
        except NotFound:
            return None
        return found.size if found.kind is EntryKind.FILE else None

    with content.open(entry) as stream:
        facts = inspect_model(entry.name, stream, beside, size_beside, allowed)
    return replace(facts, code=_own_code(session, source, facts)) if facts.unsafe else facts


def _own_code(session: Session, source: ContentRef, facts: ModelFacts) -> tuple[CodeFile, ...]:
    """The files of the model's folder, or of those that it lies in, with what its pickle names and is not listed."""
    from kronkers_studio.packaging import LARGEST_CODE_FILE, find_own_code

    content = session.workspace.content
    folders = [parent(source.path)]
    while folders[-1]:
        folders.append(parent(folders[-1]))

    def read(path: str) -> bytes | None:
        try:
            found = content.find(source.project, source.commit, path)
        except NotFound:
            return None
        fits = found.kind is EntryKind.FILE and found.size <= LARGEST_CODE_FILE
        return content.read(found, LARGEST_CODE_FILE) if fits else None

    return find_own_code(facts.unsafe, folders, read)


def _same_model(session: Session, known: ModelVersion, project: str, commit: str, entry: Entry) -> bool:
    """Whether the file, its weights and its own code at ``commit`` are those that were registered as ``known``."""
    if (known.source.project, known.source.path) != (project, entry.path):
        return False
    content = session.workspace.content
    paths = [entry.path, *(join(parent(entry.path), weights.name) for weights in known.facts.weights)]
    paths += [code.path for code in known.facts.code]
    return all(
        content.find(project, known.source.commit, path).content == content.find(project, commit, path).content
        for path in paths
    )


def _registered_content(session: Session, project: str) -> dict[tuple[str, tuple[bytes, ...]], str]:
    """Labels of registered versions by path and bytes, the newest version winning."""
    content = session.workspace.content
    labels: dict[tuple[str, tuple[bytes, ...]], str] = {}
    for version in reversed(session.workspace.ledger.model_versions()):
        if version.source.project == project:
            entry = content.find(project, version.source.commit, version.source.path)
            labels[(entry.path, entry.content)] = version.label
    return labels
