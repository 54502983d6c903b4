"""Features as rows: how each was spread in the training data, alone and beside what came into a service."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter

from kronkers_studio.desktop.localization import counted, figure, number, tr
from kronkers_studio.desktop.look import theme
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.domain.feature_comparisons import ENOUGH_ROWS, FeatureComparison
from kronkers_studio.domain.feature_profiles import FeatureBins, FeatureKind, FeatureProfile

_BARS, _BESIDE = 132, 14  # pixels that the bars of a feature take, and of these the gap after them
_THINNEST = 3  # pixels of a bin whose values are all but one
_NAMED = 3  # categories that are told


def profile_table() -> Table[FeatureProfile]:
    """Of the training data alone."""
    return Table(
        tr("Features"),
        [
            Column(tr("Feature"), feature_name, stretch=2, middle=True),
            Column(tr("Values"), spread_words, stretch=4, lead=_draw_reference, spoken=spread_words),
            Column(tr("Missing"), lambda one: share_words(one.count("missing"), one.rows), 90, right=True),
        ],
    )


def comparison_table() -> Table[FeatureComparison]:
    """The training data beside what came in."""
    return Table(
        tr("Features and what came in"),
        [
            Column(tr("Feature"), lambda one: feature_name(one.reference), stretch=2, middle=True),
            Column(
                tr("Training data"),
                lambda one: spread_words(one.reference),
                stretch=3,
                lead=lambda painter, rect, one: _draw_reference(painter, rect, one.reference),
            ),
            Column(tr("Came in"), came_in_words, stretch=3, lead=_draw_came_in),
            Column(tr("Missing"), missing_words, 124, right=True, needs=760),
            Column(tr("Unknown"), unknown_words, 90, right=True, hint=_unknown_hint, needs=860),
            Column(tr("Change"), change_words, 84, right=True, hint=_change_hint),
        ],
    )


def feature_name(one: FeatureProfile) -> str:
    """What people call it."""
    return one.shown or tr("(its answers)")


def share_words(rows: int, of: int) -> str:
    """A share of rows: "2.5 %"; of none a dash."""
    return tr("{n} %").format(n=number(100 * rows / of, 1)) if of else "–"


def spread_words(one: FeatureProfile) -> str:
    """Where the values lie: "18 to 90, mean 41.2", or the most frequent names and their shares."""
    bins = one.bins
    if bins.kind is FeatureKind.NUMBER:
        words = tr("{least} to {greatest}").format(least=figure(bins.least), greatest=figure(bins.greatest))
        return words if one.mean is None else tr("{range}, mean {mean}").format(range=words, mean=figure(one.mean))
    named = [
        tr("{name} {n} %").format(name=name, n=number(100 * count / one.rows)) if one.rows else name
        for name, count in zip(bins.categories[:_NAMED], one.counts, strict=False)
    ]
    more = len(bins.categories) + len(bins.rare) - len(named)
    return ", ".join([*named, *([counted(more, tr("{n} other"), tr("{n} others"))] if more else [])])


def came_in_words(one: FeatureComparison) -> str:
    """How many rows came in."""
    return counted(one.rows, tr("{n} row"), tr("{n} rows"))


def missing_words(one: FeatureComparison) -> str:
    """The share without a value, in the training data and in what came in: "2.5 % → 0.4 %"."""
    was = share_words(one.reference.count("missing"), one.reference.rows)
    return tr("{was} → {now}").format(was=was, now=_share(one, "missing"))


def unknown_words(one: FeatureComparison) -> str:
    """The share of what came in that lies beyond the training data, or is a name that is not in it."""
    return _share(one, "unknown") if one.reference.bins.kind is FeatureKind.CATEGORY else _share(one, "below", "above")


def change_words(one: FeatureComparison) -> str:
    """PSI*: "0.012"; a dash where there are too few rows."""
    return "–" if one.psi is None else number(max(0.0, one.psi), 3)


def _share(one: FeatureComparison, *labels: str) -> str:
    share = one.share(*labels)
    return "–" if share is None else tr("{n} %").format(n=number(100 * share, 1))


def _unknown_hint(one: FeatureComparison) -> str:
    if one.reference.bins.kind is FeatureKind.NUMBER:
        return tr("Of what came in, below the least or above the greatest of the training data")
    return tr("Of what came in, names that are not in the training data, or in few of its rows")


def _change_hint(one: FeatureComparison) -> str:
    if one.psi is None:
        return tr("It can be told from {n} rows on, in the training data and of what came in").format(n=ENOUGH_ROWS)
    return tr(
        "How far what came in is from the training data, less what chance makes of it (PSI*); 0.04 is about a fifth of "
        "a standard deviation"
    )


def _draw_reference(painter: QPainter, rect: QRect, one: FeatureProfile) -> int:
    return _draw_bars(painter, rect, one.bins, one.counts)


def _draw_came_in(painter: QPainter, rect: QRect, one: FeatureComparison) -> int:
    return _draw_bars(painter, rect, one.reference.bins, one.counts)


def _draw_bars(painter: QPainter, rect: QRect, bins: FeatureBins, counts: Sequence[int]) -> int:
    """Of numbers a histogram, each bin as wide as its values reach and as high as they lie close; of names a bar each,
    of those without a bin of their own in another colour. What is missing is told beside it."""
    bars = bars_of(bins, counts, _BARS - _BESIDE)
    highest = max((tall for _left, _wide, tall in bars), default=0.0)
    height, bottom = rect.height() - 12, rect.bottom() - 5
    for place, (left, wide, tall) in enumerate(bars):
        pixels = round(height * tall / highest) if highest else 0
        colour = theme.current().colour("accent" if place < bins.own else "muted")
        top = bottom - max(pixels, int(tall > 0))
        painter.fillRect(QRect(rect.left() + left, top, max(1, wide - 1), bottom - top), colour)
    return _BARS


def bars_of(bins: FeatureBins, counts: Sequence[int], width: int) -> list[tuple[int, int, float]]:
    """The left edge, the width (both in pixels of ``width``) and the height (in any unit) of a bar for each bin but
    those of values that are missing or out of range."""
    if bins.kind is not FeatureKind.NUMBER:
        shown = counts[:-1]
        each = width / max(1, len(shown))
        return [(int(place * each), max(1, int(each)), float(count)) for place, count in enumerate(shown)]
    edges = [bins.least, *bins.cuts, bins.greatest]
    reach = bins.greatest / 2 - bins.least / 2 or 1.0  # halves, for the whole may be too large for a number
    places = [int((edge / 2 - bins.least / 2) / reach * width) for edge in edges]
    wide = [max(_THINNEST, end - begin) for begin, end in pairwise(places)]
    return [
        (min(left, width - _THINNEST), pixels, count / pixels)
        for left, pixels, count in zip(places, wide, counts, strict=False)
    ]
