"""Julia's serialized objects. What is in one is known to Julia alone, so two files beside it say what it takes and how
it is asked: NAME.toml, which is read here, and NAME.jl, which runs in the container only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Datatype, Framework, ModelFacts, Signature, Tensor, WeightsFile
from kronkers_studio.packaging.environment_hints import DEFAULT_PYTHON, decoded, is_version, toml_table

_TYPES = {"number": Datatype.FP64, "text": Datatype.BYTES, "truth": Datatype.BOOL}
_MOST_COLUMNS = 10_000
_MOST_CLASSES = 1000
_LONGEST = 200
_CONTRACT = (
    "Put {stem}.jl, which defines predict(model, columns), and {stem}.toml, which names the columns and the answer, "
    "beside it (docs/r-and-julia.md)."
)


def inspect_julia(
    name: str, beside: Mapping[str, Callable[[], bytes]], size_beside: Callable[[str], int | None]
) -> ModelFacts:
    """What the files beside the object ``name`` say of it. Raises ``UnsupportedModel`` when they do not, or not so
    that rows can be answered."""
    stem = name.rpartition(".")[0]
    code, about = f"{stem}.jl", f"{stem}.toml"
    size = size_beside(code)
    if size is None or about not in beside:
        raise UnsupportedModel(
            f"{name} is a Julia object (.jls): what it takes and how it is asked is not in it, and "
            f"{code if size is None else about} is not beside it.",
            next_step=_CONTRACT.format(stem=stem),
        )
    described = toml_table(decoded(beside[about]))
    signature = Signature(_inputs(about, described.get("columns")), _outputs(about, described.get("answer")))
    return ModelFacts(
        framework=Framework.JULIA,
        framework_version=_version(described, beside),
        file_format="jls",
        estimator=f"predict of {code}",
        python_version=DEFAULT_PYTHON,  # of the base image, whose part the service's front is
        signature=signature,
        weights=(WeightsFile(code, size),),
    )


def _inputs(about: str, columns: Any) -> tuple[Tensor, ...]:
    if not isinstance(columns, dict) or not 0 < len(columns) <= _MOST_COLUMNS:
        raise _unfit(about, "it has no table [columns] with the name and kind of each column")
    if all(kind == "number" for kind in columns.values()):
        return (Tensor("input", Datatype.FP64, (-1, len(columns)), tuple(columns)),)
    return tuple(_column(about, name, kind) for name, kind in columns.items())


def _column(about: str, name: str, kind: Any) -> Tensor:
    if isinstance(kind, list) and kind and all(isinstance(level, str) for level in kind):
        return Tensor(name, Datatype.BYTES, (-1, 1), levels=tuple(kind))
    if not isinstance(kind, str) or kind not in _TYPES:
        raise _unfit(about, f"the column {name[:_LONGEST]!r} is no “number”, “text” or “truth”, and no list of texts")
    return Tensor(name, _TYPES[kind], (-1, 1))


def _outputs(about: str, answer: Any) -> tuple[Tensor, ...]:
    found = answer if isinstance(answer, dict) else {}
    classes = found.get("classes")
    if isinstance(classes, list) and 1 < len(classes) <= _MOST_CLASSES:
        if not all(isinstance(each, str) and 0 < len(each) <= _LONGEST for each in classes):
            raise _unfit(about, "its classes are no list of texts")
        probabilities = Tensor("probabilities", Datatype.FP64, (-1, len(classes)), tuple(classes))
        return (Tensor("label", Datatype.BYTES, (-1,)), probabilities)
    if found.get("output") == "number":
        return (Tensor("output", Datatype.FP64, (-1,)),)
    raise _unfit(about, "it has no table [answer] with output = “number” or classes = a list of texts")


def _version(described: Mapping[str, Any], beside: Mapping[str, Callable[[], bytes]]) -> str:
    """The Julia that wrote the object, as the files beside it say; "" when none says it."""
    manifest = toml_table(decoded(beside["Manifest.toml"])) if "Manifest.toml" in beside else {}
    said = (described.get("julia"), manifest.get("julia_version"))
    return next((each for each in said if isinstance(each, str) and is_version(each) and len(each) < 30), "")


def _unfit(about: str, why: str) -> UnsupportedModel:
    return UnsupportedModel(
        f"{about} does not say what the model takes and gives: {why}.",
        next_step="See docs/r-and-julia.md for what it may say.",
    )
