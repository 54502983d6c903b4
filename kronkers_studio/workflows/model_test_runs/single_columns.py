"""How much one column alone tells of the truth: 1 is all of it, as the truth itself under another name would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from kronkers_studio.workflows.model_test_runs.quality_metrics import Array, midranks

_FEW_VALUES = 20
"""A column of numbers with at most so many different ones is a category, too."""


def alone(values: Sequence[Any], truth: Array) -> float:
    """From 0 to 1. Rows without a truth ("" or NaN) are left out.

    Of classes: the share of rows whose class is the commonest among the *other* rows with the same value, so that
    numbers of rows tell nothing, above what saying one class always gets right; of numbers also the best of the
    classes' ROC AUC, in either direction. Of an amount: the square of the rank correlation.
    """
    amounts = truth.dtype != object
    known = ~np.isnan(truth) if amounts else truth != ""
    cells = [value for value, has in zip(values, known, strict=True) if has]
    truth = truth[known]
    if len(truth) < 2:
        return 0.0
    numbers = _numbers(cells)
    if amounts:
        return _rank_correlation(numbers, truth.astype(np.float64)) ** 2 if numbers is not None else 0.0
    best = 0.0
    if numbers is not None and len(np.unique(numbers)) > 1:
        best = max(_separation(numbers, truth == each) for each in set(truth))
    if numbers is None or len(np.unique(numbers)) <= _FEW_VALUES:
        best = max(best, _by_others(cells, list(truth)))
    return best


def _numbers(cells: Sequence[Any]) -> Array | None:
    """As numbers, the missing ones below all others; None where some are texts."""
    if any(isinstance(cell, str) for cell in cells):
        return None
    found = np.array([np.nan if cell is None else float(cell) for cell in cells])
    lowest = np.nanmin(found) - 1 if not np.isnan(found).all() else 0.0
    return np.where(np.isnan(found), lowest, found)


def _separation(numbers: Array, true: Array) -> float:
    """ROC AUC in the better direction, on a scale from 0 (nothing) to 1."""
    count = int(np.sum(true))
    if not 0 < count < len(true):
        return 0.0
    ranks = midranks(numbers)
    area = (float(np.sum(ranks[true])) - count * (count + 1) / 2) / (count * (len(true) - count))
    return abs(2 * area - 1)


def _by_others(cells: Sequence[Any], truth: Sequence[str]) -> float:
    found: dict[Any, Counter[str]] = {}
    for cell, label in zip(cells, truth, strict=True):
        found.setdefault(cell, Counter())[label] += 1
    told = 0
    for cell, label in zip(cells, truth, strict=True):
        counts = found[cell]
        most = max((count for other, count in counts.items() if other != label), default=0)
        told += counts[label] - 1 > most
    usual = max(Counter(truth).values()) / len(truth)  # what saying the commonest class always gets right
    return max(0.0, (told / len(truth) - usual) / (1 - usual)) if usual < 1 else 0.0


def _rank_correlation(numbers: Array, truth: Array) -> float:
    if len(np.unique(numbers)) < 2 or len(np.unique(truth)) < 2:
        return 0.0
    return float(np.corrcoef(midranks(numbers), midranks(truth))[0, 1])
