"""Commands for on-premises servers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kronkers_studio.cli.plain_text import size, table
from kronkers_studio.cli.terminal import Terminal, command
from kronkers_studio.domain.errors import HostKeyUnknown, InvalidInput
from kronkers_studio.domain.servers import DeployLock, HostKey, Remedy, ServerCheck, ServerReport, Verdict
from kronkers_studio.settings.secrets import Secret

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

ServerName = Annotated[str, typer.Argument(metavar="NAME", help="The server's name.")]
Fingerprints = Annotated[
    list[str] | None,
    typer.Option(
        "--fingerprint",
        metavar="SHA256:…",
        help="The host key you expect; asked for otherwise. Behind jump hosts, theirs first.",
    ),
]


def add_commands(app: typer.Typer) -> None:
    server = typer.Typer(help="Servers of your own, reached over SSH.", no_args_is_help=True)
    app.add_typer(server, name="server")
    command(server, "add")(add)
    command(server, "list")(list_)
    command(server, "check")(check)
    command(server, "setup")(setup)
    command(server, "login")(login)
    command(server, "unlock")(unlock)
    command(server, "clean")(clean)
    command(server, "log")(log)
    command(server, "remove")(remove)


def add(
    terminal: Terminal,
    name: ServerName,
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="ssh://USER@HOST[:PORT], or a host alias of ~/.ssh/config.")
    ],
    identity: Annotated[Path | None, typer.Option("--identity", help="A private key file to log in with.")] = None,
    fingerprint: Fingerprints = None,
    ask_password: Annotated[bool, typer.Option("--ask-password", help="Ask for the login password.")] = False,
    ask_key_passphrase: Annotated[
        bool, typer.Option("--ask-key-passphrase", help="Ask for the key's passphrase.")
    ] = False,
) -> None:
    """Add a server after you have confirmed its host key, and those of jump hosts before it.

    Without a keyring, a password or a key's passphrase comes from KRONKERS_SERVER_PASSWORD or
    KRONKERS_SERVER_KEY_PASSPHRASE, a jump host's password from KRONKERS_JUMP_PASSWORD.
    """
    from kronkers_studio.workflows.servers import add_server, remarks_on, require_new_name

    with terminal.session() as session:
        require_new_name(session, name)
        terminal.note(*remarks_on(address))
        password = _ask("Password") if ask_password else None
        key_passphrase = _ask("Passphrase of the key file") if ask_key_passphrase else None
        *jumps, own = fingerprint or _confirmed_on_the_way(terminal, session, address)
        server = add_server(
            session,
            name,
            address,
            fingerprint=own,
            jump_fingerprints=jumps,
            identity_file=identity,
            password=password,
            key_passphrase=key_passphrase,
        )
        terminal.result(server, f"{server.name} is added: {server.way}", f"Next: kronkers server check {name}")


def list_(terminal: Terminal) -> None:
    """List the servers."""
    from kronkers_studio.workflows.servers import list_servers

    with terminal.session() as session:
        servers = list_servers(session)
        terminal.result(servers, *table(["Server", "Address"], [[s.name, s.way] for s in servers]))


def check(terminal: Terminal, name: ServerName) -> None:
    """Look at everything that releases need on a server."""
    from kronkers_studio.workflows.servers import check_server

    with terminal.session() as session:
        with terminal.progress() as progress:
            report = check_server(session, name, progress=progress)
        _print_report(terminal, report)


def setup(terminal: Terminal, name: ServerName) -> None:
    """Prepare a server for releases. Safe to repeat."""
    from kronkers_studio.workflows.servers import set_up_server

    with terminal.session() as session:
        with terminal.progress() as progress:
            report = set_up_server(session, name, progress=progress, cancel=terminal.cancel)
        _print_report(terminal, report)


def login(
    terminal: Terminal,
    name: ServerName,
    fingerprint: Fingerprints = None,
    ask_password: Annotated[bool, typer.Option("--ask-password", help="Ask for the login password.")] = False,
    ask_key_passphrase: Annotated[
        bool, typer.Option("--ask-key-passphrase", help="Ask for the key's passphrase.")
    ] = False,
) -> None:
    """Log in to a server that is known, and keep its password or its key's passphrase anew.

    On a computer without a keyring they come from KRONKERS_SERVER_PASSWORD and KRONKERS_SERVER_KEY_PASSPHRASE, and go
    only to servers whose host key was confirmed there by this command or by `server add`.
    """
    from kronkers_studio.workflows.servers import keys_to_confirm, log_in_anew

    with terminal.session() as session:
        confirmed = fingerprint or [_confirmed(terminal, key) for key in keys_to_confirm(session, name)]
        server = log_in_anew(
            session,
            name,
            fingerprints=confirmed,
            password=_ask("Password") if ask_password else None,
            key_passphrase=_ask("Passphrase of the key file") if ask_key_passphrase else None,
        )
        terminal.result(server, f"Logged in to {server.name}: {server.way}")


def unlock(
    terminal: Terminal,
    name: ServerName,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take the lock away from whoever is changing releases on a server, when you know that nobody is."""
    from kronkers_studio.workflows.servers import deploy_lock_of, unlock_server

    with terminal.session() as session:
        lock = deploy_lock_of(session, name)
        if lock is None:
            terminal.result({"unlocked": False}, f"Nobody has the lock of {name}")
            return
        terminal.note(f"{name} is being changed by {lock.holder}: {lock.purpose}, since {lock.since}")
        terminal.note(_last_heard(lock))
        if not yes:
            if not sys.stdin.isatty():
                raise InvalidInput(
                    "The lock was not broken.", next_step="Give --yes when you know that nobody works there."
                )
            typer.confirm("Take the lock away?", abort=True, err=True)
        broken = unlock_server(session, name, lock)
        terminal.result(
            {"unlocked": broken, "lock": lock},
            f"{name} is unlocked" if broken else f"{lock.holder} has given the lock back meanwhile",
        )


def log(
    terminal: Terminal,
    name: ServerName,
    last: Annotated[int, typer.Option("--last", min=1, max=10_000, help="How many lines to show at most.")] = 100,
) -> None:
    """Show who changed what on a server, and when, by its own audit log; the newest last."""
    from kronkers_studio.workflows.servers import server_changes

    with terminal.session() as session:
        changes = server_changes(session, name, last)
        if not changes:
            terminal.result(changes, f"Nothing was changed on {name} yet.")
            return
        rows = [[each.at, each.who, each.action, each.release, each.more] for each in changes]
        terminal.result(changes, *table(["When", "Who", "What", "Release", ""], rows))


def clean(
    terminal: Terminal,
    name: ServerName,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be removed.")] = False,
) -> None:
    """Remove what no release needs any more: old releases, what interrupted ones left, unused images of packages.

    What is live, and the newest earlier releases, stay. Nothing of anybody else's is touched.
    """
    from kronkers_studio.workflows.server_care import clean_server

    with terminal.session() as session:
        with terminal.progress() as progress:
            cleaned = clean_server(session, name, dry_run=dry_run, progress=progress)
        rows = [["release", f"{release.model} {release.label}", ""] for release in cleaned.releases]
        rows += [[item.kind.value, item.name, size(item.size) if item.size else ""] for item in cleaned.leftovers]
        if not rows:
            terminal.result(cleaned, f"There is nothing on {name} that no release needs.")
            return
        done = "would be freed" if dry_run else "were freed"
        terminal.result(cleaned, *table(["What", "Name", ""], rows), f"{size(cleaned.size)} {done} on {name}.")


def remove(terminal: Terminal, name: ServerName) -> None:
    """Forget a server. What runs there goes on running."""
    from kronkers_studio.workflows.servers import remove_server

    with terminal.session() as session:
        remove_server(session, name)
        terminal.result({"removed": name}, f"{name} is removed")


def _last_heard(lock: DeployLock) -> str:
    if lock.silent_seconds is None:
        return "When the server last heard of them is not known."
    return f"The server last heard of them {lock.silent_seconds:.0f} seconds ago."


def _print_report(terminal: Terminal, report: ServerReport) -> None:
    rows = [[check.verdict.value, check.title, _found(report.server, check)] for check in report.checks]
    terminal.result(report, *table(["", "What", "Found"], rows))
    if report.verdict is Verdict.BAD:
        terminal.exit_code = 1


def _found(server: str, check: ServerCheck) -> str:
    commands = {
        Remedy.UNLOCK: f"kronkers server unlock {server}",
        Remedy.CLEAN: f"kronkers server clean {server}, with --dry-run to see what that is",
    }
    command = f" ({commands[check.remedy]})" if check.remedy else ""
    return f"{check.found}  →  {check.advice}{command}" if check.advice else check.found


def _confirmed_on_the_way(terminal: Terminal, session: Session, address: str) -> list[str]:
    """The fingerprints of the host keys that somebody has confirmed: of jump hosts, and of the server itself."""
    from kronkers_studio.workflows.servers import host_key_to_confirm

    confirmed: list[str] = []
    while True:
        shown = host_key_to_confirm(session, address, confirmed)
        confirmed.append(_confirmed(terminal, shown))
        if not shown.jump:
            return confirmed


def _confirmed(terminal: Terminal, shown: HostKey) -> str:
    what = f"The jump host {shown.host}" if shown.jump else shown.host
    if not sys.stdin.isatty():
        raise HostKeyUnknown(
            f"{what} shows the host key {shown.fingerprint}.{f' {shown.hint}' if shown.hint else ''}",
            fingerprint=shown.fingerprint,
            next_step="Compare it with what the server's administrator says, then give it with --fingerprint"
            + (", before that of the server behind it." if shown.jump else "."),
        )
    terminal.note(f"{what} shows the host key", f"  {shown.fingerprint}", *filter(None, [shown.hint]))
    terminal.note("Compare it with what the server's administrator says.")
    typer.confirm("Is it the same?", abort=True, err=True)
    return shown.fingerprint


def _ask(title: str) -> Secret:
    return Secret(typer.prompt(title, hide_input=True, err=True))
