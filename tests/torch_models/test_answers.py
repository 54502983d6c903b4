"""Programs of PyTorch: what the service answers is what PyTorch answers, here and in a container on a real engine."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kronkers_studio.domain.models import ContentRef, ModelVersion, StatedSignature
from kronkers_studio.domain.stated_signatures import may_be_stated, parse_tensor, stated
from kronkers_studio.packaging import (
    base_from_archive,
    compose_package,
    inspect_model,
    lock_dependencies,
    this_platform,
)
from tests.lab.servers import LabServer
from tests.packaging.containers import asked, layer_cache, running
from tests.torch_models.environments import torch_environment
from tests.tree_libraries.packages import package_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

_HERE = Path(__file__).parent


def test_every_kind_of_program_answers_as_pytorch_does(torch_version: str, tmp_path: Path) -> None:
    """Seen to fail with a program in training, so that dropout is at work, and with one that raises an error of its
    own, which was the service's failure before."""
    python = torch_environment(torch_version)
    _run(python, str(_HERE / "models.py"), str(tmp_path))
    cases: dict[str, dict[str, Any]] = json.loads((tmp_path / "cases.json").read_text(encoding="utf-8"))
    assert len(cases) == 8
    for name in cases:
        package_of(tmp_path / name)

    _run(python, "-m", "tests.torch_models.served", str(tmp_path))

    served: dict[str, dict[str, Any]] = json.loads((tmp_path / "served.json").read_text(encoding="utf-8"))
    wrong = [name for name, case in cases.items() if not _same(case["outputs"], served[name])]
    assert not wrong, {name: served[name] for name in wrong}
    assert all(one["refused"].startswith("The model does not take these inputs: ") for one in served.values())


def test_exported_programs_answer_as_pytorch_does(torch_version: str, tmp_path: Path) -> None:
    """Arguments in containers and by name, and a part without gradients."""
    cases = json.loads((_HERE / "exported" / "cases.json").read_text(encoding="utf-8"))
    cases = {name: case for name, case in cases.items() if name.endswith("-2.13.0.pt2")}
    assert len(cases) == 3
    (tmp_path / "cases.json").write_text(json.dumps(cases), encoding="utf-8")
    for name in cases:
        (tmp_path / name).write_bytes((_HERE / "exported" / name).read_bytes())
        package_of(tmp_path / name)

    _run(torch_environment(torch_version), "-m", "tests.torch_models.served", str(tmp_path))

    served: dict[str, dict[str, Any]] = json.loads((tmp_path / "served.json").read_text(encoding="utf-8"))
    wrong = [name for name, case in cases.items() if not _same(case["outputs"], served[name])]
    assert not wrong, {name: served[name] for name in wrong}


def _same(expected: list[Any], served: dict[str, Any]) -> bool:
    outputs = served.get("outputs", [])
    return len(outputs) == len(expected) and all(
        np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=1e-6, atol=1e-6)
        for one, other in zip(expected, outputs, strict=True)
    )


def _run(python: Path, *arguments: str) -> None:
    ended = subprocess.run(
        [str(python), *arguments], capture_output=True, encoding="utf-8", cwd=_HERE.parents[1], timeout=900, check=False
    )
    assert ended.returncode == 0, ended.stderr[-3000:]


_PROGRAMS = ("files/scripted.pt", "exported/rows-2.13.0.pt2")


@pytest.fixture(params=_PROGRAMS)
def program(request: pytest.FixtureRequest) -> Path:
    return _HERE / str(request.param)


@pytest.fixture
def container(program: Path, torch_version: str, lab_server: LabServer, base_image_archive: Path) -> Iterator[str]:
    """The service of ``program``, running; of what ``scripted`` takes and gives a person said the most."""
    cache = layer_cache()
    data = program.read_bytes()
    beside = {"requirements.txt": f"torch=={torch_version}\n".encode, ".python-version": b"3.11\n".lower}
    facts = inspect_model(program.name, io.BytesIO(data), beside)
    source = ContentRef("torch", "c0ffee" * 10, program.name)
    at = datetime(2026, 11, 30, tzinfo=UTC)
    model = ModelVersion("torch", 1, source, facts, at, "ada", size=len(data))
    if may_be_stated(facts):
        said = [parse_tensor("x:FP32[-1,4]=a,b,c,d")], [parse_tensor("output_1:INT64[-1,9]")]  # which is not true
        model = replace(model, stated=StatedSignature(stated(facts.signature, *said), at, "ada"))
    lock = lock_dependencies(facts, this_platform(), cache=cache)
    assert f"torch=={torch_version}+cpu" in lock.requirements
    base = base_from_archive(base_image_archive, this_platform(), cache)
    image = compose_package(model, lambda: io.BytesIO(data), lock, platform=this_platform(), base=base, cache=cache)
    print({layer.role: layer.size for layer in image.package.layers}, lock.requirements)
    with running(lab_server, image, "torch") as name:
        yield name


@pytest.mark.lab
def test_a_program_answers_in_its_container_as_pytorch_does(
    program: Path, container: str, lab_server: LabServer
) -> None:
    case = json.loads(program.with_name("cases.json").read_text(encoding="utf-8"))[program.name]
    given = case["inputs"][0]
    tensor = {"name": "x", "datatype": "FP32", "shape": given["shape"], "data": np.ravel(given["data"]).tolist()}

    outputs = asked(lab_server, container, "/v2/models/torch/infer", {"inputs": [tensor]})["outputs"]

    assert [one["shape"] for one in outputs] == [list(np.shape(one)) for one in case["outputs"]]
    for one, expected in zip(outputs, case["outputs"], strict=True):
        assert one["data"] == pytest.approx(np.ravel(expected).tolist(), rel=1e-6, abs=1e-6)
    if program.name == "scripted.pt":
        _require_as_said(lab_server, container, case)


def _require_as_said(lab_server: LabServer, container: str, case: dict[str, Any]) -> None:
    """What a person said of ``scripted`` holds, as far as it is true."""
    given = case["inputs"][0]
    rows = [dict(zip("abcd", row, strict=True)) for row in np.reshape(given["data"], given["shape"]).tolist()]
    answered = asked(lab_server, container, "/predict", {"rows": rows})
    assert np.allclose(answered["outputs"], case["outputs"][0], rtol=1e-6, atol=1e-6), "rows are taken, as was said"
    wrong = {"name": "x", "datatype": "FP32", "shape": [4, 5], "data": given["data"]}
    refused = asked(lab_server, container, "/v2/models/torch/infer", {"inputs": [wrong]})
    assert (refused["status"], "has shape [4, 5]; it must be [-1, 4]" in refused["said"]) == (400, True)
    told = asked(lab_server, container, "/v2/models/torch", None)
    assert told["inputs"][0]["parameters"]["columns"] == list("abcd")
    assert [(one["datatype"], one["shape"]) for one in told["outputs"]] == [("FP32", [-1, 2]), ("FP32", [-1, 3])], (
        "what the program gives counts, whatever was said of it"
    )
