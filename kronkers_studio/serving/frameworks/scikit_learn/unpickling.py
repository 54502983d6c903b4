"""Reading pickles that may import only what the package's allowlist names.

A pickle is a program: whatever global it names, it can call. The packaging room found every global of the file and
judged it; here the same list is the fence. joblib needs more care than a plain pickle: arrays of objects lie in the
stream as pickles of their own, and its formats before 0.10 open other files. The first go through the same fence on
every joblib version, the second are refused.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection
from importlib import import_module
from inspect import signature
from types import ModuleType
from typing import Any, BinaryIO

from kronkers_studio.serving.frameworks.scikit_learn.replaced_names import replacement
from kronkers_studio.serving.problems import CannotStart

_MISNAMED = {"_loss": "sklearn._loss._loss"}  # what scikit-learn 1.6 and 1.7 write, and cannot import themselves
_SHARED = frozenset(("numpy", "scipy", "builtins", "collections", "copyreg", "_codecs", "datetime", "decimal"))
"""Top modules whose listed names may be defined in others; of all else a module gives only what is its library's."""
_LONGEST_RANGE = 10_000_000
_ARRAY_WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
_OPENS_OTHER_FILES = (
    "joblib.numpy_pickle_compat.",
    "joblib.numpy_pickle.NDArrayWrapper",
    "joblib.numpy_pickle.ZNDArrayWrapper",
)


def load_pickle(stream: BinaryIO, allowed: Collection[str]) -> Any:
    """The object pickled in ``stream``. Raises ``CannotStart`` when it needs a global outside ``allowed``."""
    return guarded(lambda: _restricted(stream, allowed).load())


def load_joblib(stream: BinaryIO, allowed: Collection[str]) -> Any:
    """The object that joblib dumped to ``stream``, compressed or not; as ``load_pickle`` otherwise."""
    return guarded(lambda: _load_joblib(stream, allowed))


def allowed_global(module: str, name: str, allowed: Collection[str]) -> Any:
    """The class or function ``module.name``, imported; or what a service has in its place. Raises ``CannotStart`` when
    it is not ``allowed``."""
    return _found(module, name, allowed, lambda module, name: getattr(import_module(module), name))


def guarded(load: Callable[[], Any]) -> Any:
    """What ``load`` makes of a model's file; ``CannotStart`` for whatever it raises."""
    try:
        return load()
    except CannotStart:
        raise
    except ModuleNotFoundError as error:
        raise CannotStart(f"The model needs the Python module {error.name!r}, which its package lacks.") from error
    except Exception as error:  # a damaged or hostile pickle can raise anything at all
        raise CannotStart(f"The model file cannot be read: {type(error).__name__}: {error}.") from error


def _check(module: str, name: str, allowed: Collection[str]) -> None:
    """Refuse what is not listed, and dotted names always: they walk from a listed object to its neighbours."""
    wanted = f"{module}.{name}"
    if wanted not in allowed or "." in name or wanted.startswith(_OPENS_OTHER_FILES):
        raise CannotStart(
            f"The model file wants to use {wanted}, which is not on its package's list of allowed globals. "
            "It was refused, because such a file can run any program."
        )


def _found(module: str, name: str, allowed: Collection[str], find: Callable[[str, str], Any]) -> Any:
    """What ``find`` has under a listed name: a class or function that is defined there, never a module.

    A list that lets a module of scikit-learn's imports through would let everything through. Numbers of the pickle
    become no lengths: ``bytes`` and ``bytearray`` are made from content only.
    """
    module = _MISNAMED.get(module, module)
    own = replacement(module, name)
    if own is not None:
        return own
    _check(module, name, allowed)
    wanted = find(module, name)
    top = module.partition(".")[0]
    owner = str(getattr(wanted, "__module__", None) or "")  # numpy's ufuncs have none
    foreign = top not in _SHARED and owner.partition(".")[0] not in (top, *_MISNAMED)
    if isinstance(wanted, ModuleType) or foreign or not (callable(wanted) or isinstance(wanted, type)):
        raise CannotStart(
            f"The model file wants to use {module}.{name}, which is no class or function of that library. It was "
            "refused, because such a file can run any program."
        )
    return _CONTENT_ONLY.get(f"{module}.{name}", wanted)


def _content(kind: Callable[..., Any]) -> Callable[..., Any]:
    def make(*arguments: Any) -> Any:
        if any(isinstance(argument, int) for argument in arguments):
            raise CannotStart("The model file asks for empty memory of a length of its own. It was refused.")
        return kind(*arguments)

    return make


def _short_range(*bounds: int) -> range:
    made = range(*bounds)
    if max(abs(made.start), abs(made.stop)) > _LONGEST_RANGE:
        raise CannotStart("The model file asks for more numbers than any model has. It was refused.")
    return made


_CONTENT_ONLY: dict[str, Callable[..., Any]] = {
    "builtins.bytes": _content(bytes),
    "builtins.bytearray": _content(bytearray),
    "builtins.range": _short_range,
}


def _restricted(stream: Any, allowed: Collection[str]) -> pickle.Unpickler:
    class Restricted(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            return _found(module, name, allowed, super().find_class)

    return Restricted(stream)


def _load_joblib(stream: BinaryIO, allowed: Collection[str]) -> Any:
    from joblib import numpy_pickle, numpy_pickle_utils

    class Wrapper(numpy_pickle.NumpyArrayWrapper):  # type: ignore[misc]  # joblib is untyped
        def read_array(self, unpickler: Any, *options: Any) -> Any:
            if self.dtype.hasobject:  # before 1.6, joblib itself reads these with an unfenced pickle.load
                return _restricted(unpickler.file_handle, allowed).load()
            return super().read_array(unpickler, *options)

    class Restricted(numpy_pickle.NumpyUnpickler):  # type: ignore[misc]
        def find_class(self, module: str, name: str) -> Any:
            found = _found(module, name, allowed, super().find_class)
            return Wrapper if f"{module}.{name}" == _ARRAY_WRAPPER else found

    opened = getattr(numpy_pickle_utils, "_validate_fileobject_and_memmap", None) or numpy_pickle_utils._read_fileobject
    with opened(stream, "", None) as source:
        plain = source[0] if isinstance(source, tuple) else source
        if isinstance(plain, str):
            raise CannotStart("The model file was written by joblib before 0.10; save it again with a current joblib.")
        native = "ensure_native_byte_order" in signature(numpy_pickle.NumpyUnpickler).parameters
        return Restricted("", plain, **({"ensure_native_byte_order": True} if native else {})).load()
