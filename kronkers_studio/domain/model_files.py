"""The kinds of file that models come in: one table, of what their names and their bytes are like, what they are called,
what loads them, or what would be needed to. ``packaging`` looks into the files; a plan, what is found, what is
registered and lineage all speak of them as this table does."""

from __future__ import annotations

from dataclasses import dataclass

from kronkers_studio.domain.migration import FileKind
from kronkers_studio.domain.models import Framework

HEAD_BYTES = 4096
"""How much of a file's start the table's signs are looked for in."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What the bytes of a kind are like: they have ``start`` at ``at``, and all of ``holds`` in their first
    ``HEAD_BYTES``; with ``entries`` it is a zip archive, in which some entry's path ends in each of these."""

    start: bytes = b""
    at: int = 0
    holds: tuple[bytes, ...] = ()
    entries: tuple[str, ...] = ()

    def fits(self, head: bytes, entries: tuple[str, ...]) -> bool:
        return (
            head.startswith(self.start, self.at)
            and all(part in head for part in self.holds)
            and all(any(f"/{name}".endswith(f"/{end}") for name in entries) for end in self.entries)
        )


@dataclass(frozen=True, slots=True)
class ModelFileKind:
    """One kind of model file.

    ``label`` and ``kind`` are what a file is said to be when only the end of its name, one of ``suffixes``, or its
    whole name, one of ``names``, is known: some of these are of other files, too. ``called`` is what it is called when
    its bytes were looked at, and these have one of ``signs``. A name that ends in one of ``shared`` is mostly of
    something else; such a file is a model only if its bytes say so. ``told_apart`` are suffixes of another kind, which
    the bytes tell apart. ``compressed``: to do so again is a waste.

    ``framework`` loads it; None means that it is recognised, but not supported yet: then ``needs`` is what a service
    would need for it, and ``instead`` what can be done today. ``modules`` are the Python libraries whose objects, in a
    pickle, are models of that kind: what can be done with such a pickle is ``instead``, too.
    """

    label: str
    suffixes: tuple[str, ...]
    called: str
    framework: Framework | None = None
    kind: FileKind = FileKind.MODEL
    shared: tuple[str, ...] = ()
    told_apart: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    compressed: bool = False
    signs: tuple[Sign, ...] = ()
    needs: str = ""
    instead: str = ""
    modules: tuple[str, ...] = ()


_OWN_FORM_OF_KERAS = (
    "Open it with Keras 3 and save it in its own form: model.save('model.keras'); else export it to ONNX."
)
_ONNX_OF_TORCH = "Export it to ONNX where it was trained: torch.onnx.export(model, example, file)."
_ZIP = b"PK\x03\x04"
_HDF5 = b"\x89HDF\r\n\x1a\n"

ONNX = ModelFileKind("ONNX", (".onnx",), "an ONNX model", Framework.ONNX)  # a protocol buffer, without any mark
JOBLIB = ModelFileKind(
    "Python object (joblib)", (".joblib",), "a scikit-learn model", Framework.SKLEARN, FileKind.OTHER
)
PICKLE = ModelFileKind(
    "Python object (pickle)",
    (".pkl", ".pickle"),
    "a scikit-learn model",
    Framework.SKLEARN,
    FileKind.OTHER,
    shared=(".p", ".sav", ".model"),  # .sav is SPSS's, too
)
ORT = ModelFileKind(
    "ONNX Runtime",
    (".ort",),
    "an ONNX Runtime model (.ort)",
    signs=(Sign(b"ORTM", 4),),
    needs="the reading of what it says of itself, which it keeps in another form than ONNX",
    instead="Register the .onnx file that it was made from.",
)
SKOPS = ModelFileKind(
    "scikit-learn (skops)",
    (".skops",),
    "a skops model (.skops)",
    Framework.SKLEARN,
    compressed=True,
    signs=(Sign(_ZIP, entries=("schema.json",)),),
)
KERAS = ModelFileKind(
    "Keras",
    (".keras",),
    "a Keras model (.keras)",
    Framework.KERAS,
    signs=(Sign(_ZIP, entries=("metadata.json", "config.json")),),
    instead=_OWN_FORM_OF_KERAS,
    modules=("keras", "tensorflow"),
)
KERAS_HDF5 = ModelFileKind(
    "HDF5",
    (".h5",),
    "a Keras model (.h5)",
    kind=FileKind.DATA,
    signs=tuple(
        Sign(b"\x89HDF\r\n\x1a\n", holds=(part,)) for part in (b"model_config", b"keras_version", b"model_weights")
    ),
    needs="the reading of HDF5 before anything is loaded from it",
    instead=_OWN_FORM_OF_KERAS,
)
TORCHSCRIPT = ModelFileKind(
    "PyTorch (TorchScript)",
    (),
    "a PyTorch program (TorchScript)",
    Framework.PYTORCH,
    told_apart=(".pt", ".pth"),
    signs=(Sign(_ZIP, entries=("constants.pkl", "data.pkl", "version")),),
)
TORCH_EXPORT = ModelFileKind(
    "PyTorch (exported)",
    (".pt2",),
    "a PyTorch program (.pt2)",
    Framework.PYTORCH,
    signs=(
        Sign(_ZIP, entries=("archive_format", "archive_version")),
        Sign(_ZIP, entries=("serialized_exported_program.json",)),
    ),
)
PYTORCH = ModelFileKind(
    "PyTorch",
    (".pt", ".pth"),
    "a PyTorch model (.pt)",
    signs=(Sign(_ZIP, entries=("data.pkl", "version")), Sign(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 ")),
    needs="the program that the weights belong to, which is not in the file, and the library torch",
    instead=_ONNX_OF_TORCH,
    modules=("torch",),
)
SAFETENSORS = ModelFileKind(
    "Safetensors",
    (".safetensors",),
    "a file of weights (.safetensors)",
    signs=(Sign(b'{"', 8, holds=(b'"dtype":', b'"data_offsets":')),),
    needs="the program that the weights belong to, which is not in the file",
    instead="Put the program beside it, a file of Python with a torch.nn.Module that is made without arguments; or "
    "export the whole model where it was trained: torch.onnx.export(model, example, file).",
)
GGUF = ModelFileKind(
    "GGUF",
    (".gguf",),
    "a language model (.gguf)",
    signs=(Sign(b"GGUF"),),
    needs="a server for language models, such as llama.cpp",
    instead="Keep it as a file of the project.",
)
TENSORFLOW = ModelFileKind(
    "TensorFlow",
    (".pb",),
    "a TensorFlow model (.pb)",
    needs="the library tensorflow, and the folder that the file belongs to",
    instead="Convert the folder to ONNX: python -m tf2onnx.convert --saved-model FOLDER --output FILE.",
)
TFLITE = ModelFileKind(
    "TensorFlow",
    (".tflite",),
    "a TensorFlow Lite model (.tflite)",
    signs=(Sign(b"TFL3", 4),),
    needs="TensorFlow Lite's runtime in the service",
    instead="Convert it to ONNX: python -m tf2onnx.convert --tflite FILE --output FILE.",
)
R = ModelFileKind(
    "R object (RDS)",
    (".rds",),
    "an R model",
    Framework.R,
    FileKind.DATA,
)
JULIA = ModelFileKind(
    "Julia object",
    (".jls",),
    "a Julia object (.jls)",
    Framework.JULIA,
    signs=(Sign(b"7JL"),),
)
LIGHTGBM = ModelFileKind(
    "LightGBM (text)",
    (),
    "a LightGBM model (text)",
    Framework.LIGHTGBM,
    shared=(".txt", ".lgb"),
    signs=(Sign(b"tree\nversion="), Sign(b"tree\r\nversion=")),
    instead="Save it in LightGBM's own form: model.booster_.save_model('model.txt').",
    modules=("lightgbm",),
)
XGBOOST_JSON = ModelFileKind(
    "XGBoost (JSON)",
    (),
    "an XGBoost model (JSON)",
    Framework.XGBOOST,
    shared=(".json",),
    signs=(Sign(b"{", holds=(b'"learner":{"attributes":',)), Sign(b"{", holds=(b'"learner"', b'"gradient_booster"'))),
)
XGBOOST = ModelFileKind(
    "XGBoost",
    (".ubj", ".xgb", ".bst"),
    "an XGBoost model (UBJSON)",
    Framework.XGBOOST,
    signs=(Sign(b"{L\0\0\0\0\0\0\0\x07learner"),),
    instead="Save it in XGBoost's own form: model.save_model('model.ubj').",
    modules=("xgboost",),
)
XGBOOST_BINARY = ModelFileKind(
    "XGBoost (binary)",
    (),
    "an XGBoost model in the binary form of before version 1.0",
    shared=(".bin",),
    signs=(Sign(b"binf"),),
    needs="a form that XGBoost still writes",
    instead="Open it with the XGBoost that made it and save it again: model.save_model('model.ubj').",
)
CATBOOST_JSON = ModelFileKind(
    "CatBoost (JSON)",
    (),
    "a CatBoost model (JSON)",
    signs=(
        Sign(b"{", holds=(b'"features_info"', b'"float_features"')),
        Sign(b"{", holds=(b'"oblivious_trees"', b'"splits"')),
    ),
    needs="the reading of what it says of itself, which CatBoost's own form keeps in another way",
    instead="Open it with CatBoost and save it in its own form: model.save_model('model.cbm').",
)
CATBOOST = ModelFileKind(
    "CatBoost",
    (".cbm",),
    "a CatBoost model (.cbm)",
    Framework.CATBOOST,
    signs=(Sign(b"CBM1"),),
    instead="Save it in CatBoost's own form: model.save_model('model.cbm').",
    modules=("catboost",),
)
PMML = ModelFileKind(
    "PMML",
    (".pmml",),
    "a PMML model (.pmml)",
    Framework.PMML,
    shared=(".xml",),
    signs=(Sign(holds=(b"<PMML", b"dmg.org/PMML")), Sign(holds=(b":PMML", b"dmg.org/PMML"))),
)
CORE_ML = ModelFileKind(
    "Core ML",
    (".mlmodel",),
    "a Core ML model (.mlmodel)",
    needs="a Mac: it runs on nothing else",
    instead="Export the model that it was made from to ONNX.",
)
MLFLOW = ModelFileKind(
    "MLflow",
    (),
    "an MLflow model folder",
    names=("mlmodel",),
    signs=(Sign(holds=(b"flavors:\n", b"\n  loader_module:")), Sign(holds=(b"flavors:\n", b"mlflow_version:"))),
    needs="the library of the flavor that it names, if that is not one of those above",
    instead="Register the folder: the model's own file in it is taken, as MLmodel names it.",
)

MODEL_FILE_KINDS = (
    *(ONNX, JOBLIB, PICKLE, ORT, SKOPS, KERAS, KERAS_HDF5, TORCHSCRIPT, TORCH_EXPORT, PYTORCH, SAFETENSORS, GGUF),
    *(TENSORFLOW, TFLITE, R, JULIA, LIGHTGBM, XGBOOST_JSON, XGBOOST, XGBOOST_BINARY, CATBOOST_JSON, CATBOOST),
    *(PMML, CORE_ML, MLFLOW),
)
"""In the order in which their signs are looked for: what could be mistaken for another comes first."""

_BY_SUFFIX = {suffix: kind for kind in MODEL_FILE_KINDS for suffix in kind.suffixes}
_BY_NAME = {name: kind for kind in MODEL_FILE_KINDS for name in kind.names}
_SHARED = tuple(suffix for kind in MODEL_FILE_KINDS for suffix in kind.shared)
_BY_MODULE = {module: kind for kind in MODEL_FILE_KINDS for module in kind.modules}

MODEL_ENDINGS = tuple(
    suffix for kind in MODEL_FILE_KINDS if kind.framework for suffix in (*kind.suffixes, *kind.shared, *kind.told_apart)
)
"""What names of files end in that may be registered."""


def model_file_kind(name: str) -> ModelFileKind | None:
    """What kind of model file the name, or the end of it, stands for; None when it stands for none, or mostly for
    others."""
    lower = name.lower()
    by_suffix = (kind for suffix, kind in _BY_SUFFIX.items() if lower.endswith(suffix))
    return _BY_NAME.get(lower) or next(by_suffix, None)


def may_be_model(name: str) -> bool:
    """Whether it is worth looking into a file of that name: it is a model's, or may be one's."""
    return model_file_kind(name) is not None or name.lower().endswith(_SHARED)


def kind_of_bytes(head: bytes, entries: tuple[str, ...] = ()) -> ModelFileKind | None:
    """The kind whose signs the bytes have; None when they have none's. ``head`` are the first ``HEAD_BYTES``, or all;
    ``entries`` the paths in a zip archive."""
    plain = head.lstrip(b"\xef\xbb\xbf \t\r\n") if head[:1] in b"\xef \t\r\n" else head  # before JSON and XML
    return next((kind for kind in MODEL_FILE_KINDS if any(sign.fits(plain, entries) for sign in kind.signs)), None)


def kind_of_module(module: str) -> ModelFileKind | None:
    """The kind of models that objects of a Python module are, "xgboost.sklearn" for one; None for all other modules."""
    return _BY_MODULE.get(module.partition(".")[0])


# ---- R ----

R_MODEL_CLASSES = frozenset(
    {
        *("aov", "Arima", "BinaryTree", "C5.0", "bam", "bart", "coxph", "cubist", "cv.glmnet", "earth", "ets", "gam"),
        *("gbm", "glm", "glmerMod", "glmnet", "gls", "HoltWinters", "kmeans", "kknn", "knn3", "ksvm", "lda", "lm"),
        *("lme", "lmerMod", "loess", "mlm", "model_fit", "multinom", "naiveBayes", "negbin", "nls", "nn", "nnet"),
        *("party", "polr", "prcomp", "qda", "randomForest", "ranger", "rlm", "rpart", "smooth.spline", "survreg"),
        *("svm", "train", "tree", "workflow", "xgb.Booster"),
    }
)
"""The classes of R's that are models, of its own and of its most used packages."""
R_DATA_CLASSES = frozenset(
    {
        *("data.frame", "tbl_df", "data.table", "factor", "Date", "POSIXct", "POSIXlt", "difftime", "matrix", "array"),
        *("table", "ts"),
    }
)
"""Those that are data."""
