"""Whether the tables that a test set names have the columns that a version takes, before anything is run."""

from __future__ import annotations

from kronkers_studio.domain.errors import InvalidInput, InvalidTestSet, NotFound, RowsRefused
from kronkers_studio.domain.expectations import ExpectationSet, OnRows
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import CancelToken
from kronkers_studio.workflows.model_test_runs.findings import Unmeasurable
from kronkers_studio.workflows.model_test_runs.holdouts import column_place, data_reference, read_holdout
from kronkers_studio.workflows.session import Session

_BESIDE = ("truth", "prediction", "slice")
"""Keys of a test that name columns which the model does not take."""


def columns_beside(test_set: ExpectationSet) -> frozenset[str]:
    """The columns that the tests of a set name beside those of the model."""
    named = (getattr(each, key, "") for each in test_set.expectations for key in _BESIDE)
    return frozenset(name for name in named if name)


def check_tables(session: Session, version: ModelVersion, test_set: ExpectationSet, cancel: CancelToken) -> None:
    """Raise ``InvalidTestSet`` where a table of ``test_set`` is not there, or lacks columns that the version takes or
    a test names."""
    beside = columns_beside(test_set)
    holdouts = {}
    for each in test_set.expectations:
        if not isinstance(each, OnRows) or not each.data:
            continue
        try:
            if each.data not in holdouts:
                source = data_reference(each.data, test_set.source)
                holdouts[each.data] = read_holdout(session, source, version, beside, cancel)
            for key in _BESIDE:
                name = getattr(each, key, "")
                if name:
                    column_place(holdouts[each.data].table, name)
        except (RowsRefused, InvalidInput, NotFound, Unmeasurable) as problem:
            file = test_set.source.path.rpartition("/")[2]
            raise InvalidTestSet(
                f"{file} cannot be the test set of {version.name}: {problem.message}",
                next_step=f"Correct what the test “{each.name}” says, or its table, or choose another one.",
            ) from None
