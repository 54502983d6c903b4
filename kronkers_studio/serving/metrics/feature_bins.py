"""``statistics.json`` beside a model: the bins into which what comes in is counted, those of its reference profile.

The file is part of the package and verified as the model is. Without it, or with one that is not as it should be,
nothing is counted, which the log says; the model is served all the same.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

FILE = "statistics.json"
FORMAT = 1
_LARGEST = 4 << 20  # bytes of the file: one with the most and longest names has 2.2 million
_MOST_FEATURES = 300
_MOST_BINS = 8_000  # of all features together
_LONGEST = 200  # letters of a name
_SPECIAL = {
    "number": ("below", "above", "missing"),
    "category": ("rare", "unknown", "missing"),
    "truth": ("missing",),
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bins:
    """How the values of the feature ``name`` are put into bins. A number's bin i begins at ``cuts[i - 1]``, the first
    at ``least``, and the last ends with ``greatest``; a category's holds ``categories[i]``. Then come the special
    bins."""

    name: str
    kind: str
    cuts: tuple[float, ...] = ()
    least: float = 0.0
    greatest: float = 0.0
    categories: tuple[str, ...] = ()
    rare: tuple[str, ...] = ()

    @property
    def own(self) -> int:
        """How many bins there are besides the special ones."""
        return len(self.cuts) + 1 if self.kind == "number" else len(self.categories)

    @property
    def labels(self) -> tuple[str, ...]:
        """What each bin is called, in their order."""
        return (*map(str, range(self.own)), *_SPECIAL[self.kind])


@dataclass(frozen=True)
class ProfileBins:
    """The bins of a profile; ``digest`` is the SHA-256 of its file, which tells profiles apart."""

    digest: str
    features: tuple[Bins, ...]
    answers: Bins | None


def read_bins(folder: Path, sha256: str) -> ProfileBins | None:
    """The bins of the model in ``folder``, whose file has the hash ``sha256`` ("" of a package without one); None when
    nothing is to be counted."""
    if not sha256:
        return None
    try:
        with (folder / FILE).open("rb") as stream:
            content = stream.read(_LARGEST + 1)
        if len(content) > _LARGEST or hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError("it is not the one that was packaged")
        return _profile(json.loads(content), sha256)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        _log.warning("nothing is counted of what comes in", extra={"fields": {"file": FILE, "error": str(error)[:200]}})
        return None


def _profile(found: Any, digest: str) -> ProfileBins:
    if found["format"] != FORMAT:
        raise ValueError("it is of another format")
    features = tuple(map(_bins, found["features"]))
    answers = None if found["answers"] is None else _bins(found["answers"])
    every = (*features, *([answers] if answers is not None else []))
    names = {one.name for one in features}
    if len(features) > _MOST_FEATURES or len(names) != len(features):
        raise ValueError("it has too many features, or two of one name")
    if sum(len(one.labels) for one in every) > _MOST_BINS:
        raise ValueError("it has too many bins")
    return ProfileBins(digest, features, answers)


def _bins(found: Any) -> Bins:
    name, kind = _name(found["name"]), found["kind"]
    if kind not in _SPECIAL:
        raise ValueError("a feature is of a kind that is not known")
    if kind == "number":
        cuts = tuple(map(_number, found["cuts"]))
        least, greatest = _number(found["least"]), _number(found["greatest"])
        if least > greatest or any(low >= high for low, high in pairwise(cuts)):
            raise ValueError("cuts do not rise")
        return Bins(name, kind, cuts, least, greatest)
    categories, rare = tuple(map(_name, found["categories"])), tuple(map(_name, found["rare"]))
    if len({*categories, *rare}) != len(categories) + len(rare):
        raise ValueError("a category is there twice")
    if kind == "truth" and categories != ("false", "true"):
        raise ValueError("truth values are others")
    return Bins(name, kind, categories=categories, rare=rare)


def _name(found: Any) -> str:
    if not isinstance(found, str) or len(found) > _LONGEST:
        raise ValueError("a name is too long, or none")
    found.encode()  # half a surrogate pair is a ValueError, too: nobody could read it from /metrics
    return found


def _number(found: Any) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise ValueError("a number is none")
    return float(found)
