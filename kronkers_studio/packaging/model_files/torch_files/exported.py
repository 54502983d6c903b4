"""Archives that ``torch.export.save`` wrote, in the form of PyTorch 2.8 and later and in the one before.

PyTorch opens some of their parts with pickle, looks up what they name and runs what they say of lengths: every part is
looked at, and a part that is not known is refused.
"""

from __future__ import annotations

import json
import re
from typing import Any, BinaryIO, Final

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Framework, ModelFacts
from kronkers_studio.packaging.byte_reader import Damaged, TooMuch
from kronkers_studio.packaging.environment_hints import DEFAULT_PYTHON, Surroundings, is_version
from kronkers_studio.packaging.model_files.torch_files.exported_programs import Program, read_program
from kronkers_studio.packaging.model_files.torch_files.tensor_pickles import require_tensors_only
from kronkers_studio.packaging.model_files.zip_members import ZipMembers

_LARGEST_DOCUMENT: Final = 16 << 20
_LARGEST_TENSORS: Final = 1 << 30  # of one part that PyTorch reads with pickle
_OLD: Final = "serialized_exported_program.json"
_OLD_PICKLES: Final = ("serialized_state_dict.pt", "serialized_constants.pt", "serialized_example_inputs.pt")
_OLD_PARTS: Final = frozenset({_OLD, *_OLD_PICKLES, "version"})
_PROGRAM: Final = "models/model.json"
_PICKLES: Final = ("data/sample_inputs/model.pt", "data/weights/model.pt", "data/constants/model.pt")
_PAYLOADS: Final = {
    "data/weights/model_weights_config.json": re.compile(r"weight_[0-9]{1,9}"),
    "data/constants/model_constants_config.json": re.compile(r"tensor_[0-9]{1,9}"),
}
_PLAIN: Final = re.compile(
    r"archive_format|archive_version|byteorder|version|\.data/(?:version|serialization_id)|\.format_version"
    r"|\.storage_alignment|data/weights/weight_[0-9]{1,9}|data/constants/tensor_[0-9]{1,9}"
)


def inspect_exported(name: str, stream: BinaryIO, surroundings: Surroundings) -> ModelFacts:
    """What the exported program in ``stream`` says of itself. Raises ``UnsupportedModel``, also for what PyTorch would
    run or import when it opens the file."""
    try:
        archive = ZipMembers(stream)
        program = _old_form(archive) if _OLD in archive.names else _new_form(archive)
    except (Damaged, TooMuch) as reason:
        raise UnsupportedModel(
            f"{name} is refused: {reason}.",
            next_step="Ask where the file comes from; of your own, export it again on the processor: "
            "torch.export.save(torch.export.export(model.eval(), example), file), or export it to ONNX.",
        ) from None
    told = program.torch_version.partition("+")[0]
    version = told if is_version(told) else surroundings.pins.get("torch", "").partition("+")[0]
    named = {"python_version": surroundings.python, "requirements": surroundings.pins}
    return ModelFacts(
        framework=Framework.PYTORCH,
        framework_version=version,
        file_format="torch-export",
        estimator="torch.export.ExportedProgram",
        python_version=surroundings.python or DEFAULT_PYTHON,
        requirements=tuple(f"{project}=={pinned}" for project, pinned in sorted(surroundings.pins.items())),
        signature=program.signature,
        assumed=tuple(fact for fact, found in named.items() if not found),
        notes=program.bounds,
    )


def _old_form(archive: ZipMembers) -> Program:
    other = [part for part in archive.names if part not in _OLD_PARTS]
    if other or not _OLD_PARTS.issubset(archive.names):
        raise Damaged(f"it holds {other[0][:100]}" if other else "a part of it is missing")
    for part in _OLD_PICKLES:
        _require_tensors(archive, part, part)
    return read_program(archive.read(_OLD, _LARGEST_DOCUMENT))


def _new_form(archive: ZipMembers) -> Program:
    folder = archive.names[0].partition("/")[0]
    if any(part.partition("/")[0] != folder for part in archive.names):
        raise Damaged("its parts lie in several folders")
    parts = [part.partition("/")[2] for part in archive.names]
    if archive.read(f"{folder}/byteorder", 10).strip() != b"little":
        raise Damaged("its numbers are written in another order than a service's")
    for part in parts:
        if part in _PAYLOADS:
            _require_plain_payloads(archive.read(f"{folder}/{part}", _LARGEST_DOCUMENT), part)
        elif part in _PICKLES:
            _require_tensors(archive, f"{folder}/{part}", part)
        elif part != _PROGRAM and not _PLAIN.fullmatch(part):
            raise Damaged(f"it holds {part[:100]}, of which PyTorch would open or run what is in it")
    return read_program(archive.read(f"{folder}/{_PROGRAM}", _LARGEST_DOCUMENT))


def _require_tensors(archive: ZipMembers, part: str, called: str) -> None:
    data = archive.read(part, _LARGEST_TENSORS)
    if data:
        require_tensors_only(called, data)


def _require_plain_payloads(document: bytes, part: str) -> None:
    """Each weight is its numbers alone: no pickle, no object of a class."""
    try:
        payloads: dict[str, Any] = json.loads(document)["config"]
        for weight in payloads.values():
            if weight["use_pickle"] is not False or not _PAYLOADS[part].fullmatch(weight["path_name"]):
                raise Damaged(f"{part} names a weight that is an object, and would run what that is")
            if weight["tensor_meta"]["device"]["type"] != "cpu":
                raise Damaged("its weights are of a graphics card: move the model to the processor and export it again")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Damaged(f"its part {part} is damaged") from None
