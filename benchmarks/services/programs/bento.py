"""The service as BentoML's guide has it."""

import bentoml
import joblib
import numpy as np


@bentoml.service(workers=1)
class Wine:
    def __init__(self) -> None:
        self.model = joblib.load("model.joblib")

    @bentoml.api  # type: ignore[untyped-decorator]  # not installed where this is checked
    def predict(self, rows: list[list[float]]) -> dict[str, list[int]]:
        return {"outputs": self.model.predict(np.asarray(rows)).tolist()}
