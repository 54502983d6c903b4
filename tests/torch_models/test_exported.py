"""What is found out from programs that ``torch.export.save`` wrote, and which are refused: nothing of them is run."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from kronkers_studio.domain.errors import NotAModel, UnsupportedModel
from kronkers_studio.domain.models import Framework, ModelFacts
from kronkers_studio.packaging import inspect_model
from tests.packaging.changed_files import changed_files

FILES = Path(__file__).with_name("exported")
NEW, OLD = FILES / "two-2.13.0.pt2", FILES / "two-2.6.0.pt2"
_NOTHING: Mapping[str, bytes] = MappingProxyType({})


def inspected(data: bytes) -> ModelFacts:
    return inspect_model("m.pt2", io.BytesIO(data), {})


def changed(
    change: Callable[[dict[str, Any]], Any] | None = None, parts: Mapping[str, bytes] = _NOTHING, file: Path = NEW
) -> bytes:
    """``file`` after ``change`` of its description, and with ``parts``."""
    out = io.BytesIO()
    with zipfile.ZipFile(file) as whole, zipfile.ZipFile(out, "w") as made:
        for name in whole.namelist():
            data = whole.read(name)
            if change is not None and name.endswith(("models/model.json", "serialized_exported_program.json")):
                described = json.loads(data)
                change(described)
                data = json.dumps(described).encode()
            made.writestr(name, parts.get(name, data))
        for name in parts.keys() - set(whole.namelist()):
            made.writestr(name, parts[name])
    return out.getvalue()


@pytest.mark.parametrize("version", ["2.6.0", "2.13.0"])
def test_a_program_tells_what_it_takes_and_which_pytorch_made_it(version: str) -> None:
    facts = inspected((FILES / f"two-{version}.pt2").read_bytes())

    assert (facts.framework, facts.framework_version) == (Framework.PYTORCH, version)
    assert [(one.name, one.datatype.value, one.shape) for one in facts.signature.inputs] == [
        ("a", "FP32", (-1, 3)),
        ("b", "INT64", (-1, 2)),
    ]
    assert [(one.name, one.shape) for one in facts.signature.outputs] == [("output_0", (-1,)), ("output_1", (-1,))]
    assert facts.notes[0] == "The input “a” takes at most 1000 along axis 0."


def _graph(described: dict[str, Any]) -> dict[str, Any]:
    graph: dict[str, Any] = described["graph_module"]["graph"]
    return graph


def _length(expression: str) -> Callable[[dict[str, Any]], None]:
    def change(described: dict[str, Any]) -> None:
        _graph(described)["tensor_values"]["add"]["sizes"][0] = {"as_expr": {"expr_str": expression, "hint": None}}

    return change


def _target(target: str) -> Callable[[dict[str, Any]], None]:
    return lambda described: _graph(described)["nodes"][0].update(target=target)


def _guard(guard: str) -> Callable[[dict[str, Any]], None]:
    return lambda described: described.update(guards_code=[guard])


def _spec(kind: str, context: str) -> Callable[[dict[str, Any]], None]:
    spec = json.dumps([1, {"type": kind, "context": context, "children_spec": []}])
    inner = {"fqn": "inner", "signature": {"inputs": [], "outputs": [], "in_spec": spec, "out_spec": spec}}
    return lambda d: d["graph_module"]["module_call_graph"].append(inner)


@pytest.mark.parametrize("file", [NEW, OLD], ids=["new", "old"])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_target("torch.os.system"), "calls “torch.os.system”"),
        (_target("torch.hub.load"), "calls “torch.hub.load”"),
        (_target("torch.load"), "calls “torch.load”"),
        (_target("torch.ops.aten.from_file.default"), "calls “torch.ops.aten.from_file"),
        (_target("torch.ops.load_library"), "calls “torch.ops.load_library”"),
        (_target("torch.ops.aten.add.__init__"), "calls “torch.ops.aten.add.__init__”"),
        (_target("torch.ops.mylib.f.default"), "calls “torch.ops.mylib"),
        (_target("_operator.attrgetter"), "calls “_operator.attrgetter”"),
        (_target("#evil:f"), "calls “#evil:f”"),
        (_length("__import__('os').system('true')"), "which is more than lengths"),
        (_length("Symbol('s0').__class__"), "which is more than lengths"),
        (_length("(lambda: 1)()"), "which is more than lengths"),
        (_length("eval('s0')"), "which is more than lengths"),
        (_length("9**9**9**9"), "which is more than lengths"),
        (_length("Pow(Integer(9), Pow(Integer(9), Integer(9)))"), "which is more than lengths"),
        (_length("Pow(Pow(Pow(Integer(9), Integer(64)), Integer(64)), Integer(64))"), "which is more than lengths"),
        (_length("Pow(Integer(9), Integer(9)*Integer(9))"), "which is more than lengths"),
        (_length("LShift(Integer(1), Integer(9999999999))"), "which is more than lengths"),
        (_length("Pow(*Integer(9))"), "which is more than lengths"),
        (_guard("PowByNatural(9, L['a'].size()[0]) > 4"), "which is more than lengths"),
        (_length("s0\n"), "an expression of no known form"),
        (_guard("__import__('os').system('true')"), "which is more than lengths"),
        (_guard("L['a'].size.__globals__"), "which is more than lengths"),
        (_guard("True) or exit(1"), "an expression of no known form"),
        (_guard("True # "), "an expression of no known form"),
        (_spec("collections.defaultdict", '{"default_factory_module": "os"}'), "held by a class of its own"),
        (lambda d: _graph(d)["nodes"][0].update(name="x = exit()"), "which is no name"),
        (lambda d: _graph(d)["inputs"].append({"as_tensor": {"name": "a: exit()"}}), "which is no name"),
        (lambda d: _graph(d)["nodes"][0]["inputs"][0].update(name="a=exit(),b"), "which is no name"),
        (lambda d: _graph(d)["nodes"][0]["inputs"][0].update(arg={"as_custom_obj": {}}), "objects of own classes"),
        (lambda d: _graph(d)["nodes"][0]["inputs"][0].update(arg={"as_operator": "torch.load"}), "torch.load"),
        (lambda d: _graph(d)["tensor_values"]["a"]["device"].update(type="cuda"), "for a graphics card"),
        (lambda d: _graph(d)["tensor_values"]["a"].update(dtype=13), "of the type bfloat16"),
        (_target("torch.ops.higher_order.cond"), "under a condition"),
        (
            lambda d: _graph(d)["nodes"][0]["inputs"][0].update(name="training", arg={"as_bool": True}),
            "exported in training",
        ),
        (lambda d: d["schema_version"].update(major=9), "of a form that PyTorch 2.4 to 2.14 do not write"),
        (lambda d: d["graph_module"]["module_call_graph"][0].update(fqn="a'];exit()#"), "which is no name"),
        (lambda d: d["graph_module"]["signature"]["output_specs"].append({"buffer_mutation": {}}), "its own weights"),
    ],
)
def test_what_pytorch_would_run_look_up_or_import_is_refused(
    change: Callable[[dict[str, Any]], Any], reason: str, file: Path
) -> None:
    with pytest.raises(UnsupportedModel, match=reason) as refusal:
        inspected(changed(change, file=file))
    assert refusal.value.next_step


def _lifted(described: dict[str, Any]) -> str:
    specs = described["graph_module"]["signature"]["input_specs"]
    name: str = next(spec["buffer"]["arg"]["name"] for spec in specs if "buffer" in spec)
    return name


def _node(target: str, given: str, made: str, *further: dict[str, Any]) -> dict[str, Any]:
    inputs = [{"name": "self", "arg": {"as_tensor": {"name": given}}, "kind": 1}, *further]
    return {"target": target, "inputs": inputs, "outputs": [{"as_tensor": {"name": made}}], "metadata": {}}


def _add_in_place(described: dict[str, Any]) -> None:
    _graph(described)["nodes"][:0] = [_node("torch.ops.aten.add_.Tensor", _lifted(described), "made")]


def _copy_into_a_view(described: dict[str, Any]) -> None:
    _graph(described)["nodes"][:0] = [
        _node("torch.ops.aten.select.int", _lifted(described), "one"),
        _node("torch.ops.aten.copy_.default", "one", "made"),
    ]


def _add_without_gradients(described: dict[str, Any]) -> None:
    inner = {
        "inputs": [{"as_tensor": {"name": "inside"}}],
        "nodes": [_node("torch.ops.aten.add_.Tensor", "inside", "made")],
        "outputs": [],
    }
    part = {"name": "", "arg": {"as_graph": {"name": "submod_1", "graph": inner}}, "kind": 1}
    node = _node("torch.ops.higher_order.wrap_with_set_grad_enabled", _lifted(described), "out")
    node["inputs"] = [{"name": "", "arg": {"as_bool": False}, "kind": 1}, part, *node["inputs"]]
    _graph(described)["nodes"].insert(0, node)


@pytest.mark.parametrize("version", ["2.6.0", "2.13.0"])
@pytest.mark.parametrize("change", [_add_in_place, _copy_into_a_view, _add_without_gradients])
def test_a_program_that_writes_into_its_weights_is_refused(
    change: Callable[[dict[str, Any]], None], version: str
) -> None:
    file = FILES / f"rows-{version}.pt2"
    assert inspected(changed(lambda _: None, file=file)).signature.inputs
    with pytest.raises(UnsupportedModel, match="changes its own weights"):
        inspected(changed(change, file=file))


@pytest.mark.parametrize("version", ["2.6.0", "2.13.0"])
def test_what_runs_without_gradients_is_looked_at_like_the_rest(version: str) -> None:
    file = FILES / f"modes-{version}.pt2"
    facts = inspected(file.read_bytes())
    assert [(one.name, one.shape) for one in facts.signature.inputs] == [
        ("pair_0", (-1, 4)),
        ("pair_1_b", (-1, 4)),
        ("scale", (3,)),
    ]

    def inner(described: dict[str, Any]) -> dict[str, Any]:
        parts = [given["arg"] for node in _graph(described)["nodes"] for given in node["inputs"]]
        found: dict[str, Any] = next(part["as_graph"] for part in parts if "as_graph" in part)
        return found

    for change, reason in (
        (lambda d: inner(d)["graph"]["nodes"][0].update(target="torch.hub.load"), "calls “torch.hub.load”"),
        (lambda d: inner(d).update(name="a; exit()"), "which is no name"),
        (lambda d: inner(d)["graph"]["nodes"][0].update(name=""), "which is no name"),
    ):
        with pytest.raises(UnsupportedModel, match=reason):
            inspected(changed(change, file=file))


def _takes(old: str, new: str) -> Callable[[dict[str, Any]], None]:
    def change(described: dict[str, Any]) -> None:
        told = described["graph_module"]["module_call_graph"][0]["signature"]
        assert old in told["in_spec"]
        told["in_spec"] = told["in_spec"].replace(old, new, 1)

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_takes('"[\\"scale\\"]"', '"[\\"scale=exit()\\"]"'), "which is no name"),
        (_takes('"[\\"b\\"]"', '"[\\"b\'] or exit() or L[\'\\"]"'), "which is no name"),
        (_takes('"[\\"b\\"]"', '"[\\"b\\", \\"c\\"]"'), "something else than arguments"),
        (_takes('{"type": null, "context": null, "children_spec": []}, ', ""), "something else than tensors"),
    ],
)
def test_names_of_arguments_are_names(change: Callable[[dict[str, Any]], None], reason: str) -> None:
    with pytest.raises(UnsupportedModel, match=reason):
        inspected(changed(change, file=FILES / "modes-2.13.0.pt2"))


@pytest.mark.parametrize(
    "expression",
    [
        "Add(Pow(Symbol('s0', integer=True), Integer(2)), Integer(-1))",
        "Mul(Symbol('s0'), Pow(Integer(8), Integer(-1)))",
    ],
)
def test_powers_that_lengths_have_are_lengths(expression: str) -> None:
    assert inspected(changed(_length(expression))).signature.inputs


def _weights(data: bytes, before: bytes = b"", **further: bytes) -> bytes:
    stream = io.BytesIO()
    stream.write(before)
    with zipfile.ZipFile(stream, "a") as made:
        made.writestr("archive/data.pkl", data)
        for name, content in further.items():
            made.writestr(f"archive/{name}.pkl", content)
    return stream.getvalue()


_CALL = pickle.dumps(print, 2)
_EMPTY = pickle.dumps({}, 2)
_ROOT = "two-2.13.0"


@pytest.mark.parametrize(
    ("file", "part", "data", "reason"),
    [
        (NEW, f"{_ROOT}/data/sample_inputs/model.pt", _weights(_CALL), "names “__builtin__.print”"),
        (NEW, f"{_ROOT}/data/sample_inputs/model.pt", _CALL, "no whole zip archive"),
        (NEW, f"{_ROOT}/data/sample_inputs/model.pt", _weights(pickle.dumps(print, 4)), "no tensor"),
        # PyTorch opens the pickle before the archive; seen to run code with PyTorch 2.13
        (NEW, f"{_ROOT}/data/sample_inputs/model.pt", _weights(_EMPTY, before=_CALL), "no whole zip archive"),
        (OLD, "serialized_constants.pt", _weights(_EMPTY, before=_CALL), "no whole zip archive"),
        (NEW, f"{_ROOT}/data/constants/model.pt", _weights(_EMPTY, constants=_EMPTY), "holds archive/constants.pkl"),
        (NEW, f"{_ROOT}/data/weights/model.pt", _weights(_CALL), "names “__builtin__.print”"),
        (NEW, f"{_ROOT}/data/constants/custom_obj_0", b"x", "would open or run"),
        (NEW, f"{_ROOT}/data/aotinductor/model/a.so", b"\x7fELF", "would open or run"),
        (NEW, f"{_ROOT}/models/other.json", b"{}", "would open or run"),
        (NEW, "serialized_exported_program.json", b"{}", "it holds two-2.13.0/"),
        (NEW, f"{_ROOT}/models/model.json", b"[" * 100_000, "not what PyTorch writes"),
        (NEW, f"{_ROOT}/byteorder", b"big", "another order"),
        (OLD, "serialized_example_inputs.pt", _weights(_CALL), "names “__builtin__.print”"),
        (OLD, "serialized_state_dict.pt", _CALL, "no whole zip archive"),
        (OLD, "net/models/model.json", b"{}", "it holds net/models"),
    ],
)
def test_parts_that_pytorch_opens_with_pickle_hold_tensors_alone(
    file: Path, part: str, data: bytes, reason: str
) -> None:
    with pytest.raises(UnsupportedModel, match=reason):
        inspected(changed(parts={part: data}, file=file))


def test_a_weight_that_is_a_pickle_is_refused() -> None:
    part = f"{_ROOT}/data/weights/model_weights_config.json"
    weight = {"path_name": "weight_0", "is_param": True, "use_pickle": True, "tensor_meta": None}
    with pytest.raises(UnsupportedModel, match="names a weight that is an object"):
        inspected(changed(parts={part: json.dumps({"config": {"w": weight}}).encode()}))


@pytest.mark.parametrize("file", sorted(FILES.glob("*.pt2")), ids=lambda file: file.stem)
def test_a_file_that_was_cut_or_changed_is_described_or_refused(file: Path) -> None:
    for data in changed_files(file.read_bytes(), file.stem):
        try:
            inspected(data)
        except (UnsupportedModel, NotAModel) as refusal:
            assert "m.pt2" in refusal.message
