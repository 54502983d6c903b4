"""The kinds of file that models come in: one table, of what their names end in, what they are called and what loads
them. What the bytes of a file say is ``packaging``'s affair; it uses these kinds."""

from __future__ import annotations

from dataclasses import dataclass

from kronkers_studio.domain.migration import FileKind
from kronkers_studio.domain.models import Framework


@dataclass(frozen=True, slots=True)
class ModelFileKind:
    """One kind of model file.

    ``label`` and ``kind`` are what a file is said to be when only the end of its name, one of ``suffixes``, is known:
    some of these are of other files, too. ``called`` is what it is called when its bytes were looked at. ``framework``
    loads it; None means that it is recognised, but not supported yet. A name that ends in one of ``shared`` is mostly
    of something else; such a file is a model only if its bytes say so. ``compressed``: to do so again is a waste.
    """

    label: str
    suffixes: tuple[str, ...]
    called: str
    framework: Framework | None = None
    kind: FileKind = FileKind.MODEL
    shared: tuple[str, ...] = ()
    compressed: bool = False


ONNX = ModelFileKind("ONNX", (".onnx",), "ONNX model", Framework.ONNX)
JOBLIB = ModelFileKind("Python object (joblib)", (".joblib",), "scikit-learn model", Framework.SKLEARN, FileKind.OTHER)
PICKLE = ModelFileKind(
    "Python object (pickle)",
    (".pkl", ".pickle"),
    "scikit-learn model",
    Framework.SKLEARN,
    FileKind.OTHER,
    shared=(".p", ".sav", ".model"),  # .sav is SPSS's, too
)
ORT = ModelFileKind("ONNX Runtime", (".ort",), "ONNX Runtime model (.ort)")
SKOPS = ModelFileKind("scikit-learn (skops)", (".skops",), "skops model (.skops)", compressed=True)
KERAS = ModelFileKind("Keras", (".keras",), "Keras model (.keras)")
KERAS_HDF5 = ModelFileKind("HDF5", (".h5",), "Keras model (.h5)", kind=FileKind.DATA)
PYTORCH = ModelFileKind("PyTorch", (".pt", ".pth"), "PyTorch model (.pt)")
SAFETENSORS = ModelFileKind("Safetensors", (".safetensors",), "file of weights (.safetensors)")
GGUF = ModelFileKind("GGUF", (".gguf",), "language model (.gguf)")
TENSORFLOW = ModelFileKind("TensorFlow", (".pb",), "TensorFlow model (.pb)")
TFLITE = ModelFileKind("TensorFlow", (".tflite",), "TensorFlow Lite model (.tflite)")
R = ModelFileKind("R object (RDS)", (".rds",), "R model (.rds)", kind=FileKind.DATA)
LIGHTGBM = ModelFileKind("LightGBM (text)", (), "LightGBM model (text)", Framework.LIGHTGBM, shared=(".txt", ".lgb"))
XGBOOST_JSON = ModelFileKind("XGBoost", (), "XGBoost model (JSON)", Framework.XGBOOST, shared=(".json",))
XGBOOST = ModelFileKind("XGBoost", (".ubj", ".xgb", ".bst"), "XGBoost model (UBJSON)", Framework.XGBOOST)
CATBOOST = ModelFileKind("CatBoost", (".cbm",), "CatBoost model (.cbm)", Framework.CATBOOST)
PMML = ModelFileKind("PMML", (".pmml",), "PMML model (.pmml)")
CORE_ML = ModelFileKind("Core ML", (".mlmodel",), "Core ML model (.mlmodel)")
MLFLOW = ModelFileKind("MLflow", (), "MLflow model (folder)")

MODEL_FILE_KINDS = (
    *(ONNX, JOBLIB, PICKLE, ORT, SKOPS, KERAS, KERAS_HDF5, PYTORCH, SAFETENSORS, GGUF, TENSORFLOW, TFLITE, R),
    *(LIGHTGBM, XGBOOST_JSON, XGBOOST, CATBOOST, PMML, CORE_ML, MLFLOW),
)
_BY_SUFFIX = {suffix: kind for kind in MODEL_FILE_KINDS for suffix in kind.suffixes}
_SHARED = tuple(suffix for kind in MODEL_FILE_KINDS for suffix in kind.shared)

MODEL_ENDINGS = tuple(
    suffix for kind in MODEL_FILE_KINDS if kind.framework for suffix in (*kind.suffixes, *kind.shared)
)
"""What names of files end in that may be registered."""


def model_file_kind(name: str) -> ModelFileKind | None:
    """What kind of model file the end of ``name`` stands for; None when it stands for none, or mostly for others."""
    lower = name.lower()
    return next((kind for suffix, kind in _BY_SUFFIX.items() if lower.endswith(suffix)), None)


def may_be_model(name: str) -> bool:
    """Whether it is worth looking into a file of that name: it is a model's, or may be one's."""
    return model_file_kind(name) is not None or name.lower().endswith(_SHARED)
