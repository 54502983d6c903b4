"""Gateways whose servers are away, and what a stranger wrote into the workspace. No server is needed for these."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kronkers_studio.deployment.gateway.certificates import new_authority
from kronkers_studio.domain.changes import AuthorityMade, GatewaySet, ServerAdded
from kronkers_studio.domain.errors import GatewayFailed, StoreDamaged
from kronkers_studio.domain.gateways import ServerGateway
from kronkers_studio.domain.progress import NoProgress
from kronkers_studio.domain.servers import Server
from kronkers_studio.workflows import gateways
from kronkers_studio.workflows.consumers import add_consumer, add_key, list_consumers, remove_consumer, revoke_key
from kronkers_studio.workflows.gateways import authority_certificate, list_gateways
from kronkers_studio.workflows.servers import remove_server
from kronkers_studio.workflows.session import Session

NOW = datetime.now(UTC)


class Notes(NoProgress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def away(session: Session, tmp_path: Path) -> tuple[str, str]:
    """Two servers with gateways, which do not answer."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = int(closed.getsockname()[1])
    names = ("first", "second")
    for name in names:
        server = Server(name, "127.0.0.1", port, "ada", "ssh-ed25519 AAAA", str(tmp_path / "key"))
        session.workspace.ledger.record(ServerAdded(server), author="ada")
        gateway = ServerGateway(name, "testing", ("127.0.0.1",), NOW + timedelta(days=300), NOW)
        session.workspace.ledger.record(GatewaySet(name, gateway, NOW, "ada"), author="ada")
    return names


def test_a_new_key_is_given_also_when_gateways_are_away_and_they_are_named(
    session: Session, away: tuple[str, str]
) -> None:
    said = Notes()
    _, first = add_consumer(session, "shop", progress=said)
    _, second = add_key(session, "shop", progress=said)
    (consumer,) = list_consumers(session)
    assert [key.shown for key in consumer.keys] == [first.reveal()[:12], second.reveal()[:12]]
    assert all(f"gateway repair {name}" in note for name in away for note in said.notes)
    assert len(said.notes) == 2


def test_a_revoked_key_that_gateways_may_still_let_in_is_said_with_all_of_them(
    session: Session, away: tuple[str, str]
) -> None:
    consumer, _ = add_consumer(session, "shop")
    for change in (
        lambda: revoke_key(session, "shop", consumer.keys[0].shown),
        lambda: remove_consumer(session, "shop"),
    ):
        with pytest.raises(GatewayFailed, match="It is recorded") as refused:
            change()
        assert all(f"`kronkers gateway repair {name}`" in refused.value.next_step for name in away)
    assert list_consumers(session) == []


def test_the_gateway_of_a_server_that_is_removed_is_forgotten_with_it(session: Session, away: tuple[str, str]) -> None:
    for name in away:
        remove_server(session, name)
    assert list_gateways(session) == []
    add_consumer(session, "shop")
    remove_consumer(session, "shop")


@pytest.mark.parametrize("kind", ["another's", "one more", "no certificate", "not ascii"])
def test_a_strangers_certificate_in_the_workspace_is_not_given_to_programs(session: Session, kind: str) -> None:
    own = authority_certificate(session)
    strangers = new_authority("Kronkers Studio consumers").certificate.decode()
    written = {"another's": strangers, "one more": own + strangers, "no certificate": "PEM", "not ascii": "é"}[kind]
    made = AuthorityMade("gateways", written, NOW, "mallory")
    session.workspace.ledger.record(made, author="mallory")  # before the workspace made its own for them
    with pytest.raises(StoreDamaged, match="not one of its own"):
        gateways._authority(session, gateways.GATEWAYS)
