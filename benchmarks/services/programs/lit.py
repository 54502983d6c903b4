"""The service as LitServe's guide has it."""

import sys
from typing import Any

import joblib
import litserve
import numpy as np


class Wine(litserve.LitAPI):  # type: ignore[misc]  # not installed where this is checked
    def setup(self, device: str) -> None:
        self.model = joblib.load("model.joblib")

    def decode_request(self, request: dict[str, Any]) -> Any:
        return np.asarray(request["rows"])

    def predict(self, matrix: Any) -> dict[str, Any]:
        return {"outputs": self.model.predict(matrix).tolist()}

    def encode_response(self, answer: dict[str, Any]) -> dict[str, Any]:
        return answer


if __name__ == "__main__":
    server = litserve.LitServer(Wine(), accelerator="cpu")
    server.run(port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
