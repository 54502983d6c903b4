"""What a model is, takes and gives, in words for people who use it; what engineers call it is the hint."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from kronkers_studio.desktop.kind_names import kind_name
from kronkers_studio.desktop.localization import counted, number, tr
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.model_rows import why_no_rows
from kronkers_studio.domain.models import Datatype, ModelFacts, Signature, Tensor

_MOST_NAMED = 4  # kinds of values that a line names
_MOST_LEVELS = 12  # words of a column that are named


def kind_words(facts: ModelFacts) -> str:
    """What it is, in words; "–" where nothing is known. For ONNX, the program that wrote it."""
    return kind_name(facts) or "–"


def made_words(facts: ModelFacts) -> str:
    """What made it: "scikit-learn 1.9.1"; a framework that no file tells the version of stands alone."""
    return f"{facts.framework.label} {facts.framework_version}".strip()


def tensor_words(tensor: Tensor) -> str:
    """What an input or output holds for each row: "3 numbers", "a word", "an image of 28 × 28 numbers"."""
    if tensor.any_rank:
        return _several(tensor.datatype)
    axes = tensor.shape[1:] if tensor.shape[:1] == (-1,) else tensor.shape
    known = [length for length in axes if length > 1]
    if any(length == -1 for length in axes):
        return _several(tensor.datatype)
    if not known:
        return _one(tensor.datatype)
    if len(known) == 1:
        return _counted(tensor.datatype, known[0])
    return tr("{shape} {values}").format(shape=" × ".join(map(str, known)), values=_several(tensor.datatype))


def value_words(tensor: Tensor) -> str:
    """The same, with the words that there may be: "one of low, medium, high"."""
    if not tensor.levels:
        return tensor_words(tensor)
    words = ", ".join(tensor.levels[:_MOST_LEVELS])
    more = len(tensor.levels) - _MOST_LEVELS
    words += tr(" and {n} more").format(n=number(more)) if more > 0 else ""
    return tr("one of {words}").format(words=words)


def takes_words(signature: Signature) -> str:
    """What a model takes, in a few words: "3 numbers per row", "2 numbers and a word per row"; "" when it is not
    known."""
    if not signature.inputs:
        return ""
    if why_no_rows(signature):
        return tr("whole tensors, no rows")
    return tr("{values} per row").format(values=_all_words(signature.inputs))


def answers_words(signature: Signature) -> str:
    """What a model answers for each row, in a few words: "a word and 3 numbers"; "" when it is not known."""
    return _all_words(signature.outputs)


def summary_words(facts: ModelFacts) -> str:
    """A line on what a model is: its kind, what made it, what it takes and answers."""
    takes, answers = takes_words(facts.signature), answers_words(facts.signature)
    parts = [
        kind_words(facts),
        tr("made with {framework}").format(framework=made_words(facts)),
        tr("takes {values}").format(values=takes) if takes else "",
        tr("answers {values}").format(values=answers) if answers else "",
    ]
    return " · ".join(part for part in parts if part and part != "–")


def tensor_hint(tensor: Tensor) -> str:
    """The same as the Open Inference Protocol says it."""
    shape = " × ".join(tr("rows") if length == -1 else str(length) for length in tensor.shape)
    return f"{tensor.datatype.value}, {shape}" if shape else tensor.datatype.value


def assumed_words(facts: ModelFacts) -> str:
    """What was not found beside the model and what is taken instead; "" when all was found."""
    python = tr("Python {version}").format(version=facts.python_version)
    match set(facts.assumed):
        case missing if not missing:
            return ""
        case missing if {"python_version", "requirements"} <= missing:
            words = tr("No list of libraries lay beside the model: {python} and the usual ones are assumed.")
        case missing if "requirements" in missing:
            words = tr("No list of libraries lay beside the model: the usual ones are assumed.")
        case _:
            words = tr("Nothing beside the model says which Python it was made with: {python} is assumed.")
    return words.format(python=python)


def parse_quality(text: str) -> dict[str, float]:
    """What was measured, as people write it: "accuracy 0.91, auc: 0.88". Raises ``InvalidInput``."""
    found = {}
    for part in filter(None, (part.strip() for part in text.replace(";", ",").split(","))):
        name, _, value = part.replace("=", " ").replace(":", " ").strip().rpartition(" ")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not name.strip() or not math.isfinite(number):
            raise InvalidInput(
                tr("“{part}” is not a name and a number.").format(part=part),
                next_step=tr("Write it as: accuracy 0.91, auc 0.88."),
            )
        found[name.strip()] = number
    return found


def _all_words(tensors: Sequence[Tensor]) -> str:
    """Of several, those that hold one value each are counted together."""
    single = Counter(_sort_of(each.datatype) for each in tensors if _holds_one(each))
    if sum(single.values()) < 2:  # nothing to count
        words = [tensor_words(each) for each in tensors]
    else:
        words = [_one(sort) if amount == 1 else _counted(sort, amount) for sort, amount in single.items()]
        words += [tensor_words(each) for each in tensors if not _holds_one(each)]
    words = list(dict.fromkeys(words))  # "numbers and numbers" would say no more
    return words[0] if len(words) == 1 else _listed(words[:_MOST_NAMED], more=len(words) > _MOST_NAMED)


def _listed(words: Sequence[str], *, more: bool) -> str:
    if more or not words:
        return ", ".join([*words, "…"]) if words else ""
    return tr("{several} and {last}").format(several=", ".join(words[:-1]), last=words[-1])


def _holds_one(tensor: Tensor) -> bool:
    axes = tensor.shape[1:] if tensor.shape[:1] == (-1,) else tensor.shape
    return not tensor.any_rank and all(length == 1 for length in axes)


def _sort_of(datatype: Datatype) -> Datatype:
    """All kinds of numbers are numbers."""
    return datatype if datatype in (Datatype.BYTES, Datatype.BOOL) else Datatype.FP64


def _one(datatype: Datatype) -> str:
    return {Datatype.BYTES: tr("a word"), Datatype.BOOL: tr("yes or no")}.get(datatype) or tr("a number")


def _several(datatype: Datatype) -> str:
    return {Datatype.BYTES: tr("words"), Datatype.BOOL: tr("yes or no")}.get(datatype) or tr("numbers")


def _counted(datatype: Datatype, amount: int) -> str:
    if datatype is Datatype.BYTES:
        return counted(amount, tr("{n} word"), tr("{n} words"))
    if datatype is Datatype.BOOL:
        return counted(amount, tr("{n} time yes or no"), tr("{n} times yes or no"))
    return counted(amount, tr("{n} number"), tr("{n} numbers"))
