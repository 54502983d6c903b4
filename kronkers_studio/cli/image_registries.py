"""Commands for the image registries that base images come from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kronkers_studio.cli.plain_text import table
from kronkers_studio.cli.terminal import Terminal, ask, command
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.settings.secrets import Secret

if TYPE_CHECKING:
    from kronkers_studio.workflows.image_registries import RefreshedBase, RegistryAccess

Host = Annotated[str, typer.Argument(metavar="HOST[:PORT]", help="What stands before the image's name.")]
CaFile = typer.Option("--ca-file", metavar="FILE", help="The registry's own certificate authority (PEM).")
_LONGEST_PASSWORD = 64 * 1024


def add_commands(app: typer.Typer) -> None:
    registry = typer.Typer(help="Image registries that base images come from.", no_args_is_help=True)
    app.add_typer(registry, name="image-registry")
    command(registry, "list")(list_)
    command(registry, "login")(login)
    command(registry, "trust")(trust)
    command(registry, "forget")(forget)
    command(registry, "refresh")(refresh)


def list_(terminal: Terminal) -> None:
    """List the registries: that of the base image, and those with a login or a CA file."""
    from kronkers_studio.settings.configuration import load_settings
    from kronkers_studio.workflows.image_registries import list_registries

    found = list_registries(load_settings())
    rows = [[each.host, each.user or "–", each.ca_file or "the usual ones"] for each in found]
    terminal.result(found, *table(["Registry", "Logged in as", "Certificate authorities"], rows))


def login(
    terminal: Terminal,
    host: Host,
    *,
    user: Annotated[str, typer.Option("--user", help="The user name, or what the registry wants beside a token.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password, or the token, from standard input.")
    ] = False,
    ca_file: Annotated[Path | None, CaFile] = None,
) -> None:
    """Log in to a registry, and keep the password in the keyring. It is asked for.

    On a computer without a keyring it comes from KRONKERS_REGISTRY_PASSWORD, each time, and goes only to registries
    that were logged in to there by this command.
    """
    from kronkers_studio.workflows.image_registries import environment_password, log_in_to_registry, registry_address

    host = registry_address(host)  # before a password is asked for, in a question that says where it goes
    given = None if password_stdin else environment_password()
    password = given or (_from_standard_input() if password_stdin else _typed(host, user))
    access = log_in_to_registry(host, user, password, ca_file=ca_file, kept=given is None, cancel=terminal.cancel)
    terminal.result(access, f"Logged in to {access.host} as {access.user}", *_ca_lines(access))


def trust(
    terminal: Terminal,
    host: Host,
    *,
    ca_file: Annotated[Path | None, CaFile] = None,
    no_ca_file: Annotated[bool, typer.Option("--no-ca-file", help="Trust only the usual ones again.")] = False,
) -> None:
    """Trust a registry's own certificate authority, besides the usual ones."""
    from kronkers_studio.workflows.image_registries import trust_registry

    if (ca_file is None) is not no_ca_file:
        raise InvalidInput("Which authority is to be trusted?", next_step="Give --ca-file FILE, or --no-ca-file.")
    access = trust_registry(host, ca_file, cancel=terminal.cancel)
    terminal.result(access, f"{access.host} is reached", *_ca_lines(access))


def forget(terminal: Terminal, host: Host) -> None:
    """Forget a registry's login and its CA file."""
    from kronkers_studio.workflows.image_registries import forget_registry

    access = forget_registry(host)
    terminal.result({"forgotten": access}, f"{access.host} is reached as anybody reaches it from now on")


def refresh(terminal: Terminal) -> None:
    """Get the base images that are kept here anew where their registry has others by now.

    Packages that are built from then on stand on them.
    """
    from kronkers_studio.settings.configuration import load_settings
    from kronkers_studio.workflows.image_registries import refresh_base_images

    with terminal.progress() as progress:
        found = refresh_base_images(load_settings(), progress=progress, cancel=terminal.cancel)
    if not found:
        terminal.result(found, "No base image of a registry is kept here: the next package gets one.")
        return
    rows = [[each.image, each.platform, _became(each)] for each in found]
    terminal.result(found, *table(["Base image", "Platform", ""], rows))
    if any(each.problem for each in found):
        terminal.incomplete()


def _became(refreshed: RefreshedBase) -> str:
    if refreshed.problem:
        return refreshed.problem
    return f"now {refreshed.after.rpartition('@')[2]}" if refreshed.changed else "as before"


def _ca_lines(access: RegistryAccess) -> list[str]:
    return [f"Its certificate authorities: the usual ones, and {access.ca_file}"] if access.ca_file else []


def _typed(host: str, user: str) -> Secret:
    otherwise = "Give it on standard input with --password-stdin, or as KRONKERS_REGISTRY_PASSWORD."
    return Secret(ask(f"Password of {user} at {host}", otherwise=otherwise))


def _from_standard_input() -> Secret:
    """What comes on standard input, up to a line's end."""
    data = sys.stdin.buffer.read(_LONGEST_PASSWORD + 1) if sys.stdin is not None else b""
    text = data.decode("utf-8", errors="replace").rstrip("\r\n")
    if not text or len(data) > _LONGEST_PASSWORD or "\n" in text or "\ufffd" in text:
        raise InvalidInput(
            "Standard input holds no password: one line of text.",
            next_step="Write for instance: kronkers image-registry login HOST --user NAME --password-stdin < FILE",
        )
    return Secret(text)
