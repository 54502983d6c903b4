"""Documents of PMML: all of one is made ready for its answers, so that what a service could not evaluate is refused
when it is registered. Nothing is asked of it."""

from __future__ import annotations

from typing import BinaryIO

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Datatype, Framework, ModelFacts, Signature, Tensor
from kronkers_studio.packaging.environment_hints import DEFAULT_PYTHON, Surroundings
from kronkers_studio.pmml.columns import Kind
from kronkers_studio.pmml.evaluator import Evaluator, Input, OutputValue
from kronkers_studio.pmml.problems import Unevaluated

_MOST_HINTS = 30
_MOST_FIELDS = 10_000


def inspect_pmml(name: str, stream: BinaryIO, surroundings: Surroundings) -> ModelFacts:
    """What the PMML document in ``stream`` says of its model. Raises ``UnsupportedModel``, also for what of PMML is not
    evaluated, with its element and line."""
    try:
        evaluator = Evaluator(stream)
    except Unevaluated as reason:
        raise _refused(name, reason) from None
    if len(evaluator.inputs) > _MOST_FIELDS or len(evaluator.outputs) > _MOST_FIELDS:
        raise UnsupportedModel(
            f"{name} takes or gives more than {_MOST_FIELDS:,} fields.",
            next_step="Leave out of its MiningSchema what the model does not use.",
        )
    named = {"python_version": surroundings.python, "requirements": surroundings.pins}
    return ModelFacts(
        framework=Framework.PMML,
        framework_version=evaluator.version,
        file_format="pmml",
        estimator=f"PMML {evaluator.model}",
        python_version=surroundings.python or DEFAULT_PYTHON,
        requirements=tuple(f"{project}=={pinned}" for project, pinned in sorted(surroundings.pins.items())),
        signature=Signature(tuple(map(_input, evaluator.inputs)), tuple(map(_output, evaluator.outputs))),
        assumed=tuple(fact for fact, found in named.items() if not found),
        notes=_hints(evaluator.inputs),
    )


def _input(field: Input) -> Tensor:
    datatype = Datatype.BYTES if field.kind is Kind.TEXT else Datatype.FP64
    return Tensor(field.name, datatype, (-1, 1), columns=(field.name,), levels=field.levels)


def _output(value: OutputValue) -> Tensor:
    if value.columns:
        return Tensor(value.name, Datatype.FP64, (-1, len(value.columns)), value.columns)
    if value.whole:
        return Tensor(value.name, Datatype.INT64, (-1,))
    return Tensor(value.name, Datatype.BYTES if value.kind is Kind.TEXT else Datatype.FP64, (-1,))


def _hints(inputs: tuple[Input, ...]) -> tuple[str, ...]:
    hints = [f"“{field.name[:60]}” takes numbers {field.hint}." for field in inputs if field.hint]
    more = len(hints) - _MOST_HINTS
    return (*hints[:_MOST_HINTS], *([f"{more} more fields have such bounds."] if more > 0 else []))


def _refused(name: str, reason: Unevaluated) -> UnsupportedModel:
    where = f" ({reason.element}, line {reason.line})" if reason.element else ""
    return UnsupportedModel(
        f"{name} is a PMML document that cannot be served: {reason.reason}{where}.",
        next_step="Export it again without that, train the same model in scikit-learn, or export it to ONNX.",
    )
