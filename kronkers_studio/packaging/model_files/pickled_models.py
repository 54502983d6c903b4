"""Pickles, joblib files and files of skops: what they name and call, what the model in them takes and answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO

from packaging.version import Version

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.model_files import kind_of_module
from kronkers_studio.domain.models import Framework, ModelFacts, Signature
from kronkers_studio.estimators.answers import CannotPredict, a
from kronkers_studio.estimators.boosted import library_of
from kronkers_studio.estimators.views import is_own_module
from kronkers_studio.estimators.wrappers import DEEPEST
from kronkers_studio.packaging.byte_reader import ByteReader, Damaged, TooMuch, decompressed
from kronkers_studio.packaging.environment_hints import DEFAULT_PYTHON, Surroundings, is_version, read_surroundings
from kronkers_studio.packaging.model_files.boosted_pickles import Libraries, read_boosted, scikit_learn_beside
from kronkers_studio.packaging.model_files.model_formats import not_a_model
from kronkers_studio.packaging.model_files.pickles import allowlist, estimators, model_state
from kronkers_studio.packaging.model_files.pickles.pickle_reader import Budget, Findings, Forbidden, PickleReader
from kronkers_studio.packaging.model_files.pickles.pickle_symbols import Call, Global, Symbol, attributes_of, class_of
from kronkers_studio.packaging.model_files.pickles.replaced_names import replaced
from kronkers_studio.packaging.model_files.skops_files.schema_reader import SkopsReader

_LARGEST = 32 * 1024**3
_EXPANSION = 40  # beyond the first part: a compressed model grows less; a bomb grows a thousandfold
_FREE_EXPANSION = 64 * 1024 * 1024  # an array of zeros, of a model that has learnt little
_PYTHON_OF_SKLEARN = {0: (9, 9), 1: (10, 10), 2: (11, 11), 3: (11, 12), 4: (11, 12), 5: (11, 13), 6: (11, 13)}
"""For scikit-learn 1.N (0: also before): the preferred and the newest Python 3 minor that it was published for."""


def inspect_pickle(
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
            raise not_a_model(name) from None
        _refuse_programs(allowlist.outside(findings.globals, findings.called), findings)
        raise UnsupportedModel(
            f"{name} cannot be read: {reason}.", next_step="Copy it again from where it was made."
        ) from None


def _refuse_programs(outside: Sequence[Global], findings: Findings) -> None:
    programs = [found for found in outside if allowlist.runs_programs(found)]
    if programs:
        called = [found for found in programs if found in findings.called] or programs
        raise UnsupportedModel(
            f"This file would run {listed(list(map(str, called)))} when it is opened. A model does not need that, "
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
        last = _last_step(root)
        if isinstance(last, Call) and library_of(class_of(last)) and last.told is None:
            made = class_of(last).rpartition(".")[2]
            raise CannotPredict(f"It is {a(made)} that was saved before it was fitted.", "Fit it, then save it.")
        return estimators.signature_of(root)
    except CannotPredict as reason:
        raise UnsupportedModel(f"{name} is no model that predicts. {reason}", next_step=reason.advice) from None


def _last_step(root: Symbol) -> Symbol:
    """What answers at the end of pipelines; ``root`` itself when it is none."""
    for _ in range(DEEPEST):
        steps = attributes_of(root).get("steps") if class_of(root) == "sklearn.pipeline.Pipeline" else None
        if not isinstance(steps, list) or not steps or not isinstance(steps[-1], tuple) or len(steps[-1]) != 2:
            break
        root = steps[-1][1]
    return root


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


def listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name[:100]}`" for name in names[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")
