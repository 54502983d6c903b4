"""What a person lets one model version's file name, though it is not on the list of what models may name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

LONGEST_REASON = 1_000
"""Characters."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """``author`` lets the file name ``names`` ("features.Ratio"), and says why in ``reason``. Code of those names runs
    in the model's service when it is loaded, and in each prediction."""

    names: tuple[str, ...]
    reason: str
    at: datetime
    author: str
