"""A version's reference profile goes into the trash and comes back with it, and a foreign one is damage."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kronkers_studio.domain.changes import CommitRecorded, ModelRegistered, ProfileMade, ProjectCreated
from kronkers_studio.domain.content import Commit
from kronkers_studio.domain.errors import NotFound, StoreDamaged
from kronkers_studio.domain.feature_profiles import (
    LARGEST_COUNT,
    MOST_BINS,
    FeatureBins,
    FeatureKind,
    FeatureProfile,
    ReferenceProfile,
    TableProfile,
    flaw_of,
)
from kronkers_studio.domain.maintenance import TrashKind
from kronkers_studio.domain.models import ContentRef, Framework, ModelFacts, ModelVersion
from kronkers_studio.registry import Workspace
from kronkers_studio.registry.metadata import statements
from kronkers_studio.storage.json_form import to_text

NOW = datetime(2026, 12, 1, tzinfo=UTC)
SOURCE = ContentRef("p", "1" * 64, "train.csv")
AGE = FeatureProfile(FeatureBins("age", FeatureKind.NUMBER, (30.0, 40.0), 18.0, 90.0), (3, 3, 3, 0, 0, 1), 40.0, 9.0)
TOWN = FeatureProfile(FeatureBins("town", FeatureKind.CATEGORY, categories=("Graz",), rare=("Linz",)), (8, 1, 0, 1))
PROFILE = ReferenceProfile(TableProfile(10, (AGE, TOWN)), SOURCE, NOW, "ann")


@pytest.fixture
def churn(workspace: Workspace) -> Workspace:
    commit = Commit("1" * 64, "p", (), "a" * 64, "ann", NOW, "first", 1, 1)
    facts = ModelFacts(Framework.SKLEARN, "1.9.1", "joblib")
    version = ModelVersion("churn", 1, ContentRef("p", commit.id, "m"), facts, NOW, "ann")
    workspace.ledger.record(ProjectCreated("p", NOW), CommitRecorded(commit), ModelRegistered(version), author="ann")
    return workspace


def test_a_profile_is_kept_replaced_and_follows_its_version(churn: Workspace) -> None:
    """Seen to fail with the table left out of what a model's removal takes."""
    ledger = churn.ledger
    assert ledger.profile("churn", 1) is None
    ledger.record(ProfileMade("churn", 1, PROFILE), author="ann")
    newer = replace(PROFILE, table=TableProfile(11, (AGE,)))
    ledger.record(ProfileMade("churn", 1, newer), author="ann")
    assert ledger.profile("churn", 1) == newer
    with pytest.raises(NotFound):
        ledger.record(ProfileMade("churn", 2, PROFILE), author="ann")
    churn.trash.put(TrashKind.MODEL, "churn", "1", author="ann")
    assert ledger.profile("churn", 1) is None
    (item,) = churn.trash.items()
    churn.trash.restore(item.id, author="ann")
    assert ledger.profile("churn", 1) == newer


def test_what_lay_in_the_trash_before_there_were_profiles_comes_back(churn: Workspace) -> None:
    """Seen to fail with the document's tables taken for granted."""
    churn.trash.put(TrashKind.MODEL, "churn", "1", author="ann")
    with churn.database.write() as connection:
        ((document,),) = connection.execute("SELECT document FROM trash").fetchall()
        older = {name: rows for name, rows in json.loads(document).items() if name != "model_profiles"}
        assert len(older) == len(json.loads(document)) - 1
        connection.execute("UPDATE trash SET document = ?", (json.dumps(older),))
    (item,) = churn.trash.items()
    churn.trash.restore(item.id, author="ann")
    assert churn.ledger.model_version("churn").version == 1


def _of(one: FeatureProfile, **changed: object) -> TableProfile:
    bins = {name: value for name, value in changed.items() if name not in ("counts", "mean")}
    rest = {name: value for name, value in changed.items() if name in ("counts", "mean")}
    return TableProfile(10, (replace(one, bins=replace(one.bins, **bins), **rest),))  # type: ignore[arg-type]


FOREIGN = {
    "no rows": TableProfile(0, (AGE,)),
    "rows beyond all": TableProfile(LARGEST_COUNT + 1, (AGE,)),
    "two of one name": TableProfile(10, (AGE, AGE)),
    "too many bins": TableProfile(10, tuple(_of(AGE, name=f"f{n}").features[0] for n in range(MOST_BINS // 6 + 10))),
    "counts of other bins": _of(AGE, counts=(1, 2)),
    "negative counts": _of(AGE, counts=(-1, 3, 3, 0, 0, 1)),
    "cuts that fall": _of(AGE, cuts=(40.0, 30.0)),
    "a cut without end": _of(AGE, cuts=(30.0, float("inf"))),
    "no number": _of(AGE, mean=float("nan")),
    "least above greatest": _of(AGE, least=91.0),
    "a name of a column without end": _of(AGE, name="x" * 201),
    "a name of a column that is no text": _of(AGE, name="\udcff"),
    "a category twice": _of(TOWN, rare=("Graz",)),
    "an endless category": _of(TOWN, rare=("x" * 101,)),
    "a category of half a character": _of(TOWN, rare=("\ud800",)),
    "too many categories": _of(TOWN, categories=tuple(map(str, range(51))), counts=(1,) * 54),
    "cuts of a category": _of(TOWN, cuts=(1.0,)),
    "categories of a number": _of(AGE, rare=("x",)),
    "truth values of another name": _of(TOWN, kind=FeatureKind.TRUTH, rare=(), counts=(5, 5)),
}


@pytest.mark.parametrize("foreign", FOREIGN.values(), ids=FOREIGN)
def test_a_profile_that_nobody_made_here_is_damage(churn: Workspace, foreign: TableProfile) -> None:
    """Seen to fail with the checks of ``_flaw_of_feature`` taken out."""
    assert not flaw_of(PROFILE.table) and flaw_of(foreign)
    with churn.database.write() as connection:
        row = {"model": "churn", "version": 1, "document": to_text(replace(PROFILE, table=foreign))}
        statements.put(connection, statements.MODEL_PROFILES, row)
    with pytest.raises(StoreDamaged):
        churn.ledger.profile("churn", 1)
