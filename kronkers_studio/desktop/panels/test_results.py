"""What came of each test of a run: a table, and all of the sentence of the chosen one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.look.tokens import Tone
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.domain.model_tests import ExpectationResult, Outcome

_ORDER = (Outcome.FAILED, Outcome.ERROR, Outcome.SKIPPED, Outcome.PASSED)
OUTCOME_TONES: dict[Outcome, Tone] = {
    Outcome.PASSED: "ok",
    Outcome.FAILED: "bad",
    Outcome.ERROR: "warn",
    Outcome.SKIPPED: "plain",
}


class TestResults(QWidget):
    """The table, and below it the sentence of the chosen test, which a row may have no room for. What did not pass
    comes first."""

    __test__ = False  # no test of pytest's

    def __init__(self) -> None:
        super().__init__()
        self.table: Table[ExpectationResult] = Table(tr("Tests of this version"), _columns())
        self.said = label("", "text", wrap=True, selectable=True)
        self.table.picked.connect(lambda row: self.said.setText(row.sentence))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.table, 1)
        column.addWidget(self.said)

    def show_results(self, results: Sequence[ExpectationResult]) -> None:
        """Show them; the first is chosen."""
        self.table.content.show_rows(sorted(results, key=lambda each: _ORDER.index(each.outcome)))
        if results:
            self.table.choose(0)


def outcome_words(outcome: Outcome) -> str:
    """An outcome in a word."""
    return {
        Outcome.PASSED: tr("Passed"),
        Outcome.FAILED: tr("Failed"),
        Outcome.ERROR: tr("Not measured"),
        Outcome.SKIPPED: tr("Skipped"),
    }[outcome]


def _signed(outcome: Outcome) -> str:
    """The word with its sign: colour alone tells nobody anything."""
    sign = {Outcome.PASSED: "✓", Outcome.FAILED: "✕", Outcome.ERROR: "!", Outcome.SKIPPED: "–"}[outcome]
    return f"{sign} {outcome_words(outcome)}"


def _columns() -> list[Column[ExpectationResult]]:
    return [
        Column(
            tr("Outcome"),
            lambda row: _signed(row.outcome),
            128,
            pill=lambda row: OUTCOME_TONES[row.outcome],
            spoken=lambda row: outcome_words(row.outcome),
        ),
        Column(tr("Test"), lambda row: row.name, 170, hint=lambda row: row.name),
        Column(tr("What was found"), lambda row: row.sentence, stretch=1, hint=lambda row: row.sentence),
        Column(
            tr("Took"), lambda row: tr("{n} s").format(n=f"{row.seconds:.1f}"), 70, right=True, muted=True, needs=720
        ),
    ]
