"""What a model file is, found out from its bytes: nothing in it is run, imported or unpacked to disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import BinaryIO

from kronkers_studio.domain.errors import CodeNotAllowed, NotAModel, UnsupportedModel
from kronkers_studio.domain.model_files import (
    JULIA,
    MLFLOW,
    PMML,
    SAFETENSORS,
    SKOPS,
    TORCH_EXPORT,
    ModelFileKind,
    R,
)
from kronkers_studio.domain.models import Framework, ModelFacts
from kronkers_studio.packaging.byte_reader import compression_of
from kronkers_studio.packaging.environment_hints import Surroundings, read_surroundings
from kronkers_studio.packaging.model_files.mlflow_folders.evidence import description_refused, with_mlmodel
from kronkers_studio.packaging.model_files.model_formats import (
    Recognised,
    loaded_kind,
    looks_like_onnx,
    looks_like_pickle,
    not_a_model,
    recognised,
)
from kronkers_studio.packaging.model_files.pickled_models import inspect_pickle, listed
from kronkers_studio.packaging.model_files.pickles.allowances import why_never
from kronkers_studio.packaging.model_files.r_files.r_objects import SavedObject, is_r_object, read_saved

_HEAD = 4096


def inspect_model(
    name: str,
    stream: BinaryIO,
    beside: Mapping[str, Callable[[], bytes]],
    size_beside: Callable[[str], int | None] = lambda _: None,
    allowed: frozenset[str] = frozenset(),
) -> ModelFacts:
    """What the model file called ``name`` is.

    ``stream`` is seekable and read from its start. ``beside`` gives the small text files of the same folder by name
    (requirements.txt, .python-version, pyproject.toml, scripts), and MLmodel, if it lies in a folder that MLflow saved;
    it is read only for a supported model.
    ``size_beside`` gives the size, in bytes, of a file that a model names as part of itself, by its path from the same
    folder; None when it is not there. ``allowed`` are names outside the allowlist that a person lets it name.

    Raises ``UnsupportedModel`` for what is no model of a supported framework, is damaged, or would run a program when
    it is opened. A model whose pickle merely needs code that is not scikit-learn's is described, with that code in
    ``unsafe``: it must not be packaged (``require_safe``) unless all of it is allowed. Only then is it looked at how
    the file uses what it names.
    """
    facts = with_mlmodel(_inspected(name, stream, beside, size_beside, allowed), name, beside)
    if facts.framework is not Framework.PYTORCH:
        return facts
    from kronkers_studio.packaging.model_files.torch_files.scripts import with_untold

    return with_untold(facts)


def _inspected(
    name: str,
    stream: BinaryIO,
    beside: Mapping[str, Callable[[], bytes]],
    size_beside: Callable[[str], int | None],
    allowed: frozenset[str],
) -> ModelFacts:
    stream.seek(0)
    head = stream.read(_HEAD)
    stream.seek(0)
    if looks_like_onnx(name, head):
        from kronkers_studio.packaging.model_files.onnx_files.onnx_models import inspect_onnx

        return inspect_onnx(name, stream, read_surroundings(beside), size_beside)
    compression = compression_of(head)
    kind = loaded_kind(head, stream) or (
        PMML if name.lower().endswith(PMML.suffixes) else None
    )  # XML begins as it likes
    if kind is JULIA:
        from kronkers_studio.packaging.model_files.julia_files import inspect_julia

        return inspect_julia(name, beside, size_beside)
    if kind is not None and kind is not SKOPS:
        return _reader_of(kind)(name, stream, read_surroundings(beside))
    of_r = _inspect_r(name, stream, head, beside) if kind is None else None
    if of_r is not None:
        return of_r
    other = recognised(name, stream) if kind is None else None
    if other is not None and other.kind is MLFLOW:
        raise description_refused(name, stream)
    if other is not None and other.kind is SAFETENSORS and other.sure:
        return _inspect_weights(name, stream, beside, other)
    if other is not None:
        raise _not_supported(name, other)
    stream.seek(0)
    if compression == "lz4":
        raise UnsupportedModel(
            "A model compressed with lz4: not supported yet.",
            next_step="Save it again with joblib.dump(model, file, compress=3).",
        )
    if kind is None and not compression and not looks_like_pickle(name, head):
        raise not_a_model(name)
    return inspect_pickle(name, stream, compression, beside, allowed, skops=kind is SKOPS)


def _reader_of(kind: ModelFileKind) -> Callable[[str, BinaryIO, Surroundings], ModelFacts]:
    """What reads files of ``kind``, which is one of ``loaded_kind``."""
    match kind.framework:
        case Framework.XGBOOST:
            from kronkers_studio.packaging.model_files.tree_libraries.xgboost_files import inspect_xgboost

            return inspect_xgboost
        case Framework.LIGHTGBM:
            from kronkers_studio.packaging.model_files.tree_libraries.lightgbm_files import inspect_lightgbm

            return inspect_lightgbm
        case Framework.KERAS:
            from kronkers_studio.packaging.model_files.keras_files.archives import inspect_keras

            return inspect_keras
        case Framework.PYTORCH:
            return _torch_reader_of(kind)
        case Framework.PMML:
            from kronkers_studio.packaging.model_files.pmml_files import inspect_pmml

            return inspect_pmml
    from kronkers_studio.packaging.model_files.tree_libraries.catboost_files import inspect_catboost

    return inspect_catboost


def _torch_reader_of(kind: ModelFileKind) -> Callable[[str, BinaryIO, Surroundings], ModelFacts]:
    if kind is TORCH_EXPORT:
        from kronkers_studio.packaging.model_files.torch_files.exported import inspect_exported

        return inspect_exported
    from kronkers_studio.packaging.model_files.torch_files.scripts import inspect_torchscript

    return inspect_torchscript


def _inspect_weights(
    name: str, stream: BinaryIO, beside: Mapping[str, Callable[[], bytes]], found: Recognised
) -> ModelFacts:
    """Weights in the form of safetensors, with their program beside. Raises ``UnsupportedModel`` without one."""
    from kronkers_studio.packaging.model_files.torch_files.safetensors import told_of_weights, transformers_class
    from kronkers_studio.packaging.model_files.torch_files.weights import inspect_weights

    told = told_of_weights(name, stream)
    facts = inspect_weights(name, stream, beside, read_surroundings(beside))
    if facts is not None:
        return facts
    found = replace(found, detail=told)
    called = transformers_class(beside.get("config.json"))
    if called:
        needs = f"the libraries torch and transformers, whose program {called} is named in config.json beside it"
        found = replace(found, kind=replace(found.kind, needs=needs))
    raise _not_supported(name, found)


def _inspect_r(
    name: str, stream: BinaryIO, head: bytes, beside: Mapping[str, Callable[[], bytes]]
) -> ModelFacts | None:
    """The facts of one of R's models; None for all else, R's other objects among it."""
    if not is_r_object(head):
        return None
    from kronkers_studio.packaging.model_files.r_files.r_facts import inspect_r

    saved = read_saved(stream)
    stream.seek(0)
    return inspect_r(name, saved, beside) if isinstance(saved, SavedObject) else None


def require_safe(facts: ModelFacts, allowed: frozenset[str] = frozenset(), label: str = "") -> None:
    """Raise ``UnsupportedModel``, in plain words, for a model with any ``unsafe`` global that nobody ``allowed``:
    ``CodeNotAllowed`` where somebody may. ``label`` ("churn:3") is the version that is spoken of."""
    unsafe = [found for found in facts.unsafe if found not in allowed]
    if not unsafe:
        return
    own = [found for found in unsafe if found.startswith("__main__.")]
    if own:
        raise UnsupportedModel(
            f"This model needs {listed(own)}, which was written in the notebook or script that made it "
            "and is not part of the file.",
            next_step="Move it into a file beside the model (features.py), import it from there, fit and save again; "
            "or use scikit-learn's own steps (FunctionTransformer with a numpy function, for instance).",
            details="\n".join(unsafe),
        )
    never = any(map(why_never, unsafe))
    kind = UnsupportedModel if never else CodeNotAllowed
    if facts.framework is Framework.PYTORCH:
        reason, instead = "the program of its weights, which its service would run", "Export it to ONNX or TorchScript"
    else:
        reason = "which is not on the list of what a scikit-learn model may use"
        instead = "Save only the fitted scikit-learn estimator (of a search: best_estimator_), or export it to ONNX"
    problem = kind(
        f"This model needs {listed(unsafe)}, {reason}.",
        next_step=instead + ("." if never else "; or, if you know that code, allow it for this version."),
        details="\n".join(unsafe),
    )
    problem.model = label
    if not never:
        problem.command = f"`kronkers model allow {label or 'NAME'} --reason …` does."
    raise problem


def _not_supported(name: str, found: Recognised) -> UnsupportedModel:
    """What the file is, how sure that is, and what a service would need for it."""
    kind = found.kind
    said = f" ({found.detail})" if found.detail else ""
    if not found.is_model:
        return NotAModel(
            f"{name} holds an R object{said or ' without a class'}, not a model.",
            next_step="Save the fitted model itself: saveRDS(model, file).",
        )
    if kind is R:
        return _not_served_r(name, found, said)
    words = f"is {kind.called}{said}" if found.sure else f"may be {kind.called}, which its bytes do not tell{said}"
    return UnsupportedModel(f"{name} {words}: not supported yet. It would need {kind.needs}.", next_step=kind.instead)


def _not_served_r(name: str, found: Recognised, said: str) -> UnsupportedModel:
    from kronkers_studio.packaging.model_files.r_files.r_facts import served_classes

    words = "is an R model" if found.sure else "may be an R model, which its bytes do not tell"
    return UnsupportedModel(
        f"{name} {words}{said}: not supported yet. Served are models of the classes {served_classes()}.",
        next_step="Save one such model itself with saveRDS(model, file), or export it where it was trained to ONNX.",
    )
