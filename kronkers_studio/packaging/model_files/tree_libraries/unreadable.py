"""The refusal of a file that is not what its first bytes promise."""

from __future__ import annotations

from kronkers_studio.domain.errors import UnsupportedModel


def unreadable(name: str, reason: Exception) -> UnsupportedModel:
    """``reason``, a clause for people, as the refusal of the file ``name``."""
    return UnsupportedModel(f"{name} cannot be read: {reason}.", next_step="Copy it again from where it was made.")
