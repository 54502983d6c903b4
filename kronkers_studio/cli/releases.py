"""Commands for releases and predictions."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kronkers_studio.cli.allowances import allowance_lines
from kronkers_studio.cli.json_output import document
from kronkers_studio.cli.model_tests import note_tests
from kronkers_studio.cli.models import ModelRef
from kronkers_studio.cli.plain_text import moment, plural, table
from kronkers_studio.cli.terminal import Terminal, command
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.domain.recording import DEFAULT_MOST_ROWS, parse_recording
from kronkers_studio.domain.references import parse_content, parse_model, parse_release_number
from kronkers_studio.domain.releases import THIS_COMPUTER, Release
from kronkers_studio.settings.paths import from_home

if TYPE_CHECKING:
    from kronkers_studio.domain.models import Signature
    from kronkers_studio.domain.row_tables import RowTable
    from kronkers_studio.workflows.session import Session

ModelName = Annotated[str, typer.Argument(metavar="NAME", help="The model.")]
PlaceOption = Annotated[str, typer.Option("--in", metavar="PLACE", help="this-computer or a server's name.")]

_LONGEST_COUNT = 4


def add_commands(app: typer.Typer) -> None:
    command(app, "release")(release)
    command(app, "releases")(releases)
    command(app, "rollback")(rollback)
    command(app, "stop")(stop)
    command(app, "start")(start)
    command(app, "autostart")(autostart)
    command(app, "predict")(predict)
    command(app, "address")(address)


def release(
    terminal: Terminal,
    model: ModelRef,
    to: Annotated[str, typer.Option("--to", metavar="PLACE", help="this-computer or a server's name.")],
    packaged: Annotated[
        Path | None,
        typer.Option("--packaged", metavar="FILE.oci.tar", help="Its package, built before or elsewhere; verified."),
    ] = None,
    unprotected: Annotated[
        bool, typer.Option("--unprotected", help="Run it here even where nothing keeps it from harming this computer.")
    ] = False,
    *,
    require_tests: Annotated[
        bool, typer.Option("--require-tests", help="Refuse it unless its last tests, as it is now, passed.")
    ] = False,
    request_log: Annotated[
        float,
        typer.Option(
            "--request-log", metavar="SHARE", help="The share of requests that have a line in its log: 0 to 1."
        ),
    ] = 0.0,
    processes: Annotated[
        str,
        typer.Option(
            "--processes",
            metavar="N",
            help="Processes for the model beside its service's own, on a server: 0 for none, auto for what suits it.",
        ),
    ] = "auto",
    record_rows: Annotated[
        str,
        typer.Option(
            "--record-rows",
            metavar="SHARE",
            help="Keep the rows of this share of requests with their answers, such as 5%; encrypted, for this "
            "workspace only. None by default.",
        ),
    ] = "0",
    record_most: Annotated[
        int, typer.Option("--record-most", metavar="ROWS", help="The most rows that are kept, the newest.")
    ] = DEFAULT_MOST_ROWS,
) -> None:
    """Put a version live. What is live now stays so until the new one answers."""
    from kronkers_studio.workflows.releases import release_model

    count = _count(processes)
    recording = parse_recording(record_rows, record_most)
    with terminal.session() as session:
        if unprotected:
            session.settings = replace(session.settings, run_unprotected=True)
        with terminal.progress() as progress:
            live = release_model(
                session,
                *parse_model(model),
                to=to,
                packaged=packaged,
                require_tests=require_tests,
                request_log=request_log,
                processes=count,
                recording=recording,
                progress=progress,
                cancel=terminal.cancel,
            )
        terminal.result(live, _live_line(live), *_recording_lines(live))
        _note_allowances(terminal, session, live)
        note_tests(terminal, session, session.workspace.ledger.model_version(live.model, live.version))
        _note_unpaused(terminal, session, live)


def _count(processes: str) -> int | None:
    """None for auto."""
    if processes == "auto":
        return None
    if not processes.isascii() or not processes.isdigit() or len(processes) > _LONGEST_COUNT:
        raise InvalidInput(f"“{processes}” is no number of processes.", next_step="Say a number such as 2, or auto.")
    return int(processes)


def _note_allowances(terminal: Terminal, session: Session, live: Release) -> None:
    """Which code runs in it that is not on the list of what models may use."""
    for line in allowance_lines(session.workspace.ledger.model_version(live.model, live.version)):
        terminal.note(line)


def releases(
    terminal: Terminal,
    model: Annotated[str | None, typer.Argument(metavar="NAME")] = None,
    place: Annotated[str | None, typer.Option("--in", metavar="PLACE", help="Only there.")] = None,
) -> None:
    """List what was put live, newest first."""
    from kronkers_studio.workflows.releases import list_releases

    with terminal.session() as session:
        found = list_releases(session, model, place)
        rows = [
            [r.label, f"{r.model}:{r.version}", r.place, r.state.value, moment(r.changed), r.message] for r in found
        ]
        terminal.result(found, *table(["Release", "Version", "Where", "State", "Since", ""], rows))


def rollback(
    terminal: Terminal,
    model: ModelName,
    place: PlaceOption,
    to: Annotated[
        str | None, typer.Option("--to", metavar="rN", help="The release; by default the one before.")
    ] = None,
) -> None:
    """Make an earlier release live again."""
    from kronkers_studio.workflows.releases import roll_back

    number = None if to is None else parse_release_number(to)
    with terminal.session() as session:
        with terminal.progress() as progress:
            live = roll_back(session, model, place, to=number, progress=progress, cancel=terminal.cancel)
        terminal.result(live, _live_line(live))
        _note_unpaused(terminal, session, live)


def stop(terminal: Terminal, model: ModelName, place: PlaceOption) -> None:
    """Stop what is live. `kronkers start` starts it again."""
    from kronkers_studio.workflows.releases import stop_release

    with terminal.session() as session:
        with terminal.progress() as progress:
            stopped = stop_release(session, model, place, progress=progress)
        terminal.result(stopped, f"{model} {stopped.label} is stopped in {place}")
        if stopped.recording is not None:
            terminal.note("The rows that it recorded stay there, encrypted, until the release is removed; they can be "
                          "fetched once it is started again.")  # fmt: skip


def start(
    terminal: Terminal,
    model: Annotated[str | None, typer.Argument(metavar="NAME", help="The model.")] = None,
    place: Annotated[
        str, typer.Option("--in", metavar="PLACE", help="this-computer or a server's name.")
    ] = THIS_COMPUTER,
    everything: Annotated[bool, typer.Option("--all", help="All that ended on this computer by itself.")] = False,
) -> None:
    """Start again what was stopped, or ended with its computer."""
    from kronkers_studio.workflows.restart import start_again
    from kronkers_studio.workflows.settling import lost_releases, settle_releases

    if (model is None) is not everything:
        raise InvalidInput("Either a model is started, or --all.", next_step="Name one of the two.")
    with terminal.session() as session:
        names = [model] if model else []
        if everything:
            settle_releases(session, place)
            names = list(dict.fromkeys(release.model for release in lost_releases(session, place)))
        with terminal.progress() as progress:
            live = [start_again(session, name, place, progress=progress, cancel=terminal.cancel) for name in names]
        lines = [_live_line(release) for release in live] or ["Nothing is to be started."]
        terminal.result({"releases": live} if everything else live[0], *lines)


def autostart(
    terminal: Terminal,
    switch: Annotated[str, typer.Argument(metavar="[on|off]", help="Without it, tell how it is.")] = "",
) -> None:
    """Start again at log-in what was live on this computer when it was shut down."""
    from kronkers_studio.workflows import this_computer

    if switch not in ("", "on", "off"):
        raise InvalidInput(f"“{switch}” is neither on nor off.", next_step="Write for instance: kronkers autostart on.")
    with terminal.session() as session:
        if switch:
            (this_computer.enable_autostart if switch == "on" else this_computer.disable_autostart)(session)
        on = this_computer.autostart_enabled(session)
        words = "What is live on this computer is started again at log-in." if on else "Nothing is started at log-in."
        terminal.result({"autostart": on}, words)


def predict(
    terminal: Terminal,
    model: ModelName,
    place: PlaceOption,
    file: Annotated[
        str,
        typer.Option(
            "--input",
            metavar="TABLE",
            help="The rows: a CSV, Excel, Parquet or JSON file, PROJECT:PATH or PROJECT@VERSION:PATH; - reads what is "
            "piped in.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="FILE",
            help="Save all columns with the answers: as .xlsx, .csv, .tsv or .json.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Let the output replace a file.")] = False,
) -> None:
    """Send rows to a live model and print its answers. Columns that it does not need are carried along."""
    from kronkers_studio.workflows.row_files import MOST_BYTES
    from kronkers_studio.workflows.row_matching import match_rows
    from kronkers_studio.workflows.scored_files import check_target, save_scored_rows
    from kronkers_studio.workflows.scored_rows import live_model, score_rows

    target = None if output is None else from_home(output)
    if target is not None:
        check_target(target, overwrite=overwrite)
    piped = sys.stdin.buffer.read(MOST_BYTES + 1) if file == "-" else None
    if piped is None:
        _check_input(file)
    with terminal.session() as session:
        version = live_model(session, model, place)
        signature = version.signature
        table = _read_table(session, file, signature, piped, terminal.cancel)
        matched = match_rows(table, signature, model)
        for remark in (*table.remarks, *matched.remarks):
            terminal.note(remark)
        if matched.carried:
            carried = ", ".join(matched.carried)
            terminal.note(f"{len(matched.used)} of {len(table.columns)} columns used; carried along: {carried}.")
        with terminal.progress() as progress:
            scored = score_rows(session, model, place, matched, progress=progress, cancel=terminal.cancel)
            saved = None
            if target is not None:
                saved = save_scored_rows(
                    scored,
                    target,
                    overwrite=overwrite,
                    progress=progress,
                    cancel=NEVER if scored.problem else terminal.cancel,
                )
        if scored.problem is not None:
            total = plural(len(matched.values), "row")
            kept = f" They are saved in {saved.file}." if saved else ""
            terminal.note(f"Incomplete: {len(scored.outputs):,} of {total} were answered.{kept}")
            raise scored.problem
        answer = scored.prediction
        told = f"{model}:{answer.version} answered {plural(len(answer.outputs), 'row')} in {answer.milliseconds:.0f} ms"
        if saved is None:
            lines = [
                f"{number}: {output}" + _probabilities(answer.probabilities, number - 1)
                for number, output in enumerate(answer.outputs, start=1)
            ]
            terminal.result(answer, *lines, told)
            return
        if saved.guarded:
            terminal.note(f"An apostrophe was put before {plural(saved.guarded, 'text')} that would be a formula.")
        terminal.result({**document(answer), "saved": str(saved.file)}, told, f"Saved in {saved.file}")


def address(
    terminal: Terminal,
    model: ModelName,
    place: PlaceOption,
    program: Annotated[
        str, typer.Option("--program", metavar="LANGUAGE", help="A program that sends rows: curl, Python, R or Excel.")
    ] = "",
    key: Annotated[bool, typer.Option("--key", help="Print the key, and nothing else, for a program to read.")] = False,
) -> None:
    """Show where other programs reach a live model, and how they ask it."""
    from kronkers_studio.workflows.service_access import service_access

    with terminal.session() as session:
        access = service_access(session, model, place)
        languages = {name.lower(): text for name, text in access.snippets.items()}
        if program and program.lower() not in languages:
            raise InvalidInput(
                f"There is no program in “{program}”.", next_step=f"Choose one of {', '.join(access.snippets)}."
            )
        about: dict[str, Any] = {
            "model": access.model,
            "version": access.version,
            "place": access.place,
            "address": access.address,
            "tunnel": access.tunnel,
        }
        if key:
            terminal.result({**about, "key": access.key.reveal()}, access.key.reveal())
        elif program:
            terminal.result({**about, "program": languages[program.lower()]}, languages[program.lower()].rstrip())
        else:
            tunnel = [f"From another computer, first: {access.tunnel}"] if access.tunnel else []
            terminal.result(
                about,
                f"{model}:{access.version} answers POST {access.address}/predict",
                *tunnel,
                f"Its key: kronkers address {model} --in {place} --key",
                f"Try it in a browser: {access.address}/",
            )


def _check_input(source: str) -> None:
    """Raise ``InvalidInput`` for what is neither a file nor can name one of a project, before anything is opened."""
    file = from_home(Path(source))
    try:
        is_file = file.exists() and not file.is_dir()
        reason = "it is a folder" if file.is_dir() else "there is no such file"
    except OSError as error:
        is_file, reason = False, error.strerror or str(error)
    if not is_file and not _names_content(source):
        raise InvalidInput(f"{source} cannot be read: {reason}.", next_step="Check the path.")


def _names_content(source: str) -> bool:
    """``PROJECT:PATH``, which no path of a file is: C:\\rows.csv has a drive, whose name is one letter."""
    before, colon, _ = source.partition(":")
    project = before.partition("@")[0]  # a branch may have slashes in its name
    return bool(colon) and len(before) > 1 and "/" not in project and "\\" not in project


def _read_table(
    session: Session, source: str, signature: Signature, piped: bytes | None, cancel: CancelToken
) -> RowTable:
    """The rows in a file, in one of a project, or ``piped`` in."""
    from kronkers_studio.domain.model_columns import model_columns
    from kronkers_studio.workflows.row_files import read_row_content, read_table

    if piped is not None:
        return read_row_content(session, piped, "What was piped in", model_columns(signature).names, cancel)
    file = from_home(Path(source))
    named = _names_content(source) and not file.exists()
    return read_table(session, parse_content(source) if named else file, signature, cancel)


def _note_unpaused(terminal: Terminal, session: Session, live: Release) -> None:
    """The release is live, which is what was asked for; that another still runs besides is worth a sentence."""
    from kronkers_studio.workflows.releases import unpaused_releases

    for release in unpaused_releases(session, live.model, live.place):
        terminal.note(f"{release.label} could not be stopped yet; it is stopped when {live.place} is next looked at.")


def _recording_lines(live: Release) -> list[str]:
    if live.recording is None:
        return []
    return [
        f"It keeps the rows of {live.recording.percent} of the requests with their answers, the newest "
        f"{live.recording.most_rows:,}, encrypted: only this workspace can open them.",
        f"Fetch them: kronkers rows {live.model} --in {live.place} --output rows.parquet",
    ]


def _live_line(live: Release) -> str:
    return f"{live.model} version {live.version} is live in {live.place} as {live.label}"


def _probabilities(all_rows: tuple[Any, ...], index: int) -> str:
    if index >= len(all_rows):
        return ""
    return "  (" + ", ".join(f"{label} {p:.3f}" for label, p in all_rows[index].items()) + ")"
