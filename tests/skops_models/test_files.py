"""Files of skops with what is not scikit-learn's in them: tree libraries' estimators, and a person's own steps."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Framework, ModelFacts
from kronkers_studio.packaging import inspect_model, require_safe
from kronkers_studio.packaging.recorded_facts import checked_facts

_FILES = Path(__file__).with_name("files")
_OWN = ("features.Ratio", "features.doubled")


def _looked_at(name: str, allowed: frozenset[str] = frozenset()) -> ModelFacts:
    return checked_facts(inspect_model(name, io.BytesIO((_FILES / name).read_bytes()), {}, allowed=allowed), name)


@pytest.mark.parametrize(
    ("name", "framework", "libraries"),
    [
        ("xgb.skops", Framework.XGBOOST, ("scikit-learn",)),
        ("xgbpipe.skops", Framework.SKLEARN, ("xgboost==3.2.0",)),
        ("lgb.skops", Framework.LIGHTGBM, ("lightgbm>=4", "scikit-learn==1.9.1")),
        ("cat.skops", Framework.CATBOOST, ("scikit-learn",)),
    ],
)
def test_tree_libraries_in_files_of_skops_are_described(
    name: str, framework: Framework, libraries: tuple[str, ...]
) -> None:
    facts = _looked_at(name)
    require_safe(facts)

    assert (facts.framework, facts.file_format, facts.libraries) == (framework, "skops", libraries)
    assert facts.signature.inputs[0].shape == (-1, 3)


def test_own_steps_in_a_file_of_skops_are_allowed_by_a_person_as_in_a_pickle() -> None:
    assert _looked_at("own.skops").unsafe == _OWN
    with pytest.raises(UnsupportedModel, match=r"needs `features.Ratio`"):
        require_safe(_looked_at("own.skops"))
    require_safe(_looked_at("own.skops", frozenset(_OWN)), frozenset(_OWN))
