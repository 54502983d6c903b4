"""Archives that ``torch.jit.save`` wrote: a program and its weights.

Its pickles are read by a reader of PyTorch's own, which makes tensors, numbers and texts, and calls nothing.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from typing import BinaryIO

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Datatype, Framework, ModelFacts, Signature, Tensor
from kronkers_studio.domain.stated_signatures import NOTHING_TOLD
from kronkers_studio.packaging.byte_reader import Damaged, TooMuch
from kronkers_studio.packaging.environment_hints import DEFAULT_PYTHON, Surroundings
from kronkers_studio.packaging.model_files.torch_files.programs import parsed
from kronkers_studio.packaging.model_files.zip_members import ZipMembers

_LARGEST_PICKLE = 64 << 20
_LARGEST_CODE = 1 << 20  # bytes of one file: each is some hundred in memory
_LARGEST_PROGRAM = 2 << 20  # bytes in all; a large network's traced code is some hundred kilobytes
_ROOT = re.compile(rb"\x80\x02c(__torch__(?:\.\w+)*)\n(\w+)\n")
_OTHER_CLASS = re.compile(rb"torch[.\n]classes[.\n](?!quantized[.\n])(\w*)")
"""A class of PyTorch's own, of which a pickle may hold no object but quantized weights."""
_NEXT = "Export it to ONNX where it was trained: torch.onnx.export(model, example, file)."


@dataclass(frozen=True, slots=True)
class _Program:
    """Where the program's parts lie in the archive, and the class of the model itself."""

    folder: str
    module: str
    name: str

    @property
    def part(self) -> str:
        """The path of its code."""
        return f"{self.folder}/code/{self.module.replace('.', '/')}.py"


def inspect_torchscript(name: str, stream: BinaryIO, surroundings: Surroundings) -> ModelFacts:
    """What the TorchScript program in ``stream`` says of itself. Raises ``UnsupportedModel``, also for what it calls
    that no model needs."""
    try:
        archive = ZipMembers(stream)
        program = _program(archive)
        codes = _codes(archive, program.folder)
    except (Damaged, TooMuch) as reason:
        raise UnsupportedModel(
            f"{name} cannot be read: {reason}.", next_step="Copy it again from where it was made."
        ) from None
    tree = None
    for part, code in codes.items():
        found = parsed(name, code)
        tree = found if part == program.part else tree
    named = {"python_version": surroundings.python, "requirements": surroundings.pins}
    return ModelFacts(
        framework=Framework.PYTORCH,
        framework_version=surroundings.pins.get("torch", "").partition("+")[0],  # the file does not say it
        file_format="torchscript",
        estimator=f"{program.module.removeprefix('__torch__').strip('.')}.{program.name}".strip("."),
        python_version=surroundings.python or DEFAULT_PYTHON,
        requirements=tuple(f"{project}=={pinned}" for project, pinned in sorted(surroundings.pins.items())),
        signature=_signature(name, tree, program),
        assumed=tuple(fact for fact, found in named.items() if not found),
    )


def with_untold(facts: ModelFacts) -> ModelFacts:
    """``facts`` of such a program, with a note when nothing beside it told what it takes."""
    if not any(tensor.any_rank for tensor in facts.signature.inputs):
        return facts
    return replace(facts, notes=(*facts.notes, NOTHING_TOLD))


def _program(archive: ZipMembers) -> _Program:
    folder = archive.names[0].partition("/")[0]
    if any(part.partition("/")[0] != folder for part in archive.names):
        raise Damaged("its parts lie in several folders")
    found = {part.lower(): part for part in archive.names}  # PyTorch looks for none in letters of one case alone
    if f"{folder}/model.json".lower() in found:
        raise Damaged("it is in the form of PyTorch before 1.3")
    objects = archive.read(f"{folder}/data.pkl", _LARGEST_PICKLE)
    root = _ROOT.match(objects)
    if root is None:
        raise Damaged("it does not say which class the model is of")
    constants = found.get(f"{folder}/constants.pkl".lower())
    for content in (objects, archive.read(constants, _LARGEST_PICKLE) if constants else b""):
        other = _OTHER_CLASS.search(content)
        if other is not None:
            raise Damaged(f"it holds an object of “{other[1].decode()[:100]}”, which is no part of a model")
    return _Program(folder, root[1].decode(), root[2].decode())


def _codes(archive: ZipMembers, folder: str) -> dict[str, bytes]:
    """The program's code, by the path of each part: PyTorch finds one in letters of another case, too."""
    left = _LARGEST_PROGRAM
    codes = {}
    for part in archive.names:
        if part.lower().startswith(f"{folder}/code/".lower()) and part.lower().endswith(".py"):
            codes[part] = archive.read(part, min(_LARGEST_CODE, left))
            left -= len(codes[part])
    return codes


def _signature(name: str, tree: ast.Module | None, program: _Program) -> Signature:
    """What ``forward`` takes and gives. Of tensors no shape is known, and the type is taken for that of most."""
    forward = _forward(name, tree, program)
    arguments = forward.args.args[1:]
    optional = len(forward.args.defaults)
    needed = arguments[: len(arguments) - optional] if optional else arguments
    wrong = [one.arg for one in needed if _written(one.annotation) != "Tensor"]
    if wrong or not needed:
        takes = f"its input “{wrong[0][:100]}” is no tensor" if wrong else "it takes nothing"
        raise UnsupportedModel(f"{name} cannot be asked with tensors alone: {takes}.", next_step=_NEXT)
    inputs = tuple(_tensor(one.arg) for one in needed)
    given = _written(forward.returns)
    if given == "Tensor":
        return Signature(inputs, (_tensor("output"),))
    if isinstance(forward.returns, ast.Subscript) and re.fullmatch(r"Tuple\[Tensor(?:, Tensor){0,99}\]", given):
        return Signature(inputs, tuple(_tensor(f"output_{place}") for place in range(given.count("Tensor"))))
    raise UnsupportedModel(f"{name} answers with something else than tensors: not supported yet.", next_step=_NEXT)


def _forward(name: str, tree: ast.Module | None, program: _Program) -> ast.FunctionDef:
    classes = (one for one in (tree.body if tree is not None else ()) if isinstance(one, ast.ClassDef))
    own = next((one for one in classes if one.name == program.name), None)
    methods = (one for one in (own.body if own is not None else ()) if isinstance(one, ast.FunctionDef))
    found = next((one for one in methods if one.name == "forward"), None)
    if found is None or found.args.vararg or found.args.kwarg or not found.args.args:
        raise UnsupportedModel(f"{name} has no method forward, with which models answer.", next_step=_NEXT)
    return found


def _written(annotation: ast.expr | None) -> str:
    try:
        return ast.unparse(annotation)[:2000] if annotation is not None else ""
    except RecursionError:  # no type that is served is so deep
        return ""


def _tensor(called: str) -> Tensor:
    return Tensor(called[:200], Datatype.FP32, (-1,), any_rank=True)
