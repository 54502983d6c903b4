"""What is made of folders that MLflow saved: their MLmodel is evidence, the model's own file counts."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Framework, ModelFacts
from kronkers_studio.packaging import inspect_model, read_mlmodel

FILES = Path(__file__).with_name("files")
SKLEARN = (FILES / "sklearn-3" / "MLmodel").read_text(encoding="utf-8")


def inspected(folder: Path, mlmodel: str | None = None) -> ModelFacts:
    """What is found of the model in an MLflow folder, whose MLmodel says ``mlmodel`` instead if that is given."""
    text = (folder / "MLmodel").read_bytes() if mlmodel is None else mlmodel.encode()
    file = folder / read_mlmodel(text).file
    beside: dict[str, Callable[[], bytes]] = {each.name: each.read_bytes for each in folder.iterdir()}
    beside["MLmodel"] = lambda: text
    with file.open("rb") as stream:
        return inspect_model(file.name, stream, beside)


@pytest.mark.parametrize("mlflow", ["2", "3"])
@pytest.mark.parametrize(
    ("flavor", "framework", "version"),
    [
        ("sklearn", Framework.SKLEARN, "1.9.1"),
        ("sklearn-unnamed", Framework.SKLEARN, "1.9.1"),
        ("xgboost", Framework.XGBOOST, "3.2.0"),
        ("lightgbm", Framework.LIGHTGBM, "4.7.0"),
        ("onnx", Framework.ONNX, "opset 22"),
    ],
)
def test_a_folder_tells_its_model_its_python_and_its_columns(
    flavor: str, framework: Framework, version: str, mlflow: str
) -> None:
    facts = inspected(FILES / f"{flavor}-{mlflow}")

    assert (facts.framework, facts.framework_version) == (framework, version)
    assert (facts.python_version, "python_version" in facts.assumed) == ("3.11", False)
    assert facts.signature.inputs[0].columns == ("alpha", "beta", "gamma")
    made_by = {"2": "2.22.4", "3": "3.17.2"}[mlflow]
    assert facts.notes[0] == f"Saved by MLflow {made_by} as {flavor.partition('-')[0]}."
    unnamed = flavor in ("sklearn-unnamed", "onnx")
    assert facts.notes[1:] == (("The names of the columns are MLmodel's: the model's own file has none.",) * unnamed)


def test_a_folder_of_mlflow_1_says_where_it_differs_from_the_file() -> None:
    facts = inspected(FILES / "mlflow-1")

    assert facts.framework_version == "1.9.1"
    assert facts.python_version == "3.10"
    assert "scipy==1.9.3" in facts.requirements
    assert facts.notes == (
        "Saved by MLflow 1.30.0 as sklearn.",
        "MLmodel says scikit-learn 1.1.2, the model's own file 1.9.1: the file counts.",
        "MLmodel lists the columns in another order than the model's own file: the file's order counts.",
    )


@pytest.mark.parametrize(
    ("before", "after", "note"),
    [
        (
            '"name": "alpha"',
            '"name": "omega"',
            "MLmodel calls the columns omega, beta, gamma, the model's own file alpha, beta, gamma: the file counts.",
        ),
        (
            '"type": "double", "name": "alpha"',
            '"type": "string", "name": "alpha"',
            "MLmodel and the model's own file differ on whether alpha is text: the file counts.",
        ),
        (
            '{"type": "double", "name": "alpha", "required": true}, ',
            "",
            "MLmodel names 2 columns, the model's own file 3: the file counts.",
        ),
        (
            '"dtype": "str"',
            '"dtype": "int64"',
            "The model's own file answers with text, MLmodel says otherwise: the file counts.",
        ),
    ],
)
def test_what_mlmodel_says_otherwise_is_noted(before: str, after: str, note: str) -> None:
    changed = SKLEARN.replace(before, after)
    assert changed != SKLEARN

    facts = inspected(FILES / "sklearn-3", changed)

    assert facts.notes[1:] == (note,)
    assert facts.signature == inspected(FILES / "sklearn-3").signature


def test_a_tensor_of_another_shape_or_type_is_noted() -> None:
    text = (FILES / "onnx-3" / "MLmodel").read_text(encoding="utf-8")
    start, end = text.index("  inputs:"), text.index("  outputs:")
    spec = '{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 4]}}'

    facts = inspected(FILES / "onnx-3", f"{text[:start]}  inputs: '[{spec}]'\n{text[end:]}")

    assert facts.notes[1] == (
        "MLmodel says that “X” takes FP64 n × 4, the model's own file FP32 n × 3: the file counts."
    )


def test_an_mlmodel_of_another_file_says_nothing_of_this_one() -> None:
    mlmodel = SKLEARN.replace("pickled_model: model.pkl", "pickled_model: other.pkl").encode()

    with (FILES / "sklearn-3" / "model.pkl").open("rb") as stream:
        facts = inspect_model("model.pkl", stream, {"MLmodel": lambda: mlmodel})

    assert facts.notes == ()


def test_a_program_of_its_own_is_refused_with_what_it_would_need() -> None:
    for version, mlflow in (("2", "2.22.4"), ("3", "3.17.2")):
        with pytest.raises(UnsupportedModel) as refused:
            read_mlmodel((FILES / f"own-program-{version}" / "MLmodel").read_bytes(), "doubled")
        assert refused.value.message == (
            "doubled/MLmodel is a Python program of its own (python_model.pkl), which has no form that can be read "
            f"without running it: not supported yet. It would need the library mlflow {mlflow} in the service, and "
            "that program's own code."
        )


def test_another_flavor_is_named() -> None:
    text = SKLEARN.replace("  sklearn:", "  spark:")

    with pytest.raises(UnsupportedModel, match=r"MLmodel is of the flavor spark: not supported yet"):
        read_mlmodel(text.encode())


def test_mlmodel_alone_says_where_the_model_is() -> None:
    with pytest.raises(UnsupportedModel, match=r"describes the folder .* the model itself is model\.pkl there"):
        inspect_model("MLmodel", io.BytesIO(SKLEARN.encode()), {})


_BOMB = "a: &a [x, x]\nb: &b [*a, *a, *a]\nflavors:\n  sklearn:\n    x: *b\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (_BOMB, "repeats a part of itself by an alias"),
        ("flavors:\n  sklearn: &x {}\n", "repeats a part of itself by an alias"),
        ("flavors: !!python/object/apply:os.system ['id']\n", "names the type of a value by a tag"),
        ("flavors:\n  sklearn:\n    pickled_model: !!binary aaaa\n", "names the type of a value by a tag"),
        ("flavors: " + "[" * 100, "nested deeper"),
        ("flavors: " + "{a: " * 100, "nested deeper"),
        ("flavors:\n" + "  ? [a]\n  : b\n", "a name in it is no text"),
        ("flavors: {sklearn: {}}\nflavors: {onnx: {}}\n", "says one thing twice"),
        ("flavors: {sklearn: {}}\n---\nflavors: {}\n", "more than one document"),
        ("flavors: [\n", "it is no YAML"),
        ("flavors:\n  sklearn: {}\n" + "x: " + "y" * 2_000_000, "longer than any model's"),
        ("flavors:\n  sklearn: {}\nx: [" + "y, " * 200_000 + "y]", "longer or nested deeper"),
        ("", "names no flavors"),
        ("flavors: 3\n", "names no flavors"),
        ("\udcff".encode("utf-8", "surrogatepass").decode("latin-1"), "cannot be read"),
    ],
)
def test_hostile_yaml_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(UnsupportedModel, match=reason):
        read_mlmodel(text.encode())


@pytest.mark.parametrize(
    "path", ["../model.pkl", "/etc/passwd", "a/../../b", "C:/model.pkl", "a\\..\\b", "..", "''", "[a]", '"a\\u202eb"']
)
def test_a_path_that_leads_out_of_the_folder_is_refused(path: str) -> None:
    text = SKLEARN.replace("pickled_model: model.pkl", f"pickled_model: {path}")
    if path == "''":  # as if it were not there
        assert read_mlmodel(text.encode()).file == "model.pkl"
        return
    with pytest.raises(UnsupportedModel, match="is no file of its folder"):
        read_mlmodel(text.encode())


@pytest.mark.parametrize(
    "schema",
    [
        "[" * 100_000,
        '[{"type": 3}]',
        '[{"type": "tensor"}]',
        '[{"type": "tensor", "tensor-spec": {"dtype": "x", "shape": ["a"]}}]',
        '[{"name": ["a"], "type": "double"}]',
        '{"a": 1}',
        "no json",
    ],
)
def test_a_schema_of_no_known_form_says_nothing(schema: str) -> None:
    start, end = SKLEARN.index("  inputs:"), SKLEARN.index("  outputs:")

    facts = inspected(FILES / "sklearn-3", f"{SKLEARN[:start]}  inputs: '{schema}'\n{SKLEARN[end:]}")

    assert facts.signature == inspected(FILES / "sklearn-3").signature
    assert facts.notes == ("Saved by MLflow 3.17.2 as sklearn.",)


def test_a_hostile_mlmodel_beside_a_model_is_noted_and_not_used() -> None:
    with (FILES / "sklearn-3" / "model.pkl").open("rb") as stream:
        facts = inspect_model("model.pkl", stream, {"MLmodel": _BOMB.encode})

    assert facts.notes[0].startswith("MLmodel beside it was not used. MLmodel cannot be read: it repeats a part")
