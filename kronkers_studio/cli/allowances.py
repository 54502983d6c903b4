"""Commands that let one version's file use code that is not on the list, and that take it back."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from kronkers_studio.cli.plain_text import size
from kronkers_studio.cli.terminal import Terminal, command
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.references import parse_model

ModelRef = Annotated[
    str, typer.Argument(metavar="NAME[:V|@ALIAS]", help="A model; its newest version if none is named.")
]
_WARNING = (
    "What this means: code of that name runs in the model's service when the model is loaded, and with each",
    "prediction. Nobody has looked at it here. It stays in the container, or on this computer in the confined process,",
    "without the network and your files; but it sees every row that is sent, and can answer what it likes.",
    "It counts for this version alone, and stands in the history with your name.",
)


def add_commands(model: typer.Typer) -> None:
    command(model, "allow")(allow)
    command(model, "disallow")(disallow)


def allow(
    terminal: Terminal,
    model: ModelRef,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME…]", help="As the refusal names it, e.g. features.Ratio.")
    ] = None,
    own_code: Annotated[
        bool, typer.Option("--own-code", help="All that files of the project beside the model define.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why that code may run; it is kept in the history.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Let one version's file use classes and functions that are not on the list.

    What runs programs when a model is opened (os.system, builtins.eval …) can never be allowed.
    """
    from kronkers_studio.workflows.allowances import allow_globals, own_code_names, require_nameable
    from kronkers_studio.workflows.models import show_model

    with terminal.session() as session:
        version = show_model(session, *parse_model(model))
        wanted = require_nameable(version, [*(names or ()), *(own_code_names(version) if own_code else ())])
        terminal.note(f"{version.label} is to use {', '.join(wanted)}.")
        if version.facts.code:
            terminal.note("These files of the project travel with it into its package, as they were then:")
            terminal.note(*[f"  {file.path}  {size(file.size)}" for file in version.facts.code])
        _confirm(terminal, yes)
        version = allow_globals(session, (version.name, version.version, None), wanted, reason=reason)
        terminal.result(version, *allowance_lines(version), _what_next(version))


def disallow(
    terminal: Terminal,
    model: ModelRef,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME…]", help="What is no longer allowed; all without any.")
    ] = None,
) -> None:
    """Take back what was allowed for a version. What is live stays so."""
    from kronkers_studio.workflows.allowances import disallow_globals

    with terminal.session() as session:
        version = disallow_globals(session, parse_model(model), names or ())
        terminal.result(version, *(allowance_lines(version) or [f"Nothing is allowed for {version.label} any more."]))


def allowance_lines(version: ModelVersion) -> list[str]:
    """Who allowed what for a version, and why."""
    return [
        f"allowed, though not on the list: {', '.join(one.names)} (by {one.author}: {one.reason})"
        for one in version.allowances
    ]


def _confirm(terminal: Terminal, yes: bool) -> None:
    for line in _WARNING:
        terminal.note(line)
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidInput("Nothing was allowed.", next_step="Give --yes when you know that code and trust it.")
    typer.confirm("Allow it?", abort=True, err=True)


def _what_next(version: ModelVersion) -> str:
    left = [name for name in version.facts.unsafe if name not in version.allowed]
    return f"Not allowed yet: {', '.join(left)}" if left else f"{version.label} can be packaged now."
