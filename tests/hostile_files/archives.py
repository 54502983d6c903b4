"""Hostile archives and documents: what other formats than pickles have for running, fetching and reading more."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.hostile_files.hostile import Hostile
from tests.packaging.misuse import Made, Named, pickled


def _code(canary: Path) -> str:
    return f"import pathlib; pathlib.Path({str(canary)!r}).touch()"


def _call(canary: Path) -> bytes:
    return pickled(Made(Named("builtins", "exec"), (_code(canary),)))


def _zipped(entries: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return stream.getvalue()


def _json(content: Any) -> bytes:
    return json.dumps(content).encode()


# skops
def _skops(schema: Any, **more: bytes) -> Callable[[Path], bytes]:
    return lambda _: _zipped({"schema.json": _json({"protocol": 2, "_skops_version": "0.13", **schema}), **more})


def _operator(canary: Path) -> bytes:
    call = {"__class__": "methodcaller", "__module__": "operator", "__loader__": "OperatorFuncNode"}
    return _skops({**call, "attrs": {"content": ["touch", str(canary)], "__loader__": "ListNode"}})(canary)


def _skops_array(canary: Path) -> bytes:
    array = {
        "__class__": "ndarray",
        "__module__": "numpy",
        "__loader__": "NdArrayNode",
        "type": "numpy",
        "file": "a.npy",
    }
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    return _zipped({"schema.json": _json({**array, "protocol": 2}), "a.npy": stream.getvalue() + _call(canary)})


def _node(loader: str, made: str, **more: Any) -> dict[str, Any]:
    module, _, name = made.rpartition(".")
    return {"__loader__": loader, "__module__": module, "__class__": name, **more}


def _text(text: str) -> dict[str, Any]:
    return _node("JsonNode", "builtins.str", content=json.dumps(text))


def _array_of(made: str) -> dict[str, Any]:
    return _node("NdArrayNode", made, type="numpy", file="a.npy")


def _npy(descr: str, shape: tuple[int, ...]) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue() + bytes(8 if descr == "<f8" else 3 if descr == "|S3" else 0)


def _deep(levels: int) -> dict[str, Any]:
    node = _text("a")
    for _ in range(levels):
        node = _node("ListNode", "builtins.list", content=[node])
    return node


_SKOPS = [
    Hostile("skops: a function by its name", "model.skops", _operator),
    Hostile("skops: a type that runs programs", "model.skops",
            _skops({"__class__": "Popen", "__module__": "subprocess", "__loader__": "ObjectNode"})),
    Hostile("skops: an array of objects", "model.skops", _skops_array),
    Hostile("skops: a path out of the archive", "model.skops",
            lambda _: _zipped({"schema.json": b"{}", "../../../outside.npy": b"x"})),
    Hostile("skops: a bomb", "model.skops",
            lambda _: _zipped({"schema.json": b" " * (64 << 20)}, zipfile.ZIP_DEFLATED)),
    Hostile("skops: a method under another class's name", "model.skops", _skops(_node(
        "MethodNode", "sklearn.svm._classes.SVC",
        content={"func": "tofile", "obj": _array_of("builtins.object")})), "would run `builtins.getattr`"),
    Hostile("skops: an operator under another module's name", "model.skops", _skops(_node(
        "OperatorFuncNode", "sklearn.methodcaller", attrs=_node("TupleNode", "builtins.tuple", content=[]))),
        "would run `operator.methodcaller`"),
    Hostile("skops: a tree that is no tree", "model.skops", _skops(_node(
        "TreeNode", "builtins.eval", content=_node("JsonNode", "builtins.str", content="null"),
        __reduce__={"args": _node("TupleNode", "builtins.tuple", content=[_text("1")])})),
            "would become something else"),
    Hostile("skops: a loss that is a program", "model.skops", _skops(_node(
        "LossNode", "os.system", content=_node("JsonNode", "builtins.str", content="null"),
        __reduce__={"args": _node("TupleNode", "builtins.tuple", content=[_text("touch x")])})),
            "would run `os.system`"),
    Hostile("skops: keys that are called", "model.skops", _skops(_node(
        "DictNode", "builtins.dict", content={"touch x": _text("a")},
        key_types=_node("ListNode", "builtins.list", content=[_node("FunctionNode", "os.system")]))),
        "keys that are no texts"),
    Hostile("skops: a list that is a program", "model.skops",
            _skops(_node("ListNode", "os.system", content=[_text("touch x")])), "would run `os.system`"),
    Hostile("skops: a call of pickle", "model.skops", _skops(_node(
        "ConstructorFromReduceNode", "pickle.loads",
        content=_node("TupleNode", "builtins.tuple", content=[_node("BytesNode", "builtins.bytes", file="p.bin")])),
        **{"p.bin": b"cos\nsystem\n(S'touch x'\ntR."}), "would run `pickle.loads`"),
    Hostile("skops: a partial of a program", "model.skops", _skops(_node("PartialNode", "functools.partial", content={
        "func": _node("FunctionNode", "os.system"), "args": _node("TupleNode", "builtins.tuple", content=[]),
        "kwds": _node("JsonNode", "builtins.str", content="null"),
        "namespace": _node("JsonNode", "builtins.str", content="null")})), "would run"),
    Hostile("skops: two parts of one number", "model.skops", _skops(_node("ListNode", "builtins.list", content=[
        {**_text("a"), "__id__": 7}, {**_node("FunctionNode", "os.system"), "__id__": 7}])), "by one number"),
    Hostile("skops: a part that holds itself", "model.skops", _skops(_node(
        "ListNode", "builtins.list", __id__=7,
        content=[_node("ListNode", "builtins.list", __id__=7, content=[])])), "holds itself"),
    Hostile("skops: a Python function by the old form", "model.skops", _skops({
        **_node("FunctionNode", "builtins.function", content={"module_path": "os", "function": "system"}),
        "protocol": 0}), "would run `os.system`"),
    Hostile("skops: a form that is not known", "model.skops", _skops({**_text("a"), "protocol": 99}), "newer form"),
    Hostile("skops: a method's name among the attributes", "model.skops", _skops(_node(
        "ObjectNode", "sklearn.ensemble._stacking.StackingClassifier", content=_node(
            "DictNode", "builtins.dict", content={"stack_method_": _text("tofile")},
            key_types=_node("ListNode", "builtins.list", content=[_node("TypeNode", "builtins.str")])))),
        "no method that scikit-learn calls"),
    Hostile("skops: an array that says more than it has", "model.skops",
            _skops(_array_of("numpy.ndarray"), **{"a.npy": _npy("<f8", (1 << 40,))}), "other bytes than its shape"),
    Hostile("skops: an array of pickles", "model.skops",
            _skops(_array_of("numpy.ndarray"), **{"a.npy": _npy("|O", (1,))}), "pickled objects"),
    Hostile("skops: an array that is given to a program", "model.skops",
            _skops(_array_of("os.system"), **{"a.npy": _npy("<f8", ())}), "would be given to"),
    Hostile("skops: arrays in a matrix that are pickles", "model.skops",
            _skops(_node("SparseMatrixNode", "scipy.sparse._csr.csr_matrix", type="scipy", file="m.npz"),
                   **{"m.npz": _zipped({"data.npy": _npy("|O", (1,)), "format.npy": _npy("|S3", ()) })}),
            "pickled objects"),
    Hostile("skops: a name twice", "model.skops", lambda _: _zipped({"schema.json":
            b'{"protocol": 2, "__loader__": "JsonNode", "__loader__": "OperatorFuncNode"}'}),
            "two entries of one name"),
    Hostile("skops: lists in lists without end", "model.skops", _skops(_deep(150)), "deeper than any model"),
    Hostile("skops: a schema without end", "model.skops", lambda _: _zipped({"schema.json": b"[" * 1_000_000})),
]  # fmt: skip


# Keras
def _keras(*layers: Any, **more: bytes) -> bytes:
    config = {"module": "keras", "class_name": "Sequential", "config": {"name": "net", "layers": list(layers)}}
    known = {"metadata.json": _json({"keras_version": "3.10.0"}), "config.json": _json(config)}
    return _zipped({**known, "model.weights.h5": b"", **more})


def _layer(module: str, name: str, **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": {"name": "a", **config}, "registered_name": None}


def _lambda(canary: Path) -> bytes:
    import base64
    import marshal

    code = base64.b64encode(marshal.dumps(compile(_code(canary), "<layer>", "exec"))).decode()
    function = {"class_name": "__lambda__", "config": {"code": code, "defaults": None, "closure": None}}
    return _keras(_layer("keras.layers", "Lambda", function=function))


_KERAS = [
    Hostile("Keras: a layer of code", "net.keras", _lambda),
    Hostile("Keras: a function of another module", "net.keras", lambda c: _keras(
        _layer("builtins", "exec", source=_code(c)))),
    Hostile("Keras: a layer that is a program", "net.keras", lambda c: _keras(
        _layer("subprocess", "Popen", args=["touch", str(c)]))),
    Hostile("Keras: a fetched file", "net.keras", lambda _: _keras(
        _layer("keras.utils", "get_file", fname="a", origin="http://127.0.0.1:9/"))),
    Hostile("Keras: a vocabulary from a file", "net.keras", lambda _: _keras(
        _layer("keras.layers", "StringLookup", vocabulary="/etc/passwd"))),
    Hostile("Keras: a path out of the archive", "net.keras", lambda _: _keras(
        _layer("keras.layers", "Lambda"), **{"../../outside.py": b"x"})),
    Hostile("Keras: a bomb", "net.keras", lambda _: _zipped(
        {"metadata.json": b"{}", "config.json": b" " * (64 << 20)}, zipfile.ZIP_DEFLATED)),
    Hostile("Keras: a layer of code in HDF5", "net.h5", lambda _: b"\x89HDF\r\n\x1a\n" + bytes(64)
            + b'model_config{"class_name": "Lambda", "config": {"function": ["4wEAAA"]}}keras_version2.9' + bytes(64)),
]  # fmt: skip


# PyTorch
def _torch(data: bytes, **more: bytes) -> bytes:
    return _zipped({"net/data.pkl": data, "net/version": b"3\n", "net/byteorder": b"little", **more})


_MODULE = b"class Net(Module):\n  def forward(self, x: Tensor) -> Tensor:\n    %s\n    return x\n"


def _script(line: bytes) -> Callable[[Path], bytes]:
    data = b"\x80\x02c__torch__\nNet\n)\x81."
    code = {"net/code/__torch__.py": _MODULE % line, "net/constants.pkl": b"\x80\x02).", "net/data.pkl": data}
    return lambda _: _zipped({**code, "net/version": b"3\n"})


def _exported(change: Callable[[dict[str, Any], Path], Any]) -> Callable[[Path], bytes]:
    """A program that PyTorch 2.13 exported, after ``change`` of what it says of itself."""
    whole = Path(__file__).parents[1] / "torch_models" / "exported" / "two-2.13.0.pt2"

    def build(canary: Path) -> bytes:
        with zipfile.ZipFile(whole) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        document = next(name for name in entries if name.endswith("models/model.json"))
        described = json.loads(entries[document])
        change(described, canary)
        return _zipped({**entries, document: _json(described)})

    return build


def _with_length(described: dict[str, Any], canary: Path) -> None:
    code = f"__import__('os').system('touch {canary}')"
    described["graph_module"]["graph"]["tensor_values"]["a"]["sizes"][0] = {"as_expr": {"expr_str": code, "hint": None}}


_TORCH = [
    Hostile("PyTorch: an exported program with a length that is code", "net.pt2", _exported(_with_length),
            "more than lengths"),
    Hostile("PyTorch: an exported program with a guard that is code", "net.pt2", _exported(
            lambda d, c: d.update(guards_code=[f"__import__('os').system('touch {c}')"])), "more than lengths"),
    Hostile("PyTorch: an exported program that calls the system", "net.pt2", _exported(
            lambda d, _: d["graph_module"]["graph"]["nodes"][0].update(target="torch.os.system")), "calls “torch.os"),
    Hostile("PyTorch: an exported program with a name that is code", "net.pt2", _exported(
            lambda d, c: d["graph_module"]["graph"]["nodes"][0].update(name=f"x = open('{c}', 'w')")), "is no name"),
    Hostile("PyTorch: an exported program with a container that imports", "net.pt2", _exported(
            lambda d, _: d["graph_module"]["module_call_graph"][0]["signature"].update(in_spec=json.dumps(
                [1, {"type": "collections.defaultdict", "context": "{}", "children_spec": []}]))), "class of its own"),
    Hostile("PyTorch: weights that call", "net.pt", lambda c: _torch(_call(c))),
    Hostile("PyTorch: weights that call, in the old form", "net.pt", lambda c:
            b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." + _call(c)),
    Hostile("PyTorch: weights of the os", "weights.pth", lambda c: _torch(
        pickled(Made(Named("os", "system"), (f"touch {c}",))))),
    Hostile("PyTorch: a path out of the archive", "net.pt", lambda c: _torch(_call(c), **{"../../outside": b"x"})),
    Hostile("TorchScript: a file that is read", "net.pt", _script(b"y = torch.from_file('/etc/passwd', False, 10)"),
            "calls “torch.from_file”"),
    Hostile("TorchScript: a file that is written", "net.pt", _script(b"torch.save(x, '/tmp/outside')"),
            "calls “torch.save”"),
    Hostile("TorchScript: a file that is written by another name", "net.pt",
            _script(b"t = torch\n    t.save(x, '/tmp/outside')"), "calls “torch”"),
    Hostile("TorchScript: an operator by its name as a text", "net.pt",
            _script(b"getattr(ops.aten, 'save')(x, '/tmp/outside')"), "calls “ops.aten”"),
    Hostile("TorchScript: code behind a comment's end", "net.pt",
            _script(b"#\r    '''\n    torch.save(x, '/tmp/outside')\n    #'''"), "signs that PyTorch never writes"),
    Hostile("TorchScript: a function of Python's", "net.pt", _script(b"y = ^os_system('true')(x)"),
            "code of no known form"),
    Hostile("TorchScript: constants that call", "net.pt", lambda c: _zipped({
        "net/constants.pkl": _call(c), "net/data.pkl": b"\x80\x02N.", "net/code/a.py": b"", "net/version": b"3"})),
    Hostile("PyTorch: an exported program that calls", "net.pt2", lambda c: _zipped({
        "archive_format": b"pt2", "archive_version": b"0", "data/weights/a": _call(c), "models/model.json": b"{}"})),
    Hostile("PyTorch: an exported program with a library", "net.pt2", lambda _: _zipped({
        "archive_format": b"pt2", "archive_version": b"0", "data/aotinductor/model/a.so": b"\x7fELF"})),
]  # fmt: skip


# weights
def _safetensors(header: bytes, length: int | None = None, data: bytes = b"") -> Callable[[Path], bytes]:
    return lambda _: struct.pack("<Q", len(header) if length is None else length) + header + data


_TENSOR = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
_WEIGHTS = [
    Hostile("safetensors: a header longer than the world", "a.safetensors",
            _safetensors(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 1 << 60), "longer than the file"),
    Hostile("safetensors: weights behind the end", "a.safetensors",
            _safetensors(_json({"a": {**_TENSOR, "data_offsets": [0, 1 << 50]}})), "another size than its shape"),
    Hostile("safetensors: weights that the file has not", "a.safetensors", _safetensors(_json({"a": _TENSOR})),
            "end elsewhere than the file"),
    Hostile("safetensors: a gap for something else", "a.safetensors",
            _safetensors(_json({"a": {**_TENSOR, "data_offsets": [4, 20]}}), data=bytes(20)), "belong to none"),
    Hostile("safetensors: bytes behind the weights", "a.safetensors",
            _safetensors(_json({"a": _TENSOR}), data=bytes(20)), "end elsewhere than the file"),
    Hostile("safetensors: two tensors of one name", "a.safetensors",
            _safetensors(b'{"a":%b,"a":%b}' % (_json(_TENSOR), _json(_TENSOR)), data=bytes(16)), "one thing twice"),
    Hostile("safetensors: a type that is none", "a.safetensors",
            _safetensors(_json({"a": {**_TENSOR, "dtype": "os.system"}}), data=bytes(16)), "an unknown type"),
    Hostile("safetensors: a type of another width", "a.safetensors",
            _safetensors(_json({"a": {**_TENSOR, "dtype": "F64"}}), data=bytes(16)), "another size than its shape"),
    Hostile("safetensors: a shape below nothing", "a.safetensors",
            _safetensors(_json({"a": {**_TENSOR, "shape": [-2, -2]}}), data=bytes(16)), "no possible shape"),
    Hostile("safetensors: a header of a hundred megabytes", "a.safetensors", _safetensors(
            b'{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'.ljust(100 << 20)), "longer than any model's"),
    Hostile("safetensors: weights over one another", "a.safetensors",
            _safetensors(_json({"a": _TENSOR, "b": {**_TENSOR, "data_offsets": [4, 20]}}), data=bytes(20)), "overlap"),
    Hostile("safetensors: a shape of another size", "a.safetensors",
            _safetensors(_json({"a": {**_TENSOR, "shape": [1 << 40]}}), data=bytes(16)), "another size than its shape"),
    Hostile("safetensors: a header of brackets", "a.safetensors",
            _safetensors(b'{"dtype":"F32","data_offsets":' + b"[" * 100_000), "header is damaged"),
    Hostile("a language model with a lie for a length", "a.gguf", lambda _: b"GGUF\x03\0\0\0" + b"\xff" * 16),
]  # fmt: skip


# documents
_ENTITIES = b"".join(b'<!ENTITY e%d "%s">' % (level, b"&e%d;" % (level - 1) * 10) for level in range(1, 12))
_PMML = b'<PMML version="4.4" xmlns="http://www.dmg.org/PMML-4_4"><Header>%s</Header></PMML>'
_MLFLOW = b"flavors:\n  %s\n  python_function:\n    loader_module: %s\n    %s\nmlflow_version: 3.1.0\n"
_DOCUMENTS = [
    Hostile("PMML: a bomb of entities", "a.pmml", lambda _: b'<?xml version="1.0"?><!DOCTYPE PMML [<!ENTITY e0 "ha">'
            + _ENTITIES + b"]>" + _PMML % b"&e11;"),
    Hostile("PMML: a file as an entity", "a.pmml", lambda _:
            b'<?xml version="1.0"?><!DOCTYPE PMML [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + _PMML % b"&e;"),
    Hostile("PMML: an address as its type", "a.pmml", lambda _:
            b'<?xml version="1.0"?><!DOCTYPE PMML SYSTEM "http://127.0.0.1:9/a.dtd">' + _PMML % b""),
    Hostile("PMML: elements in elements", "a.pmml", lambda _: _PMML % (b"<Extension>" * 100_000)),
    Hostile("MLflow: an object of Python's", "MLmodel", lambda c: _MLFLOW % (
        b'sklearn: !!python/object/apply:os.system ["touch %s"]' % str(c).encode(), b"mlflow.sklearn", b"data: a.pkl")),
    Hostile("MLflow: code that is loaded", "MLmodel", lambda _: _MLFLOW % (
        b"sklearn:\n    code: code", b"evil_loader", b"code: ../../outside")),
    Hostile("MLflow: a model out of the folder", "MLmodel", lambda _: _MLFLOW % (
        b"sklearn:\n    pickled_model: ../../../etc/passwd", b"mlflow.sklearn", b"model_path: ../../../etc/passwd")),
    Hostile("MLflow: aliases of aliases", "MLmodel", lambda _: b"a0: &a0 [ha]\n" + b"".join(
        b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 12))
        + _MLFLOW % (b"sklearn:\n    data: *a11", b"mlflow.sklearn", b"data: *a11")),
]  # fmt: skip


# R: each item is a number that says what it is, then what it holds
_GLOBAL, _UNBOUND, _NIL = (struct.pack(">i", code) for code in (253, 252, 254))


def _item(kind: int, *parts: bytes, flags: int = 0) -> bytes:
    return struct.pack(">i", kind | flags) + b"".join(parts)


def _letters(text: str) -> bytes:
    return _item(9, struct.pack(">i", len(text)), text.encode(), flags=0x40000)


def _symbol(name: str) -> bytes:
    return _item(1, _letters(name))


def _classed(*members: bytes) -> bytes:
    """A list of R's with the class lm."""
    named = _item(2, _symbol("class"), _item(16, struct.pack(">i", 1), _letters("lm")), _NIL, flags=0x400)
    body = _item(19, struct.pack(">i", len(members)), *members, named, flags=0x300)
    return gzip.compress(b"X\n" + struct.pack(">iii", 2, 0x040300, 0x020300) + body)


def _system(canary: Path) -> bytes:
    argument = _item(2, _item(16, struct.pack(">i", 1), _letters(f"touch {canary}")), _NIL)
    return _item(6, _symbol("system"), argument)


def _promise(canary: Path) -> bytes:
    return _classed(_item(5, _GLOBAL, _UNBOUND, _system(canary), flags=0x400))


def _active_binding(canary: Path) -> bytes:
    closure = _item(3, _GLOBAL, _NIL, _system(canary), flags=0x400)
    frame = _item(2, _symbol("x"), closure, _NIL, flags=0x400 | 1 << (12 + 15))
    return _classed(_item(4, struct.pack(">i", 0), _GLOBAL, frame, _NIL, _NIL))


_R = [
    Hostile("R: a promise", "a.rds", _promise),
    Hostile("R: an active binding", "a.rds", _active_binding),
    Hostile("R: a length of two thousand million", "a.rds", lambda _: gzip.compress(
        b"X\n" + struct.pack(">iii", 2, 0x040300, 0x020300) + _item(19, b"\x7f\xff\xff\xff"))),
    Hostile("R: a bomb", "a.rds", lambda _: gzip.compress(
        b"X\n" + struct.pack(">iii", 2, 0x040300, 0x020300) + _item(24, b"\x7f\xff\xff\xff") + bytes(64 << 20))),
    Hostile("R: lists in lists", "a.rds", lambda _: gzip.compress(
        b"X\n" + struct.pack(">iii", 2, 0x040300, 0x020300) + _item(19, b"\0\0\0\1") * 200_000)),
    Hostile("Julia: an object", "a.jls", lambda _: b"7JL\x1b\x04\0\0\0" + bytes(90)),
]  # fmt: skip


# ONNX
def _onnx(location: str, **more: str) -> Callable[[Path], bytes]:
    def build(_: Path) -> bytes:
        from onnx import TensorProto, helper

        weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
        for key, value in {"location": location, **more}.items():
            weights.external_data.add(key=key, value=value)
        given, answered = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in "xy")
        graph = helper.make_graph([helper.make_node("Mul", ["x", "w"], ["y"])], "g", [given], [answered], [weights])
        return bytes(helper.make_model(graph).SerializeToString())

    return build


_OUTSIDE = "folder|outside|weights|lies"
_ONNX = [
    Hostile("ONNX: weights above the folder", "a.onnx", _onnx("../../outside.bin"), _OUTSIDE),
    Hostile("ONNX: weights at an absolute path", "a.onnx", _onnx("/etc/passwd"), _OUTSIDE),
    Hostile("ONNX: weights on another drive", "a.onnx", _onnx("C:\\Windows\\win.ini"), _OUTSIDE),
    Hostile("ONNX: weights by a hidden way up", "a.onnx", _onnx("weights/../../outside.bin"), _OUTSIDE),
    Hostile("ONNX: weights behind the file's end", "a.onnx", _onnx("w.bin", length="99999999"), "",
            beside=(("w.bin", 4),)),
    Hostile("ONNX: a length that has no end", "a.onnx", lambda _: b"\x08\x07\x12\x01x:" + b"\xff" * 9 + b"\x01"),
    Hostile("ONNX: nothing of it is true", "a.onnx", lambda _: bytes(range(1, 200)) * 50),
]  # fmt: skip


# models of the tree libraries
_TREES = [
    Hostile("XGBoost: lists in lists", "a.json", lambda _: b'{"learner":{"attributes":' + b"[" * 100_000, "nested"),
    Hostile("XGBoost: a thousand million columns", "a.json", lambda _: _json({
        "learner": {"attributes": {}, "gradient_booster": {}, "objective": {"name": "reg:squarederror"},
                    "learner_model_param": {"num_feature": "999999999"}}, "version": [3, 2, 0]}), "columns"),
    Hostile("XGBoost: a list of gigabytes", "a.ubj",
            lambda _: b"{L" + bytes(7) + b"\x07learner[$d#L\x7f" + b"\xff" * 7, "greater length|ends too early"),
    Hostile("LightGBM: a hundred million columns", "a.txt",
            lambda _: b"tree\nversion=v4\nmax_feature_idx=99999999\nTree=0\n", "columns"),
    Hostile("CatBoost: a table outside of the file", "a.cbm", lambda _: b"CBM1" + b"\xff" * 64, "outside"),
    Hostile("a pickle that says it is of another kind", "a.ubj", _call, "would run `|not a model"),
    Hostile("a pickle that says it is ONNX", "a.onnx", _call),
    Hostile("a pickle that says it is JSON", "a.json", _call),
    Hostile("a pickle behind an archive", "model.pkl", lambda c: _zipped({"a": b"x"}) + _call(c)),
    Hostile("a pickle in front of an archive", "model.pkl", lambda c: _call(c) + _zipped({"schema.json": b"{}"}),
            "would run `"),
    Hostile("numpy's archive with objects", "a.npz", lambda c: _zipped({"a.npy": _call(c)})),
    Hostile("numpy's file with objects", "a.npy", lambda _: _numpy_objects()),
]  # fmt: skip


def _numpy_objects() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array([pickle.PickleBuffer], dtype=object), allow_pickle=True)
    return stream.getvalue()


ARCHIVES = [*_SKOPS, *_KERAS, *_TORCH, *_WEIGHTS, *_DOCUMENTS, *_R, *_ONNX, *_TREES]
