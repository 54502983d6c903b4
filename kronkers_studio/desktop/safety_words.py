"""What was looked at in a model's file before anything of it runs, and what that found, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kronkers_studio.desktop.localization import counted, tr
from kronkers_studio.domain.allowances import Allowance
from kronkers_studio.domain.models import Framework, ModelFacts
from kronkers_studio.domain.printable import printable

_PICKLES = ("joblib", "pickle", "skops")
_FIGURES = (Framework.XGBOOST, Framework.LIGHTGBM, Framework.CATBOOST)
_MOST_NAMES = 200


@dataclass(frozen=True, slots=True)
class SafetyWords:
    """``verdict`` in a few words, ``looked_at`` how it was found, ``names`` the parts of libraries that the file asks
    for, in their own words. ``unknown`` is true where nobody can tell from the file what it does."""

    verdict: str
    looked_at: str
    names: tuple[str, ...] = ()
    unknown: bool = False


def safety_words(facts: ModelFacts, allowances: Sequence[Allowance] = ()) -> SafetyWords:
    """Of a model that is registered, and of what somebody allowed it: what would run a program when it is opened never
    gets so far."""
    allowed = {name for allowance in allowances for name in allowance.names}
    if facts.unsafe and allowed.issuperset(facts.unsafe):
        return _allowed(facts, allowances)
    if facts.unsafe:
        looked = tr("The file was read without running it. It asks for code that no model of its kind needs:")
        return SafetyWords(tr("It asks for code that is not known here"), looked, facts.unsafe[:_MOST_NAMES])
    if facts.framework is Framework.JULIA:
        return _program_of_its_own(facts)
    verdict = tr("Nothing in it runs a program")
    if facts.file_format in _PICKLES:
        parts = counted(len(facts.globals), tr("{n} part"), tr("{n} parts"))
        looked = tr(
            "The file was read without opening it in Python. It asks for {parts} of {library} and of what that "
            "stands on, each on the list of those that only hold what was learnt."
        ).format(parts=parts, library=facts.framework.label)
        return SafetyWords(verdict, looked, facts.globals[:_MOST_NAMES])
    if facts.framework is Framework.ONNX:
        looked = tr("An ONNX file holds calculations and figures, no program. It was read without running it.")
    elif facts.framework in _FIGURES:
        looked = tr("The file holds figures in {library}'s own form, no program. It was read without running it.")
    elif facts.framework is Framework.PYTORCH:
        verdict = tr("It is a program that only calculates")
        looked = tr(
            "The program in it was read without running it. It calls what calculates, and nothing that reaches files "
            "or the network."
        )
    else:
        looked = tr("The file was read without running any of it, and nothing was found that would run a program.")
    return SafetyWords(verdict, looked.format(library=facts.framework.label), facts.globals[:_MOST_NAMES])


def allow_words() -> str:
    """What can be done about a file that asks for code which somebody may allow."""
    return tr(
        "If you know that code, allow it for this version. Else save only the fitted model without it, or export it to "
        "ONNX."
    )


def _allowed(facts: ModelFacts, allowances: Sequence[Allowance]) -> SafetyWords:
    reasons = "; ".join(
        tr("{author}: “{reason}”").format(author=each.author or tr("somebody"), reason=printable(each.reason))
        for each in allowances
    )
    looked = tr(
        "The file was read without running it. It asks for code that is on no list, and that was allowed for this "
        "version ({reasons}). The code runs in the model's service, apart from everything else."
    )
    verdict = tr("Its service runs code that somebody allowed")
    return SafetyWords(verdict, looked.format(reasons=reasons), facts.unsafe[:_MOST_NAMES], unknown=True)


def _program_of_its_own(facts: ModelFacts) -> SafetyWords:
    """A model that answers with a program which somebody wrote: nobody can tell from it what it would do."""
    programs = ", ".join(each.name for each in facts.weights)
    looked = tr(
        "What {programs} does cannot be told without running it: have somebody read it whom you trust. It runs in a "
        "container on a server, apart from everything else."
    )
    verdict = tr("Its service runs a program that somebody wrote")
    return SafetyWords(verdict, looked.format(programs=programs), unknown=True)
