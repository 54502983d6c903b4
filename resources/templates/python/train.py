"""Trains the model on data/train.csv and saves it as @NAME@.joblib."""

from pathlib import Path

import joblib
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).resolve().parent
MODEL = HERE / "@NAME@.joblib"


def main() -> None:
    rows = pd.read_csv(HERE / "data" / "train.csv")
    answers = rows.pop("failure")
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(rows, answers)
    joblib.dump(model, MODEL)
    print(f"{MODEL.name}: trained on {len(rows)} rows, {model.score(rows, answers):.0%} of them right")


if __name__ == "__main__":
    main()
