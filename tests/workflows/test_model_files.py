"""One table says what model files there are: what a plan calls them, what is found, what can be registered."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.migration import FileKind
from kronkers_studio.domain.model_files import MODEL_FILE_KINDS, may_be_model, model_file_kind
from kronkers_studio.workflows.migrating import migrate_folder, plan_migration
from kronkers_studio.workflows.models import find_models, register_model
from kronkers_studio.workflows.session import Session


@pytest.fixture
def fitted() -> bytes:
    """A scikit-learn model as pickle writes it."""
    from sklearn.dummy import DummyClassifier

    return pickle.dumps(DummyClassifier().fit([[0.0], [1.0]], [0, 1]))


def test_no_suffix_stands_for_two_kinds() -> None:
    suffixes = [suffix for kind in MODEL_FILE_KINDS for suffix in (*kind.suffixes, *kind.shared)]
    assert len(suffixes) == len(set(suffixes))
    assert all(model_file_kind(f"X{suffix.upper()}") is kind for kind in MODEL_FILE_KINDS for suffix in kind.suffixes)
    assert may_be_model("a.SAV")
    assert not may_be_model("a.csv")


def test_whatever_a_plan_calls_a_model_is_found(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    suffixes = [suffix for kind in MODEL_FILE_KINDS for suffix in kind.suffixes]
    for suffix in suffixes:
        (folder / f"a{suffix}").write_bytes(b"\x00\x01 nothing that anybody knows \xff" * 3)
    plan = plan_migration(session, folder)
    planned = {item.path for item in plan.items if item.kind is FileKind.MODEL}
    migrate_folder(session, folder, "p")

    found = {model.source.path: model for model in find_models(session, "p")}

    assert planned < set(found) == {f"a{suffix}" for suffix in suffixes}
    by_suffix = {f"a{suffix}" for kind in MODEL_FILE_KINDS if kind.kind is FileKind.MODEL for suffix in kind.suffixes}
    assert planned == by_suffix - {"a.onnx"}  # of which the plan looks at the bytes
    for path, model in found.items():
        kind = model_file_kind(path)
        assert kind is not None
        assert model.facts is None
        if kind.framework is None:
            assert f"may be {kind.called}, which its bytes do not tell" in model.problem


@pytest.mark.parametrize("suffix", [suffix for kind in MODEL_FILE_KINDS for suffix in kind.shared])
def test_a_file_of_a_shared_suffix_is_found_when_it_is_a_model(
    session: Session, tmp_path: Path, suffix: str, fitted: bytes
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / f"survey{suffix}").write_bytes(b"$FL2@(#) SPSS DATA FILE" + bytes(200))
    (folder / f"model{suffix}").write_bytes(fitted)
    migrate_folder(session, folder, "p")

    (found,) = find_models(session, "p")

    assert found.source.path == f"model{suffix}"
    assert register_model(session, "p", found.source.path, name="m").facts == found.facts


@pytest.mark.parametrize(
    ("config", "needed"),
    [
        ('{"model_type": "bert", "architectures": ["BertModel"]}', "transformers, whose program BertModel is named"),
        ('{"model_type": "own", "architectures": ["Own"], "auto_map": {"AutoModel": "own.Own"}}', "not in the file"),
        ('{"architectures": ' + "[" * 100_000, "not in the file"),
        ("[]", "not in the file"),
    ],
)
def test_weights_beside_a_config_say_what_they_would_need(
    session: Session, tmp_path: Path, config: str, needed: str
) -> None:
    folder = tmp_path / "bert"
    folder.mkdir()
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    (folder / "config.json").write_text(config, encoding="utf-8")
    migrate_folder(session, folder, "p")

    with pytest.raises(UnsupportedModel, match=needed):
        register_model(session, "p", "model.safetensors", name="m")


@pytest.mark.parametrize("name", ["net.pt", "net.keras", "weights.safetensors"])
def test_bytes_go_before_the_name(session: Session, tmp_path: Path, name: str, fitted: bytes) -> None:
    folder = tmp_path / "misnamed"
    folder.mkdir()
    (folder / name).write_bytes(fitted)
    migrate_folder(session, folder, "p")
    (found,) = find_models(session, "p")
    assert found.facts is not None


@pytest.mark.parametrize(
    ("head", "called"),
    [
        (bytes(4) + b"ORTM" + bytes(60), "an ONNX Runtime model (.ort)"),
        (bytes(4) + b"TFL3" + bytes(60), "a TensorFlow Lite model (.tflite)"),
    ],
)
def test_a_kind_is_recognised_whatever_it_is_called(head: bytes, called: str) -> None:
    from io import BytesIO

    from kronkers_studio.packaging import inspect_model

    with pytest.raises(UnsupportedModel) as refused:
        inspect_model("model.bin", BytesIO(head), {})
    assert refused.value.message.startswith(f"model.bin is {called}: not supported yet. It would need ")


def test_found_by_their_bytes_under_names_that_are_mostly_of_others(session: Session, tmp_path: Path) -> None:
    """And what is none of those names stays unmentioned."""
    files = Path(__file__).parents[1] / "packaging" / "model_files"
    folder = tmp_path / "mixed"
    folder.mkdir()
    models = {"lgb.txt": "lgb.txt", "xgb.json": "xgb.json", "cat.json": "cat.json", "cat.pmml": "score.xml"}
    models |= {name: name for name in ("cat.cbm", "lm.rds")}
    for source, name in [*models.items(), ("cat.pmml", "cat.pmml")]:
        (folder / name).write_bytes((files / source).read_bytes())
    (folder / "MLmodel").write_text("flavors:\n  spark:\n    x: y\nmlflow_version: 2.9\n", encoding="utf-8")
    for name in ("xgb_dump.json", "xgb_dump.txt", "frame.rds", "numbers.rds"):
        (folder / name).write_bytes((files / name).read_bytes())
    (folder / "notes.txt").write_text("a tree\nversion=1", encoding="utf-8")
    (folder / "settings.json").write_text('{"learner": 3}', encoding="utf-8")
    (folder / "page.xml").write_text("<a/>", encoding="utf-8")
    plan = {item.path: item for item in plan_migration(session, folder).items}
    migrate_folder(session, folder, "p")

    found = {model.source.path: model.problem for model in find_models(session, "p")}

    expected = {"lgb.txt", "xgb.json", "cat.json", "score.xml", "cat.cbm", "cat.pmml", "lm.rds", "MLmodel"}
    assert set(found) == expected
    loaded = {"lgb.txt", "xgb.json", "cat.cbm", "cat.pmml", "score.xml", "lm.rds"}
    assert all(found[path].startswith(f"{path} is ") for path in expected - loaded)
    assert not any(found[path] for path in loaded)
    assert {path for path, item in plan.items() if item.kind is FileKind.MODEL} == expected
    assert all(plan[path].why == (found[path] or "Ready to package") for path in expected)
