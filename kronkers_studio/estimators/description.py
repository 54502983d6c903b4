"""An estimator's tensors in and out: the one signature that packages declare and services have."""

from __future__ import annotations

from dataclasses import dataclass

from kronkers_studio.estimators.answers import Answer, CannotPredict, answer_of
from kronkers_studio.estimators.columns import (
    Holds,
    Shape,
    looks_at_nothing,
    names_of,
    shape_seen,
    what_columns_hold,
    width_of,
)
from kronkers_studio.estimators.views import EstimatorView

_UNREADABLE = {
    Shape.OBJECTS: (
        "It takes a dictionary for each row, whose keys nobody can know beforehand.",
        "Use a ColumnTransformer over columns instead (OneHotEncoder for words).",
    ),
    Shape.PICTURES: ("It takes pictures, not rows of a table.", "Export the model to ONNX."),
}


@dataclass(frozen=True)
class DescribedTensor:
    """As in the Open Inference Protocol; -1 stands for any length. ``columns`` names the last axis where it has names,
    ``holds`` what the values are."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    columns: tuple[str, ...] = ()
    holds: Holds = Holds.NUMBERS


@dataclass(frozen=True)
class Description:
    """``outputs`` are the label (or number) and, where there are any, the probabilities. ``classes`` are what a
    classifier of one output tells apart."""

    inputs: tuple[DescribedTensor, ...]
    outputs: tuple[DescribedTensor, ...]
    classes: tuple[str, ...] = ()


def describe(root: EstimatorView) -> Description:
    """What ``root`` takes and answers. Raises ``CannotPredict`` for what has no answer to rows of a table."""
    answer = answer_of(root)
    return Description(_inputs(root), _outputs(answer), tuple(map(str, answer.classes)))


def _inputs(root: EstimatorView) -> tuple[DescribedTensor, ...]:
    shape = shape_seen(root)
    if shape in _UNREADABLE:
        raise CannotPredict(*_UNREADABLE[shape])
    if shape is Shape.TEXTS:
        return (DescribedTensor("input", "BYTES", (-1,), holds=Holds.TEXT),)
    if shape is Shape.NUMBERS:
        return (DescribedTensor("input", "FP64", (-1,), names_of(root)[:1]),)
    width = width_of(root)
    if width is None:
        holds = Holds.ANYTHING if looks_at_nothing(root) else Holds.NUMBERS
        return (DescribedTensor("input", "FP64", (-1, -1), holds=holds),)
    names = names_of(root)
    columns = names if len(names) == width else ()
    held = what_columns_hold(root, width)
    if len(set(held)) == 1 and (held[0] is not Holds.DATES or width == 1):
        text = held[0] in (Holds.TEXT, Holds.DATES)
        return (DescribedTensor("input", "BYTES" if text else "FP64", (-1, width), columns, held[0]),)
    named = columns or tuple(f"x{position}" for position in range(width))  # as scikit-learn itself names them
    return tuple(
        DescribedTensor(name, "FP64" if holds is Holds.NUMBERS else "BYTES", (-1, 1), holds=holds)
        for name, holds in zip(named, held, strict=True)
    )


def _outputs(answer: Answer) -> tuple[DescribedTensor, ...]:
    shape = (-1,) if answer.several == 1 else (-1, answer.several)
    label = DescribedTensor("label" if answer.is_class else "output", answer.datatype, shape)
    if not answer.probable:
        return (label,)
    return (
        label,
        DescribedTensor("probabilities", "FP64", (-1, answer.columns), tuple(map(str, answer.classes))),
    )
