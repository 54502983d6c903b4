"""Test the packaged service of a model version by a test set, and know what came of it."""

from __future__ import annotations

import hashlib
import secrets
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from kronkers_studio.domain.changes import ModelTested, ModelTestSetChosen
from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.errors import InvalidTestSet, NotFound, NotTested, PackagingFailed, StudioError
from kronkers_studio.domain.expectations import ExpectationSet, is_test_set_name
from kronkers_studio.domain.model_tests import ModelTestRun, run_words
from kronkers_studio.domain.models import ContentRef, ModelCard, ModelVersion
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.settings.paths import from_home
from kronkers_studio.workflows.model_test_runs.expectation_files import (
    OWN_PROJECT,
    find_test_set,
    parse_test_set,
    read_test_set,
)
from kronkers_studio.workflows.model_test_runs.first_test_set import first_test_set, source_of
from kronkers_studio.workflows.model_test_runs.fitting_tables import check_tables
from kronkers_studio.workflows.row_files import MOST_LISTED, list_tables
from kronkers_studio.workflows.session import Session

_MOST_FILE_BYTES = 256_000


@dataclass(frozen=True, slots=True)
class Tested:
    """What is known of a version's tests: the last run, None before the first; ``current``: that was of the version as
    it is now, and not before its libraries, or what it may name or takes, were chosen otherwise."""

    run: ModelTestRun | None
    current: bool

    @property
    def passed(self) -> bool:
        """Whether the version as it is now passed its last tests."""
        return self.run is not None and self.current and self.run.passed


def run_model_tests(
    session: Session,
    name: str,
    version: int | None = None,
    alias: str | None = None,
    *,
    tests: ContentRef | None = None,
    on: str = THIS_COMPUTER,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> ModelTestRun:
    """Package a version, run its service in the place ``on`` for this alone, check what ``tests`` (by default the set
    chosen for the model, or the one beside its file) expects of it, and keep the result with the version.

    The run is kept whether it passed or not. Raises ``NotFound`` (also where there is no test set), ``InvalidTestSet``,
    ``PackagingFailed``, ``ReleaseFailed``, ``Cancelled``: then nothing is kept. The service is ended in any case.
    """
    from kronkers_studio.workflows.model_test_runs.checks import check_set
    from kronkers_studio.workflows.model_test_runs.examination import Examination
    from kronkers_studio.workflows.model_test_runs.private_service import private_service

    model = session.workspace.ledger.model_version(name, version, alias)
    test_set = set_of(session, model, tests)
    if on == THIS_COMPUTER and model.facts.framework.in_container_only:
        raise PackagingFailed(
            f"Models of {model.facts.framework.label} run in a container, so they are tested on a server.",
            next_step="Name one with --on SERVER.",
        )
    began = time.perf_counter()
    with ExitStack() as ending:
        service = ending.enter_context(private_service(session, model, on, progress, cancel))
        results = check_set(Examination(session, service, test_set, ending, progress, cancel), test_set)
        package = service.package.digest
    run = ModelTestRun(
        id=secrets.token_hex(8),
        model=model.name,
        version=model.version,
        at=datetime.now(UTC),
        author=session.author,
        place=on,
        package=package,
        subject=subject_of(model),
        test_set=test_set.source,
        test_set_digest=test_set.digest,
        results=results,
        seconds=round(time.perf_counter() - began, 3),
    )
    session.workspace.ledger.record(ModelTested(run), author=session.author)
    return run


def set_of(session: Session, model: ModelVersion, named: ContentRef | None = None) -> ExpectationSet:
    """The test set that a version is tested by. Raises ``NotFound`` where there is none, ``InvalidTestSet``."""
    return find_test_set(session, model, named, session.workspace.ledger.chosen_test_set(model.name))


def list_test_runs(session: Session, name: str, version: int | None = None, *, limit: int = -1) -> list[ModelTestRun]:
    """The last ``limit`` runs (-1: all) of a model's versions, or of one, newest first. Raises ``NotFound`` where there
    is no such model or version."""
    session.workspace.ledger.model_version(name, version)
    return session.workspace.ledger.model_test_runs(name, version, limit=limit)


def last_test_run(session: Session, version: ModelVersion) -> Tested:
    """The last run of a version's tests, and whether that was of what the version is now."""
    runs = session.workspace.ledger.model_test_runs(version.name, version.version, limit=1)
    run = runs[0] if runs else None
    return Tested(run, run is not None and run.subject == subject_of(version))


def require_tested(session: Session, version: ModelVersion) -> None:
    """Raise ``NotTested`` unless the last tests of the version, as it is now, passed."""
    tested = last_test_run(session, version)
    if not tested.passed:
        raise NotTested(
            f"{version.label} is not put live: {tested_words(tested)}.",
            next_step=f"Correct what failed, then test it: kronkers model test {version.label}.",
        )


def tested_words(tested: Tested) -> str:
    """What is known of a version's tests, as the end of a sentence."""
    if tested.run is None:
        return "it was not tested"
    words = run_words(tested.run)
    return words if tested.current else f"it was changed since its last tests ({words})"


def save_as_junit(run: ModelTestRun, file: Path) -> None:
    """Write the run as JUnit XML, which CI systems show. Raises ``FileUnwritable``."""
    from kronkers_studio.workflows.model_test_runs.junit import run_as_junit, write_junit

    write_junit(from_home(file).absolute(), run_as_junit(run))


def save_problem_as_junit(model: str, problem: StudioError, file: Path) -> None:
    """Write that there was no run, and why, as JUnit XML. Raises ``FileUnwritable``."""
    from kronkers_studio.workflows.model_test_runs.junit import problem_as_junit, write_junit

    write_junit(from_home(file).absolute(), problem_as_junit(model, problem))


def choose_test_set(session: Session, name: str, source: ContentRef | None) -> ExpectationSet | None:
    """Let the versions of a model be tested by the file ``source`` from now on, its newest state where it names no
    version; None: by the one that lies beside them. Raises ``NotFound``, ``InvalidTestSet``."""
    session.workspace.ledger.model_version(name)
    found = read_test_set(session, source) if source is not None else None
    change = ModelTestSetChosen(name, source, datetime.now(UTC), session.author)
    session.workspace.ledger.record(change, author=session.author)
    return found


def add_test_set(session: Session, name: str, file: Path) -> ExpectationSet:
    """Keep the file on disk as the model's test set, in the project “Model tests”, and choose it. Raises
    ``InvalidTestSet``."""
    version = session.workspace.ledger.model_version(name)
    file = from_home(file)
    try:
        with file.open("rb") as stream:
            content = stream.read(_MOST_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidTestSet(f"{file} cannot be read: {error.strerror}.", next_step="Check the path.") from None
    parse_test_set(content, file.name)
    return _keep(session, version, content.decode("utf-8-sig"), f"Test set from {file.name}")


def list_test_files(session: Session, project: str, cancel: CancelToken = NEVER) -> list[Entry]:
    """What ``choose_test_file`` can take of the current state of a project, up to ``MOST_LISTED``: test sets, then
    tables, by their paths."""
    tables = list_tables(session, project, cancel)
    sets = []
    for entry in session.workspace.content.walk(project):
        cancel.check()
        if entry.kind is EntryKind.FILE and is_test_set_name(entry.name):
            sets.append(entry)
            if len(sets) == MOST_LISTED:
                break
    named = {entry.path for entry in sets}
    return [*sets, *(entry for entry in tables if entry.path not in named)][:MOST_LISTED]


def choose_test_file(
    session: Session, version: ModelVersion, source: ContentRef, cancel: CancelToken = NEVER
) -> ExpectationSet:
    """Let the model be tested by a file of a project from now on: by a test set, or by a first one that is made for a
    table with the true answers. Raises ``NotFound``, and ``InvalidTestSet`` where what it names, or the table, does not
    fit the version: nothing is chosen then."""
    if not is_test_set_name(source.path):
        return make_first_test_set(session, version, cancel, data=source)
    found = read_test_set(session, source)
    check_tables(session, version, found, cancel)
    choose_test_set(session, version.name, source)
    return found


def make_first_test_set(
    session: Session, version: ModelVersion, cancel: CancelToken = NEVER, *, data: ContentRef | None = None
) -> ExpectationSet:
    """Make a test set of what is known of the version, keep it in the project “Model tests”, and choose it. ``data`` is
    the table that it is tested on, by default what it was registered with, if that fits; else ``InvalidTestSet`` is
    raised."""
    text = first_test_set(session, version, cancel, data=data)
    return _keep(session, version, text, f"First test set for {version.label}")


def first_test_set_text(
    session: Session, version: ModelVersion, cancel: CancelToken = NEVER, *, data: ContentRef | None = None
) -> str:
    """What ``make_first_test_set`` would keep."""
    return first_test_set(session, version, cancel, data=data)


def _keep(session: Session, version: ModelVersion, text: str, message: str) -> ExpectationSet:
    source = source_of(session, text, OWN_PROJECT, f"{version.name}.tests.yaml", message)
    found = choose_test_set(session, version.name, replace(source, commit=""))
    if found is None:
        raise NotFound(f"The test set of {version.name} is not there.")
    return found


def subject_of(version: ModelVersion) -> str:
    """The digest of all that makes the version's service what it is; what people only say of it is left out."""
    from kronkers_studio.storage.json_form import to_text

    bare = replace(
        version, description="", tags=(), card=ModelCard(), metrics={}, aliases=(), data=None, author="", created=_NEVER
    )
    return hashlib.sha256(to_text(bare).encode("ascii")).hexdigest()


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
