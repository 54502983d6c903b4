"""The model that every server serves, and the rows that it is asked: scikit-learn's wine, thirteen numbers a row."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

COLUMNS = tuple(name.replace("/", "_") for name in load_wine().feature_names)
MODEL, DATA, R_MODEL = "model.joblib", "wine.csv", "model.rds"
TARGET = "class"
REQUESTS = 50
"""Rows that are asked one after another: a server that keeps its last answer gains nothing."""

FIT_IN_R = """
table <- read.csv("wine.csv")
model <- lm(class ~ ., data = table)
saveRDS(model, "model.rds")
"""


def make_work(folder: Path) -> None:
    """The fitted model and its data as files in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    features, classes = load_wine(return_X_y=True)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(features, classes)
    joblib.dump(model, folder / MODEL)
    with (folder / DATA).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, TARGET])
        writer.writerows([*row, int(label)] for row, label in zip(features.tolist(), classes, strict=True))


def rows() -> list[list[float]]:
    """``REQUESTS`` rows of the data, in an order that mixes the classes."""
    features = load_wine().data
    return [features[at].tolist() for at in np.random.default_rng(3).permutation(len(features))[:REQUESTS]]


def as_json(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def row_of_names(row: list[float]) -> bytes:
    """{"rows": [{column: number}]}"""
    return as_json({"rows": [dict(zip(COLUMNS, row, strict=True))]})


def row_of_numbers(row: list[float]) -> bytes:
    return as_json({"rows": [row]})


def tensor(row: list[float]) -> bytes:
    """The Open Inference Protocol's request."""
    return as_json({"inputs": [{"name": "predict", "shape": [1, len(row)], "datatype": "FP64", "data": [row]}]})


def mlflow_inputs(row: list[float]) -> bytes:
    return as_json({"inputs": [row]})


def plumber_row(row: list[float]) -> bytes:
    return as_json([dict(zip(COLUMNS, row, strict=True))])
