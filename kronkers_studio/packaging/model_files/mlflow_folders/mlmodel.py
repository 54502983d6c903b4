"""The file MLmodel, which describes the folder that it lies in. Only that is read: nothing of MLflow is needed.

What it means: https://mlflow.org/docs/latest/ml/model/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Final

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Framework
from kronkers_studio.domain.printable import printable
from kronkers_studio.packaging.byte_reader import Damaged, TooMuch
from kronkers_studio.packaging.environment_hints import decoded, is_version
from kronkers_studio.packaging.model_files.mlflow_folders.schemas import Field, read_schema
from kronkers_studio.packaging.model_files.mlflow_folders.yaml_documents import LARGEST, read_yaml

MLMODEL = "MLmodel"
LARGEST_MLMODEL: Final = LARGEST
"""Bytes of such a file that are read."""
_OWN_PROGRAM = "python_function"
_SHOWN_NAMES = 5


@dataclass(frozen=True, slots=True)
class _Flavor:
    """How a flavor says which file is the model's (``key``, by default ``file``; ``within`` what lies there, when that
    is a folder) and which version made it."""

    framework: Framework
    key: str
    file: str
    version: str
    within: str = ""


_FLAVORS: Final[Mapping[str, _Flavor]] = {
    "sklearn": _Flavor(Framework.SKLEARN, "pickled_model", "model.pkl", "sklearn_version"),
    "xgboost": _Flavor(Framework.XGBOOST, "data", "model.xgb", "xgb_version"),
    "lightgbm": _Flavor(Framework.LIGHTGBM, "data", "model.lgb", "lgb_version"),
    "catboost": _Flavor(Framework.CATBOOST, "data", "model.cb", "catboost_version"),
    "onnx": _Flavor(Framework.ONNX, "data", "model.onnx", ""),
    "keras": _Flavor(Framework.KERAS, "data", "data", "keras_version", "/model.keras"),
    "pytorch": _Flavor(Framework.PYTORCH, "model_data", "data", "pytorch_version", "/model.pth"),
    "tensorflow": _Flavor(Framework.KERAS, "data", "data", "keras_version", "/model.keras"),  # up to MLflow 2.11
}
"""Those whose models are loaded, the most telling first: a folder may have several."""


@dataclass(frozen=True, slots=True)
class MlflowModel:
    """What MLmodel says. ``file`` is the path of the model's own file in the folder; ``version`` the one of
    ``framework`` that made it, "" when nothing says it; ``named`` every text in its flavors, paths among them."""

    flavor: str
    framework: Framework
    file: str
    version: str
    mlflow_version: str
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    named: frozenset[str]


def read_mlmodel(data: bytes, folder: str = "") -> MlflowModel:
    """What the MLmodel that holds ``data`` says; ``folder`` is what its folder is called.

    Raises ``UnsupportedModel`` for what is none, for flavors that cannot be served, and for a model that is a program
    of its own, with what it would need.
    """
    called = f"{folder}/{MLMODEL}" if folder else MLMODEL
    document = _document(data, called)
    flavors = {
        name: said
        for name, said in _table(document.get("flavors")).items()
        if isinstance(said, dict) and name.isidentifier()
    }
    flavor = next((name for name in _FLAVORS if name in flavors), "")
    if not flavor:
        raise _unsupported(called, flavors, document)
    kind, said = _FLAVORS[flavor], flavors[flavor]
    signature = _table(document.get("signature"))
    return MlflowModel(
        flavor=flavor,
        framework=kind.framework,
        file=_own_file(called, said.get(kind.key) or kind.file, kind.within),
        version=_version(said.get(kind.version)).partition("+")[0],  # of which build is no matter
        mlflow_version=_version(document.get("mlflow_version")),
        inputs=read_schema(signature.get("inputs")),
        outputs=read_schema(signature.get("outputs")),
        named=frozenset(_texts(flavors)),
    )


def named_files(data: bytes) -> frozenset[str]:
    """Every text in the flavors of an MLmodel, the paths of the folder's files among them; none for what is none."""
    try:
        return frozenset(_texts(_table(_document(data, MLMODEL).get("flavors"))))
    except UnsupportedModel:
        return frozenset()


def _document(data: bytes, called: str) -> dict[str, Any]:
    try:
        if len(data) > LARGEST_MLMODEL:
            raise TooMuch("it is longer than any model's")
        document = read_yaml(decoded(lambda: data))
        if not isinstance(document, dict) or not _table(document.get("flavors")):
            raise Damaged("it names no flavors")
    except (Damaged, TooMuch) as reason:
        raise UnsupportedModel(
            f"{called} cannot be read: {reason}.",
            next_step="Copy the folder again from where MLflow saved it, or register the model's own file in it.",
        ) from None
    return document


def _unsupported(called: str, flavors: Mapping[str, Any], document: Mapping[str, Any]) -> UnsupportedModel:
    """What a service would need for a folder none of whose flavors is loaded here."""
    others = sorted(name for name in flavors if name != _OWN_PROGRAM)
    if others:
        return UnsupportedModel(
            f"{called} is of the flavor {', '.join(others[:_SHOWN_NAMES])}: not supported yet. "
            f"Those of {', '.join(_FLAVORS)} are.",
            next_step="Export the model to ONNX where it was trained, and register that file.",
        )
    own = _table(flavors.get(_OWN_PROGRAM))
    program = own.get("python_model") or own.get("model_code_path") or own.get("loader_module")
    version = _version(document.get("mlflow_version"))
    library = f"the library mlflow {version}".strip()
    return UnsupportedModel(
        f"{called} is a Python program of its own ({_shown(program)}), which has no form that can be read without "
        f"running it: not supported yet. It would need {library} in the service, and that program's own code.",
        next_step="Save the fitted model itself, with mlflow.sklearn.save_model for one, or export it to ONNX.",
    )


def _own_file(called: str, path: object, within: str) -> str:
    """``path`` and what is ``within`` it, when that names a file in the folder or below it. Raises
    ``UnsupportedModel``."""
    if isinstance(path, str) and path.isprintable() and _lies_within(path):
        return PurePosixPath(f"{path}{within}").as_posix()
    raise UnsupportedModel(
        f"{called} says that its model lies at {_shown(path)}, which is no file of its folder.",
        next_step="Ask where the folder comes from; the model's own file can be registered if it is one.",
    )


def _lies_within(path: str) -> bool:
    parts = PurePosixPath(path).parts
    plain = parts and ".." not in parts and not PurePosixPath(path).is_absolute()
    return bool(plain) and "\\" not in path and not PureWindowsPath(path).drive


def _shown(value: object) -> str:
    return printable(value[:100]) if isinstance(value, str) else "no path"


def _version(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= 80 and is_version(value) else ""


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> Iterator[str]:
    """Every text in ``value``, which a bounded reader made."""
    if isinstance(value, str):
        yield PurePosixPath(value).as_posix()
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
