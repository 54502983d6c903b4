"""Files that pass by their names, and are refused for what they call and keep."""

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import StackingRegressor
from sklearn.linear_model import LinearRegression

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.packaging import inspect_model, require_safe
from kronkers_studio.packaging.byte_reader import ByteReader
from kronkers_studio.packaging.model_files.pickles import allowlist, model_state
from kronkers_studio.packaging.model_files.pickles.pickle_reader import Budget, Findings, Forbidden, PickleReader
from tests.packaging.misuse import MISUSES, Misuse, Place

REFUSED = [misuse for misuse in MISUSES if not misuse.contained]
CONTAINED = [misuse for misuse in MISUSES if misuse.contained]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    secret = tmp_path / "secret.txt"
    secret.write_text("the planted secret", encoding="utf-8")
    return Place(tmp_path / "written.py", secret, 9)


@pytest.mark.parametrize("misuse", REFUSED, ids=lambda misuse: misuse.name)
def test_a_misuse_of_allowed_names_is_refused_with_its_reason_and_leaves_no_trace(misuse: Misuse, place: Place) -> None:
    data = misuse.build(place)

    with pytest.raises(UnsupportedModel) as refusal:
        require_safe(inspect_model("model.pkl", io.BytesIO(data), {}))

    assert "damaged" not in refusal.value.message
    assert refusal.value.next_step.startswith(("Ask where the file comes from; ", "Save only the fitted "))
    assert not place.written.exists()


@pytest.mark.parametrize("misuse", CONTAINED, ids=lambda misuse: misuse.name)
def test_a_misuse_in_the_shape_of_an_honest_model_is_marked_as_contained(misuse: Misuse, place: Place) -> None:
    """When one of these is refused some day, its mark goes."""
    assert inspect_model("model.pkl", io.BytesIO(misuse.build(place)), {}).unsafe == ()


def test_names_alone_do_not_tell_most_misuses(place: Place) -> None:
    """Without the look at calls and attributes, they would pass: their names are those of honest models."""
    by_name = []
    for misuse in MISUSES:
        findings = Findings()
        try:
            PickleReader(ByteReader(io.BytesIO(misuse.build(place)), 1 << 30), findings, Budget()).load()
        except Forbidden:  # by the form of the pickle
            continue
        if not allowlist.outside(findings.globals, findings.called):
            by_name.append(misuse.name)
            assert misuse.contained or model_state.misuse_in(findings.calls)
    assert len(by_name) >= 30


@pytest.mark.parametrize(
    ("thing", "method", "reason"),
    [
        (lambda: np.zeros(3), "predict", "estimators_ of its StackingRegressor holds something that is no estimator"),
        (LinearRegression, "fit", "stack_method_ of its StackingRegressor names “fit”"),
    ],
)
def test_each_of_two_rules_alone_stops_a_call_by_name(thing: Any, method: str, reason: str) -> None:
    stack = StackingRegressor([("a", LinearRegression())])
    stack.estimators_, stack.stack_method_, stack.final_estimator_ = [thing()], [method], LinearRegression()

    with pytest.raises(UnsupportedModel, match=reason):
        inspect_model("model.pkl", io.BytesIO(pickle.dumps(stack)), {})
