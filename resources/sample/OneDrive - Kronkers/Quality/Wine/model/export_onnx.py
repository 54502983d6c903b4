# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "joblib==1.6.0",
#     "narwhals==2.29.0",
#     "numpy==2.4.6",
#     "onnx==1.23.2",
#     "scikit-learn==1.9.1",
#     "scipy==1.17.1",
#     "skl2onnx==1.20.0",
#     "threadpoolctl==3.8.0",
# ]
# ///
"""Exports wine_cultivar.joblib to ONNX, for services without Python: python export_onnx.py [FOLDER]"""

import json
import sys
from pathlib import Path

import joblib
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType

HERE = Path(__file__).resolve().parent


def main(folder):
    model = joblib.load(folder / "wine_cultivar.joblib")
    columns = model.feature_names_in_.tolist()
    exported = to_onnx(
        model,
        name="wine_cultivar",
        initial_types=[("measurements", FloatTensorType([None, len(columns)]))],
        options={"zipmap": False},  # probabilities as one table instead of a list of dictionaries
        target_opset={"": 18, "ai.onnx.ml": 3},
    )
    exported.metadata_props.add(key="columns", value=json.dumps(columns))
    (folder / "wine_cultivar.onnx").write_bytes(exported.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
