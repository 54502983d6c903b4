"""Gateways: the address of models for programs of the company, on the servers themselves.

What a gateway should be doing follows from the history: what is live on its server, and who may ask. It is told so
after each change, and what it does is read back; what differs can be repaired at any time, from any workstation.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from kronkers_studio.domain.changes import AuthorityMade, GatewaySet
from kronkers_studio.domain.errors import (
    GatewayAway,
    GatewayFailed,
    GatewayStateUnreadable,
    InvalidInput,
    NotFound,
    StoreDamaged,
    StudioError,
)
from kronkers_studio.domain.gateways import (
    GatewayState,
    KeyUse,
    Route,
    ServerGateway,
    ServiceHealth,
    Upstream,
    is_environment_name,
)
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.releases import Release, ReleaseState
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.deployment.gateway.certificates import Authority
    from kronkers_studio.deployment.gateway.gateway_service import GatewayContainer

CONSUMERS, GATEWAYS = "consumers", "gateways"
"""What the workspace has authorities for: what programs know gateways by, and what gateways know one another by."""

API_PORT = 8443
FIRST_ENVIRONMENT = "production"
_HOST_PART = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
_RENEWAL = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class GatewayReport:
    """What a gateway does: its addresses by model, how each service is, when keys were used last, and where it does not
    do what it should."""

    gateway: ServerGateway
    running: bool
    addresses: tuple[tuple[str, str], ...] = ()
    services: tuple[ServiceHealth, ...] = ()
    key_uses: tuple[KeyUse, ...] = ()
    differences: tuple[str, ...] = ()


def start_gateway(
    session: Session,
    server: str,
    *,
    environment: str = "",
    names: Sequence[str] = (),
    proxy: str = "",
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> ServerGateway:
    """Start the gateway of a server, or start it again; what is live there has an address from then on.

    One that is started again keeps its ``environment`` and ``names`` unless others are given; the first one's are
    "production" and none. Its certificate is for the server's own name and for ``names``; the workspace's authority
    gives it. ``proxy`` is used only when the image has to be built. Raises ``InvalidInput``, ``GatewayFailed``,
    ``ServerError``.
    """
    from kronkers_studio.deployment.gateway import gateway_service
    from kronkers_studio.deployment.setup import set_up_server
    from kronkers_studio.workflows.platform_images import bring_platform_image

    known = session.workspace.ledger.server(server)
    was = _gateway(session, server)
    environment = environment or (was.environment if was is not None else FIRST_ENVIRONMENT)
    names = names or (was.names if was is not None else ())
    if not is_environment_name(environment):
        raise InvalidInput(
            f"“{environment[:40]}” cannot be an environment's name.",
            next_step="Use small letters, digits and hyphens, such as production or testing.",
        )
    every = tuple(dict.fromkeys((known.host, *map(_checked_name, names))))
    progress.step(f"Preparing {server}")
    connection = session.connection(known)
    set_up_server(connection, progress=progress)
    image = bring_platform_image(session, known, proxy=proxy, progress=progress, cancel=cancel)
    progress.step(f"Starting the gateway of {server}")
    container = gateway_service.start_gateway(connection, image, progress=progress, cancel=cancel)
    before = _told_last(session, container, anew=True)
    now = datetime.now(UTC)
    certificates, valid_until = _certificates(session, server, every)
    gateway = ServerGateway(server, environment, every, valid_until, now)
    session.workspace.ledger.record(GatewaySet(server, gateway, now, session.author), author=session.author)
    _apply(session, gateway, container, before, certificates)
    return gateway


def stop_gateway(session: Session, server: str) -> None:
    """End the gateway of a server: no program reaches its models any more. Raises ``NotFound`` where there is none.

    What it was told is forgotten first, so that one that is started later does not begin with keys that were revoked
    in between."""
    from kronkers_studio.deployment.gateway.gateway_control import forget_state
    from kronkers_studio.deployment.gateway.gateway_service import find_gateway, remove_gateway
    from kronkers_studio.deployment.releases import pause_release

    gateway_of(session, server)
    connection = session.connection(session.workspace.ledger.server(server))
    container = find_gateway(connection)
    try:
        if container is not None:
            _told_last(session, container, anew=True)
            forget_state(container)
        remove_gateway(connection)
    except GatewayAway:  # another workspace's by now: it stays, and is no longer this one's
        pass
    _record(session, server, None)
    for release in session.workspace.ledger.releases(place=server):
        if release.warm:  # nobody goes back at once any more
            pause_release(connection, release.endpoint, session.workspace.id)
            session.workspace.ledger.replace_release(release, replace(release, warm=False), author=session.author)


def gateway_of(session: Session, server: str) -> ServerGateway:
    """Raises ``NotFound`` when the server has no gateway."""
    session.workspace.ledger.server(server)
    found = _gateway(session, server)
    if found is None:
        raise NotFound(f"{server} has no gateway.", next_step=f"Start one: `kronkers gateway start {server}`.")
    return found


def list_gateways(session: Session) -> list[ServerGateway]:
    return session.workspace.ledger.gateways()


def publish(session: Session, server: str, *, without: Release | None = None, anew: bool = False) -> bool:
    """Tell the server's gateway what is live there now, but for ``without``, which is about to be stopped; whether the
    server has one. Nothing is changed where all is as it should be. With ``anew``, also where what it was told last
    cannot be read.

    Raises ``GatewayFailed``, ``ServerError``; nothing may be stopped then that it still sends requests to.
    """
    gateway = _gateway(session, server)
    if gateway is None:
        return False
    container = _container(session, gateway)
    before = _told_last(session, container, anew=anew)
    renewed = None
    if before is None or gateway.valid_until - datetime.now(UTC) < _RENEWAL:  # one without its volume has none
        renewed, valid_until = _certificates(session, server, gateway.names)
        gateway = replace(gateway, valid_until=valid_until)
    _apply(session, gateway, container, before, renewed, without=without)
    if renewed is not None:
        _record(session, server, gateway)
    return True


def publish_everywhere(session: Session, progress: Progress = SILENT) -> list[ServerGateway]:
    """Tell all gateways who may ask now; those that were told. Those that could not be told are named by one
    ``GatewayFailed`` after the others: until they are, they do what they did."""
    told: list[ServerGateway] = []
    problems: dict[str, StudioError] = {}
    for gateway in session.workspace.ledger.gateways():
        progress.step(f"Telling the gateway of {gateway.server}")
        try:
            publish(session, gateway.server)
        except StudioError as problem:  # one that is away must not keep a revoked key valid on the others
            problems[gateway.server] = problem
        else:
            told.append(gateway)
    if problems:
        repairs = " and ".join(f"`kronkers gateway repair {name}`" for name in problems)
        raise GatewayFailed(
            f"It is recorded, but not known to the gateway of {' and of '.join(problems)} yet, which lets in who could "
            f"ask before: {'; '.join(problem.message.rstrip('.') for problem in problems.values())}.",
            next_step=f"Once it answers: {repairs}.",
        )
    return told


def gateway_report(session: Session, server: str) -> GatewayReport:
    """What the gateway of a server says of itself, beside what it should be doing."""
    from kronkers_studio.deployment.gateway import gateway_control
    from kronkers_studio.deployment.gateway.gateway_service import find_gateway

    gateway = gateway_of(session, server)
    container = find_gateway(session.connection(session.workspace.ledger.server(server)))
    state = gateway_control.read_state(container) if container is not None else None
    if container is None or state is None:
        return GatewayReport(gateway, running=False)
    intended = _intended(session, gateway, state.generation)
    wrong = gateway_control.differences(container, intended)
    return GatewayReport(
        gateway,
        running=True,
        addresses=tuple((route.model, address_of(gateway, route.model)) for route in intended.routes),
        services=gateway_control.upstream_health(container),
        key_uses=gateway_control.key_uses(container),
        differences=tuple(wrong),
    )


def address_of(gateway: ServerGateway, model: str) -> str:
    """Where programs ask the model."""
    host = gateway.names[-1]
    host = f"[{host}]" if ":" in host else host
    return f"https://{host}:{API_PORT}/{gateway.environment}/{model}"


def authority_certificate(session: Session) -> str:
    """The certificate (PEM) that programs know this workspace's gateways by."""
    return _authority(session, CONSUMERS).certificate.decode("ascii")


def _told_last(session: Session, container: GatewayContainer, *, anew: bool = False) -> GatewayState | None:
    """What the gateway was told last; None when that is nothing, or (with ``anew``) something that cannot be read.

    Raises ``GatewayAway`` when another workspace told it: its programs would lose their models and their keys."""
    from kronkers_studio.deployment.gateway.gateway_control import generation_in_force, read_state

    try:
        state = read_state(container)
    except GatewayStateUnreadable:
        if not anew:
            raise
        number = generation_in_force(container)
        return GatewayState(number) if number else None
    if state is not None and state.workspace not in ("", session.workspace.id):
        raise GatewayAway(
            "The gateway of this server belongs to another workspace.",
            next_step="Use another server, or stop it from there first (`kronkers gateway stop`). Nothing was changed.",
        )
    return state


def _apply(
    session: Session,
    gateway: ServerGateway,
    container: GatewayContainer,
    before: GatewayState | None,
    certificates: dict[str, bytes] | None,
    *,
    without: Release | None = None,
) -> None:
    from kronkers_studio.deployment.gateway.gateway_control import apply_state, differences

    state = _intended(session, gateway, before.generation if before is not None else 0, without=without)
    if certificates is None and state == before and not differences(container, state):
        return
    apply_state(container, replace(state, generation=state.generation + 1), certificates)


def _intended(
    session: Session, gateway: ServerGateway, generation: int, *, without: Release | None = None
) -> GatewayState:
    """By the history: a route for each model that is live on the server, what runs for the way back, and everybody who
    may ask."""
    from kronkers_studio.deployment.proof import token

    asked = [
        release
        for release in session.workspace.ledger.releases(place=gateway.server)
        if (release.state is ReleaseState.LIVE or release.warm)
        and "port" in release.endpoint
        and (without is None or (release.model, release.number) != (without.model, without.number))
    ]
    asked.sort(key=lambda release: (release.model, release.number))
    routed = [release for release in asked if release.state is ReleaseState.LIVE]
    return GatewayState(
        generation=generation,
        routes=tuple(Route(gateway.environment, each.model, str(each.endpoint["service"])) for each in routed),
        upstreams=tuple(
            Upstream(str(each.endpoint["service"]), int(each.endpoint["port"]), token(session.release_secret(each)))
            for each in asked
        ),
        consumers=tuple(session.workspace.ledger.consumers()),
        workspace=session.workspace.id,
    )


def _container(session: Session, gateway: ServerGateway) -> GatewayContainer:
    from kronkers_studio.deployment.gateway.gateway_service import find_gateway, is_gateway_there

    connection = session.connection(session.workspace.ledger.server(gateway.server))
    found = find_gateway(connection)
    if found is not None:
        return found
    start = f"Start it again: `kronkers gateway start {gateway.server}`."
    if is_gateway_there(connection):  # it comes back by itself, and then does what it was told last
        raise GatewayFailed(f"The gateway of {gateway.server} does not run at the moment.", next_step=start)
    raise GatewayAway(f"The gateway of {gateway.server} is not there any more.", next_step=start)


def _certificates(session: Session, server: str, names: Sequence[str]) -> tuple[dict[str, bytes], datetime]:
    """New ones for the gateway of ``server``, and when they end."""
    from kronkers_studio.deployment.gateway.certificates import expiry_of, issue

    gateways = _authority(session, GATEWAYS)
    own = issue(_authority(session, CONSUMERS), names)
    files = {
        "server.pem": own,
        "peer.pem": issue(gateways, [f"{server}.gateway.kronkers"]),
        "peers-ca.pem": gateways.certificate,
    }
    return files, expiry_of(own)


def _authority(session: Session, purpose: str) -> Authority:
    from kronkers_studio.deployment.gateway.certificates import Authority, authority_key, is_of_key, new_authority

    workspace = session.workspace
    key = authority_key(workspace.authority_key, purpose)
    certificate = workspace.ledger.authority(purpose)
    if not certificate:
        certificate = new_authority(f"Kronkers Studio {purpose}", key).certificate.decode("ascii")
        made = AuthorityMade(purpose, certificate, datetime.now(UTC), session.author)
        workspace.ledger.record(made, author=session.author)
        certificate = workspace.ledger.authority(purpose)  # of two that made one at once, the first counts
    if not is_of_key(certificate, key):
        raise StoreDamaged(
            f"The certificate of the workspace's authority for {purpose} is not one of its own.",
            next_step="Give it to nobody. Look at who can write to this workspace, and put it back from a backup.",
        )
    return Authority(certificate.encode("ascii"), key)


def _gateway(session: Session, server: str) -> ServerGateway | None:
    return next((each for each in session.workspace.ledger.gateways() if each.server == server), None)


def _record(session: Session, server: str, gateway: ServerGateway | None) -> None:
    change = GatewaySet(server, gateway, datetime.now(UTC), session.author)
    session.workspace.ledger.record(change, author=session.author)


def _checked_name(name: str) -> str:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        if len(name) > 253 or not all(_HOST_PART.fullmatch(part) for part in name.split(".")):
            raise InvalidInput(
                f"“{name[:60]}” is neither a host name nor an address.",
                next_step="Give the name that programs will use, such as models.example.com.",
            ) from None
    return name
