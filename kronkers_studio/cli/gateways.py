"""Commands for gateways, and for who may ask models through them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from kronkers_studio.cli.plain_text import table
from kronkers_studio.cli.terminal import Terminal, command

if TYPE_CHECKING:
    from kronkers_studio.domain.gateways import Consumer
    from kronkers_studio.settings.secrets import Secret
    from kronkers_studio.workflows.gateways import GatewayReport

ServerName = Annotated[str, typer.Argument(metavar="SERVER", help="The server's name.")]
ConsumerName = Annotated[str, typer.Argument(metavar="NAME", help="Who asks: a program, a team.")]
Proxy = Annotated[
    str, typer.Option("--proxy", metavar="URL", help="What the server reaches Debian's packages through.")
]
ValidDays = Annotated[
    int, typer.Option("--days", min=0, max=36500, help="After how many days the key ends; 0 for never.")
]


def add_commands(app: typer.Typer) -> None:
    gateway = typer.Typer(help="The address of models for your programs, on your servers.", no_args_is_help=True)
    app.add_typer(gateway, name="gateway")
    command(gateway, "start")(start)
    command(gateway, "status")(status)
    command(gateway, "repair")(repair)
    command(gateway, "stop")(stop)
    command(gateway, "image")(image)
    command(gateway, "authority")(authority)
    consumer = typer.Typer(help="Who may ask models through gateways, by API keys.", no_args_is_help=True)
    app.add_typer(consumer, name="consumer")
    command(consumer, "add")(add)
    command(consumer, "key")(key)
    command(consumer, "list")(list_)
    command(consumer, "revoke")(revoke)
    command(consumer, "remove")(remove)


def start(
    terminal: Terminal,
    server: ServerName,
    environment: Annotated[
        str,
        typer.Option("--environment", metavar="NAME", help="How its addresses begin; production, or what it was."),
    ] = "",
    name: Annotated[
        list[str] | None, typer.Option("--name", metavar="HOST", help="A name that programs will use; more than once.")
    ] = None,
    proxy: Proxy = "",
) -> None:
    """Start a server's gateway: what is live there has an address with TLS and API keys from then on."""
    from kronkers_studio.workflows.gateways import gateway_report, start_gateway

    with terminal.session() as session:
        with terminal.progress() as progress:
            start_gateway(
                session,
                server,
                environment=environment,
                names=name or (),
                proxy=proxy,
                progress=progress,
                cancel=terminal.cancel,
            )
        report = gateway_report(session, server)
        terminal.result(
            report,
            *_lines(report),
            "Programs need a key (`kronkers consumer add NAME`) and the authority's certificate "
            "(`kronkers gateway authority`).",
        )


def status(terminal: Terminal, server: ServerName) -> None:
    """What the gateway does, and where it does not do what it should."""
    from kronkers_studio.workflows.gateways import gateway_report

    with terminal.session() as session:
        report = gateway_report(session, server)
        terminal.result(report, *_lines(report))


def repair(terminal: Terminal, server: ServerName) -> None:
    """Tell the gateway anew what it should be doing."""
    from kronkers_studio.workflows.gateways import gateway_of, gateway_report, publish

    with terminal.session() as session:
        gateway_of(session, server)
        publish(session, server, anew=True)
        report = gateway_report(session, server)
        terminal.result(report, *_lines(report))


def stop(terminal: Terminal, server: ServerName) -> None:
    """End the gateway: no program reaches the server's models any more."""
    from kronkers_studio.workflows.gateways import stop_gateway

    with terminal.session() as session:
        stop_gateway(session, server)
        terminal.result({"server": server, "stopped": True}, f"The gateway of {server} is stopped.")


def image(
    terminal: Terminal,
    *,
    on: Annotated[str, typer.Option("--on", metavar="SERVER", help="The server whose engine builds it.")],
    proxy: Proxy = "",
) -> None:
    """Build the gateway's image on a server; others are sent it, and need no network for it."""
    from kronkers_studio.workflows.platform_images import build_platform_image

    with terminal.session() as session:
        with terminal.progress() as progress:
            built = build_platform_image(session, on, proxy=proxy, progress=progress, cancel=terminal.cancel)
        terminal.result(built, f"The gateway's image for {built.platform} is on this computer ({built.id[:19]}).")


def authority(terminal: Terminal) -> None:
    """The certificate that programs know your gateways by; anybody may have it."""
    from kronkers_studio.workflows.gateways import authority_certificate

    with terminal.session() as session:
        certificate = authority_certificate(session)
        terminal.result({"certificate": certificate}, *certificate.strip().splitlines())


def add(
    terminal: Terminal,
    name: ConsumerName,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="ENVIRONMENT/MODEL", help="What it may ask; more than once. All otherwise."),
    ] = None,
    rate: Annotated[int, typer.Option("--rate", min=1, help="The most requests within ten seconds.")] = 500,
    quota: Annotated[int, typer.Option("--quota", min=0, help="The most requests a day; 0 for any number.")] = 0,
    days: ValidDays = 0,
) -> None:
    """Let a program ask models. Its key is shown now and never again."""
    from kronkers_studio.workflows.consumers import add_consumer

    with terminal.session() as session:
        with terminal.progress() as progress:
            made = add_consumer(
                session,
                name,
                models=model or (),
                rate=rate,
                quota=quota,
                expires=_expires(days),
                progress=progress,
            )
        _show_key(terminal, *made)


def key(terminal: Terminal, name: ConsumerName, days: ValidDays = 0) -> None:
    """A second key, for replacing the first while programs still use it."""
    from kronkers_studio.workflows.consumers import add_key

    with terminal.session() as session:
        with terminal.progress() as progress:
            made = add_key(session, name, expires=_expires(days), progress=progress)
        _show_key(terminal, *made)


def list_(terminal: Terminal) -> None:
    """Who may ask what."""
    from kronkers_studio.workflows.consumers import list_consumers

    with terminal.session() as session:
        consumers = list_consumers(session)
        rows = [
            (
                each.name,
                ", ".join(each.models) or "all models",
                f"{each.rate} in 10 s" + (f", {each.quota} a day" if each.quota else ""),
                ", ".join(f"{key.shown}… {_until(key.expires)}".strip() for key in each.keys) or "no key",
            )
            for each in consumers
        ]
        terminal.result(consumers, *(table(("Consumer", "May ask", "Limits", "Keys"), rows) if rows else ["Nobody."]))


def revoke(
    terminal: Terminal,
    name: ConsumerName,
    shown: Annotated[str, typer.Argument(metavar="KEY", help="How the key begins, as `consumer list` shows it.")],
) -> None:
    """Refuse a key from now on, on every gateway."""
    from kronkers_studio.workflows.consumers import revoke_key

    with terminal.session() as session:
        with terminal.progress() as progress:
            consumer = revoke_key(session, name, shown, progress=progress)
        terminal.result(consumer, f"{shown}… of {name} is refused from now on.")


def remove(terminal: Terminal, name: ConsumerName) -> None:
    """Refuse all keys of a consumer from now on."""
    from kronkers_studio.workflows.consumers import remove_consumer

    with terminal.session() as session:
        with terminal.progress() as progress:
            remove_consumer(session, name, progress=progress)
        terminal.result({"name": name, "removed": True}, f"{name} may ask nothing any more.")


def _show_key(terminal: Terminal, consumer: Consumer, key: Secret) -> None:
    text = key.reveal()
    terminal.result(
        {"consumer": consumer, "key": text},
        f"The key of {consumer.name}, shown this once: {text}",
        "Programs send it as the header X-API-Key.",
    )


def _expires(days: int) -> datetime | None:
    return datetime.now(UTC) + timedelta(days=days) if days else None


def _until(moment: datetime | None) -> str:
    return f"until {moment:%Y-%m-%d}" if moment is not None else ""


def _lines(report: GatewayReport) -> list[str]:
    server = report.gateway.server
    if not report.running:
        return [f"The gateway of {server} does not run. Start it again: `kronkers gateway start {server}`."]
    lines = [f"The gateway of {server} runs; its certificate is valid until {report.gateway.valid_until:%Y-%m-%d}."]
    up = {each.service for each in report.services if each.up}
    down = {each.service for each in report.services} - up
    lines += [f"  {model}  {address}" for model, address in report.addresses] or ["  Nothing is live there."]
    lines += [f"  {service} does not answer." for service in sorted(down)]
    lines += [f"  It does not do what it should: {text}." for text in report.differences]
    return lines
