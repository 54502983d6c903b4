"""What is found out from archives that Keras 3 wrote, and which are refused: nothing of them is built or run."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.errors import NotAModel, UnsupportedModel
from kronkers_studio.domain.models import Framework, ModelFacts
from kronkers_studio.packaging import inspect_model
from tests.packaging.changed_files import changed_files

FILES = Path(__file__).with_name("files")


def inspected(data: bytes, name: str = "m.keras") -> ModelFacts:
    return inspect_model(name, io.BytesIO(data), {})


def archive(**changed: Callable[[dict[str, Any]], object] | bytes | None) -> bytes:
    """The archive of ``sequence`` with parts of it changed: "config" and "metadata" by a function, others replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(FILES / "sequence.keras") as whole, zipfile.ZipFile(out, "w") as made:
        parts = {name: whole.read(name) for name in whole.namelist()}
        for key, change in changed.items():
            name = {"config": "config.json", "metadata": "metadata.json", "weights": "model.weights.h5"}.get(key, key)
            if callable(change):
                document = json.loads(parts[name])
                change(document)
                parts[name] = json.dumps(document).encode()
            elif change is None:
                del parts[name]
            else:
                parts[name] = change
        for name, data in parts.items():
            made.writestr(name, data)
    return out.getvalue()


def layer(at: int, **changed: object) -> Callable[[dict[str, Any]], None]:
    """A change of one layer."""
    return lambda config: config["config"]["layers"][at].update(changed)


@pytest.mark.parametrize(
    ("file", "estimator", "inputs", "outputs"),
    [
        ("sequence", "keras.Sequential", [("row", (-1, 4), False)], [("dense", (-1, 3), False)]),
        ("operations", "keras.Functional", [("x", (-1, 3), False)], [("concatenate_1", (-1,), True)]),
        (
            "nested",
            "keras.Functional",
            [("outer", (-1, 4), False)],
            [("softmax_1", (-1,), True), ("inner", (-1,), True)],
        ),
    ],
)
def test_a_model_tells_its_version_and_what_it_takes(
    file: str, estimator: str, inputs: list[object], outputs: list[object]
) -> None:
    facts = inspected((FILES / f"{file}.keras").read_bytes())

    assert (facts.framework, facts.framework_version, facts.estimator) == (Framework.KERAS, "3.15.1", estimator)
    assert [(one.name, one.shape, one.any_rank) for one in facts.signature.inputs] == inputs
    assert [(one.name, one.shape, one.any_rank) for one in facts.signature.outputs] == outputs
    assert {one.datatype.value for one in (*facts.signature.inputs, *facts.signature.outputs)} == {"FP32"}


def test_how_it_was_trained_does_not_matter() -> None:
    def train(config: dict[str, Any]) -> None:
        config["compile_config"] = {"loss": {"module": "own", "class_name": "Loss", "registered_name": "own>Loss"}}

    assert inspected(archive(config=train)).framework is Framework.KERAS


_LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "config": {"function": "x"}, "registered_name": None}
_SYSTEM = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
_GET_FILE = {"module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "get_file"}
_UNSAFE = {"module": "keras.config", "class_name": "enable_unsafe_deserialization", "config": {}}
_VOCABULARY = {"module": "keras.layers", "class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (layer(1, **_LAMBDA), "“Lambda”, which runs whatever program"),
        (layer(1, class_name="__lambda__"), "“__lambda__”, which runs whatever program"),
        (layer(1, class_name="TorchModuleWrapper"), "“TorchModuleWrapper”, which runs"),
        (layer(1, class_name="TFSMLayer", config={"filepath": "/tmp/x"}), "“TFSMLayer”, which runs"),
        (layer(1, config={"activation": _SYSTEM}), "the function “os”.“system”"),
        (layer(1, config={"activation": _GET_FILE}), "the function “keras.utils”.“get_file”"),
        (layer(1, config={"activation": {**_SYSTEM, "module": "builtins", "config": "eval"}}), "“builtins”.“eval”"),
        (layer(1, config={"deep": [{"x": _UNSAFE}]}), "“keras.config.enable_unsafe_deserialization”"),
        (layer(1, module="keras.src.saving.saving_lib", class_name="load_model"), "“keras.src.saving"),
        (layer(1, module="subprocess", class_name="Popen"), "needs “subprocess.Popen”, which is not Keras's own"),
        (layer(1, module=None), "needs “Normalization”"),
        (layer(1, module="keras.layers.os"), "“keras.layers.os.Normalization”"),
        (layer(1, registered_name="my_package>Own"), "needs “my_package>Own”"),
        (layer(1, class_name=["Dense"]), "an object without a class"),
        (layer(1, **_VOCABULARY), "prepares its inputs with StringLookup"),
        (layer(1, compile_config={"optimizer": "adam"}), "how a part of it is trained"),
        (lambda config: config["config"]["layers"].pop(0) and config.pop("build_config"), "saved before it was built"),
        (lambda config: config.update(class_name="Own", module="own"), "needs “own.Own”"),
        (lambda config: config.update(class_name="Dense", module="keras.layers"), "not a model made of layers"),
        (lambda config: config["config"].update(layers=[]), "does not describe its layers"),
        (lambda config: config["config"].update(layers=[3]), "does not describe its layers"),
        (lambda config: config["config"].update(layers={"a": 1}), "does not describe its layers"),
        (layer(0, config={"name": "a", "batch_shape": [None, 4], "dtype": "string"}), "takes no plain numbers"),
        (lambda config: config.pop("class_name"), "an object without a class|not a model made of layers"),
    ],
)
def test_what_could_run_a_program_or_is_not_keras_own_is_refused(
    change: Callable[[dict[str, Any]], object], reason: str
) -> None:
    with pytest.raises(UnsupportedModel, match=reason):
        inspected(archive(config=change))


def _nested(depth: int) -> bytes:
    return b'{"class_name": "Sequential", "module": "keras", "config": ' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (archive(metadata=lambda found: found.update(keras_version="2.15.0")), "not saved by Keras 3"),
        (archive(metadata=lambda found: found.update(keras_version="3; os")), "not saved by Keras 3"),
        (archive(config=b"[]"), "no JSON object"),
        (archive(config=b"[" * 200_000), "is no JSON"),
        (archive(config=_nested(200)), "nested deeper"),
        (archive(config=b"0" * (17 << 20)), "longer than any model's"),
        (archive(metadata=b" " * (1 << 17)), "longer than any model's"),
        (archive(weights=None), "keeps its weights in parts"),
        (archive(**{"assets/vocabulary.txt": b"a"}), "vocabularies as files"),
        (archive(**{"../../evil.py": b"a"}), "leads out of it"),
        (archive(**{"/etc/evil": b"a"}), "leads out of it"),
        (archive(**{"C:/evil": b"a"}), "leads out of it"),
        (archive()[:-400], "not a model file|no whole zip|may be a Keras model"),
    ],
)
def test_a_hostile_archive_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnsupportedModel, match=reason):
        inspected(data)


def test_a_part_that_grows_without_bound_is_refused_in_little_memory() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("metadata.json", "{}")
        made.writestr("config.json", b" " * (200 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(UnsupportedModel, match="more bytes than any model"):
            inspected(out.getvalue())
        assert tracemalloc.get_traced_memory()[1] < 50 << 20
    finally:
        tracemalloc.stop()


def test_two_parts_of_one_name_are_refused() -> None:
    out = io.BytesIO(archive())
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(out, "a") as made:
        made.writestr("config.json", "{}")

    with pytest.raises(UnsupportedModel, match="two parts of one name"):
        inspected(out.getvalue())


def test_a_part_with_a_second_name_is_refused() -> None:
    """A folder here, it is another configuration for the Python that serves, which heeds such names from 3.12 on."""
    out = io.BytesIO(archive())
    with zipfile.ZipFile(out, "a") as made:
        folder = zipfile.ZipInfo("a/")
        second = b"config.json"
        folder.extra = struct.pack("<HHBL", 0x7075, 5 + len(second), 1, zlib.crc32(b"a/")) + second
        made.writestr(folder, "{}")

    with pytest.raises(UnsupportedModel, match="is called otherwise by other programs"):
        inspected(out.getvalue())


def test_a_part_whose_name_goes_on_behind_its_end_is_refused() -> None:
    out = io.BytesIO(archive(**{"a+b/": b""}))

    with pytest.raises(UnsupportedModel, match="is called otherwise by other programs"):
        inspected(out.getvalue().replace(b"a+b/", b"a/\0/"))


@pytest.mark.parametrize("file", ["sequence", "operations", "nested"])
def test_a_file_that_was_cut_or_changed_is_described_or_refused(file: str) -> None:
    data = (FILES / f"{file}.keras").read_bytes()
    for changed in changed_files(data, file):
        try:
            inspected(changed)
        except (UnsupportedModel, NotAModel) as refusal:
            assert "m.keras" in refusal.message
