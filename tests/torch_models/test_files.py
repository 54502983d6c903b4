"""What is found out from TorchScript archives that PyTorch wrote, and which are refused: nothing of them is run."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from kronkers_studio.domain.errors import NotAModel, UnsupportedModel
from kronkers_studio.domain.models import Datatype, Framework, ModelFacts
from kronkers_studio.packaging import inspect_model
from tests.packaging.changed_files import changed_files

FILES = Path(__file__).with_name("files")
_CODE = "scripted/code/__torch__.py"


def inspected(data: bytes, name: str = "m.pt") -> ModelFacts:
    return inspect_model(name, io.BytesIO(data), {})


def archive(before: str = "", after: str = "", parts: Mapping[str, bytes] = MappingProxyType({})) -> bytes:
    """The archive of ``scripted`` with ``after`` in place of ``before`` in its code, and with ``parts``."""
    out = io.BytesIO()
    with zipfile.ZipFile(FILES / "scripted.pt") as whole, zipfile.ZipFile(out, "w") as made:
        for name in whole.namelist():
            data = whole.read(name)
            if name == _CODE and before:
                assert before.encode() in data
                data = data.replace(before.encode(), after.encode())
            made.writestr(name, parts.get(name, data))
        for name in parts.keys() - set(whole.namelist()):
            made.writestr(name, parts[name])
    return out.getvalue()


def test_a_program_tells_what_it_takes_but_for_shapes() -> None:
    facts = inspected((FILES / "scripted.pt").read_bytes())

    assert (facts.framework, facts.framework_version, facts.file_format) == (Framework.PYTORCH, "", "torchscript")
    assert facts.estimator == "Scripted"
    assert [(one.name, one.any_rank) for one in facts.signature.inputs] == [("x", True)]
    assert [one.name for one in facts.signature.outputs] == ["output_0", "output_1"]
    assert facts.notes == (
        "The file does not say the shape and type of what it takes: send tensors as it was made for.",
    )


def test_versions_beside_the_program_and_mlmodel_say_the_rest() -> None:
    mlmodel = (
        "flavors:\n  pytorch:\n    model_data: data\n    pytorch_version: 2.13.0+cpu\n  python_function:\n"
        "    loader_module: mlflow.pytorch\nmlflow_version: 3.17.2\nsignature:\n"
        '  inputs: \'[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 4]}}]\'\n'
        '  outputs: \'[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]\'\n'
    )

    with (FILES / "traced.pt").open("rb") as stream:
        facts = inspect_model("model.pth", stream, {"MLmodel": mlmodel.encode})

    assert facts.framework_version == "2.13.0"
    tensors = (*facts.signature.inputs, *facts.signature.outputs)
    assert [(one.name, one.datatype, one.shape, one.any_rank) for one in tensors] == [
        ("input", Datatype.FP32, (-1, 4), False),
        ("output", Datatype.FP32, (-1, 2), False),
    ]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("torch.from_file('/etc/passwd', False, 9)", "calls “torch.from_file”, which no model needs"),
        ("ops.aten.from_file('/etc/passwd')", "calls “ops.aten.from_file”, which no model needs"),
        ("torch.save(x, '/tmp/x')", "calls “torch.save”, which no model needs"),
        ("torch.load('/tmp/x')", "calls “torch.load”, which no model needs"),
        ("torch.ops.load_library('x.so')", "calls “torch.ops"),
        ("ops.prim.IgnoredPythonOp(x)", "calls “ops.prim.IgnoredPythonOp”, which no model needs"),
        ("^Evil()(x)", "holds code of no known form"),
        ("ops.profiler._record_function_enter('x', None)", "an operator of another library"),
        ("ops.torchvision.nms(x, x, 0.5)", "calls “ops.torchvision.nms”, an operator of another library"),
        ("ops.prim.rpc_sync('other', 'f', ())", "calls “ops.prim.rpc_sync”, which no model needs"),
        ("__torch__.torch.classes.dist_rpc.WorkerInfo('a', 1)", "__torch__.torch.classes.dist_rpc"),
        ("open('/etc/passwd')", "calls “open”, which no model needs"),
        ("eval('1')", "calls “eval”, which no model needs"),
        ("__import__('os')", "calls “__import__”, which no model needs"),
        ("1\n    import os\n    total = 2", "a statement that no such program has"),
        (
            "1\n    with torch.no_grad():\n      pass\n    total = 2",
            "a statement that no such program has|torch.no_grad",
        ),
        ("(" * 3000 + "1" + ")" * 3000, "holds code of no known form"),
        ("1\n    t = torch\n    total = t.save(x, '/tmp/x')", "calls “torch”, which no model needs"),
        ("1\n    t = ops.aten\n    total = t.save(x, '/tmp/x')", "calls “ops.aten”, which no model needs"),
        ("1\n    t = ops\n    total = t.aten.save(x, '/tmp/x')", "calls “ops”, which no model needs"),
        ("getattr(torch, 'save')(x, '/tmp/x')", "calls “torch”, which no model needs"),
        ("getattr(ops.aten, 'save')(x, '/tmp/x')", "calls “ops.aten”, which no model needs"),
        ("1\n    t = __torch__.torch.classes\n    total = t.dist_rpc.WorkerInfo('a', 1)", "“__torch__.torch.classes”"),
        ("1\n    #\r    '''\n    torch.save(x, '/tmp/x')\n    #'''\n    total = 2", "signs that PyTorch never writes"),
    ],
)
def test_what_touches_files_or_calls_python_is_refused(code: str, reason: str) -> None:
    with pytest.raises(UnsupportedModel, match=reason):
        inspected(archive("torch.sum(torch.stack(parts), [0])", code))


def test_code_is_read_as_pytorch_reads_it_whatever_encoding_it_says_it_has() -> None:
    """In UTF-7 the call would lie in a text for Python, and PyTorch would call it."""
    with zipfile.ZipFile(FILES / "scripted.pt") as whole:
        code = whole.read(_CODE)
    line = b"    total = torch.sum("
    assert line in code
    hidden = b"    #" + _utf_7("\n    '''") + b"\n    torch.save(x, '/tmp/x')\n    #" + _utf_7("'''") + b"\n"

    with pytest.raises(UnsupportedModel, match=r"calls “torch\.save”"):
        inspected(archive(parts={_CODE: b"# coding: utf-7\n" + code.replace(line, hidden + line)}))


def _utf_7(text: str) -> bytes:
    return b"+" + base64.b64encode(text.encode("utf-16-be")).rstrip(b"=") + b"-"


@pytest.mark.parametrize("part", ["scripted/code/__torch__/more.PY", "scripted/CODE/__torch__/more.py"])
def test_code_in_letters_of_another_case_is_read_too_as_pytorch_finds_it(part: str) -> None:
    with pytest.raises(UnsupportedModel, match=r"calls “torch\.save”"):
        inspected(archive(parts={part: b"def f(x: Tensor) -> Tensor:\n  torch.save(x, '/tmp/x')\n  return x\n"}))


@pytest.mark.parametrize("part", ["data", "constants"])
def test_an_object_of_another_class_of_pytorchs_own_is_refused(part: str) -> None:
    """Quantized weights are objects of such classes, too; the others open connections, or run what they are given."""
    with zipfile.ZipFile(FILES / "scripted.pt") as whole:
        kept = whole.read(f"scripted/{part}.pkl")
    held = b"c__torch__.torch.classes.%s\nA\n0."

    inspected(archive(parts={f"scripted/{part}.pkl": kept[:-1] + held % b"quantized"}))
    with pytest.raises(UnsupportedModel, match="holds an object of “c10d”"):
        inspected(archive(parts={f"scripted/{part}.pkl": kept[:-1] + held % b"c10d"}))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (archive("x: Tensor", "x: List[Tensor]"), "its input “x” is no tensor"),
        (archive("-> Tuple[Tensor, Tensor]", "-> Dict[str, Tensor]"), "answers with something else than tensors"),
        (archive("def forward(", "def backward("), "has no method forward"),
        (archive(parts={"scripted/data.pkl": b"none"}), "does not say which class"),
        (archive(parts={"other/version": b"3"}), "its parts lie in several folders"),
        (archive(parts={"scripted/../../evil": b"3"}), "leads out of it"),
        (archive(parts={_CODE: b"x = 1\n" * 1_000_000}), "longer than any model's"),
        (archive(parts={_CODE: b"\xff\xfe"}), "holds code of no known form"),
        (archive("-> Tuple[Tensor, Tensor]", "-> a" + ".a" * 900), "answers with something else than tensors"),
        (archive(parts={"scripted/CODE/__torch__.py": b""}), "two parts of one name"),
        (archive(parts={"scripted/Model.json": b"{}"}), "form of PyTorch before 1.3"),
        (archive(parts={f"scripted/code/{part}.py": b"#" * 900_000 for part in "abc"}), "longer than any model's"),
    ],
)
def test_a_hostile_or_unusual_archive_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnsupportedModel, match=reason):
        inspected(data)


@pytest.mark.parametrize("file", ["scripted", "traced"])
def test_a_file_that_was_cut_or_changed_is_described_or_refused(file: str) -> None:
    data = (FILES / f"{file}.pt").read_bytes()
    for changed in changed_files(data, file):
        try:
            inspected(changed)
        except (UnsupportedModel, NotAModel) as refusal:
            assert "m.pt" in refusal.message
