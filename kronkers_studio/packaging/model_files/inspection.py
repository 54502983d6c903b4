"""What a model file is, found out from its bytes: nothing in it is run, imported or unpacked to disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO

from packaging.version import Version

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
    kind_of_module,
)
from kronkers_studio.domain.models import Framework, ModelFacts, Signature
from kronkers_studio.estimators.answers import CannotPredict
from kronkers_studio.estimators.boosted import library_of
from kronkers_studio.estimators.views import is_own_module
from kronkers_studio.packaging.byte_reader import ByteReader, Damaged, TooMuch, compression_of, decompressed
from kronkers_studio.packaging.environment_hints import DEFAULT_PYTHON, Surroundings, is_version, read_surroundings
from kronkers_studio.packaging.model_files.boosted_pickles import Libraries, read_boosted, scikit_learn_beside
from kronkers_studio.packaging.model_files.mlflow_folders.evidence import description_refused, with_mlmodel
from kronkers_studio.packaging.model_files.model_formats import (
    Recognised,
    loaded_kind,
    looks_like_onnx,
    looks_like_pickle,
    recognised,
)
from kronkers_studio.packaging.model_files.pickles import allowlist, estimators, model_state
from kronkers_studio.packaging.model_files.pickles.allowances import why_never
from kronkers_studio.packaging.model_files.pickles.pickle_reader import Budget, Findings, Forbidden, PickleReader
from kronkers_studio.packaging.model_files.pickles.pickle_symbols import Global, Symbol, class_of
from kronkers_studio.packaging.model_files.pickles.replaced_names import replaced
from kronkers_studio.packaging.model_files.r_files.r_objects import SavedObject, is_r_object, read_saved
from kronkers_studio.packaging.model_files.skops_files.schema_reader import SkopsReader

_SUPPORTED = (
    "Models of scikit-learn (joblib, pickle, skops), XGBoost, LightGBM, CatBoost, Keras, PyTorch (TorchScript, .pt2), "
    "ONNX, PMML and R (.rds), and Julia objects (.jls)"
)
_HEAD = 4096
_LARGEST = 32 * 1024**3
_EXPANSION = 40  # beyond the first part: a compressed model grows less; a bomb grows a thousandfold
_FREE_EXPANSION = 64 * 1024 * 1024  # an array of zeros, of a model that has learnt little
_PYTHON_OF_SKLEARN = {0: (9, 9), 1: (10, 10), 2: (11, 11), 3: (11, 12), 4: (11, 12), 5: (11, 13), 6: (11, 13)}
"""For scikit-learn 1.N (0: also before): the preferred and the newest Python 3 minor that it was published for."""


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
        raise _not_a_model(name)
    return _inspect_pickle(name, stream, compression, beside, allowed, skops=kind is SKOPS)


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
            f"This model needs {_listed(own)}, which was written in the notebook or script that made it "
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
        f"This model needs {_listed(unsafe)}, {reason}.",
        next_step=instead + ("." if never else "; or, if you know that code, allow it for this version."),
        details="\n".join(unsafe),
    )
    problem.model = label
    if not never:
        problem.command = f"`kronkers model allow {label or 'NAME'} --reason …` does."
    raise problem


def _inspect_pickle(
    name: str,
    stream: BinaryIO,
    compression: str,
    beside: Mapping[str, Callable[[], bytes]],
    allowed: frozenset[str],
    *,
    skops: bool = False,
) -> ModelFacts:
    findings = Findings()
    root = _read(name, stream, compression, findings, skops=skops)
    own = replaced(findings.globals, findings.calls)
    named = [found for found in findings.globals if found not in own]
    outside = allowlist.outside(named, findings.called)
    _refuse_programs(outside, findings)
    if all(str(found) in allowed for found in outside):
        _refuse_misuse(name, findings, own, allowed)
    _require_estimator(name, root)
    surroundings = read_surroundings(beside)
    libraries = read_boosted(name, findings.calls, stream, compression, surroundings)
    signature = _signature(name, root)
    framework, version = _framework(root, libraries)
    needed = libraries.requirements
    if framework is not Framework.SKLEARN:
        pinned = f"{framework.value}=="
        others = (one for one in needed if not one.startswith(pinned))
        needed = (*others, scikit_learn_beside(libraries, findings.calls))
    elif not is_version(version):
        raise UnsupportedModel(
            f"{name} does not say which version of scikit-learn it was made with.",
            next_step="Save the fitted model again with a scikit-learn of this decade.",
        )
    python = surroundings.python or (_usual_python(version) if framework is Framework.SKLEARN else DEFAULT_PYTHON)
    joblib = bool(compression) or findings.joblib_arrays or name.lower().endswith(".joblib")
    return ModelFacts(
        framework=framework,
        framework_version=version,
        file_format="skops" if skops else "joblib" if joblib else "pickle",
        estimator=class_of(root),
        python_version=python,
        requirements=_pins(surroundings),
        signature=signature,
        globals=tuple(sorted(map(str, named))),
        unsafe=tuple(map(str, outside)),
        assumed=_assumed(surroundings),
        libraries=needed,
    )


def _framework(root: Symbol, libraries: Libraries) -> tuple[Framework, str]:
    """What made the model itself, at which version ("" when it does not say)."""
    library = library_of(class_of(root))
    if library:
        return Framework(library), libraries.versions.get(library, "")
    return Framework.SKLEARN, estimators.version_of(root)


def _pickle_reader(stream: BinaryIO, compression: str, findings: Findings) -> PickleReader:
    size = stream.seek(0, 2)
    stream.seek(0)
    limit = min(_LARGEST, size * _EXPANSION + _FREE_EXPANSION) if compression else size + 1
    return PickleReader(ByteReader(decompressed(stream, compression), limit), findings, Budget.for_file(size))


def _read(name: str, stream: BinaryIO, compression: str, findings: Findings, *, skops: bool) -> Symbol:
    """The root symbol of the pickle in ``stream``, or of what skops saved there; ``findings`` hold what was found, also
    when it cannot be read on."""
    reader = SkopsReader(name, stream, findings) if skops else _pickle_reader(stream, compression, findings)
    try:
        return reader.load()
    except Forbidden as reason:
        _refuse_programs(allowlist.outside(findings.globals, findings.called), findings)
        raise UnsupportedModel(
            f"{name} {reason}. It is refused, because such a file can run any program when it is opened.",
            next_step="Ask where the file comes from; a model saved again with joblib.dump can be registered.",
        ) from None
    except (Damaged, TooMuch) as reason:
        if not findings.globals and not skops:  # it only looked like a pickle
            raise _not_a_model(name) from None
        _refuse_programs(allowlist.outside(findings.globals, findings.called), findings)
        raise UnsupportedModel(
            f"{name} cannot be read: {reason}.", next_step="Copy it again from where it was made."
        ) from None


def _refuse_programs(outside: Sequence[Global], findings: Findings) -> None:
    programs = [found for found in outside if allowlist.runs_programs(found)]
    if programs:
        called = [found for found in programs if found in findings.called] or programs
        raise UnsupportedModel(
            f"This file would run {_listed(list(map(str, called)))} when it is opened. A model does not need that, "
            "so the file is refused.",
            next_step="Do not open it in Python. Ask where it comes from.",
            details="\n".join(map(str, outside)),
        )


def _refuse_misuse(name: str, findings: Findings, own: frozenset[Global], allowed: frozenset[str]) -> None:
    wrong = model_state.misuse_in((call for call in findings.calls if call.function not in own), allowed)
    if wrong:
        raise UnsupportedModel(
            f"{name} is refused, because scikit-learn would be misled by it. {wrong}",
            next_step="Ask where the file comes from; a model fitted and saved again with scikit-learn can be "
            "registered.",
        )


def _require_estimator(name: str, root: Symbol) -> None:
    other = kind_of_module(class_of(root))
    if other is not None and not estimators.is_estimator(root):
        raise UnsupportedModel(
            f"{name} holds {other.called.partition(' (')[0]} in a Python pickle ({class_of(root)}): not supported yet.",
            next_step=other.instead,
        )
    if not estimators.is_estimator(root):
        own = class_of(root) and is_own_module(class_of(root).rpartition(".")[0])
        raise UnsupportedModel(
            f"{name} holds {_what(root)}, not a scikit-learn model.",
            next_step="If it is an estimator of your own, save it in a pipeline: make_pipeline(model)."
            if own
            else "Save the fitted estimator or pipeline itself: joblib.dump(model, file).",
        )


def _signature(name: str, root: Symbol) -> Signature:
    try:
        if library_of(class_of(root)) and root.told is None:
            raise CannotPredict("It was saved before it was fitted.", "Fit it, then save it.")
        return estimators.signature_of(root)
    except CannotPredict as reason:
        raise UnsupportedModel(f"{name} is no model that predicts. {reason}", next_step=reason.advice) from None


def _what(root: Symbol) -> str:
    known = class_of(root)
    if known:
        return f"a {known}"
    return {"list": "a list", "tuple": "several objects", "Pairs": "a dictionary", "Array": "an array"}.get(
        type(root).__name__, "an object"
    )


def _usual_python(version: str) -> str:
    """The Python to assume for a scikit-learn: the default where it was published for that, else the nearest."""
    made_with = Version(version)
    minor = made_with.minor if made_with.major else 0
    default = int(DEFAULT_PYTHON.partition(".")[2])
    preferred, newest = _PYTHON_OF_SKLEARN.get(minor, (default, default))
    return f"3.{default if preferred <= default <= newest else preferred}"


def _pins(surroundings: Surroundings) -> tuple[str, ...]:
    return tuple(f"{project}=={version}" for project, version in sorted(surroundings.pins.items()))


def _assumed(surroundings: Surroundings) -> tuple[str, ...]:
    named = {"python_version": surroundings.python, "requirements": surroundings.pins}
    return tuple(name for name, found in named.items() if not found)


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


def _not_a_model(name: str) -> NotAModel:
    return NotAModel(
        f"{name} is not a model file that is known here.",
        next_step=f"{_SUPPORTED} can be registered.",
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name[:100]}`" for name in names[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")
