"""What models of the tree libraries take and give, in the words that the service takes from the package as they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Datatype, Framework, ModelFacts, Signature, Tensor
from kronkers_studio.packaging.environment_hints import DEFAULT_PYTHON, Surroundings

WIDEST = 100_000
"""Columns, classes or outputs; real models stay below."""


def described(
    framework: Framework, version: str, file_format: str, estimator: str, signature: Signature, beside: Surroundings
) -> ModelFacts:
    """The facts of a model whose file says neither which Python nor which other libraries made it."""
    named = {"python_version": beside.python, "requirements": beside.pins}
    return ModelFacts(
        framework=framework,
        framework_version=version,
        file_format=file_format,
        estimator=estimator,
        python_version=beside.python or DEFAULT_PYTHON,
        requirements=tuple(f"{project}=={pinned}" for project, pinned in sorted(beside.pins.items())),
        signature=signature,
        assumed=tuple(fact for fact, found in named.items() if not found),
    )


def table_inputs(columns: Sequence[str], width: int, texts: Collection[int]) -> tuple[Tensor, ...]:
    """One matrix of numbers; with columns of text, which are at ``texts``, one input for each column."""
    names = tuple(columns) if len(columns) == width else ()
    if not texts:
        return (Tensor("input", Datatype.FP64, (-1, width), names),)
    named = names or tuple(f"x{index}" for index in range(width))
    return tuple(
        Tensor(name, Datatype.BYTES if index in texts else Datatype.FP64, (-1, 1)) for index, name in enumerate(named)
    )


def class_outputs(classes: Sequence[str], label: Datatype, probability: Datatype) -> tuple[Tensor, ...]:
    """The most probable class, and the probability of each."""
    return (
        Tensor("label", label, (-1,)),
        Tensor("probabilities", probability, (-1, len(classes)), tuple(classes)),
    )


def value_outputs(count: int, datatype: Datatype) -> tuple[Tensor, ...]:
    """``count`` numbers for each row."""
    return (Tensor("output", datatype, (-1,) if count == 1 else (-1, count)),)


def numbered_classes(count: int) -> tuple[str, ...]:
    """The classes of a library that keeps no names of them."""
    return tuple(map(str, range(count)))


def checked_width(name: str, width: int) -> int:
    """``width`` when a model can have so many columns, classes or outputs. Raises ``UnsupportedModel``."""
    if 0 < width <= WIDEST:
        return width
    raise UnsupportedModel(
        f"{name} says that it has {width} columns, classes or outputs: it is damaged, or no model.",
        next_step="Copy it again from where it was made.",
    )
