"""One run of a command: which workspace, how results, notes and progress are printed, and the exit code."""

from __future__ import annotations

import contextlib
import inspect
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kronkers_studio.cli.interruption import stopped_by_signals
from kronkers_studio.cli.json_output import json_text
from kronkers_studio.cli.streams import give_up_output, print_in_utf8, print_note, print_result
from kronkers_studio.domain.errors import Cancelled, KeyUnavailable, OutputUnwritable, StudioError
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import SILENT, CancelSource, Progress
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.workflows.opening import (
    HOW_TO_GIVE_A_KEY,
    Key,
    Opened,
    chosen_workspace,
    with_environment_key,
)

if TYPE_CHECKING:
    from kronkers_studio.domain.log_ins import LogInQuestions
    from kronkers_studio.workflows.session import Session

EXIT_BUG = 1
EXIT_FAILED = 1
EXIT_REFUSED = 3
EXIT_INCOMPLETE = 4
EXIT_CANCELLED = 130
_LIKE_A_RECOVERY_KEY = re.compile(r"(?:[0-9A-Za-z]{4}[- ]){8}[0-9A-Za-z]{4}")


class Terminal:
    """What a command prints through. ``--json`` puts exactly one document on stdout; all else goes to stderr."""

    def __init__(self, *, workspace: Path | None, as_json: bool) -> None:
        self._workspace = workspace
        self.as_json = as_json
        self.cancel = CancelSource()
        self.exit_code = 0

    @property
    def workspace(self) -> Path:
        """The workspace's folder: the option, the environment, or the settings' default."""
        if self._workspace is not None:
            return self._workspace
        return chosen_workspace()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """The open workspace."""
        from kronkers_studio.workflows.session import open_workspace

        with with_key(lambda key: open_workspace(self.workspace, **key)) as session:
            if can_ask():
                session.servers.ask_person = answers
            yield session

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """A progress bar on stderr when that is a terminal; otherwise nothing."""
        if not sys.stderr.isatty():
            yield SILENT
            return
        from kronkers_studio.cli.bars import progress_bars

        with progress_bars() as bars:
            yield bars

    def note(self, *lines: str) -> None:
        """Sentences for people, on stderr, each on one line whatever names it holds."""
        print_note("\n".join(map(printable, lines)))

    def result(self, value: Any, *lines: str) -> None:
        """The command's result: ``value`` as one JSON document, or ``lines`` as text."""
        if self.as_json:
            print_result(json_text(value))
        else:
            for line in lines:
                print_result(printable(line))

    def incomplete(self) -> None:
        """The work is done, but something was skipped (and is listed)."""
        self.exit_code = EXIT_INCOMPLETE


def with_key(open_: Callable[[Key], Opened]) -> Opened:
    """What ``open_`` gives with the first key that is at hand: passphrase and key file from the environment, else the
    recovery key from there, else what is typed. No key ever comes from an argument."""
    try:
        return with_environment_key(open_)
    except KeyUnavailable as problem:
        if not can_ask():
            problem.next_step = f"{problem.next_step} {HOW_TO_GIVE_A_KEY}".strip()
            raise
    typed = ask("Passphrase or recovery key", otherwise=HOW_TO_GIVE_A_KEY)
    if _LIKE_A_RECOVERY_KEY.fullmatch(typed.strip()):
        return open_(Key(recovery_key=Secret(typed)))
    return open_(Key(passphrase=Secret(typed)))


def can_ask() -> bool:
    """Whether somebody sits there to answer."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(title: str, *, otherwise: str, hidden: bool = True, twice: bool = False) -> str:
    """What is typed on the terminal; ``otherwise`` says how it is given where there is none.

    Raises ``KeyUnavailable`` where nobody can be asked, ``Cancelled`` for Ctrl+C, which ends a question at once.
    """
    if not can_ask():
        raise KeyUnavailable(f"{title}: it is needed, and there is no terminal to ask on.", next_step=otherwise)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        typed: str = typer.prompt(title, hide_input=hidden, confirmation_prompt=twice, err=True)
    except (typer.Abort, KeyboardInterrupt):
        print_note("")
        raise Cancelled("Cancelled.", next_step="Nothing was changed.") from None
    finally:
        signal.signal(signal.SIGINT, before)
    return typed


def answers(questions: LogInQuestions) -> list[Secret] | None:
    """What the person on the terminal answers to what a server asks at a log-in; None in another thread than the main
    one, where the terminal is not free for it. Raises ``Cancelled``."""
    if threading.current_thread() is not threading.main_thread():
        return None
    if questions.again:
        print_note("That was not right.")
    print_note(f"{questions.server} ({printable(questions.account)}) asks:")
    if questions.instruction:
        print_note(questions.instruction)
    return [
        Secret(ask(prompt.text.rstrip(" :") or "Answer", otherwise="", hidden=not prompt.shown))
        for prompt in questions.prompts
    ]


WorkspaceOption = Annotated[
    Path | None,
    typer.Option("--workspace", metavar="DIR", help="The workspace to use.", envvar="KRONKERS_WORKSPACE"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", help="Show the log as well.")]


def command(app: typer.Typer, name: str, **settings: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register ``function(terminal, …)`` as command ``name`` with --workspace, --json and --verbose.

    Expected failures end in one message and their exit code; a bug is logged and says where the log lies.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        def run(**arguments: Any) -> None:
            verbose = arguments.pop("verbose")
            terminal = Terminal(workspace=arguments.pop("workspace"), as_json=arguments.pop("json_"))
            raise typer.Exit(_run(terminal, lambda: function(terminal, **arguments), verbose=verbose))

        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        shared = [
            inspect.Parameter("workspace", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=WorkspaceOption),
            inspect.Parameter("json_", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=JsonOption),
            inspect.Parameter("verbose", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=VerboseOption),
        ]
        parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own] + shared
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what Typer reads
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        run.__doc__ = function.__doc__
        app.command(name, **settings)(run)
        return function

    return register


def _run(terminal: Terminal, work: Callable[[], None], *, verbose: bool) -> int:
    from kronkers_studio.settings.logs import start_logging

    if terminal.as_json:
        print_in_utf8()
    unlogged = start_logging(verbose=verbose)
    if verbose and unlogged:
        terminal.note(unlogged)
    with stopped_by_signals(terminal.cancel):
        return _worked(terminal, work, verbose=verbose)


def _worked(terminal: Terminal, work: Callable[[], None], *, verbose: bool) -> int:
    from kronkers_studio.settings.logs import log_bug, log_failure

    try:
        work()
    except StudioError as problem:
        if not isinstance(problem, Cancelled):
            log_failure("kronkers " + " ".join(sys.argv[1:2]), problem)
        _print_problem(terminal, problem)
        return problem.exit_code
    except KeyboardInterrupt:
        _print_problem(terminal, Cancelled("Cancelled."))
        return EXIT_CANCELLED
    except BrokenPipeError:  # the reader of our output has gone, as with `| head`
        give_up_output()
        return terminal.exit_code
    except typer.Abort:
        if not terminal.cancel.cancelled:  # somebody answered No
            raise
        _print_problem(terminal, Cancelled("Cancelled."))  # a question was interrupted
        return EXIT_CANCELLED
    except typer.Exit:
        raise
    except Exception as bug:  # the one place where bugs surface: logged in full, told in one sentence
        file = log_bug(bug)
        where = f"The log is in {file}." if file else "There is no log; --verbose shows more."
        message = f"Something went wrong inside Kronkers Studio ({type(bug).__name__})."
        terminal.note(f"{message} {where}")
        if terminal.as_json:
            with contextlib.suppress(OutputUnwritable, BrokenPipeError):
                terminal.result(error_document("InternalError", message, where))
        if verbose:
            raise
        return EXIT_BUG
    return terminal.exit_code


def _print_problem(terminal: Terminal, problem: StudioError) -> None:
    if terminal.as_json and not isinstance(problem, OutputUnwritable):
        try:
            terminal.result(error_document(type(problem).__name__, problem.message, problem.typed_step))
        except (OutputUnwritable, BrokenPipeError):
            pass
        else:
            return
    terminal.note(*filter(None, (problem.message, problem.typed_step)))


def error_document(kind: str, message: str, next_step: str) -> dict[str, dict[str, str]]:
    """What --json prints in place of a result."""
    return {"error": {"kind": kind, "message": message, "next_step": next_step}}
