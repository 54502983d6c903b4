"""What is said of a package and of a model's file before anything of it runs, in plain words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kronkers_studio.desktop.model_words import answers_words, summary_words, takes_words
from kronkers_studio.desktop.package_words import estimate_words, platform_words, purpose_words
from kronkers_studio.desktop.safety_words import safety_words
from kronkers_studio.domain.allowances import Allowance
from kronkers_studio.domain.models import Datatype, Framework, ModelFacts, Signature, Tensor
from kronkers_studio.workflows.package_plans import SizeEstimate
from tests.desktop.things import a_package, a_version


def _facts(
    framework: Framework, file_format: str, *, globals: tuple[str, ...] = (), unsafe: tuple[str, ...] = ()
) -> ModelFacts:
    facts = a_version().facts
    return replace(facts, framework=framework, file_format=file_format, globals=globals, unsafe=unsafe)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            _facts(Framework.SKLEARN, "joblib", globals=("numpy.ndarray", "sklearn.svm.SVC")),
            "It asks for 2 parts of scikit-learn",
        ),
        (_facts(Framework.ONNX, "onnx"), "holds calculations and figures, no program"),
        (_facts(Framework.XGBOOST, "json"), "figures in XGBoost's own form, no program"),
    ],
    ids=["pickle", "onnx", "trees"],
)
def test_the_verdict_says_what_was_looked_at(facts: ModelFacts, said: str) -> None:
    words = safety_words(facts)
    assert words.verdict == "Nothing in it runs a program"
    assert said in words.looked_at
    assert words.names == facts.globals


def test_code_that_is_not_known_is_never_called_harmless() -> None:
    """Seen to fail with the verdict given without a look at what is not known."""
    words = safety_words(_facts(Framework.SKLEARN, "pickle", unsafe=("os.system",)))
    assert "Nothing" not in words.verdict
    assert words.names == ("os.system",)


def test_code_that_somebody_allowed_is_named_with_who_and_why() -> None:
    """All of it: what is only half allowed is still not known."""
    facts = _facts(Framework.SKLEARN, "pickle", unsafe=("features.Log", "features.Ratio"))
    allowance = Allowance(("features.Ratio",), "our own features", datetime(2026, 11, 30, tzinfo=UTC), "ann")
    assert safety_words(facts, [allowance]).verdict == "It asks for code that is not known here"
    words = safety_words(facts, [allowance, replace(allowance, names=("features.Log",), author="")])
    assert words.unknown and words.verdict == "Its service runs code that somebody allowed"
    assert "(ann: “our own features”; somebody: “our own features”)" in words.looked_at
    assert words.names == facts.unsafe


@pytest.mark.parametrize(
    ("size", "whole", "words"),
    [
        (
            SizeEstimate(1_000, 2_000, 3_000, "wine:1"),
            True,
            "About 6 kB: the model 1 kB, libraries 2 kB as in wine:1",
        ),
        (SizeEstimate(1_000, 2_000, None, "wine:1"), False, "About 3 kB: the model 1 kB, libraries 2 kB as in wine:1."),
        (SizeEstimate(1_000, 2_000, None, "wine:1"), True, "Its base comes on top"),
        (SizeEstimate(1_000), False, "Its libraries come on top"),
        (SizeEstimate(1_000), True, "Its libraries and its base come on top"),
    ],
)
def test_a_size_says_what_of_it_is_not_known_yet(size: SizeEstimate, whole: bool, words: str) -> None:
    assert words in estimate_words(size, whole=whole).replace("\xa0", " ")


def test_what_a_package_runs_on_is_said_as_people_say_it() -> None:
    assert purpose_words(a_package()) == "This computer"
    assert purpose_words(a_package(base="python:3.11")) == "Servers (Linux, Intel or AMD)"
    assert platform_words("plan9/mips") == "plan9/mips"


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ((Tensor("x", Datatype.FP32, (-1, 3)),), "3 numbers"),
        ((Tensor("a", Datatype.FP64, (-1, 1)), Tensor("b", Datatype.INT64, (-1, 1))), "2 numbers"),
        (
            (
                Tensor("a", Datatype.FP64, (-1, 1)),
                Tensor("b", Datatype.INT64, (-1, 1)),
                Tensor("c", Datatype.BYTES, (-1, 1)),
            ),
            "2 numbers and a word",
        ),
        ((Tensor("label", Datatype.BYTES, (-1,)), Tensor("p", Datatype.FP64, (-1, 3))), "a word and 3 numbers"),
    ],
)
def test_what_a_model_takes_and_answers_is_counted(tensors: tuple[Tensor, ...], words: str) -> None:
    assert answers_words(Signature(outputs=tensors)) == words
    if all(len(tensor.shape) == 2 for tensor in tensors):
        assert takes_words(Signature(inputs=tensors)) == f"{words} per row"


def test_a_model_that_says_nothing_of_its_rows_is_told_by_the_rest() -> None:
    assert takes_words(Signature()) == answers_words(Signature()) == ""
    facts = replace(a_version().facts, framework=Framework.ONNX, framework_version="18", estimator="")
    assert summary_words(replace(facts, signature=Signature())) == "made with ONNX 18"
    whole = Signature(inputs=(Tensor("state", Datatype.FP32, (2, 1, 8)),))
    assert takes_words(whole) == "whole tensors, no rows"
