"""What a model answers, over time and in the range in view: the share of each class, or where its numbers lie."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.charts.card import ChartCard
from kronkers_studio.desktop.charts.lines import Line
from kronkers_studio.desktop.charts.quantities import digits, numbers, shares
from kronkers_studio.desktop.charts.shared_time import SharedTime
from kronkers_studio.desktop.localization import counted, figure, tr
from kronkers_studio.desktop.widgets.labels import ElidedLabel
from kronkers_studio.domain.series import AnswerLine, Answers

_LONGEST = 16  # letters of a class's name in the legend
_MOST_SAID = 6  # classes in the sentence
_BESIDE_LEGEND = 170  # pixels of the heading's row that are not the legend's
_LEGEND_ENTRY = 85  # and of each of its names
_LOWEST = 86  # pixels of the plot
_DASHES: tuple[tuple[float, ...], ...] = ((), (), (2.0, 2.0), (), (6.0, 2.0))


class AnswersCard(ChartCard):
    """A chart whose lines are the classes that were answered, or the middle of the numbers; and a sentence."""

    def __init__(self, time: SharedTime, parent: QWidget | None = None) -> None:
        super().__init__(tr("What it answers"), (), shares(), time, parent)
        self.words = ElidedLabel("", "caption")
        self.body.insertWidget(1, self.words)
        self.plot.setMinimumHeight(_LOWEST)  # so that the card is no higher than those beside it
        self.show_answers(Answers())

    def show_answers(self, answers: Answers) -> None:
        """Draw ``answers``, and say them in a sentence."""
        self.plot.show_lines(_lines(answers), numbers() if answers.quantiles is not None else shares())
        self._show_legend()
        self.show_windows(answers.windows)
        self.words.setText(_words(answers))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_legend()

    def _show_legend(self) -> None:
        """As many names as there is room for, the most frequent first."""
        room = max(1, (self.width() - _BESIDE_LEGEND) // _LEGEND_ENTRY)
        named = self.plot.lines[:room] if self.plot.quantity.from_zero else self.plot.lines
        self.legend.show_lines(named, "", {line: _short(line.name) for line in named})


def _lines(answers: Answers) -> list[Line]:
    if answers.quantiles is not None:
        names = {
            0.1: (tr("1 of 10 below"), tr("1 of 10"), tr("10 % of the answers are lower (10th percentile)")),
            0.5: (tr("half below"), tr("half"), tr("Half of the answers are lower (median)")),
            0.9: (tr("9 of 10 below"), tr("9 of 10"), tr("90 % of the answers are lower (90th percentile)")),
        }
        return [
            Line(AnswerLine(quantile=q), names[q][0], series, dash, names[q][2], names[q][1])
            for q, series, dash in ((0.5, 0, ()), (0.1, 1, ()), (0.9, 1, (2.0, 2.0)))
        ]
    return [
        Line(each, tr("others") if each.others else each.name, series, _DASHES[series], _line_hint(each))
        for series, each in enumerate(line for line in answers.windows if isinstance(line, AnswerLine))
    ]


def _line_hint(line: AnswerLine) -> str:
    if line.others:
        return tr("Share of all other answers")
    return tr("Share of the answer “{name}”").format(name=line.name)


def _words(answers: Answers) -> str:
    if not answers.rows:
        return tr("No answers that are counted in this time")
    many = counted(answers.rows, tr("{n} answer"), tr("{n} answers"))
    if answers.quantiles is not None:
        low, middle, high = map(_figure, answers.quantiles)
        words = tr("{answers}: half below {middle}, 8 of 10 from {low} to {high}")
        return words.format(answers=many, middle=middle, low=low, high=high)
    said = [(name, number) for name, number in answers.classes[:_MOST_SAID]]
    rest = answers.others + sum(number for _, number in answers.classes[_MOST_SAID:])
    parts = [_share(name, number / answers.rows) for name, number in said]
    if rest:
        parts.append(_share(tr("others"), rest / answers.rows))
    return f"{many}: {' · '.join(parts)}"


def _figure(value: float) -> str:
    """With the digits that a histogram of the answers can tell."""
    return digits(value) if abs(value) >= 1 else figure(value)


def _share(name: str, share: float) -> str:
    return tr("{name} {n} %").format(name=_short(name), n=digits(round(share * 100, 1)))


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
