"""A gateway state as the JSON that lies beside the gateway's configuration, from which any workstation learns it.

What is read was written on a server by whoever may write there: it has the fields of a state and no others, and what is
in them is looked at again before it becomes a configuration (``haproxy_text.checked``).
"""

from __future__ import annotations

from kronkers_studio.domain.errors import GatewayStateUnreadable, StoreDamaged
from kronkers_studio.domain.gateways import GatewayState
from kronkers_studio.storage.json_form import from_text, to_text

_MOST_BYTES = 8 << 20


def state_file(state: GatewayState) -> bytes:
    """As ``read_state_file`` reads it. It holds the tokens of services: only root may read it."""
    return to_text(state).encode("ascii")


def read_state_file(content: str) -> GatewayState:
    """Raises ``GatewayStateUnreadable`` when it is no state that this version knows."""
    try:
        if len(content) > _MOST_BYTES:
            raise StoreDamaged("It is too large.")
        return from_text(GatewayState, content)
    except StoreDamaged as problem:
        raise GatewayStateUnreadable(
            "What the gateway should be doing cannot be read from its server.",
            next_step="Tell it anew: `kronkers gateway repair`.",
            details=problem.details,
        ) from None
