"""Weights of PyTorch (.safetensors) with the program beside them: one class of a file of Python in the same folder.

The files are parsed, never run or imported. A class is the program when its attributes are those that the weights'
names begin with, and it is made without arguments.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Datatype, Framework, ModelFacts, Signature, Tensor
from kronkers_studio.packaging.environment_hints import DEFAULT_PYTHON, Surroundings
from kronkers_studio.packaging.model_files.torch_files.safetensors import read_weights

_MOST_FILES: Final = 100
_LARGEST: Final = 256 * 1024  # bytes of one
_DEEPEST: Final = 16  # classes that derive from one another
_REGISTERED: Final = ("register_buffer", "register_parameter", "add_module", "register_module")
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class _Class:
    """A class by its ``module`` and ``name``; ``attributes`` are those that it gives itself, ``needed`` what it cannot
    be made without."""

    module: str
    name: str
    attributes: frozenset[str]
    needed: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: int

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


def inspect_weights(
    name: str, stream: BinaryIO, beside: Mapping[str, Callable[[], bytes]], surroundings: Surroundings
) -> ModelFacts | None:
    """What the weights in ``stream``, which are whole, are with the program ``beside``; None when none fits.

    The program is ``unsafe``: somebody must allow it. Raises ``UnsupportedModel`` for several that fit, and for one
    that cannot be made or asked.
    """
    fitting = _fitting({weight.name for weight in read_weights(stream)}, beside)
    if not fitting:
        return None
    program = _only(name, fitting)
    called = str(program)
    named = {"python_version": surroundings.python, "requirements": surroundings.pins}
    outputs = ["output"] if program.outputs == 1 else [f"output_{place}" for place in range(program.outputs)]
    return ModelFacts(
        framework=Framework.PYTORCH,
        framework_version=surroundings.pins.get("torch", "").partition("+")[0],  # the file does not say it
        file_format="safetensors",
        estimator=called,
        python_version=surroundings.python or DEFAULT_PYTHON,
        requirements=tuple(f"{project}=={pinned}" for project, pinned in sorted(surroundings.pins.items())),
        signature=Signature(tuple(map(_tensor, program.inputs)), tuple(map(_tensor, outputs))),
        globals=(called,),
        unsafe=(called,),
        assumed=tuple(fact for fact, found in named.items() if not found),
    )


def _tensor(called: str) -> Tensor:
    return Tensor(called[:200], Datatype.FP32, (-1,), any_rank=True)


def _fitting(weights: set[str], beside: Mapping[str, Callable[[], bytes]]) -> list[_Class]:
    """The classes beside whose attributes the names of all ``weights`` begin with."""
    wanted = {weight.partition(".")[0] for weight in weights}
    files = [file for file in sorted(beside) if file.lower().endswith(".py")][:_MOST_FILES]
    found = [one for file in files for one in _classes(file.removesuffix(".py"), beside[file]())]
    return [one for one in found if wanted and wanted <= one.attributes]


def _only(name: str, fitting: list[_Class]) -> _Class:
    if len(fitting) > 1:
        shown = ", ".join(map(str, fitting[:_SHOWN]))
        raise UnsupportedModel(
            f"{name} holds weights that {len(fitting)} classes beside it have a place for: {shown}.",
            next_step="Keep the program of these weights in the folder, and the others elsewhere.",
        )
    (program,) = fitting
    if program.needed:
        raise UnsupportedModel(
            f"{program} beside {name} is made with arguments that nothing says: {', '.join(program.needed[:_SHOWN])}.",
            next_step="Give them defaults (def __init__(self, width=64)), or derive a class that does.",
        )
    if not program.inputs:
        raise UnsupportedModel(
            f"{program} beside {name} has no method forward that takes tensors by their place.",
            next_step="Write it as def forward(self, x).",
        )
    return program


def _classes(module: str, content: bytes) -> Iterator[_Class]:
    """The classes of a module that derive from torch.nn.Module, as far as the module itself tells."""
    try:
        tree = ast.parse(content) if len(content) <= _LARGEST and module.isidentifier() else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    own = {one.name: one for one in (tree.body if tree is not None else ()) if isinstance(one, ast.ClassDef)}
    for one in own.values():
        line = _line(one, own)
        if line and any(_is_module(base) for base in line[-1].bases):
            yield _described(module, one.name, line)


def _line(one: ast.ClassDef, own: Mapping[str, ast.ClassDef]) -> list[ast.ClassDef]:
    """The class and those of the module that it derives from, the nearest first; none for one that goes in circles."""
    line = [one]
    while len(line) <= _DEEPEST:
        above = [base.id for base in line[-1].bases if isinstance(base, ast.Name) and base.id in own]
        if not above:
            return line
        line.append(own[above[0]])
    return []


def _is_module(base: ast.expr) -> bool:
    match base:
        case ast.Name("Module") | ast.Attribute(ast.Name("nn"), "Module"):
            return True
        case ast.Attribute(ast.Attribute(ast.Name("torch"), "nn"), "Module"):
            return True
    return False


def _described(module: str, name: str, line: list[ast.ClassDef]) -> _Class:
    made, forward = _method(line, "__init__"), _method(line, "forward")
    needed = tuple(_needed(made)) if made is not None else ()
    inputs = tuple(_needed(forward, by_place=True)) if forward is not None else ()
    attributes = frozenset(each for one in line for each in _attributes(one))
    return _Class(module, name, attributes, needed, inputs, _outputs(forward))


def _method(line: list[ast.ClassDef], name: str) -> ast.FunctionDef | None:
    return next(
        (one for each in line for one in each.body if isinstance(one, ast.FunctionDef) and one.name == name), None
    )


def _needed(function: ast.FunctionDef, *, by_place: bool = False) -> Iterator[str]:
    """The arguments after the first that have no default; ``by_place``: none when one of them must be named."""
    arguments = function.args
    places = [*arguments.posonlyargs, *arguments.args]
    without = places[1 : len(places) - len(arguments.defaults)]
    named = [one for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default is None]
    if not (by_place and named):
        yield from (one.arg for one in (*without, *named))


def _outputs(forward: ast.FunctionDef | None) -> int:
    """How many tensors are given, as far as the last ``return`` tells."""
    returned = [one.value for one in ast.walk(forward) if isinstance(one, ast.Return)] if forward is not None else []
    return len(returned[-1].elts) if returned and isinstance(returned[-1], ast.Tuple) and returned[-1].elts else 1


def _attributes(one: ast.ClassDef) -> Iterator[str]:
    """What a class gives itself: ``self.layer = …`` and ``self.register_buffer("mean", …)``."""
    for node in ast.walk(one):
        match node:
            case ast.Attribute(ast.Name("self"), attribute, ast.Store()):
                yield attribute
            case ast.Call(ast.Attribute(ast.Name("self"), method), [ast.Constant(str(text)), *_]) if (
                method in _REGISTERED
            ):
                yield text
