"""Commands for the keys of a workspace: those that open it, and those that sign packages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from kronkers_studio.cli.plain_text import moment, table
from kronkers_studio.cli.terminal import Terminal, ask, command
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.settings.secrets import Secret


def add_commands(app: typer.Typer) -> None:
    key = typer.Typer(help="The ways of opening the workspace, and who signs packages.", no_args_is_help=True)
    app.add_typer(key, name="key")
    command(key, "list")(key_list)
    command(key, "add")(key_add)
    command(key, "remove")(key_remove)
    command(key, "recovery")(key_recovery)
    command(key, "rotate")(key_rotate)
    command(key, "drill")(key_drill)
    command(key, "public")(key_public)
    command(key, "signers")(key_signers)
    command(key, "trust")(key_trust)
    command(key, "distrust")(key_distrust)


def key_list(terminal: Terminal) -> None:
    """List the ways of opening the workspace."""
    from kronkers_studio.workflows.keys import list_keys

    with terminal.session() as session:
        slots = list_keys(session)
        rows = [[slot.id, slot.title, slot.detail, moment(slot.drilled)] for slot in slots]
        terminal.result(slots, *table(["Id", "Opens with", "", "Tried out"], rows))


def key_add(
    terminal: Terminal,
    passphrase: Annotated[bool, typer.Option("--passphrase", help="One more passphrase.")] = False,
    keyring: Annotated[bool, typer.Option("--keyring", help="This computer's keyring.")] = False,
    key_file: Annotated[Path | None, typer.Option("--key-file", help="A key file; made when it is missing.")] = None,
) -> None:
    """Add a way of opening the workspace. A new passphrase comes from KRONKERS_NEW_PASSPHRASE or is asked for."""
    from kronkers_studio.workflows.keys import add_key

    if sum((passphrase, keyring, key_file is not None)) != 1:
        raise InvalidInput("Name one way to add.", next_step="Use --passphrase, --keyring or --key-file.")
    with terminal.session() as session:
        secret = _new_passphrase() if passphrase else None
        slot = add_key(session, passphrase=secret, key_file=key_file, keyring=keyring)
        terminal.result(slot, f"The workspace opens with {slot.title} too ({slot.id}).")


def key_remove(terminal: Terminal, id: Annotated[str, typer.Argument(metavar="ID", help="As listed.")]) -> None:
    """Remove a way of opening the workspace."""
    from kronkers_studio.workflows.keys import remove_key

    with terminal.session() as session:
        slot = remove_key(session, id)
        terminal.result(slot, f"The workspace does not open with {slot.title} ({slot.id}) any more.")


def key_recovery(terminal: Terminal) -> None:
    """Make a new recovery key in place of the old one, and print it once."""
    from kronkers_studio.workflows.keys import renew_recovery_key

    with terminal.session() as session:
        printed, slot = renew_recovery_key(session)
        terminal.result({"recovery_key": printed.reveal(), "slot": slot}, *_recovery_lines(printed))


def key_rotate(
    terminal: Terminal,
    passphrase: Annotated[
        bool, typer.Option("--passphrase", help="A new passphrase in place of the old ones.")
    ] = False,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", help="A new key file, to be made, in place of the old ones.")
    ] = None,
) -> None:
    """Renew the ways of opening the workspace: recovery key and keyring always, passphrase and key file when named.

    The data are not encrypted anew: whoever copied the workspace while holding an old key can still read that copy.
    """
    from kronkers_studio.workflows.keys import rotate_keys

    with terminal.session() as session:
        secret = _new_passphrase() if passphrase else None
        rotation, printed = rotate_keys(session, passphrase=secret, key_file=key_file)
        terminal.result(
            {"renewed": rotation.renewed, "kept": rotation.kept, "recovery_key": printed.reveal()},
            f"Renewed: {', '.join(rotation.renewed)}.",
            *([f"Left as it was: {', '.join(rotation.kept)}."] if rotation.kept else []),
            *_recovery_lines(printed),
        )


def key_drill(terminal: Terminal) -> None:
    """Try out the printed recovery key: it is verified, and only the date is recorded.

    It comes from KRONKERS_RECOVERY_KEY or is asked for.
    """
    from kronkers_studio.workflows.keys import drill_recovery_key

    typed = os.environ.get("KRONKERS_RECOVERY_KEY") or ask(
        "Recovery key", otherwise="Give it as KRONKERS_RECOVERY_KEY.", hidden=False
    )
    with terminal.session() as session:
        slot = drill_recovery_key(session, Secret(typed))
        terminal.result(slot, f"The recovery key is right ({slot.id}), tried out {moment(slot.drilled)}.")


def key_public(terminal: Terminal) -> None:
    """Print the public key that this workspace's packages are signed with, as a PEM file holds it."""
    from kronkers_studio.workflows.signers import public_key

    with terminal.session() as session:
        own, pem = public_key(session)
        terminal.result({"key": own.key, "fingerprint": own.fingerprint, "pem": pem}, *pem.splitlines())
        terminal.note(own.fingerprint)


def key_signers(terminal: Terminal) -> None:
    """List whose signatures of packages are accepted."""
    from kronkers_studio.workflows.signers import list_signers

    with terminal.session() as session:
        found = list_signers(session)
        rows = [[each.name, each.fingerprint, moment(each.added), each.author] for each in found]
        terminal.result(found, *table(["Signer", "Public key", "Accepted since", "By"], rows))


def key_trust(
    terminal: Terminal,
    file: Annotated[Path, typer.Argument(metavar="FILE.pem", help="What `kronkers key public` printed there.")],
    name: Annotated[str, typer.Option("--name", help="What its holder is called here.")],
) -> None:
    """Accept packages that another workspace signed. Compare the fingerprint with what is shown there."""
    from kronkers_studio.workflows.signers import trust_signer

    with terminal.session() as session:
        signer = trust_signer(session, name, file)
        terminal.result(signer, f"Packages signed by {signer.name} ({signer.fingerprint}) are accepted.")


def key_distrust(terminal: Terminal, name: Annotated[str, typer.Argument(metavar="NAME", help="As listed.")]) -> None:
    """Accept packages of that signer no longer."""
    from kronkers_studio.workflows.signers import forget_signer

    with terminal.session() as session:
        signer = forget_signer(session, name)
        terminal.result(signer, f"Packages signed by {signer.name} are not accepted any more.")


def _new_passphrase() -> Secret:
    given = os.environ.get("KRONKERS_NEW_PASSPHRASE", "")
    if given:
        return Secret(given)
    return Secret(ask("New passphrase", otherwise="Give it as KRONKERS_NEW_PASSPHRASE.", twice=True))


def _recovery_lines(printed: Secret) -> list[str]:
    return [
        "",
        f"Recovery key:  {printed.reveal()}",
        "Print it or write it down in place of the old one, which opens nothing any more. It is not shown again.",
    ]
