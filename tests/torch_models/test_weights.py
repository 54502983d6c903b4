"""Weights of PyTorch with their program beside them: registered without being run, allowed, packaged, answering."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kronkers_studio.domain.errors import CodeNotAllowed, ForeignEntry, UnsupportedModel
from kronkers_studio.domain.models import Framework, ModelFacts, ModelVersion
from kronkers_studio.domain.stated_signatures import parse_tensor
from kronkers_studio.packaging import inspect_model, require_safe
from kronkers_studio.packaging.composition import describe_model
from kronkers_studio.packaging.recorded_facts import checked_facts
from kronkers_studio.workflows.allowances import allow_globals, own_code_names
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.session import Session, create_workspace
from kronkers_studio.workflows.stated_signatures import state_signature
from tests.torch_models.environments import torch_environment
from tests.torch_models.weights import NET, some_weights

_OF_NET = ("first.weight", "first.bias", "block.inner.weight", "norm.running_mean", "last.weight", "scale")


def _inspected(weights: bytes, **files: str) -> ModelFacts:
    beside = {name.replace("_py", ".py"): text.encode for name, text in files.items()}
    return inspect_model("model.safetensors", io.BytesIO(weights), beside)


def test_the_class_whose_attributes_the_weights_begin_with_is_the_program() -> None:
    facts = _inspected(some_weights(*_OF_NET), net_py=NET, train_py="import net\n\nnet.Net()\n")
    assert (facts.framework, facts.file_format, facts.estimator) == (Framework.PYTORCH, "safetensors", "net.Net")
    assert facts.unsafe == facts.globals == ("net.Net",)
    assert [tensor.name for tensor in facts.signature.inputs] == ["x"]
    assert [tensor.name for tensor in facts.signature.outputs] == ["output_0", "output_1"]
    with pytest.raises(CodeNotAllowed, match=r"the program of its weights"):
        require_safe(facts)
    require_safe(facts, frozenset({"net.Net"}))


_BY_NAME = NET.replace("(self, x):\n        hidden", "(self, *, x):\n        hidden")
_TWICE = NET + "\n\nclass Other(Net):\n    pass\n"


@pytest.mark.parametrize(
    ("weights", "code", "words"),
    [
        (some_weights("other.weight"), NET, "not supported yet"),
        (some_weights("first.weight"), "", "not supported yet"),
        (some_weights("first.weight"), "class Net(nn.Module:\n", "not supported yet"),
        (some_weights("first.weight"), NET.replace("nn.Module", "Sequence"), "not supported yet"),
        (some_weights(*_OF_NET), _TWICE, "2 classes beside it have a place for: net.Net, net.Other"),
        (some_weights("inner.weight"), NET, "net.Block beside model.safetensors is made with arguments .*: width."),
        (
            some_weights("first.a"),
            NET.replace("width=8", "*, width"),
            "is made with arguments that nothing says: width",
        ),
        (some_weights("first.a"), NET.replace("def forward(self, x)", "def go(self, x)"), "has no method forward"),
        (
            some_weights("first.a"),
            NET.replace("(self, x):\n        hidden", "(self, *, x):\n        hidden"),
            "forward",
        ),
    ],
)
def test_what_no_class_fits_or_cannot_be_made_or_asked_is_refused(weights: bytes, code: str, words: str) -> None:
    with pytest.raises(UnsupportedModel, match=words):
        _inspected(weights, net_py=code)


def test_classes_may_derive_from_one_another_and_go_in_circles() -> None:
    derived = "import torch\n\nclass Base(torch.nn.Module):\n    def __init__(self, n):\n        self.a = n\n\n"
    derived += (
        "class Net(Base):\n    def __init__(self):\n        super().__init__(3)\n    def forward(self, x, y=None):\n"
    )
    facts = _inspected(some_weights("a.b"), net_py=derived.replace("self.a", "self.z") + "        self.a = 1\n")
    assert facts.unsafe == ("net.Net",)
    circle = "class A(B):\n    a = 1\n\nclass B(A):\n    pass\n"
    with pytest.raises(UnsupportedModel, match="not supported yet"):
        _inspected(some_weights("a"), net_py=circle)


@pytest.mark.parametrize(
    "changes",
    [
        {"globals": ("net.Net", "os.system"), "unsafe": ("net.Net", "os.system")},
        {"unsafe": ()},
        {"globals": (), "unsafe": ()},
    ],
)
def test_a_workspace_of_somebody_else_names_one_class_and_that_unsafe(changes: dict[str, tuple[str, ...]]) -> None:
    facts = _inspected(some_weights(*_OF_NET), net_py=NET)
    assert checked_facts(facts) is facts
    with pytest.raises(ForeignEntry):
        checked_facts(replace(facts, **changes))  # type: ignore[arg-type]  # of tuples alone


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened, _recovery = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with opened:
        yield opened


def _registered(session: Session, project: Path) -> ModelVersion:
    migrate_folder(session, project, "nets")
    version = register_model(session, "nets", "model.safetensors", name="net")
    reference = (version.name, version.version, None)
    allow_globals(session, reference, own_code_names(version), reason="our own network")
    return state_signature(session, reference, inputs=[parse_tensor("x:FP32[-1,4]=a,b,c,d")])


def test_its_code_travels_with_it_once_somebody_allowed_it(session: Session, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "net.py").write_text(NET.replace("import torch\n", "import torch\nimport sizes\n", 1), encoding="utf-8")
    (project / "sizes.py").write_text("WIDTH = 8\n", encoding="utf-8")
    (project / "torch.py").write_text("raise SystemExit\n", encoding="utf-8")  # never in the library's place
    (project / "model.safetensors").write_bytes(some_weights(*_OF_NET))
    version = _registered(session, project)
    assert [file.name for file in version.facts.code] == ["net.py", "sizes.py"]
    described = describe_model(version, "ab" * 32, ["cd" * 32, "ef" * 32])
    assert described["file"] == "model.safetensors"
    assert described["allowed_globals"] == ["net.Net"]
    assert [one["file"] for one in described["code"]] == ["net.py", "sizes.py"]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_network_answers_as_pytorch_does(torch_version: str, tmp_path: Path) -> None:
    """Its code and its weights, verified, in the service's own program. Seen to fail without ``eval``, so that dropout
    is at work."""
    python = torch_environment(torch_version, "safetensors")
    made = tmp_path / "made"
    made.mkdir()
    _run(python, "tests/torch_models/weights.py", str(made))
    case = json.loads((made / "case.json").read_text(encoding="utf-8"))
    package = _package(made, tmp_path / "package")
    served = json.loads(_run(python, "-m", "tests.torch_models.served_rows", str(package), json.dumps(case["rows"])))
    for found, expected in zip(served["outputs"], case["outputs"], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert "Missing key(s)" in _refused(python, package, NET.replace("scale", "other"))
    assert "cannot be made: ZeroDivisionError" in _refused(python, package, NET.replace("width=8", "width=1 / 0"))
    assert "is not what was packaged" in _refused(python, package, NET + "\n", verified=False)


def _package(made: Path, package: Path) -> Path:
    """A package's folder, as it is composed."""
    facts = _inspected((made / "model.safetensors").read_bytes(), net_py=(made / "net.py").read_text(encoding="utf-8"))
    (package / "code").mkdir(parents=True)
    (package / "model.safetensors").write_bytes((made / "model.safetensors").read_bytes())
    _write(package, (made / "net.py").read_text(encoding="utf-8"), facts)
    return package


def _write(package: Path, code: str, facts: ModelFacts | None = None) -> None:
    from hashlib import sha256

    (package / "code" / "net.py").write_text(code, encoding="utf-8")
    file = package / "model.json"
    if facts is not None:
        tensor = {"datatype": "FP32", "shape": [-1], "any_rank": True}
        inputs = [{**tensor, "name": one.name} for one in facts.signature.inputs]
        outputs = [{**tensor, "name": one.name} for one in facts.signature.outputs]
        described = {
            **{"format": 1, "name": "net", "version": 1, "framework": "pytorch", "file": "model.safetensors"},
            "file_format": facts.file_format,
            "sha256": sha256((package / "model.safetensors").read_bytes()).hexdigest(),
            "signature": {"inputs": inputs, "outputs": outputs},
            "allowed_globals": list(facts.globals),
        }
    else:
        described = json.loads(file.read_text(encoding="utf-8"))
    described["code"] = [{"file": "net.py", "sha256": sha256((package / "code" / "net.py").read_bytes()).hexdigest()}]
    file.write_text(json.dumps(described), encoding="utf-8")


def _refused(python: Path, package: Path, code: str, *, verified: bool = True) -> str:
    """Why the service does not start with other ``code``."""
    if verified:
        _write(package, code)
    else:
        (package / "code" / "net.py").write_text(code, encoding="utf-8")
    answer = json.loads(_run(python, "-m", "tests.torch_models.served_rows", str(package), "[]"))
    return str(answer["problem"])


def _run(python: Path, *arguments: str) -> str:
    top = Path(__file__).parents[2]
    ended = subprocess.run(
        [str(python), *arguments], capture_output=True, encoding="utf-8", cwd=top, timeout=900, check=False
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended.stdout
