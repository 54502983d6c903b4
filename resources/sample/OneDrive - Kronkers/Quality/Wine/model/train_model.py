# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "joblib==1.6.0",
#     "narwhals==2.29.0",
#     "numpy==2.4.6",
#     "scikit-learn==1.9.1",
#     "scipy==1.17.1",
#     "threadpoolctl==3.8.0",
# ]
# ///
"""Trains the model that tells from a laboratory's measurements which cultivar a wine was made from.

    python train_model.py [FOLDER]      writes wine_cultivar.joblib and metrics.json to FOLDER (default: here)

The same versions give the same bytes again: every random choice has a fixed seed, and trees (unlike linear algebra)
do not depend on the processor's way of adding.
"""

import csv
import json
import sys
from pathlib import Path

import joblib
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "data" / "wine_measurements.csv"


def read_measurements(path):
    """The column names, the measurements (float64, NaN where the laboratory lost one) and the cultivars."""
    with path.open(newline="", encoding="utf-8") as file:
        headings, *rows = csv.reader(file)
    measurements = np.array([[float(cell) if cell else np.nan for cell in row[:-1]] for row in rows])
    return headings[:-1], measurements, np.array([row[-1] for row in rows])


def train(measurements, cultivars):
    model = Pipeline(
        [
            ("fill_gaps", SimpleImputer(strategy="median")),
            ("forest", RandomForestClassifier(n_estimators=40, max_depth=6, min_samples_leaf=2, random_state=7)),
        ]
    )
    return model.fit(measurements, cultivars)


def main(folder):
    columns, measurements, cultivars = read_measurements(DATA)
    known, held_out, known_cultivars, held_out_cultivars = train_test_split(
        measurements, cultivars, test_size=0.25, stratify=cultivars, random_state=7
    )
    model = train(known, known_cultivars)
    answers = model.predict(held_out)
    # What fitting on a data frame would have recorded, without needing a data frame library to load the model.
    model.named_steps["fill_gaps"].feature_names_in_ = np.array(columns, dtype=object)
    metrics = {
        "accuracy": round(float(accuracy_score(held_out_cultivars, answers)), 4),
        "f1_macro": round(float(f1_score(held_out_cultivars, answers, average="macro")), 4),
        "held_out_rows": len(answers),
    }
    joblib.dump(model, folder / "wine_cultivar.joblib", protocol=5)
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8", newline="\n")
    print(metrics)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
