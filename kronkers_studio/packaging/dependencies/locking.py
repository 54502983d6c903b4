"""Which libraries, at which exact versions and with which hashes, a model's service runs on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from kronkers_studio.domain.errors import PackagingFailed
from kronkers_studio.domain.libraries import FRAMEWORK_LIBRARIES, project_of
from kronkers_studio.domain.models import Framework, ModelFacts
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.packaging.dependencies.torch_builds import require_for_processors, run_uv_for_processors
from kronkers_studio.packaging.dependencies.uv_program import DoesNotResolve, IndexUnavailable, run_uv
from kronkers_studio.packaging.dependencies.wheels import Wheel, chosen_wheels, lock_text, remember_wheels, wheel_folder
from kronkers_studio.packaging.environment_hints import is_version
from kronkers_studio.packaging.layer_cache import LayerCache, key_of
from kronkers_studio.packaging.platforms import uv_platform
from kronkers_studio.packaging.recorded_facts import checked_facts, checked_requirement, is_lock, is_pickle

OLDEST_PYTHON = (3, 10)
"""What the model service runs on."""

_FORMAT = 2  # part of the key: a change of what is asked of uv makes locks anew
_SERVER = ("httptools", "numpy", "orjson", "prometheus-client", "psutil", "uvicorn>=0.30")
RECORDS_WITH = "pynacl"
"""What a package needs besides when its service may record rows: it seals them (decisions/0038)."""

_LOCKED = re.compile(r"(?m)^([A-Za-z0-9][A-Za-z0-9._-]*==[^\s\\;]+)")
_NUMPY_2_SINCE = {  # those before were built for numpy 1 and do not say so
    Framework.SKLEARN: Version("1.4.2"),
    Framework.XGBOOST: Version("2.1.0"),
    Framework.LIGHTGBM: Version("4.4.0"),
}
_XGBOOST_CPU_SINCE = Version("2.1.2")
_WITH_OPENMP = ("scikit-learn",)  # its wheels bring what LightGBM's take from the system, where slim images lack it

_KERAS_COMPUTES_WITH = ("jax", "h5py")  # docs/decisions/0026


@dataclass(frozen=True, slots=True)
class DependencyLock:
    """``requirements`` for display ("numpy==2.4.6"); ``text`` is what uv installs from, with hashes and without the
    name of any index. ``notes`` are sentences worth telling whoever packages."""

    requirements: tuple[str, ...]
    text: str
    notes: tuple[str, ...] = ()

    @classmethod
    def of_text(cls, text: str, notes: tuple[str, ...] = ()) -> DependencyLock:
        """The lock that uv wrote as ``text``. Raises ``PackagingFailed`` when it is none."""
        if not is_lock(text):
            raise PackagingFailed(
                "The list of the model's libraries holds more than libraries and their hashes: refused.",
                next_step="Package again; if it stays so, look at uv's own settings on this computer.",
                details=text[:500],
            )
        return cls(tuple(_LOCKED.findall(text)), text, notes)


def lock_dependencies(
    facts: ModelFacts,
    platform: str,
    *,
    chosen: Sequence[str] = (),
    earlier: str = "",
    records: bool = False,
    offline: bool = False,
    cache: LayerCache,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> DependencyLock:
    """Resolve what a model's service needs on ``platform`` ("linux/amd64").

    The framework is pinned at the very version that made the model; versions named beside the model are kept where
    they fit. What a person has ``chosen`` ("pandas==2.2.1", "polars") is there in any case, or it is an error. The
    answer is kept in ``cache``: the same facts give the same lock, also without a network. ``earlier`` is the text of
    the lock of a package built before: it is kept, whatever was published since, as long as it holds every library that
    is needed now. With ``records`` its service may record rows, and every other library stays at the version that it
    had in ``earlier``. Raises ``PackagingFailed``, ``ForeignEntry``, ``Cancelled``.
    """
    _require_python(checked_facts(facts).python_version)
    plain = (*_SERVER, *_framework(facts, platform), *sorted(map(checked_requirement, chosen)))
    wanted = (*plain, RECORDS_WITH) if records else plain
    pins = _constraints(facts, chosen)
    if earlier and not is_lock(earlier):
        progress.note("The libraries of the package before are not used: their list holds more than libraries.")
    elif earlier and _holds(earlier, wanted):
        return DependencyLock.of_text(earlier)
    elif earlier and _holds(earlier, plain):
        pins = tuple(sorted(_LOCKED.findall(earlier)))
    key = key_of(_FORMAT, wanted, pins, facts.python_version, uv_platform(platform))
    known = _recalled(cache, key)
    if known is None:
        lock = _resolve(wanted, pins, facts.python_version, platform, offline, cache, cancel)
        cache.remember("locks", key, {"text": lock.text, "notes": list(lock.notes)})
    else:
        lock = known
    for note in lock.notes:
        progress.note(note)
    return lock


def _recalled(cache: LayerCache, key: str) -> DependencyLock | None:
    """The lock that was remembered; None when it is none."""
    fact = cache.recall("locks", key) or {}
    text, notes = fact.get("text"), fact.get("notes")
    if not (isinstance(text, str) and isinstance(notes, list) and all(isinstance(note, str) for note in notes)):
        return None
    if not text or not is_lock(text):
        return None
    return DependencyLock.of_text(text, tuple(notes))


def _holds(lock: str, wanted: tuple[str, ...]) -> bool:
    """Whether every library that is ``wanted`` is in the lock, at a version that it may have."""
    locked = {_pinned(pin): pin.partition("==")[2] for pin in _LOCKED.findall(lock)}
    return all(_is_met(Requirement(requirement), locked) for requirement in wanted)


def _is_met(wanted: Requirement, locked: Mapping[str, str]) -> bool:
    version = locked.get(canonicalize_name(wanted.name), "")
    return is_version(version) and wanted.specifier.contains(version, prereleases=True)


def _pinned(pin: str) -> str:
    """The library of ``numpy==2.4.6``, by the name that package indexes compare."""
    return canonicalize_name(pin.partition("==")[0])


def _require_python(version: str) -> None:
    numbers = tuple(int(part) for part in version.split("."))
    if numbers < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        raise PackagingFailed(
            f"This model was made with Python {version}; the model service needs Python {oldest} or newer.",
            next_step=f"Train it again with Python {oldest} or newer, or export it to ONNX.",
        )


def _framework(facts: ModelFacts, platform: str) -> tuple[str, ...]:
    """The libraries that load the model."""
    if is_pickle(facts):
        return _of_pickle(facts, platform)
    match facts.framework:
        case Framework.ONNX:
            return ("onnxruntime",)
        case Framework.R | Framework.JULIA:
            return ()  # they are in the base image
        case Framework.KERAS | Framework.PYTORCH:
            return _networks(facts)
        case Framework.PMML:
            return ("numpy",)  # the evaluator is part of the server
    return _trees(facts, platform)


def _trees(facts: ModelFacts, platform: str) -> tuple[str, ...]:
    pinned = f"=={facts.framework_version}" if facts.framework_version else ""
    match facts.framework:
        case Framework.XGBOOST:
            return (f"{_xgboost(facts.framework_version, platform)}{pinned}", *_numpy(facts))
        case Framework.LIGHTGBM:
            return (f"lightgbm{pinned}", *_WITH_OPENMP, *_numpy(facts))
    return (f"catboost{pinned}",)


def _of_pickle(facts: ModelFacts, platform: str) -> tuple[str, ...]:
    """What opens a pickle: the library that made the model, those whose objects are in it, and joblib."""
    beside = [_build(library, platform) for library in facts.libraries]
    if facts.framework is Framework.SKLEARN:
        return (*_scikit_learn(facts), *beside)
    pinned = f"=={facts.framework_version}" if facts.framework_version else ""
    own = f"{facts.framework.value}{pinned}"
    known = [one for one in beside if project_of(one) == facts.framework.value]  # LightGBM's, as far as it is known
    return (*([] if known else [_build(own, platform)]), *beside, "joblib", *_numpy_of_pickle(facts))


def _build(library: str, platform: str) -> str:
    name, pinned, version = library.partition("==")
    return f"{_xgboost(version, platform)}=={version}" if name == "xgboost" and pinned else library


def _networks(facts: ModelFacts) -> tuple[str, ...]:
    """Of Keras also a newer one: it reads what earlier ones wrote, more safely (decisions/0026)."""
    if facts.framework is Framework.KERAS:
        return (f"keras>={facts.framework_version},<4", *_KERAS_COMPUTES_WITH)
    return (f"torch=={facts.framework_version}" if facts.framework_version else "torch",)


def _xgboost(version: str, platform: str) -> str:
    """The build without code for graphics cards, which is a twentieth of the other's size, where it was published."""
    without = Version(version) >= _XGBOOST_CPU_SINCE and not platform.startswith("darwin")
    return "xgboost-cpu" if without else "xgboost"


def _numpy(facts: ModelFacts) -> tuple[str, ...]:
    version = facts.framework_version
    return ("numpy<2",) if version and Version(version) < _NUMPY_2_SINCE[facts.framework] else ()


def _scikit_learn(facts: ModelFacts) -> tuple[str, ...]:
    extra = ("pandas",) if any(name.startswith("pandas.") for name in facts.globals) else ()
    return (f"scikit-learn=={facts.framework_version}", "joblib", *_numpy_of_pickle(facts), *extra)


def _numpy_of_pickle(facts: ModelFacts) -> tuple[str, ...]:
    """Which numpy: one that the libraries were built for, and that knows the names in the file."""
    pinned = [(project_of(one), one.partition("==")[2]) for one in facts.libraries]
    pinned.append((facts.framework.value, facts.framework_version))
    since = {framework.value: version for framework, version in _NUMPY_2_SINCE.items()}
    if "lightgbm<4" in facts.libraries or any(
        version and project in since and Version(version) < since[project] for project, version in pinned
    ):
        return ("numpy<2",)
    if any(name.startswith("numpy._core.") for name in facts.globals):
        return ("numpy>=2",)  # written by numpy 2, whose names numpy 1 does not know
    return ()


def _constraints(facts: ModelFacts, chosen: Sequence[str]) -> tuple[str, ...]:
    """The versions named beside the model, but for the framework's own, which the model itself tells, and those of
    which a person chose others."""
    own = {*FRAMEWORK_LIBRARIES.get(facts.framework, ()), *(canonicalize_name(Requirement(one).name) for one in chosen)}
    return tuple(sorted(pin for pin in facts.requirements if _pinned(pin) not in own))


def _resolve(
    wanted: tuple[str, ...],
    pins: tuple[str, ...],
    python: str,
    platform: str,
    offline: bool,
    cache: LayerCache,
    cancel: CancelToken,
) -> DependencyLock:
    with cache.scratch() as folder:
        (folder / "wanted.in").write_text("\n".join(wanted) + "\n", encoding="utf-8")

        def with_pins(chosen: tuple[str, ...]) -> tuple[Wheel, ...]:
            (folder / "pins.txt").write_text("\n".join(chosen) + "\n", encoding="utf-8")
            return _compile(python, platform, offline, folder, cache, cancel)

        notes: tuple[str, ...] = ()
        try:
            wheels = with_pins(pins)
        except DoesNotResolve:
            if not pins:
                raise
            wheels = with_pins(())
            notes = ("The versions named beside the model do not fit together for its service; others were chosen.",)
    remember_wheels(wheels, cache)
    return DependencyLock.of_text(lock_text(wheels), notes)


def _compile(
    python: str, platform: str, offline: bool, folder: Path, cache: LayerCache, cancel: CancelToken
) -> tuple[Wheel, ...]:
    """What uv chooses for ``wanted.in`` and ``pins.txt`` in ``folder``: from the index, or, where none can be reached,
    from the wheels in ``cache``."""
    command = [
        *("pip", "compile", "wanted.in", "--constraints", "pins.txt", "--format", "pylock.toml"),
        *("--python-version", python, "--python-platform", uv_platform(platform)),
        *("--only-binary", ":all:", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-python-downloads"),
    ]
    wanted = (folder / "wanted.in").read_text(encoding="utf-8")
    try:
        found = run_uv_for_processors(command, wanted, folder=folder, offline=offline, cancel=cancel)
        wheels_found = chosen_wheels(found)
        require_for_processors(wheels_found)
        return wheels_found
    except IndexUnavailable as problem:
        with wheel_folder(cache) as wheels:
            if wheels is None:
                raise
            local = ("--no-index", "--find-links", str(wheels))
            try:
                return chosen_wheels(run_uv([*command, *local], folder=folder, offline=True, cancel=cancel))
            except DoesNotResolve as missing:
                problem.details = missing.details
                raise problem from None
