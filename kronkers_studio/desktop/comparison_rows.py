"""Two model versions side by side as they are shown, and the quality of all versions of a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kronkers_studio.desktop.localization import figure, file_size, tr
from kronkers_studio.desktop.model_words import kind_words, tensor_hint, tensor_words
from kronkers_studio.domain.model_comparison import Aspect, ComparedValue, ModelComparison
from kronkers_studio.domain.models import ModelVersion, Tensor

_MOST_METRICS = 12  # columns of a table of versions


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One line: what it is about (said once for all lines of one kind), its name, both sides and how much a figure
    grew. ``left_hint`` and ``right_hint`` say all of a side that is cut short."""

    about: str
    name: str
    left: str
    right: str
    change: str = ""
    left_hint: str = ""
    right_hint: str = ""


def compared_rows(comparison: ModelComparison, *, everything: bool) -> list[ComparedRow]:
    """What differs, or ``everything`` that can be compared."""
    rows: list[ComparedRow] = []
    said: Aspect | None = None
    for value in comparison.values if everything else comparison.differences:
        rows.append(_row(comparison, value, "" if value.aspect is said else aspect_words(value.aspect)))
        said = value.aspect
    return rows


def aspect_words(aspect: Aspect) -> str:
    """What lines of that kind are about."""
    return {
        Aspect.METRICS: tr("Quality"),
        Aspect.FACTS: tr("What it is"),
        Aspect.REQUIREMENTS: tr("Libraries it needs"),
        Aspect.SIGNATURE: tr("Rows and answers"),
        Aspect.SOURCE: tr("Where it comes from"),
        Aspect.DESCRIPTION: tr("What is said of it"),
    }[aspect]


def metric_names(versions: Sequence[ModelVersion]) -> list[str]:
    """What was measured of any of ``versions``: what most of them have comes first; at most twelve."""
    counts: dict[str, int] = {}
    for version in versions:
        for name in version.metrics:
            counts[name] = counts.get(name, 0) + 1
    return sorted(counts, key=lambda name: (-counts[name], name))[:_MOST_METRICS]


def _row(comparison: ModelComparison, value: ComparedValue, about: str) -> ComparedRow:
    left, right = (_side(version, value, text) for version, text in _sides(comparison, value))
    change = "" if value.change is None else _signed(value.change)
    return ComparedRow(about, _name(value), left[0] or "–", right[0] or "–", change, left[1], right[1])


def _sides(comparison: ModelComparison, value: ComparedValue) -> Iterator[tuple[ModelVersion, str]]:
    yield comparison.left, value.left
    yield comparison.right, value.right


def _side(version: ModelVersion, value: ComparedValue, text: str) -> tuple[str, str]:
    """How one side reads, and its hint."""
    match value.aspect, value.name:
        case Aspect.METRICS, name if text:
            return figure(version.metrics[name]), text
        case Aspect.REQUIREMENTS, _:
            return text.removeprefix("=="), text
        case Aspect.FACTS, "size":
            return file_size(version.size), text
        case Aspect.FACTS, "estimator":
            return kind_words(version.facts), text
        case Aspect.SIGNATURE, name if text:
            tensor = _tensor(version, name)
            columns = f": {', '.join(tensor.columns)}" if tensor.columns else ""
            return f"{tensor_words(tensor)}{columns}", f"{tensor_hint(tensor)}{columns}"
    return text, text


def _tensor(version: ModelVersion, name: str) -> Tensor:
    """That which the line called ``name`` is about: "takes age", "gives label"."""
    side, _, wanted = name.partition(" ")
    signature = version.signature
    tensors = signature.inputs if side == "takes" else signature.outputs
    return next(tensor for tensor in tensors if tensor.name == wanted)


def _name(value: ComparedValue) -> str:
    facts = {
        "framework": tr("Made with"),
        "format": tr("Kind of file"),
        "estimator": tr("Kind"),
        "python": tr("Python"),
        "size": tr("Size"),
    }
    said = {
        "description": tr("Description"),
        "tags": tr("Tags"),
        "intended_use": tr("What it is for"),
        "data": tr("Data it was made from"),
        "metrics": tr("How its quality was measured"),
        "limits": tr("What it must not be used for"),
    }
    sources = {"file": tr("File"), "data": tr("Trained on")}
    match value.aspect:
        case Aspect.FACTS:
            return facts[value.name]
        case Aspect.DESCRIPTION:
            return said[value.name.replace(" ", "_")]
        case Aspect.SOURCE:
            return sources[value.name]
        case Aspect.SIGNATURE:
            side, _, name = value.name.partition(" ")
            words = tr("Takes {name}") if side == "takes" else tr("Answers {name}")
            return words.format(name=name)
    return value.name


def _signed(change: float) -> str:
    words = figure(abs(change))
    return f"+{words}" if change > 0 else f"−{words}" if change < 0 else "±0"
