"""What a model answers to one row: the answer, and how probable it finds each class, as bars."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import figure, number, tr
from kronkers_studio.desktop.widgets.bars import Bar, Bars
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.domain.row_tables import ScoredRows, cell_words

MOST_BARS = 10
"""Classes that are shown, the most probable ones."""
_ROUNDING = 1e-6  # by which a probability may be outside 0 and 1
_SMALL, _MOST_DECIMALS = 0.1, 12
_LONGEST = 300  # characters of an answer


class SingleReply(QWidget):
    """``bars`` are of the first row's classes; there are none of a model that answers numbers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(label(tr("The answer"), "caption"))
        self.answer = label("", "figure", wrap=True, selectable=True)
        self.answer.setAccessibleName(tr("The answer"))
        column.addWidget(self.answer)
        column.addSpacing(10)
        self._title = label(tr("Probability of each class"), "heading")
        column.addWidget(self._title)
        self.bars = Bars(tr("Probability of each class"))
        column.addWidget(self.bars)
        column.addStretch(1)

    def show_reply(self, scored: ScoredRows) -> None:
        """Show the answer to the first row of ``scored``."""
        output = scored.outputs[0]
        words = answer_words(output)
        self.answer.setText(words if len(words) <= _LONGEST else f"{words[:_LONGEST]} …")
        chances = scored.probabilities[0] if scored.probabilities else {}
        self._title.setVisible(bool(chances))
        self.bars.setVisible(bool(chances))
        self.bars.show_bars(*chance_bars(chances, words))


def answer_words(output: Any) -> str:
    """An answer as it is read: numbers with the digits that matter, however small."""
    if not isinstance(output, float):
        return cell_words(output)
    size = abs(output)
    if output.is_integer():
        return number(output)
    if size < _SMALL:
        return number(output, min(_MOST_DECIMALS, 2 - math.floor(math.log10(size))))
    return number(output, 3 if size < 1000 else 1)


def chance_bars(chances: Mapping[str, float], answer: str) -> tuple[list[Bar], str]:
    """The most probable classes first, ``answer`` set off, and in words how many are left out. What is no probability,
    as some exported models give it, is shown as it is."""
    ordered = sorted(chances.items(), key=lambda each: -each[1])
    low, high = min(chances.values(), default=0.0), max(chances.values(), default=1.0)
    are_chances = low >= -_ROUNDING and high <= 1 + _ROUNDING
    span = (high - low) or 1.0
    bars = [
        Bar(name, chance, percent(chance), name == answer)
        if are_chances
        else Bar(name, (chance - low) / span, figure(chance), name == answer)
        for name, chance in ordered[:MOST_BARS]
    ]
    more = len(ordered) - MOST_BARS
    return bars, tr("… {n} more").format(n=number(more)) if more > 0 else ""


def percent(chance: float) -> str:
    """ "87.3 %"; 0 and 100 only where nothing is left."""
    if 0 < chance < 0.0005:
        return tr("< {n} %").format(n=number(0.1, 1))
    if 0.9995 <= chance < 1:
        return tr("> {n} %").format(n=number(99.9, 1))
    return tr("{n} %").format(n=number(100 * chance, 1))
