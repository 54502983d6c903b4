"""Hostile pickles and joblib files."""

from __future__ import annotations

import bz2
import functools
import gzip
import lzma
import pickle
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.hostile_files.hostile import Hostile
from tests.packaging.misuse import Made, Named, pickled

_PROGRAM = r"would run `"
_LIBRARY = r"which is not on the list|, not a scikit-learn model|: not supported yet"


def _command(canary: Path) -> str:
    return f'{sys.executable} -c "import pathlib; pathlib.Path({str(canary)!r}).touch()"'


def _code(canary: Path) -> str:
    return f"import pathlib; pathlib.Path({str(canary)!r}).touch()"


def _call(module: str, name: str, *arguments: Any) -> Made:
    return Made(Named(module, name), arguments)


def _model(**attributes: Any) -> Any:
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(np.zeros((3, 2)), np.arange(3))
    vars(model).update(attributes)
    return model


def _calls(name: str, make: Callable[[Path], Any], *, harms: bool = False, reason: str = "") -> list[Hostile]:
    """``make``'s call as the whole pickle, and as an attribute of an honest model."""
    reason = reason or _reason(make(Path("canary")))
    return [
        Hostile(f"{name}, alone", "model.pkl", lambda canary: pickled(make(canary)), reason, harms),
        Hostile(f"{name}, in a model", "model.pkl", lambda canary: pickled(_model(kept_=make(canary))), reason, harms),
    ]


def _reason(made: Any) -> str:
    """What every Python has is called a program; what needs a library is named, or is no model."""
    module = str((made.function if isinstance(made, Made) else made).module).partition(".")[0]
    return _PROGRAM if module in {*sys.stdlib_module_names, "nt", "pip", "test"} else _LIBRARY


def _code_object(canary: Path) -> bytes:
    import marshal

    return marshal.dumps(compile(_code(canary), "<model>", "exec"))


# by opcodes
def _inst(canary: Path) -> bytes:
    return b"(S'" + _code(canary).replace("'", "\\'").encode() + b"'\nibuiltins\nexec\n."


def _obj(canary: Path) -> bytes:
    return b"(cbuiltins\nexec\nX" + _text(_code(canary)) + b"o."


def _text(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode()


def _broken_tail(canary: Path) -> bytes:
    """What it calls was called before the reader finds that the rest is missing."""
    return b"cbuiltins\nexec\nX" + _text(_code(canary)) + b"\x85R0X\xff\xff"


def _behind_a_model(canary: Path) -> bytes:
    """An honest model, thrown away, and then the call."""
    return pickled(_model())[:-1] + b"0cbuiltins\nexec\nX" + _text(_code(canary)) + b"\x85R."


def _in_a_frame(canary: Path) -> bytes:
    inner = b"cbuiltins\nexec\nX" + _text(_code(canary)) + b"\x85R."
    return b"\x80\x04\x95" + struct.pack("<Q", len(inner)) + inner


def _crossing_frames(canary: Path) -> bytes:
    inner = b"cbuiltins\nexec\nX" + _text(_code(canary)) + b"\x85R."
    return b"\x80\x04\x95" + struct.pack("<Q", 3) + inner


def _names_built(canary: Path) -> bytes:
    """The name of what is imported is itself the result of a call."""
    name = b"cbuiltins\nstr\nX" + _text("exec") + b"\x85R"
    return b"\x80\x04X" + _text("builtins") + name + b"\x93X" + _text(_code(canary)) + b"\x85R."


def _called_later(canary: Path) -> bytes:
    found = b"cbuiltins\n__import__\nX" + _text("os") + b"\x85R"
    return b"cbuiltins\ngetattr\n" + found + b"X" + _text("system") + b"\x86RX" + _text(_command(canary)) + b"\x85R."


def _nested_in_array(canary: Path) -> bytes:
    """joblib keeps an array of objects as a pickle of its own in the stream."""
    wrapper = Made(
        Named("joblib.numpy_pickle", "NumpyArrayWrapper"),
        (),
        {
            "subclass": Named("numpy", "ndarray"),
            "shape": (1,),
            "order": "C",
            "dtype": np.dtype(object),
            "allow_mmap": False,
        },
        True,
    )
    return pickled(wrapper)[:-1] + pickled(_call("builtins", "exec", _code(canary))) + b"."


def _object_array(canary: Path) -> Any:
    array = np.empty(1, dtype=object)
    array[0] = _call("builtins", "exec", _code(canary))
    kind = Made(Named("numpy", "dtype"), ("O8", False, True), (3, "|", None, None, None, -1, -1, 63))
    state = (1, (1,), kind, False, [array[0]])
    return Made(Named("numpy._core.multiarray", "_reconstruct"), (Named("numpy", "ndarray"), (0,), b"b"), state)


def _protocol_zero(canary: Path) -> bytes:
    return b"cposix\nsystem\n(S'touch " + str(canary).encode() + b"'\ntR."


_OPCODES = [
    Hostile("a call by INST", "model.pkl", _inst, _PROGRAM, True),
    Hostile("a call by OBJ", "model.pkl", _obj, _PROGRAM, True),
    Hostile("a call of protocol 0", "model.pkl", _protocol_zero, _PROGRAM, sys.platform == "linux"),
    Hostile("a call before a broken tail", "model.pkl", _broken_tail, _PROGRAM, True),
    Hostile("a call behind an honest model", "model.pkl", _behind_a_model, _PROGRAM, True),
    Hostile("a call in a frame", "model.pkl", _in_a_frame, _PROGRAM, True),
    Hostile("a call across frames", "model.pkl", _crossing_frames, r"would run `|crosses its frames"),
    Hostile("a name that is built", "model.pkl", _names_built, r"would run `|builds the names", True),
    Hostile("a function that is looked up", "model.pkl", _called_later, r"would run `", True),
    Hostile("a pickle inside joblib's array", "model.joblib", _nested_in_array, _PROGRAM, False),
    Hostile("an object elsewhere", "model.pkl", lambda _: b"\x80\x04X\x01\0\0\0aQ.", r"not a model file|elsewhere"),
    Hostile("an extension code", "model.pkl", lambda _: b"\x80\x02\x82\x01)R.", r"not a model file|extension codes"),
    Hostile(
        "an extension code of its own",
        "model.pkl",
        lambda canary: pickled(_call("copyreg", "add_extension", "builtins", "exec", 241))[:-1]
        + b"0\x82\xf1X" + _text(_code(canary)) + b"\x85R.",
        r"would run `|extension codes",
        True,
    ),
    Hostile("a protocol of the future", "model.pkl", lambda _: b"\x80\x06cos\nsystem\n.", r"pickle protocol 6"),
    Hostile(
        "a second protocol mark",
        "model.pkl",
        lambda canary: b"\x80\x04" + pickled(_call("builtins", "exec", _code(canary))),
        r"would run `|changes its protocol|not a model file",
        True,
    ),
]  # fmt: skip

_CALLS: list[Hostile] = [
    *_calls("os.system", lambda c: _call("os", "system", _command(c)), harms=True),
    *_calls("posix.system", lambda c: _call("posix", "system", _command(c)), harms=sys.platform == "linux"),
    *_calls("nt.system", lambda c: _call("nt", "system", _command(c))),
    *_calls("os.popen", lambda c: _call("os", "popen", _command(c))),
    *_calls("subprocess", lambda c: _call("subprocess", "check_output", [sys.executable, "-c", _code(c)]), harms=True),
    *_calls("eval", lambda c: _call("builtins", "eval", f"exec({_code(c)!r})"), harms=True),
    *_calls("exec", lambda c: _call("builtins", "exec", _code(c)), harms=True),
    *_calls("exec as Python 2 names it", lambda c: _call("__builtin__", "eval", f"exec({_code(c)!r})")),
    *_calls("__import__", lambda _: _call("builtins", "__import__", "antigravity")),
    *_calls("importlib", lambda _: _call("importlib", "import_module", "antigravity")),
    *_calls("importlib's own module", lambda _: _call("importlib._bootstrap", "_gcd_import", "antigravity")),
    *_calls("runpy", lambda c: _call("runpy", "_run_code", _code(c), {})),
    *_calls("runpy of a file", lambda c: _call("runpy", "run_path", str(c.with_name("other.py")))),
    *_calls("pydoc", lambda c: _call("pydoc", "pipepager", "", _command(c)), harms=True),
    *_calls("pydoc's search", lambda _: _call("pydoc", "locate", "antigravity.geohash")),
    *_calls("a chain of getattr", lambda c: Made(
        _call("builtins", "getattr", _call("builtins", "__import__", "os"), "system"), (_command(c),)),
        reason=r"would run `|builds only while it is read"),
    *_calls("operator.attrgetter", lambda _: _call("operator", "attrgetter", "__globals__")),
    *_calls("operator.methodcaller", lambda c: _call("operator", "methodcaller", "touch", str(c))),
    *_calls("functools.partial", lambda c: Made(
        Named("functools", "partial"), (Named("os", "system"),), (Named("os", "system"), (_command(c),), {}, None))),
    *_calls("functools.reduce", lambda c: _call("functools", "reduce", Named("builtins", "exec"), [_code(c)])),
    *_calls("map", lambda c: _call("builtins", "list", _call("builtins", "map", Named("builtins", "exec"), [_code(c)])),
            harms=True),
    *_calls("copyreg", lambda _: _call("copyreg", "add_extension", "os", "system", 240)),
    *_calls("copyreg's own maker", lambda _: _call("copyreg", "__newobj__", Named("builtins", "object"))),
    *_calls("a pickle in a pickle", lambda c: _call(
        "pickle", "loads", pickled(_call("builtins", "exec", _code(c)))), harms=True),
    *_calls("a pickle in a pickle, compiled", lambda c: _call(
        "_pickle", "loads", pickled(_call("builtins", "exec", _code(c)))), harms=True),
    *_calls("marshal", lambda c: _call("marshal", "loads", _code_object(c))),
    *_calls("a function from code", lambda c: _call(
        "types", "FunctionType", _call("marshal", "loads", _code_object(c)), {})),
    *_calls("ctypes", lambda _: _call("ctypes", "CDLL", "libc.so.6")),
    *_calls("a module's globals", lambda _: Named("sklearn.base", "BaseEstimator.__init__.__globals__")),
    *_calls("a file that is opened", lambda c: _call("builtins", "open", str(c), "w"), harms=True),
    *_calls("a file that is opened by io", lambda c: _call("io", "open", str(c), "w"), harms=True),
    *_calls("a file that is opened by codecs", lambda c: _call("codecs", "open", str(c), "w"), harms=True),
    *_calls("a file of the log", lambda c: _call("logging", "FileHandler", str(c)), harms=True),
    *_calls("a path that is touched", lambda c: _call("pathlib", "Path.touch", _call("pathlib", "Path", str(c)))),
    *_calls("a folder that is removed", lambda c: _call("shutil", "rmtree", str(c.with_name("none")), True)),
    *_calls("a copy", lambda c: _call("shutil", "copyfile", sys.executable, str(c)), harms=True),
    *_calls("an address", lambda _: _call("urllib.request", "urlopen", "http://127.0.0.1:9/")),
    *_calls("a connection", lambda _: _call("socket", "create_connection", ("127.0.0.1", 9))),
    *_calls("the browser", lambda _: _call("webbrowser", "open", "http://127.0.0.1:9/")),
    *_calls("timeit", lambda c: _call(
        "timeit", "timeit", _code(c), "pass", Named("time", "perf_counter"), 1), harms=True),
    *_calls("the profiler", lambda c: _call("cProfile", "run", _code(c)), harms=True),
    *_calls("the debugger", lambda c: _call("pdb", "run", _code(c))),
    *_calls("a console", lambda c: _call("code", "interact", _code(c))),
    *_calls("another Python", lambda c: _call("test.support.script_helper", "assert_python_ok", "-c", _code(c))),
    *_calls("a spawned process", lambda c: _call(
        "multiprocessing.util", "spawnv_passfds", b"/bin/true", [b"true"], ())),
    *_calls("pip", lambda _: _call("pip._internal", "main", ["install", "x", "--no-index"])),
    *_calls("numpy's test runner", lambda c: _call("numpy.testing._private.utils", "runstring", _code(c), {}),
            harms=True),
    *_calls("numpy's reader of pickles", lambda c: _call("numpy", "load", str(c.with_name("a.npy")))),
    *_calls("numpy's writer", lambda c: _call("numpy", "savetxt", str(c), [1.0]), harms=True),
    *_calls("numpy's map of a file", lambda c: _call("numpy", "memmap", str(c), "uint8", "w+", 0, (4,)), harms=True),
    *_calls("numpy's functions by name", lambda _: _call("numpy._core", "_ufunc_reconstruct", "os", "system")),
    *_calls("joblib's reader", lambda c: _call("joblib.numpy_pickle", "load", str(c.with_name("a.joblib")))),
    *_calls("joblib's old arrays", lambda c: Made(
        Named("joblib.numpy_pickle", "NDArrayWrapper"), (), {"filename": str(c), "subclass": None}, True)),
    *_calls("joblib's cache of functions", lambda c: _call("joblib.memory", "Memory", str(c.with_name("cache")))),
    *_calls("pandas' reader of pickles", lambda c: _call("pandas.io.pickle", "read_pickle", str(c))),
    *_calls("pandas' reader of addresses", lambda _: _call("pandas", "read_csv", "http://127.0.0.1:9/")),
    *_calls("scikit-learn's data sets", lambda _: _call("sklearn.datasets._openml", "fetch_openml", "iris")),
    *_calls("scikit-learn's files", lambda c: _call("sklearn.datasets._base", "load_files", str(c.parent))),
    *_calls("scikit-learn's tests", lambda c: _call(
        "sklearn.utils._testing", "assert_run_python_script_without_output", _code(c))),
    _calls("scipy's distributions", lambda c: Made(
        Named("scipy.stats._distn_infrastructure", "rv_discrete"), (), {"_parse_arg_template": _code(c)}, True))[0],
    *_calls("PyTorch's reader", lambda c: _call("torch.serialization", "load", str(c))),
    *_calls("PyTorch's hub", lambda _: _call("torch.hub", "load", "someone/thing", "model")),
    *_calls("Keras' fetcher", lambda _: _call("keras.utils", "get_file", "x", "http://127.0.0.1:9/")),
    *_calls("XGBoost's booster from a file", lambda c: _call("xgboost.core", "Booster", {}, (), str(c)),
            reason=r"with arguments|xgboost"),
    *_calls("XGBoost's matrix from a file", lambda c: _call("xgboost.core", "DMatrix", f"{c}#cache")),
    *_calls("XGBoost's trainer that writes", lambda c: _call("xgboost.callback", "TrainingCheckPoint", str(c))),
    *_calls("LightGBM's booster from a file", lambda c: _call("lightgbm.basic", "Booster", {}, None, str(c)),
            reason=r"with arguments|lightgbm"),
    *_calls("CatBoost's pool from a file", lambda c: _call("catboost.core", "Pool", str(c))),
    *_calls("CatBoost's trainer in a folder", lambda c: _call("catboost.core", "CatBoostRegressor", 1, None, str(c)),
            reason=r"with arguments"),
    *_calls("cloudpickle's functions", lambda _: _call("cloudpickle.cloudpickle", "_make_function", None)),
    *_calls("dill's functions", lambda _: _call("dill._dill", "_create_function", None)),
    *_calls("a call in an array of objects", _object_array, harms=True, reason=_PROGRAM),
]  # fmt: skip


# sizes
_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, 1),
    "zlib": lambda data: zlib.compress(data, 1),
    "xz": lambda data: lzma.compress(data, preset=0),
}


@functools.cache
def _bomb(compression: str) -> bytes:
    """Some 70 MiB of two opcodes in a few hundred kilobytes."""
    return _COMPRESS[compression](b"\x80\x04csklearn.base\nBaseEstimator\n]" + b"K\x00a" * (24 << 20))


def _laughs(_: Path) -> bytes:
    """Ten references to ten references to ten …: printed, compared or copied, it has no end."""
    level = b"(" + b"h\x00" * 10 + b"t"
    data = b"\x80\x04(X\x03\0\0\0hahtq\x00"
    for _level in range(90):
        data += b"0" + level.replace(b"h\x00", b"h\x00") + b"q\x00"
    return data + b"."


_SIZES = [
    Hostile("a bomb of gzip", "model.pkl", lambda _: _bomb("gzip"), "bytes|steps|step"),
    Hostile("a bomb of zlib", "model.joblib", lambda _: _bomb("zlib"), "bytes|steps"),
    Hostile("a bomb of bzip2", "model.joblib", lambda _: bz2.compress(bytes(8 << 20), 1), "not a model|cannot be read"),
    Hostile("a bomb of xz", "model.joblib", lambda _: _bomb("xz"), "bytes|steps"),
    Hostile("a compression that is not read", "model.joblib", lambda _: b"\x04\x22\x4d\x18" + bytes(90), "lz4"),
    Hostile("a number of a million digits", "model.pkl",
            lambda _: b"\x80\x04\x8b" + struct.pack("<I", 1_000_000) + bytes(1_000_000) + b".", "not a model|number"),
    Hostile("a text of two gigabytes that is not there", "model.pkl",
            lambda _: b"\x80\x04csklearn.base\nBaseEstimator\nX\xff\xff\xff\x7f", "ends too early"),
    Hostile("a memory of four thousand million places", "model.pkl",
            lambda _: b"\x80\x04csklearn.base\nBaseEstimator\nr\xff\xff\xff\xff.", "more objects"),
    Hostile("laughs", "model.pkl", _laughs, "nests its data|not a model|several objects"),
    Hostile("tuples in tuples", "model.pkl", lambda _: b"\x80\x04)" + b"\x85" * 200_000 + b".", "nests its data|not a"),
    Hostile("marks without end", "model.pkl", lambda _: b"\x80\x04csklearn.base\nBaseEstimator\n" + b"(" * 900_000,
            "steps|objects|ends too early"),
    Hostile("an array larger than the file", "model.joblib", lambda _: pickled(Made(
        Named("joblib.numpy_pickle", "NumpyArrayWrapper"), (),
        {"subclass": Named("numpy", "ndarray"), "shape": (1 << 40,), "order": "C", "dtype": np.dtype("f8")}, True)),
        "ends too early|larger than"),
    Hostile("an honest model that was cut", "model.pkl", lambda _: pickle.dumps(_model())[:-40], "cannot be read"),
    Hostile("an honest model with other bytes", "model.pkl",
            lambda _: pickle.dumps(_model()).replace(b"coef_", b"co\xff\xfe_"), "cannot be read"),
]  # fmt: skip

PICKLES = [*_CALLS, *_OPCODES, *_SIZES]
