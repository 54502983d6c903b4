"""Julia objects: what the files beside one say of it, and that nothing is known without them."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import ForeignEntry, UnsupportedModel
from kronkers_studio.domain.models import Datatype, Framework, ModelFacts, WeightsFile
from kronkers_studio.packaging import inspect_model
from kronkers_studio.packaging.recorded_facts import checked_facts

FILES = Path(__file__).with_name("files")
OBJECT = (FILES / "line.jls").read_bytes()


def inspected(name: str, toml: bytes | None, code: bool = True, **beside: bytes) -> ModelFacts:
    contents = {file.replace("_", "."): text for file, text in beside.items()}
    if toml is not None:
        contents[f"{name}.toml"] = toml
    texts = {file: io.BytesIO(text).read for file, text in contents.items()}
    sizes = {f"{name}.jl": 7} if code else {}
    return inspect_model(f"{name}.jls", io.BytesIO(OBJECT), texts, sizes.get)


def test_the_files_beside_an_object_say_what_it_takes_and_gives() -> None:
    facts = checked_facts(inspected("line", (FILES / "line.toml").read_bytes()))
    assert (facts.framework, facts.file_format, facts.framework_version) == (Framework.JULIA, "jls", "")
    assert facts.weights == (WeightsFile("line.jl", 7),)
    number, gear = facts.signature.inputs
    assert (number.name, number.datatype, number.levels) == ("wt", Datatype.FP64, ())
    assert (gear.datatype, gear.levels) == (Datatype.BYTES, ("three", "four", "für dich"))
    assert [tensor.name for tensor in facts.signature.outputs] == ["output"]


def test_columns_of_numbers_are_one_table_and_classes_have_probabilities() -> None:
    facts = checked_facts(inspected("logistic", (FILES / "logistic.toml").read_bytes()))
    assert facts.framework_version == "1.5.3"
    (table,) = facts.signature.inputs
    assert (table.shape, table.columns) == ((-1, 2), ("x", "y"))
    assert facts.signature.outputs[1].columns == ("low", "middle", "high")


def test_the_version_may_stand_in_the_manifest_of_the_project() -> None:
    toml = (FILES / "line.toml").read_bytes()
    assert inspected("line", toml, Manifest_toml=b'julia_version = "1.10.4"').framework_version == "1.10.4"
    assert inspected("line", toml, Manifest_toml=b'julia_version = "; rm"').framework_version == ""


@pytest.mark.parametrize(("toml", "code", "missing"), [(None, True, "a.toml"), (b"", False, "a.jl")])
def test_without_them_it_says_what_to_put_beside_it(toml: bytes | None, code: bool, missing: str) -> None:
    with pytest.raises(UnsupportedModel, match=rf"a\.jls is a Julia object.*{missing} is not beside it") as refused:
        inspected("a", toml, code)
    assert "Put a.jl, which defines predict(model, columns), and a.toml" in refused.value.next_step


@pytest.mark.parametrize(
    ("toml", "why"),
    [
        ("", "no table [columns]"),
        ("[columns]", "no table [columns]"),
        ("columns = 3", "no table [columns]"),
        ('[columns]\nx = "date"', "the column 'x'"),
        ("[columns]\nx = [1, 2]", "the column 'x'"),
        ('[columns]\nx = "number"', "no table [answer]"),
        ('[columns]\nx = "number"\n[answer]\nclasses = ["one"]', "no table [answer]"),
        ('[columns]\nx = "number"\n[answer]\nclasses = ["one", 2]', "its classes"),
        ("[columns", "no table [columns]"),
    ],
)
def test_a_description_that_does_not_do_says_why(toml: str, why: str) -> None:
    with pytest.raises(UnsupportedModel) as refused:
        inspected("a", toml.encode())
    assert why in refused.value.message


@pytest.mark.parametrize("names", [(), ("line.jl", "more.jl"), ("line.sh",), ("../line.jl",)])
def test_facts_of_a_workspace_name_one_file_of_julias_that_answers(names: tuple[str, ...]) -> None:
    """Seen to fail for all but the last."""
    facts = inspected("line", (FILES / "line.toml").read_bytes())
    with pytest.raises(ForeignEntry):
        checked_facts(replace(facts, weights=tuple(WeightsFile(name, 7) for name in names)))


def test_facts_of_a_workspace_name_packages_for_r_alone() -> None:
    """Seen to fail without the look at the framework."""
    facts = inspected("line", (FILES / "line.toml").read_bytes())
    with pytest.raises(ForeignEntry, match="package"):
        checked_facts(replace(facts, packages=("ranger",)))
