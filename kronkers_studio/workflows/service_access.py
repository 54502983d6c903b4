"""How other programs ask a live model: its address, the key that it wants, and how that is written in each language."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from kronkers_studio.domain.model_columns import example_row
from kronkers_studio.domain.model_rows import example_tensors, why_no_rows
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.domain.service_snippets import snippets
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.workflows.models import show_model
from kronkers_studio.workflows.releases import live_release
from kronkers_studio.workflows.session import Session


@dataclass(frozen=True, slots=True)
class ServiceAccess:
    """``address`` is asked by ``POST address/predict`` with ``key`` as the bearer token, on the computer that the model
    runs on. From elsewhere, ``tunnel`` is the command that brings a server's address here; "" where none is needed.
    ``snippets`` are programs by language; the key is in none of them."""

    model: str
    version: int
    place: str
    address: str
    tunnel: str
    key: Secret = field(repr=False)
    snippets: Mapping[str, str] = field(default_factory=dict)


def service_access(session: Session, model: str, place: str) -> ServiceAccess:
    """How programs ask what is live of ``model`` in ``place``.

    Raises ``ServiceUnavailable`` when nothing is, ``ServiceUnproven`` when it was released before services had a key.
    """
    from kronkers_studio.deployment.proof import token

    release = live_release(session, model, place)
    port = int(release.endpoint["port"])
    tunnel = ""
    if place != THIS_COMPUTER:
        server = session.workspace.ledger.server(place)
        forward = f"{port}:127.0.0.1:{port}"
        target = f"{server.user}@{server.host}"
        jumps = ["-J", ",".join(jump.account for jump in server.jumps)] if server.jumps else []
        tunnel = shlex.join(["ssh", "-N", "-L", forward, "-p", str(server.port), *jumps, "--", target])
    address = f"http://127.0.0.1:{port}"
    signature = show_model(session, model, release.version).signature
    return ServiceAccess(
        model=model,
        version=release.version,
        place=place,
        address=address,
        tunnel=tunnel,
        key=Secret(token(session.release_secret(release))),
        snippets=snippets(address, {"rows": [example_row(signature)]})
        if not why_no_rows(signature)
        else snippets(address, example_tensors(signature), model),
    )
