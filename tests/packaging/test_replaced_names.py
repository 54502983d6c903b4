"""Names that services replace: honest models pass, and what misuses the same names is refused on both sides."""

from __future__ import annotations

import functools
import io
import pickle
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import Ridge
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_array

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.packaging import inspect_model, require_safe
from kronkers_studio.packaging.recorded_facts import checked_facts
from kronkers_studio.serving.frameworks.scikit_learn.replaced_names import CheckOfNumbers, DrawnFrom
from kronkers_studio.serving.frameworks.scikit_learn.unpickling import load_pickle
from kronkers_studio.serving.problems import CannotStart
from tests.packaging.misuse import Made, Named, pickled

FEATURES = np.arange(24.0).reshape(12, 2)


def searched(distribution: Any) -> Any:
    return RandomizedSearchCV(Ridge(), {"alpha": distribution}, n_iter=2, cv=2, random_state=0).fit(
        FEATURES, FEATURES[:, 0]
    )


def accepted(data: bytes) -> frozenset[str]:
    facts = checked_facts(inspect_model("model.pkl", io.BytesIO(data), {}))
    require_safe(facts)
    return frozenset(facts.globals)


@pytest.mark.parametrize("distribution", [stats.randint(1, 9), stats.uniform(0.1, 1), stats.loguniform(0.1, 1)])
def test_a_search_over_a_distribution_is_accepted_and_the_distribution_is_never_made(distribution: Any) -> None:
    model = searched(distribution)
    data = pickle.dumps(model)

    allowed = accepted(data)
    loaded = load_pickle(io.BytesIO(data), allowed)

    assert not any(name.startswith(("scipy.stats", "builtins.getattr")) for name in allowed)
    assert type(loaded.param_distributions["alpha"]) is DrawnFrom
    np.testing.assert_array_equal(loaded.predict(FEATURES), model.predict(FEATURES))


def test_a_check_of_numbers_is_accepted_and_does_what_it_did() -> None:
    check = functools.partial(check_array, dtype=[np.float64], ensure_all_finite=False)
    model = make_pipeline(FunctionTransformer(check), Ridge()).fit(FEATURES, FEATURES[:, 0])
    data = pickle.dumps(model)

    loaded = load_pickle(io.BytesIO(data), accepted(data))

    assert isinstance(loaded.steps[0][1].func, CheckOfNumbers)
    np.testing.assert_array_equal(loaded.predict(FEATURES), model.predict(FEATURES))


def _holding(value: Any) -> bytes:
    model = searched(stats.randint(1, 9))
    model.cv_results_ = {"params": value}
    return pickled(model)


def _partial(function: Named, *state: Any) -> Made:
    return Made(Named("functools", "partial"), (function,), (function, *state))


_CHECK = Named("sklearn.utils.validation", "check_array")


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (Made(Named("builtins", "getattr"), (Ridge(), "fit")), "builtins.getattr"),
        (Made(Named("builtins", "getattr"), (Named("numpy", "ndarray"), "tofile")), "builtins.getattr"),
        (_partial(Named("os", "system"), (), {}, None), "functools.partial"),
        (_partial(_CHECK, ("x",), {}, None), "functools.partial"),
        (_partial(_CHECK, (), {"estimator": "x"}, None), "functools.partial"),
        (_partial(_CHECK, (), {"dtype": "x"}, None), "functools.partial"),
        (Made(Named("functools", "partial"), (_CHECK,)), "functools.partial"),
    ],
)
def test_one_other_use_of_a_replaced_name_and_the_file_is_refused(value: Any, named: str) -> None:
    data = _holding(value)

    with pytest.raises(UnsupportedModel, match="would run") as refusal:
        inspect_model("model.pkl", io.BytesIO(data), {})

    assert named in (refusal.value.details or "")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (Made(Named("builtins", "getattr"), (Ridge(), "fit")), "asks for a part of an object by its name"),
        (_partial(Named("builtins", "print"), (), {}, None), "prepares a call that no model needs"),
        (_partial(_CHECK, ("x",), {}, None), "prepares a call that no model needs"),
        (_partial(_CHECK, (), {"estimator": "x"}, None), "prepares a call that no model needs"),
    ],
)
def test_a_service_itself_refuses_them_too(value: Any, reason: str) -> None:
    """Whatever the list of its package says: all that the file names is on it here."""
    honest = _holding({})
    every = accepted(honest) | {"builtins.print", "sklearn.utils.validation.check_array"}
    load_pickle(io.BytesIO(honest), every)

    with pytest.raises(CannotStart, match=reason):
        load_pickle(io.BytesIO(_holding(value)), every)


def test_the_state_of_a_distribution_is_thrown_away(tmp_path: Any) -> None:
    """scipy itself would run the source text in it."""
    written = tmp_path / "written"
    state = {
        "dist": Made(Named("scipy.stats._continuous_distns", "uniform_gen"), (), {"_parse_arg_template": str(written)})
    }
    data = _holding(Made(Named("scipy.stats._distn_infrastructure", "rv_continuous_frozen"), (), state))

    loaded = load_pickle(io.BytesIO(data), accepted(data))

    assert vars(loaded.cv_results_["params"]) == {}
    assert not written.exists()


def test_where_estimators_belong_a_distribution_is_none() -> None:
    model = searched(stats.uniform(0.1, 1))
    model.best_estimator_ = Made(Named("scipy.stats._continuous_distns", "uniform_gen"))

    with pytest.raises(UnsupportedModel, match="holds something that is no estimator"):
        inspect_model("model.pkl", io.BytesIO(pickled(model)), {})
