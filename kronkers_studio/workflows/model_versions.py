"""Describe model versions, add what was measured of them later, compare them, and follow where they come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime

from kronkers_studio.domain.changes import MetricsAdded, ModelDescribed, RecordedChange
from kronkers_studio.domain.errors import DescriptionChanged, InvalidInput
from kronkers_studio.domain.model_comparison import Aspect, ComparedValue, ModelComparison
from kronkers_studio.domain.models import LONGEST_TEXT, ModelCard, ModelVersion, Tensor
from kronkers_studio.workflows.models import checked_metrics
from kronkers_studio.workflows.session import Session

Reference = tuple[str, int | None, str | None]
"""A version as (name, number, alias); neither number nor alias means the newest."""
_LONGEST_TAG = 63
_MOST_TAGS = 100


def describe_model(
    session: Session,
    model: Reference,
    *,
    description: str | None = None,
    card: ModelCard | None = None,
    add_tags: Sequence[str] = (),
    remove_tags: Sequence[str] = (),
    before: ModelVersion | None = None,
) -> ModelVersion:
    """Change a version's description, card or tags; None leaves one as it is. What it was before is in its history.

    ``before`` is what the change was made from: description and card are replaced only while they are still those of
    it. Raises ``NotFound``, ``DescriptionChanged`` where they are not, or ``InvalidInput`` for a tag that cannot be
    one, too many of them, or too long a text.
    """
    ledger = session.workspace.ledger
    version = ledger.model_version(*model)
    if before is not None and (version.description, version.card) != (before.description, before.card):
        raise DescriptionChanged(
            f"What is said of {version.label} was changed by somebody else meanwhile.",
            next_step="Nothing was replaced. What it was at any time is in its history.",
        )
    _check_lengths(version, description, card)
    for tag in add_tags:
        if not tag.strip() or len(tag) > _LONGEST_TAG or not tag.isprintable():
            raise InvalidInput(f"“{tag}” cannot be a tag.", next_step=f"Use at most {_LONGEST_TAG} characters.")
    kept = [tag for tag in version.tags if tag not in remove_tags]
    tags = tuple(dict.fromkeys((*kept, *add_tags)))
    if len(tags) > max(_MOST_TAGS, len(version.tags)):
        raise InvalidInput(
            f"{len(tags):,} tags are too many for one version.", next_step=f"Give it at most {_MOST_TAGS}."
        )
    wanted = replace(
        version,
        description=version.description if description is None else description,
        card=version.card if card is None else card,
        tags=tags,
    )
    if wanted == version:
        return version
    change = ModelDescribed(
        version.name,
        version.version,
        wanted.description,
        wanted.tags,
        wanted.card,
        datetime.now(UTC),
        session.author,
    )
    ledger.record(change, author=session.author)
    return ledger.model_version(version.name, version.version)


def _check_lengths(version: ModelVersion, description: str | None, card: ModelCard | None) -> None:
    """What was said before there was a limit may stay."""
    before = {version.description, *(getattr(version.card, each.name) for each in fields(ModelCard))}
    said = {"description": description or ""}
    if card is not None:
        said |= {each.name.replace("_", " "): getattr(card, each.name) for each in fields(ModelCard)}
    for name, text in said.items():
        if len(text) > LONGEST_TEXT and text not in before:
            raise InvalidInput(
                f"The {name} is too long: {len(text):,} characters.",
                next_step=f"Use at most {LONGEST_TEXT:,}; longer ones are better kept as a file beside the model.",
            )


def add_metrics(session: Session, model: Reference, metrics: Mapping[str, float]) -> ModelVersion:
    """Record what was measured later; a metric that the version has already gets the new value.

    Raises ``NotFound``, or ``InvalidInput`` for a metric without a name or a finite value.
    """
    metrics = checked_metrics(metrics)
    ledger = session.workspace.ledger
    version = ledger.model_version(*model)
    if metrics:
        change = MetricsAdded(version.name, version.version, metrics, datetime.now(UTC), session.author)
        ledger.record(change, author=session.author)
    return ledger.model_version(version.name, version.version)


def model_history(session: Session, model: Reference) -> list[RecordedChange]:
    """Every change to what is said, measured and made of a version, from its registration on, but to its releases.
    Raises ``NotFound``."""
    version = session.workspace.ledger.model_version(*model)
    return session.workspace.models.history(version.name, version.version)


def compare_models(session: Session, left: Reference, right: Reference) -> ModelComparison:
    """Two versions side by side. Raises ``NotFound``."""
    ledger, content = session.workspace.ledger, session.workspace.content
    one, other = ledger.model_version(*left), ledger.model_version(*right)
    files = [content.find(v.source.project, v.source.commit, v.source.path) for v in (one, other)]
    values = [value for aspect in Aspect for value in _compared(aspect, one, other)]
    return ModelComparison(one, other, files[0].content == files[1].content, tuple(values))


def _compared(aspect: Aspect, one: ModelVersion, other: ModelVersion) -> Iterator[ComparedValue]:
    left, right = _values(aspect, one), _values(aspect, other)
    for name in dict.fromkeys((*left, *right)):
        change = None
        if aspect is Aspect.METRICS and name in left and name in right:
            change = other.metrics[name] - one.metrics[name]
        yield ComparedValue(aspect, name, left.get(name, ""), right.get(name, ""), change)


def _values(aspect: Aspect, version: ModelVersion) -> dict[str, str]:
    facts = version.facts
    match aspect:
        case Aspect.METRICS:
            return {name: f"{version.metrics[name]:.6g}" for name in sorted(version.metrics)}
        case Aspect.FACTS:
            return {
                "framework": f"{facts.framework.label} {facts.framework_version}",
                "format": facts.file_format,
                "estimator": facts.estimator,
                "python": facts.python_version,
                "size": str(version.size),
            }
        case Aspect.REQUIREMENTS:
            return dict(sorted(_requirement(text) for text in facts.requirements))
        case Aspect.SIGNATURE:
            return {
                f"{side} {tensor.name}": _tensor(tensor)
                for side, tensors in (("takes", version.signature.inputs), ("gives", version.signature.outputs))
                for tensor in tensors
            }
        case Aspect.SOURCE:
            return {"file": str(version.source), "data": str(version.data or "")}
        case Aspect.DESCRIPTION:
            card = version.card
            return {
                "description": version.description,
                "tags": ", ".join(version.tags),
                "intended use": card.intended_use,
                "data": card.data,
                "metrics": card.metrics,
                "limits": card.limits,
            }


def _requirement(text: str) -> tuple[str, str]:
    """``numpy==2.4.6`` as ("numpy", "==2.4.6")."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement:  # in a workspace that something else wrote
        return text, "any"
    return requirement.name, str(requirement.specifier) or "any"


def _tensor(tensor: Tensor) -> str:
    shape = " × ".join("n" if length < 0 else str(length) for length in tensor.shape)
    columns = f": {', '.join(tensor.columns)}" if tensor.columns else ""
    return f"{tensor.datatype.value} {shape}{columns}"
