"""What a workspace says of a model, looked at before uv, a path or an interpreter gets it.

Facts are found by reading a model's file, and kept in the workspace; which somebody else may have made. All functions
raise ``ForeignEntry`` for what this program would never have found.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement

from kronkers_studio.domain.errors import ForeignEntry, InvalidInput
from kronkers_studio.domain.libraries import project_of
from kronkers_studio.domain.models import Framework, ModelFacts, ModelVersion
from kronkers_studio.domain.naming import checked_model_name
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.stated_signatures import may_be_stated, stated
from kronkers_studio.packaging.environment_hints import is_version
from kronkers_studio.packaging.model_files.onnx_files.onnx_weights import is_weights_name
from kronkers_studio.packaging.model_files.own_code import is_own_code
from kronkers_studio.packaging.model_files.pickles import allowlist
from kronkers_studio.packaging.model_files.pickles.allowances import why_never
from kronkers_studio.packaging.model_files.pickles.pickle_symbols import Global

_PICKLES: Final = {"joblib": "model.joblib", "pickle": "model.pkl", "skops": "model.skops"}
FILE_NAMES: Final[Mapping[Framework, Mapping[str, str]]] = {
    Framework.SKLEARN: _PICKLES,
    Framework.ONNX: {"onnx": "model.onnx"},
    Framework.XGBOOST: {**_PICKLES, "xgboost-json": "model.json-xgboost", "xgboost-ubj": "model.ubj"},
    Framework.LIGHTGBM: {**_PICKLES, "lightgbm": "model.txt"},
    Framework.CATBOOST: {**_PICKLES, "catboost": "model.cbm"},
    Framework.KERAS: {"keras": "model.keras"},
    Framework.PYTORCH: {"torchscript": "model.pt", "torch-export": "model.pt2", "safetensors": "model.safetensors"},
    Framework.PMML: {"pmml": "model.pmml"},
    Framework.R: {"rds": "model.rds"},
    Framework.JULIA: {"jls": "model.jls"},
}
"""For each framework the formats of its files, and what a package calls such a file."""

_WITH_FILES: Final = (Framework.ONNX, Framework.JULIA)
_WITHOUT_VERSION: Final = (Framework.LIGHTGBM, Framework.CATBOOST, Framework.PYTORCH, Framework.JULIA)
"""LightGBM's, PyTorch's and Julia's files do not say their version, nor do old CatBoost's."""
_BESIDE: Final = ("scikit-learn", "xgboost", "lightgbm", "catboost")
"""The libraries that a pickle may need beside the one that made the model."""
_PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,79}(?:==[0-9][0-9A-Za-z.-]{0,40})?")
_PYTHON = re.compile(r"3\.[0-9]{1,2}")
_LONGEST_VERSION = 80
_PIN = re.compile(r"[a-z0-9][a-z0-9-]{0,127}==[A-Za-z0-9.!+_-]{1,255}")
_SPECIFIER = r"(?:===?|[<>!~]=|[<>])[A-Za-z0-9.!+_*-]{1,80}"
_REQUIREMENT = re.compile(rf"[a-z0-9][a-z0-9-]{{0,127}}(?:{_SPECIFIER}(?:,{_SPECIFIER}){{0,9}})?")
_LOCK_LINE = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[A-Za-z0-9._, -]*\])?==[A-Za-z0-9.!+_-]+"  # a library at a version
    r"(?: ; [A-Za-z0-9_ '\"().<>=!~-]+)?(?: \\)?"  # for which systems
    r"|    --hash=sha256:[0-9a-f]{64}(?: \\)?"
    r"|(?:    )?#[ -~]*"  # no other line's end in it
    r"|"
)


def checked_model(model: ModelVersion) -> ModelVersion:
    """``model`` when its name, its number and its facts are such as are found."""
    checked_model_name(model.name)
    if model.version < 1 or model.size < 0:
        raise _foreign(model.name, "number", str(model.version))
    checked_facts(model.facts, model.name)
    if model.dependencies is not None:
        for requirement in model.dependencies.requirements:
            checked_requirement(requirement, model.name)
        if model.dependencies.python_version:
            checked_python(model.dependencies.python_version, model.name)
    _check_stated(model)
    for name in model.allowed:
        if name not in model.facts.unsafe or why_never(name):
            raise _foreign(model.name, "allowed Python name", name)
    return model


def _check_stated(model: ModelVersion) -> None:
    """What a person says of a model's inputs is such as can be said of them."""
    if model.stated is None:
        return
    found, said = model.facts.signature, model.stated.signature
    try:
        fits = stated(found, said.inputs, said.outputs) == said
    except InvalidInput:
        fits = False
    if not fits or not may_be_stated(model.facts):
        raise _foreign(model.name, "signature", f"of {len(said.inputs)} inputs")


def checked_requirement(text: str, name: str = "") -> str:
    """``text`` when it asks for a library and perhaps its versions: no address, no option, no other file."""
    if _REQUIREMENT.fullmatch(text):
        with contextlib.suppress(InvalidRequirement):
            Requirement(text)
            return text
    raise _foreign(name, "library", text)


def is_pickle(facts: ModelFacts) -> bool:
    """Whether the model's file is a pickle, or skops's form of one, which names what it needs of Python."""
    return facts.file_format in _PICKLES


def names_code(facts: ModelFacts) -> bool:
    """Whether the model is made of code that its ``globals`` name: a pickle, or weights with their program beside."""
    return is_pickle(facts) or facts.file_format == "safetensors"


def checked_facts(facts: ModelFacts, name: str = "") -> ModelFacts:
    """``facts`` when they are such as are found in a model's file and beside it."""
    checked_python(facts.python_version, name)
    if facts.file_format not in FILE_NAMES[facts.framework]:
        raise _foreign(name, "file format", facts.file_format)
    if facts.framework is not Framework.ONNX:
        _check_version(facts, name)
    if is_pickle(facts):
        _check_globals(facts, name)
    for library in facts.libraries:
        if not is_pickle(facts) or project_of(checked_requirement(library, name)) not in _BESIDE:
            raise _foreign(name, "library", library)
    _check_files(facts, name)
    if facts.file_format == "safetensors" and not (len(facts.globals) == 1 and facts.globals == facts.unsafe):
        raise _foreign(name, "number of Python names", str(len(facts.globals)))
    if facts.code and not (names_code(facts) and is_own_code(facts.code)):
        raise _foreign(name, "code", f"of {len(facts.code)} files")
    for package in facts.packages:
        if facts.framework is not Framework.R or not _PACKAGE.fullmatch(package):
            raise _foreign(name, "package", package)
    for pin in facts.requirements:
        if not _PIN.fullmatch(pin):
            raise _foreign(name, "requirement", pin)
    return facts


def checked_python(version: str, name: str = "") -> str:
    """``version`` when it is one of Python 3, such as "3.11": uv would also take a program's path for one."""
    if _PYTHON.fullmatch(version):
        return version
    raise _foreign(name, "version of Python", version)


def is_lock(text: str) -> bool:
    """Whether ``text`` holds nothing but libraries at one version each and their hashes: no address of an index, no
    other file, no library from elsewhere."""
    return all(_LOCK_LINE.fullmatch(line) for line in text.replace("\r\n", "\n").split("\n"))


def _check_version(facts: ModelFacts, name: str) -> None:
    """A version becomes part of what uv is asked for."""
    version = facts.framework_version
    if not version and facts.framework in _WITHOUT_VERSION:
        return
    if not is_version(version) or len(version) > _LONGEST_VERSION:
        raise _foreign(name, f"version of {facts.framework.label}", version)


def _check_files(facts: ModelFacts, name: str) -> None:
    """The files that belong to the model's own one: weights of ONNX, the code of Julia that answers rows."""
    for weights in facts.weights:
        if facts.framework not in _WITH_FILES or weights.size < 0 or not is_weights_name(weights.name):
            raise _foreign(name, "file of weights", weights.name)
    code = [weights.name for weights in facts.weights] if facts.framework is Framework.JULIA else [".jl"]
    if len(code) != 1 or not code[0].endswith(".jl"):  # what answers rows, and nothing else
        raise _foreign(name, "file with predict", ", ".join(code))


def _check_globals(facts: ModelFacts, name: str) -> None:
    """What the service's own unpickler will resolve is this list: it is looked at again, whatever ``unsafe`` says."""
    for text in facts.globals:
        module, _, last = text.rpartition(".")
        if text not in facts.unsafe and not allowlist.is_allowed(Global(module, last), called=False):
            raise _foreign(name, "Python name", text)


def _foreign(name: str, what: str, value: str) -> ForeignEntry:
    of = f"The model {name}" if name else "A model"
    return ForeignEntry(
        f"{of} is said to have the {what} “{printable(value[:80])}”, which none has.",
        next_step="The workspace was made or changed by something else than Kronkers Studio: "
        "register the model's file again in one of yours.",
    )
