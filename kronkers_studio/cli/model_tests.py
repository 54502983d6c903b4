"""Commands that test a model version's packaged service, and tell what came of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kronkers_studio.cli.plain_text import moment, table
from kronkers_studio.cli.terminal import EXIT_FAILED, EXIT_REFUSED, Terminal, command
from kronkers_studio.domain.errors import Cancelled, InvalidInput, StudioError
from kronkers_studio.domain.model_tests import ModelTestRun, Outcome, run_words
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.domain.references import parse_content, parse_model
from kronkers_studio.domain.releases import THIS_COMPUTER

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

ModelRef = Annotated[
    str, typer.Argument(metavar="NAME[:V|@ALIAS]", help="A model; its newest version if none is named.")
]
_SIGNS = {Outcome.PASSED: "ok", Outcome.FAILED: "FAILED", Outcome.ERROR: "ERROR", Outcome.SKIPPED: "skipped"}
_CODES = {Outcome.FAILED: EXIT_REFUSED, Outcome.ERROR: EXIT_FAILED, Outcome.SKIPPED: EXIT_FAILED}


def add_commands(model: typer.Typer) -> None:
    command(model, "test")(test)
    command(model, "tests")(tests)


def test(
    terminal: Terminal,
    model: ModelRef,
    *,
    test_set: Annotated[
        str,
        typer.Option(
            "--tests",
            metavar="PROJECT[@VERSION]:PATH",
            help="The test set; by default the one chosen for the model, or beside its file.",
        ),
    ] = "",
    place: Annotated[
        str, typer.Option("--on", metavar="PLACE", help="Where it runs for this: this-computer or a server's name.")
    ] = THIS_COMPUTER,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write the result as JUnit XML, too.")
    ] = None,
    unprotected: Annotated[
        bool, typer.Option("--unprotected", help="Run it here even where nothing keeps it from harming this computer.")
    ] = False,
) -> None:
    """Run a version's packaged service for a moment and check what its test set expects of it.

    Exit codes: 0 all passed, 3 some failed, 1 it could not be run or measured, 130 cancelled.
    """
    from kronkers_studio.workflows.model_tests import run_model_tests, save_as_junit, save_problem_as_junit

    try:
        with terminal.session() as session:
            if unprotected:
                session.settings = replace(session.settings, run_unprotected=True)
            with terminal.progress() as progress:
                run = run_model_tests(
                    session,
                    *parse_model(model),
                    tests=parse_content(test_set) if test_set else None,
                    on=place,
                    progress=progress,
                    cancel=terminal.cancel,
                )
    except StudioError as problem:
        if junit is not None and not isinstance(problem, Cancelled):
            save_problem_as_junit(model, problem, junit)
        raise
    if junit is not None:
        save_as_junit(run, junit)
    terminal.exit_code = _CODES.get(run.outcome, 0)
    terminal.result(run, *run_lines(run))


def tests(
    terminal: Terminal,
    model: ModelRef,
    *,
    chosen: Annotated[
        str,
        typer.Option("--set", metavar="PROJECT[@VERSION]:PATH", help="Test the model by this file from now on."),
    ] = "",
    add: Annotated[
        Path | None,
        typer.Option("--add", metavar="FILE", help="Keep this file as the model's test set, and test by it."),
    ] = None,
    first: Annotated[
        bool, typer.Option("--first", help="Make a first test set of what is known of the version, and test by it.")
    ] = False,
    data: Annotated[
        str,
        typer.Option("--data", metavar="PROJECT[@VERSION]:PATH", help="With --first: the table that it is tested on."),
    ] = "",
    reset: Annotated[bool, typer.Option("--reset", help="Test by the file beside the model again.")] = False,
) -> None:
    """List the runs of a model's tests, newest first, or choose by which file it is tested."""
    from kronkers_studio.workflows import model_tests

    if sum(map(bool, (chosen, add, first, reset))) > 1:
        raise InvalidInput("A model has one test set.", next_step="Give one of --set, --add, --first and --reset.")
    if data and not first:
        raise InvalidInput("A table is named for a first test set only.", next_step="Say --first, too.")
    reference = parse_model(model)
    table_of = parse_content(data) if data else None
    with terminal.session() as session:
        version = session.workspace.ledger.model_version(*reference)
        if chosen or add is not None or first or reset:
            _choose(terminal, session, version, chosen, add, table_of, first=first)
            return
        one = version.version if reference[1:] != (None, None) else None
        runs = model_tests.list_test_runs(session, version.name, one)
        rows = [
            [run.label, moment(run.at), run.outcome.value, run_words(run), run.place, str(run.test_set)] for run in runs
        ]
        lines = table(["Version", "When", "Outcome", "", "Where", "Test set"], rows)
        terminal.result(runs, *(lines if runs else ["It was not tested yet."]), *_last_lines(runs, one))


def _choose(
    terminal: Terminal,
    session: Session,
    version: ModelVersion,
    chosen: str,
    add: Path | None,
    data: ContentRef | None,
    *,
    first: bool,
) -> None:
    from kronkers_studio.workflows import model_tests

    name = version.name
    if first:
        found = model_tests.make_first_test_set(session, version, terminal.cancel, data=data)
        for line in model_tests.first_test_set_text(session, version, terminal.cancel, data=data).splitlines():
            terminal.note(line)
    elif add is not None:
        found = model_tests.add_test_set(session, name, add)
    else:
        source = parse_content(chosen) if chosen else None
        known = model_tests.choose_test_set(session, name, source)
        if known is None:
            terminal.result({"test_set": None}, f"{name} is tested by the file beside it.")
            return
        found = known
    count = len(found.expectations)
    terminal.result(
        {"test_set": found.source, "digest": found.digest, "tests": count},
        f"{name} is tested by {found.source} from now on ({count} {'test' if count == 1 else 'tests'}).",
    )


def run_lines(run: ModelTestRun) -> list[str]:
    """A run as text: each test with what came of it, then all of them in one line."""
    rows = [[_SIGNS[result.outcome], result.name, result.sentence] for result in run.results]
    return [
        *table(["", "Test", ""], rows)[1:],
        f"{run.label}: {run_words(run)} ({run.seconds:.1f} s, {run.place}, {run.test_set})",
    ]


def tested_lines(session: Session, version: ModelVersion) -> list[str]:
    """What is known of the version's tests, for whoever looks at it, packages it or puts it live."""
    from kronkers_studio.workflows.model_tests import last_test_run, tested_words

    tested = last_test_run(session, version)
    if tested.run is None:
        return ["not tested"]
    words = tested_words(tested).removeprefix("it was ")
    return [f"{'tested' if tested.passed else 'tests'}: {words} ({moment(tested.run.at)})"]


def note_tests(terminal: Terminal, session: Session, version: ModelVersion) -> None:
    """Say it where the version did not pass its tests as it is now, or was never tested."""
    from kronkers_studio.workflows.model_tests import last_test_run

    if not last_test_run(session, version).passed:
        terminal.note(*(f"{version.label}: {line}." for line in tested_lines(session, version)))


def _last_lines(runs: list[ModelTestRun], one: int | None) -> list[str]:
    """Of one version, each test of its last run."""
    return ["", *run_lines(runs[0])] if runs and one is not None else []
