"""Estimators of XGBoost, LightGBM and CatBoost in pickles: the libraries' own models inside them, read where they are.

Each is read as a file of its own would be, within the same bounds. What it says of its columns and classes is noted at
the estimator that holds it, so that the estimators around it can be described.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from packaging.version import Version

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Datatype, ModelFacts, Signature
from kronkers_studio.estimators.answers import Answer, answer_with
from kronkers_studio.estimators.boosted import BoostedView, is_classifier, labels_of_several, library_of, numbers
from kronkers_studio.packaging.byte_reader import ByteReader, Damaged, TooMuch, decompressed
from kronkers_studio.packaging.environment_hints import Surroundings, is_version
from kronkers_studio.packaging.model_files.pickles.allowlist import is_boosted
from kronkers_studio.packaging.model_files.pickles.boosted_state import holds_old_handle, model_in
from kronkers_studio.packaging.model_files.pickles.estimators import viewed
from kronkers_studio.packaging.model_files.pickles.pickle_symbols import Call, Omitted, Symbol, attributes_of, class_of

_MOST = 5_000
_LARGEST_KEPT = 256 * 1024 * 1024  # bytes of one model that cannot be read where it is: compressed, or as text
_BROKE_WITH_OLDER: Final = {"xgboost": Version("2.1.4"), "lightgbm": Version("4.6.0")}
"""The first versions that run beside scikit-learn 1.6 and later, whose ways of checking tables changed."""


@dataclass(frozen=True, slots=True)
class Libraries:
    """The tree libraries whose objects are in a pickle. ``versions`` says which made them, "" for one that does not
    tell; ``requirements`` what a service must have of them and of scikit-learn ("xgboost==3.2.0")."""

    versions: dict[str, str]
    requirements: tuple[str, ...]


def read_boosted(
    name: str, calls: Iterable[Call], stream: BinaryIO, compression: str, surroundings: Surroundings
) -> Libraries:
    """Note in ``told``, at each of the ``calls`` that makes a tree library's estimator, what its model says.

    ``stream`` is the whole file. Raises ``UnsupportedModel`` for a model that is damaged or not supported.
    """
    found: dict[int, tuple[Call, Symbol, bool]] = {}
    for call in calls:
        if is_boosted(class_of(call)):
            held = model_in(call)
            if held is not None:
                found[id(call)] = (call, *held)
    if len(found) > _MOST:
        raise _unreadable(name, "it holds more boosted models than can be looked into")
    versions: dict[str, str] = {}
    old_handles = False
    for call, content in _contents(name, list(found.values()), stream, compression):
        library = library_of(class_of(call))
        facts = _read(library, name, content, surroundings)
        call.told = _view(call, facts)
        versions[library] = _newest(versions.get(library, ""), facts.framework_version)
        old_handles = old_handles or (library == "lightgbm" and holds_old_handle(call))
    requirements = [_requirement(library, version, old_handles) for library, version in sorted(versions.items())]
    return Libraries(versions, tuple(requirements))


def scikit_learn_beside(libraries: Libraries, calls: Iterable[Call]) -> str:
    """Which scikit-learn a tree library's estimator needs, that is not part of one of scikit-learn's."""
    for call in calls:
        version = attributes_of(call).get("_sklearn_version")
        if isinstance(version, str) and is_version(version):
            return f"scikit-learn=={version}"
    for library, version in libraries.versions.items():
        since = _BROKE_WITH_OLDER.get(library)
        if since is not None and (Version(version) < since if version else f"{library}<4" in libraries.requirements):
            return "scikit-learn<1.6"
    return "scikit-learn"


def _requirement(library: str, version: str, old_handles: bool) -> str:
    if version:
        return f"{library}=={version}"
    if library == "lightgbm":  # which never tells
        return f"{library}<4" if old_handles else f"{library}>=4"
    return library


def _newest(one: str, other: str) -> str:
    return max((one, other), key=Version) if one and other else one or other


def _read(library: str, name: str, content: BinaryIO, surroundings: Surroundings) -> ModelFacts:
    match library:
        case "xgboost":
            from kronkers_studio.packaging.model_files.tree_libraries.xgboost_files import inspect_xgboost_memory

            return inspect_xgboost_memory(name, content, surroundings)
        case "lightgbm":
            from kronkers_studio.packaging.model_files.tree_libraries.lightgbm_files import inspect_lightgbm

            return inspect_lightgbm(name, content, surroundings)
    from kronkers_studio.packaging.model_files.tree_libraries.catboost_files import inspect_catboost

    return inspect_catboost(name, content, surroundings)


# what it says, as its library's estimator says it
def _view(call: Call, facts: ModelFacts) -> BoostedView:
    module, _, name = class_of(call).rpartition(".")
    inputs = facts.signature.inputs
    texts: tuple[int, ...] = ()
    if len(inputs) == 1:
        width, columns = inputs[0].shape[1], inputs[0].columns
        if inputs[0].datatype is Datatype.BYTES:
            texts = tuple(range(width))
    else:
        width = len(inputs)
        columns = () if _are_numbered([one.name for one in inputs]) else tuple(one.name for one in inputs)
        texts = tuple(place for place, one in enumerate(inputs) if one.datatype is Datatype.BYTES)
    return BoostedView(module, name, width, columns, texts, _answer(call, name, facts.signature))


def _are_numbered(names: list[str]) -> bool:
    return names == [f"x{place}" for place in range(len(names))]


def _answer(call: Call, name: str, signature: Signature) -> Answer:
    label, *probable = signature.outputs
    several = label.shape[1] if len(label.shape) == 2 else 1
    if not is_classifier(name):
        return numbers(probable[0].shape[1] if probable and probable[0].shape[1] > 2 else several)
    own = viewed(attributes_of(call).get("_classes"))  # LightGBM's keep them beside the model
    if own is not None:
        return answer_with(own)
    if not probable and several > 1:
        return labels_of_several(several)
    classes = probable[0].columns if probable else ("0", "1")
    return Answer(label.datatype.value if probable else "INT64", 1, True, classes, True, len(classes))


# where the models are
def _contents(
    name: str, found: list[tuple[Call, Symbol, bool]], stream: BinaryIO, compression: str
) -> Iterator[tuple[Call, BinaryIO]]:
    """Each estimator with its model's bytes, in the order in which they lie in the file."""
    reader: ByteReader | None = None
    for call, symbol, as_text in sorted(found, key=lambda one: one[1].at if isinstance(one[1], Omitted) else -1):
        if not isinstance(symbol, Omitted):
            yield call, io.BytesIO(symbol if isinstance(symbol, bytes) else _encoded(name, symbol, as_text))
        elif not compression and not as_text:
            yield call, io.BufferedReader(_Window(stream, symbol.at, symbol.size))  # type: ignore[type-var]
        else:
            if symbol.size > _LARGEST_KEPT:
                raise _unreadable(name, "a compressed model in it is larger than can be looked into")
            if reader is None:
                stream.seek(0)
                reader = ByteReader(decompressed(stream, compression), symbol.at + (1 << 40))
            try:
                reader.skip(symbol.at - reader.position)
                content = reader.exact(symbol.size)
            except (Damaged, TooMuch) as reason:
                raise _unreadable(name, str(reason)) from None
            yield call, io.BytesIO(_encoded(name, content, as_text) if as_text else content)


def _encoded(name: str, text: str | bytes, as_text: bool) -> bytes:
    """The bytes for which ``text`` (or its UTF-8) stands: a character for each, or its UTF-8."""
    try:
        plain = str(text, "utf-8", "surrogatepass") if isinstance(text, bytes) else text
        return plain.encode("latin-1") if as_text else plain.encode("utf-8", "replace")
    except UnicodeError:
        raise _unreadable(name, "a model in it is no model in its library's form") from None


def _unreadable(name: str, reason: str) -> UnsupportedModel:
    return UnsupportedModel(
        f"{name} cannot be read: {reason}.", next_step="Save the fitted model again, without compression."
    )


class _Window(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, stream: BinaryIO, start: int, size: int) -> None:
        self._stream, self._start, self._size, self._at = stream, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, (0, self._at, self._size)[whence] + offset)
        return self._at

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        self._stream.seek(self._start + self._at)
        data = self._stream.read(max(0, min(len(buffer), self._size - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
