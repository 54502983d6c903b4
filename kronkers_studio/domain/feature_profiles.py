"""The reference profile of a model version: how the values of each feature were spread in the data it was trained on.

Values are counted in *bins*. Those of a number are parted at *cuts*; below the least and above the greatest value of
the data lie two bins more, which hold what comes in beyond it. Those of a category are its names that are frequent; all
names that are *rare* share one, and all others are *unknown*: what was never seen, or in so few rows that its name is
not kept. Missing values have a bin of their own. A service counts into the same bins (docs/decisions/0031).
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any

from kronkers_studio.domain.models import ContentRef

QUANTILES = 10
"""Parts of about equal size that numbers are put into."""
MOST_CUTS = 30
MOST_CATEGORIES = 50
"""Names of a category with a bin of their own."""
FREQUENT = 0.01
"""The share of the rows from which a name has a bin of its own."""
FEWEST_ROWS = 10
"""Rows that must hold a name for it to be kept at all: it may be that of a person."""
MOST_RARE = 200
"""Names without a bin of their own that are kept, to be told from those that were never seen."""
LONGEST_NAME = 100
"""Letters of a category's name."""
MOST_FEATURES = 300
LONGEST_COLUMN = 200
"""Letters of a column's name."""
MOST_BINS = 6_000
"""Of all features together: as many time series a service shows."""
MOST_LETTERS = 100_000
"""Of all names of all features together."""
LARGEST_COUNT = 1 << 53
"""What is counted never comes near; all readers of JSON keep it exactly."""


class FeatureKind(StrEnum):
    NUMBER = "number"
    CATEGORY = "category"
    TRUTH = "truth"


class Unprofiled(StrEnum):
    """Why nothing was counted of a column."""

    ABSENT = "absent"
    OTHER_KIND = "other kind"
    """The model takes numbers (or truth values) there, and the data hold something else."""
    FREE_TEXT = "free text"
    """Few rows hold a name that others hold too: text, or what tells rows apart."""
    DATES = "dates"
    EMPTY = "empty"
    TOO_MANY = "too many"
    """Others were counted up to the bounds of a profile."""


@dataclass(frozen=True, slots=True)
class FeatureBins:
    """How the values of the column ``name`` are put into bins.

    Number: bin i holds values from ``cuts[i - 1]`` up to, but not including, ``cuts[i]``, the first from ``least``, the
    last up to ``greatest``. Category: bin i holds ``categories[i]``. ``labels`` has the bins that follow these.
    """

    name: str
    kind: FeatureKind
    cuts: tuple[float, ...] = ()
    least: float = 0.0
    greatest: float = 0.0
    categories: tuple[str, ...] = ()
    rare: tuple[str, ...] = ()

    @property
    def own(self) -> int:
        """How many bins there are besides the special ones, which follow them."""
        return len(self.cuts) + 1 if self.kind is FeatureKind.NUMBER else len(self.categories)

    @property
    def labels(self) -> tuple[str, ...]:
        """What the bins are called where they are counted: "0", "1" …, then the special ones."""
        return (*map(str, range(self.own)), *_SPECIAL[self.kind])


_SPECIAL = {
    FeatureKind.NUMBER: ("below", "above", "missing"),
    FeatureKind.CATEGORY: ("rare", "unknown", "missing"),
    FeatureKind.TRUTH: ("missing",),
}


@dataclass(frozen=True, slots=True)
class FeatureProfile:
    """How many rows of the reference lie in each bin, in the order of ``bins.labels``; of numbers, the ``mean`` of
    those that are finite and their standard ``deviation``. ``title`` is what the data call a column that has no name
    for the model."""

    bins: FeatureBins
    counts: tuple[int, ...]
    mean: float | None = None
    deviation: float | None = None
    title: str = ""

    @property
    def shown(self) -> str:
        """The feature's name for people."""
        return self.title or self.bins.name

    @property
    def rows(self) -> int:
        return sum(self.counts)

    def count(self, label: str) -> int:
        """The rows in the bin of that label; 0 where there is no such bin."""
        labels = self.bins.labels
        return self.counts[labels.index(label)] if label in labels else 0


@dataclass(frozen=True, slots=True)
class ProfileQuestion:
    """What a model takes: ``columns`` by name and datatype of the Open Inference Protocol, in their order where they
    are not ``named``. ``answer`` is the datatype of what it answers ("" where that is not known), ``classes`` those
    that it is known to tell apart; ``target`` the column of the table with the true answers, "" to find it."""

    columns: tuple[tuple[str, str], ...]
    named: bool = True
    answer: str = ""
    classes: tuple[str, ...] = ()
    target: str = ""


@dataclass(frozen=True, slots=True)
class UnprofiledColumn:
    name: str
    why: Unprofiled


@dataclass(frozen=True, slots=True)
class TableProfile:
    """What was counted of a table of ``rows`` rows. ``answers`` are those of its column ``target``, in the bins that
    predictions are counted into; None without one."""

    rows: int
    features: tuple[FeatureProfile, ...]
    left_out: tuple[UnprofiledColumn, ...] = ()
    answers: FeatureProfile | None = None
    target: str = ""


@dataclass(frozen=True, slots=True)
class ReferenceProfile:
    """``table`` is what was counted of ``data``, by ``author``."""

    table: TableProfile
    data: ContentRef
    at: datetime
    author: str

    @property
    def digest(self) -> str:
        """The SHA-256 of ``bins_document``: counts of services that tell another one are in other bins."""
        return hashlib.sha256(bins_document(self.table)).hexdigest()


def flaw_of(table: TableProfile) -> str:
    """What is wrong with a profile that this program would never have made; "" of one that it may have."""
    profiles = [*table.features, *([table.answers] if table.answers is not None else [])]
    names = [one.bins.name for one in table.features]
    if not 0 < table.rows <= LARGEST_COUNT:
        return "number of rows"
    if len(table.features) > MOST_FEATURES or len(table.left_out) > MOST_FEATURES or len(set(names)) != len(names):
        return "features"
    if sum(len(one.counts) for one in profiles) > MOST_BINS + MOST_CUTS:
        return "number of bins"
    if sum(letters_of(one.bins) for one in profiles) > MOST_LETTERS + MOST_CATEGORIES * LONGEST_NAME:
        return "names"
    names += [*(one.name for one in table.left_out), *(one.title for one in profiles), table.target]
    if not all(len(name) <= LONGEST_COLUMN and is_text(name) for name in names):
        return "name of a column"
    return next(filter(None, map(_flaw_of_feature, profiles)), "")


def _flaw_of_feature(profile: FeatureProfile) -> str:
    bins, kind = profile.bins, profile.bins.kind
    known = (*bins.categories, *bins.rare)
    figures = [*bins.cuts, bins.least, bins.greatest]
    figures += [value for value in (profile.mean, profile.deviation) if value is not None]
    rises = all(low < high for low, high in pairwise(bins.cuts)) and bins.least <= bins.greatest
    checks = {
        "counts": len(profile.counts) == len(bins.labels)
        and all(0 <= count <= LARGEST_COUNT for count in profile.counts),
        "cuts": all(map(math.isfinite, figures)) and len(bins.cuts) <= MOST_CUTS and rises,
        "number of categories": len(bins.categories) <= MOST_CATEGORIES and len(bins.rare) <= MOST_RARE,
        "categories": len(set(known)) == len(known)
        and all(0 < len(name) <= LONGEST_NAME and is_text(name) for name in known),
        "bins": not (known if kind is FeatureKind.NUMBER else bins.cuts)
        and (kind is not FeatureKind.TRUTH or bins.categories == TRUTHS),
    }
    return next((what for what, holds in checks.items() if not holds), "")


TRUTHS = ("false", "true")
"""The bins of truth values."""


def is_text(name: str) -> bool:
    """Whether it can be written as UTF-8: half a surrogate pair cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def letters_of(bins: FeatureBins) -> int:
    """How many letters the names of a feature's categories have together."""
    return sum(map(len, bins.categories)) + sum(map(len, bins.rare))


def bins_document(table: TableProfile) -> bytes:
    """What a service needs to count into the same bins, as JSON: nothing but bins, no count of the reference."""
    answers = None if table.answers is None else _described(table.answers.bins)
    document = {"format": 1, "features": [_described(one.bins) for one in table.features], "answers": answers}
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")


def _described(bins: FeatureBins) -> dict[str, Any]:
    described: dict[str, Any] = {"name": bins.name, "kind": bins.kind.value}
    if bins.kind is FeatureKind.NUMBER:
        return described | {"cuts": list(bins.cuts), "least": bins.least, "greatest": bins.greatest}
    return described | {"categories": list(bins.categories), "rare": list(bins.rare)}
