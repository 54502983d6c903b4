"""One column's values to the bins of its profile, and the count in each.

Only the process that reads tables calls this. What a service does with the same bins must count the same: a test holds
the two together.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING

from kronkers_studio.domain.feature_profiles import (
    FEWEST_ROWS,
    FREQUENT,
    LONGEST_NAME,
    MOST_CATEGORIES,
    MOST_RARE,
    QUANTILES,
    TRUTHS,
    FeatureBins,
    FeatureKind,
    FeatureProfile,
    Unprofiled,
)

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray


def profile_numbers(name: str, values: NDArray[np.float64]) -> FeatureProfile | Unprofiled:
    """Bins of about equal size of ``values``, in which NaN is missing."""
    import numpy as np

    finite = values[np.isfinite(values)]
    if not len(finite):
        return Unprofiled.EMPTY
    distinct, times = np.unique(finite, return_counts=True)
    cuts = tuple((_cuts(distinct, times) + 0.0).tolist())
    bins = FeatureBins(name, FeatureKind.NUMBER, cuts, float(distinct[0]) + 0.0, float(distinct[-1]) + 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = float(finite.mean()), float(finite.std())
    is_told = math.isfinite(mean) and math.isfinite(deviation)
    return FeatureProfile(bins, count_numbers(bins, values), mean if is_told else None, deviation if is_told else None)


def count_numbers(bins: FeatureBins, values: NDArray[np.float64]) -> tuple[int, ...]:
    """How many of ``values`` lie in each of the bins."""
    import numpy as np

    inside = values[(values >= bins.least) & (values <= bins.greatest)]
    places = np.searchsorted(np.array(bins.cuts), inside, side="right")
    special = [values < bins.least, values > bins.greatest, np.isnan(values)]
    return (
        *map(int, np.bincount(places, minlength=bins.own)),
        *(int(np.count_nonzero(each)) for each in special),
    )


def _cuts(distinct: NDArray[np.float64], times: NDArray[np.int64]) -> NDArray[np.float64]:
    """Where the bins but for the first begin. A value that is a tenth of all by itself has a bin of its own."""
    import numpy as np

    upto = np.cumsum(times)
    tenth = int(upto[-1]) / QUANTILES
    beginnings = [0]
    while beginnings[-1] < len(distinct):
        begin = beginnings[-1]
        before = int(upto[begin - 1]) if begin else 0
        end = min(int(np.searchsorted(upto, before + tenth)) + 1, len(distinct))
        if end - 1 > begin and times[end - 1] >= tenth:
            end -= 1
        beginnings.append(end)
    beginnings.pop()
    if len(beginnings) > 1:
        last, previous = beginnings[-1], beginnings[-2]
        rest = int(upto[-1] - upto[last - 1])
        if rest < tenth / 2 and not (last - previous == 1 and times[previous] >= tenth):
            beginnings.pop()
    return distinct[beginnings[1:]]


def profile_texts(name: str, texts: pl.Series, known: Collection[str] = ()) -> FeatureProfile | Unprofiled:
    """The frequent names among ``texts`` (null: missing), those that are rare, and how many rows hold others.

    Those of ``known`` are names whatever the number of their rows. ``FREE_TEXT`` when more than half of the rows hold
    none that is kept: nothing of them is told.
    """
    import polars as pl

    filled = texts.drop_nulls().alias("name")
    if not filled.len():
        return Unprofiled.EMPTY
    fits = pl.col("name").str.len_chars() <= LONGEST_NAME
    often = (pl.col("count") >= FEWEST_ROWS) | pl.col("name").is_in(list(known))
    kept = (
        filled.value_counts()
        .filter(fits & often)
        .sort("count", "name", descending=[True, False])
        .head(MOST_CATEGORIES + MOST_RARE)
    )
    pairs = list(zip(kept["name"].to_list(), kept["count"].to_list(), strict=True))
    if 2 * sum(count for _, count in pairs) < filled.len():
        return Unprofiled.FREE_TEXT
    own = [pair for pair in pairs if pair[1] >= FREQUENT * filled.len() or pair[0] in known][:MOST_CATEGORIES]
    rare = [pair for pair in pairs if pair not in own][:MOST_RARE]
    bins = FeatureBins(
        name,
        FeatureKind.CATEGORY,
        categories=tuple(each for each, _ in own),
        rare=tuple(sorted(each for each, _ in rare)),
    )
    counts = [count for _, count in own]
    rarely = sum(count for _, count in rare)
    unknown = filled.len() - sum(counts) - rarely
    return FeatureProfile(bins, (*counts, rarely, unknown, texts.len() - filled.len()))


def profile_truths(name: str, truths: pl.Series) -> FeatureProfile | Unprofiled:
    """How many of ``truths`` (null: missing) are false, and how many true."""
    true, filled = int(truths.sum() or 0), truths.len() - truths.null_count()
    if not filled:
        return Unprofiled.EMPTY
    bins = FeatureBins(name, FeatureKind.TRUTH, categories=TRUTHS)
    return FeatureProfile(bins, (filled - true, true, truths.null_count()))
