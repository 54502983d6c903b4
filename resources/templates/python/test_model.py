"""Tries the model on data/test.csv, rows that it was not trained on; fails when too few answers are right."""

from pathlib import Path

import joblib
import pandas as pd

HERE = Path(__file__).resolve().parent
ENOUGH = 0.7


def test_most_answers_are_right() -> None:
    rows = pd.read_csv(HERE / "data" / "test.csv")
    answers = rows.pop("failure")
    share = joblib.load(HERE / "@NAME@.joblib").score(rows, answers)
    print(f"{share:.0%} of {len(rows)} answers are right")
    assert share >= ENOUGH, f"{ENOUGH:.0%} are asked for"


if __name__ == "__main__":
    test_most_answers_are_right()
