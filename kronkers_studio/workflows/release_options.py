"""What a release may be told of its service, checked before anything of it is built. The release keeps it, however
often it is stopped and started."""

from __future__ import annotations

from typing import Any

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.releases import MOST_PROCESSES, THIS_COMPUTER


def release_options(model: ModelVersion, place: str, *, request_log: float, processes: int | None) -> dict[str, Any]:
    """What of it belongs into the release's endpoint. Raises ``InvalidInput`` for what cannot be."""
    if not 0 <= request_log <= 1:
        raise InvalidInput(
            "The share of requests to log must be from 0 to 1.", next_step="Say 1 for all of them, 0.1 for a tenth."
        )
    options: dict[str, Any] = {"request_log": request_log} if request_log else {}
    if processes is None:
        return options
    if not 0 <= processes <= MOST_PROCESSES:
        raise InvalidInput(
            f"A model has from 0 to {MOST_PROCESSES} processes.",
            next_step="Say 2 for two of them, or auto for what suits the model.",
        )
    if place == THIS_COMPUTER and processes:
        raise InvalidInput(
            "On this computer a model is kept from starting processes, so that it can harm nothing.",
            next_step="Leave --processes out here, or release it to a server.",
        )
    if model.facts.framework.in_container_only and not processes:
        raise InvalidInput(
            f"Models of {model.facts.framework.label} always run in processes of their own.",
            next_step="Say 1 or more, or auto for one for each processor.",
        )
    return {**options, "processes": processes}
