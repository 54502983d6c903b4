"""What a model raised over rows, told so that it is the same from whichever process it comes."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

_CHECKS_OF_VALUES = {
    ValueError: frozenset(
        {
            *("sklearn.utils.validation", "sklearn.utils._encode", "sklearn.preprocessing._encoders"),
            *("sklearn.preprocessing._data", "sklearn.preprocessing._polynomial"),  # box-cox, splines: out of range
            *("sklearn.neighbors._classification", "sklearn.neighbors._regression"),  # no neighbour within the radius
            *("scipy.interpolate._interpolate", "scipy.interpolate.interpolate"),  # of isotonic regression
        }
    ),
    IndexError: frozenset({"sklearn.naive_bayes"}),  # a category beyond those that it was fitted to
}
"""Where scikit-learn refuses a value, by what it raises there."""

_LONGEST_REASON = 300


@dataclass(frozen=True)
class Failure:
    """``kind`` is the exception's type, ``reason`` its text, which may quote rows, and ``place`` the line that raised
    it. ``of_values``: it was scikit-learn's check of what goes in, a category that the model has not met or a number
    that is too large for it. Both are of the right type, so that only the model can tell."""

    kind: str
    reason: str
    place: str
    of_values: bool = False


class ModelFailed(Exception):
    """The model raised something in another process."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


def failure_of(error: Exception) -> Failure:
    """What ``error``, which is being handled, says of the model."""
    if isinstance(error, ModelFailed):
        return error.failure
    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = f"{last[0].filename}:{last[0].lineno}" if last else ""
    reason = " ".join(str(error).split())[:_LONGEST_REASON]
    return Failure(type(error).__name__, reason, place, of_values=_is_of_values(error))


def _is_of_values(error: Exception) -> bool:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    raised_in = trace.tb_frame.f_globals.get("__name__") if trace is not None else None
    return raised_in in _CHECKS_OF_VALUES.get(type(error), ())
