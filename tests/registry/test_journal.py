"""The journal is the truth: replayed it gives the same tables, and no entry can be changed unseen."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlcipher3 import dbapi2

from kronkers_studio.domain.allowances import Allowance
from kronkers_studio.domain.changes import (
    KINDS,
    AliasMoved,
    AuthorityMade,
    BranchMoved,
    Change,
    CommitRecorded,
    CommitsForgotten,
    ConsumerSet,
    DependenciesChosen,
    GatewaySet,
    GlobalsAllowed,
    GlobalsDisallowed,
    KeyChanged,
    MetricsAdded,
    ModelDescribed,
    ModelRegistered,
    ModelTested,
    ModelTestSetChosen,
    PackageBuilt,
    ProfileMade,
    ProjectCreated,
    ReleaseRecorded,
    ServerAdded,
    ServerRemoved,
    SignatureStated,
    SignerForgotten,
    SignerTrusted,
    SourceForgotten,
    SourceRemembered,
    TagMoved,
    Trashed,
    TrashEmptied,
    TrashRestored,
)
from kronkers_studio.domain.content import Commit, SkippedItem, SkipReason
from kronkers_studio.domain.dependencies import DependencyChoice
from kronkers_studio.domain.errors import AlreadyExists, BranchChanged, NotFound, StoreDamaged, StudioError
from kronkers_studio.domain.feature_profiles import (
    FeatureBins,
    FeatureKind,
    FeatureProfile,
    ReferenceProfile,
    TableProfile,
    Unprofiled,
    UnprofiledColumn,
)
from kronkers_studio.domain.gateways import ApiKey, Consumer, ServerGateway
from kronkers_studio.domain.maintenance import KeyEventKind, TrashKind
from kronkers_studio.domain.migration import MigrationOptions, MigrationSource, OnlineOnly
from kronkers_studio.domain.model_tests import ExpectationResult, ModelTestRun, Outcome
from kronkers_studio.domain.models import (
    ContentRef,
    Datatype,
    Framework,
    Layer,
    ModelCard,
    ModelFacts,
    ModelVersion,
    Package,
    Signature,
    StatedSignature,
    Tensor,
)
from kronkers_studio.domain.releases import Release, ReleaseState
from kronkers_studio.domain.servers import Server
from kronkers_studio.registry import Workspace
from kronkers_studio.registry.metadata import statements
from kronkers_studio.registry.metadata.journal import Journal, read_entries
from kronkers_studio.registry.metadata.ledger import Ledger
from kronkers_studio.storage.database import Database
from kronkers_studio.storage.json_form import from_json, from_text, to_json, to_text
from kronkers_studio.storage.migrations import make_tables, upgrade_database
from tests.release_numbers import next_release_number

ALL_KINDS = tuple(KINDS.values())
NOW = datetime(2026, 11, 23, tzinfo=UTC)
KEY = bytes(range(32))
_AGES = FeatureBins("age", FeatureKind.NUMBER, (41.0,), 18.0, 90.0)
_PROFILE = ReferenceProfile(
    TableProfile(9, (FeatureProfile(_AGES, (4, 4, 0, 0, 1), 40.5, 9.25),)),
    ContentRef("p", "1" * 64, "a.csv"),
    NOW,
    "bob",
)
_SAID = Signature((Tensor("x", Datatype.FP32, (-1, 2), ("age", "income")),), (Tensor("y", Datatype.FP32, (-1,)),))

# Few names, so that changes meet: clashes, moves and removals happen often.
IDS = [f"{n:064x}" for n in range(5)]
ODD = "ü–\U0001f600\U0010ffff\udcff"
names = st.sampled_from(["a", "b", ODD])
ids = st.sampled_from(IDS)
trash_ids = st.sampled_from(["t1", "t2", "t3"])
times = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(lambda t: t.replace(tzinfo=UTC))
numbers = st.integers(1, 3)
texts = st.text(max_size=5)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
skipped = st.builds(SkippedItem, texts, st.sampled_from(SkipReason), texts)
refs = st.builds(ContentRef, names, ids, texts)
tensors = st.builds(
    Tensor, texts, st.sampled_from(Datatype), st.lists(st.integers(-1, 9), max_size=2).map(tuple), st.tuples(texts)
)
signatures = st.builds(Signature, st.tuples(tensors), st.tuples(tensors))
facts = st.builds(ModelFacts, st.sampled_from(Framework), texts, texts, signature=signatures, globals=st.tuples(texts))
layers = st.builds(Layer, texts, texts, texts, st.integers(0), texts)
commits = st.builds(
    Commit,
    id=ids,
    project=names,
    parents=st.lists(ids, max_size=2, unique=True).map(tuple),
    tree=ids,
    author=texts,
    created=times,
    message=texts,
    files=st.integers(0),
    size=st.integers(0),
    skipped=st.lists(skipped, max_size=2).map(tuple),
)
metrics = st.dictionaries(texts, st.floats(allow_nan=False), max_size=2)
cards = st.builds(ModelCard, texts, texts, texts, texts)
versions = st.builds(
    ModelVersion,
    name=names,
    version=numbers,
    source=refs,
    facts=facts,
    created=times,
    author=texts,
    metrics=metrics,
    data=st.none() | refs,
    aliases=st.lists(names, max_size=2, unique=True).map(tuple),
    tags=st.lists(texts, max_size=2).map(tuple),
    card=cards,
)
test_results = st.builds(
    ExpectationResult,
    texts,
    texts,
    st.sampled_from(Outcome),
    st.none() | st.floats(allow_nan=False),
    texts,
    texts,
    st.floats(0, 100),
)
test_runs = st.builds(
    ModelTestRun,
    st.uuids().map(str),
    names,
    numbers,
    times,
    texts,
    texts,
    texts,
    texts,
    refs,
    texts,
    st.lists(test_results, max_size=2).map(tuple),
    st.floats(0, 100),
)
choices = st.builds(DependencyChoice, texts, st.lists(texts, max_size=2).map(tuple))
allowances = st.builds(Allowance, st.lists(texts, min_size=1, max_size=2).map(tuple), texts, times, texts)
packages = st.builds(
    Package,
    names,
    names,
    numbers,
    texts,
    texts,
    texts,
    st.lists(layers, max_size=2).map(tuple),
    times,
    st.tuples(texts),
)
feature_profiles = st.builds(
    FeatureProfile,
    st.builds(FeatureBins, texts, st.sampled_from(FeatureKind), categories=st.tuples(texts)),
    st.lists(st.integers(0), max_size=2).map(tuple),
    st.none() | st.floats(allow_nan=False),
)
left_out = st.builds(UnprofiledColumn, texts, st.sampled_from(Unprofiled))
profiles = st.builds(
    ReferenceProfile,
    st.builds(
        TableProfile, st.integers(0), st.tuples(feature_profiles), st.tuples(left_out), st.none() | feature_profiles
    ),
    refs,
    times,
    texts,
)
api_keys = st.builds(ApiKey, texts, texts, times, st.none() | times)
consumers = st.builds(Consumer, names, st.lists(api_keys, max_size=2).map(tuple), numbers, numbers, st.tuples(texts))
gateways = st.builds(ServerGateway, names, names, st.tuples(texts), times, times)
servers = st.builds(Server, names, texts, st.integers(1, 65535), texts, texts, added=st.none() | times)
releases = st.builds(
    Release,
    names,
    names,
    numbers,
    numbers,
    texts,
    st.sampled_from(ReleaseState),
    times,
    times,
    endpoint=st.dictionaries(texts, json_values, max_size=2),
)
options = st.builds(MigrationOptions, st.tuples(texts), st.tuples(texts), st.sampled_from(OnlineOnly), st.booleans())
sources = st.builds(MigrationSource, names, texts, options)
FIELDS: dict[type[Change], tuple[st.SearchStrategy[Any], ...]] = {
    ProjectCreated: (names, times),
    CommitRecorded: (commits, texts),
    BranchMoved: (names, names, ids, st.just("") | ids),
    TagMoved: (names, names, st.just("") | ids, st.just("") | ids, times),
    SourceRemembered: (names, sources),
    SourceForgotten: (names, names),
    ModelRegistered: (versions,),
    ModelDescribed: (names, numbers, texts, st.tuples(texts), cards, times, texts),
    DependenciesChosen: (names, numbers, st.none() | choices, times, texts),
    SignatureStated: (names, numbers, st.none() | signatures, times, texts),
    GlobalsAllowed: (names, numbers, allowances),
    GlobalsDisallowed: (names, numbers, st.tuples(texts), times, texts),
    ProfileMade: (names, numbers, profiles),
    MetricsAdded: (names, numbers, metrics, times, texts),
    ModelTested: (test_runs,),
    ModelTestSetChosen: (names, st.none() | refs, times, texts),
    AliasMoved: (names, names, st.integers(0, 3)),
    PackageBuilt: (packages,),
    ServerAdded: (servers,),
    ServerRemoved: (names,),
    ReleaseRecorded: (releases,),
    Trashed: (trash_ids, st.sampled_from(TrashKind), names, names | numbers.map(str), times, texts),
    TrashRestored: (trash_ids,),
    TrashEmptied: (st.lists(trash_ids, max_size=2).map(tuple), times),
    CommitsForgotten: (st.lists(ids, max_size=3, unique=True).map(tuple),),
    KeyChanged: (times, st.sampled_from(KeyEventKind), texts, texts, texts),
    SignerTrusted: (names, ids, times, texts),
    SignerForgotten: (names, times, texts),
    GatewaySet: (names, st.none() | gateways, times, texts),
    ConsumerSet: (names, st.none() | consumers, times, texts),
    AuthorityMade: (names, texts, times, texts),
}
"""What the fields of each kind of change are drawn from."""
changes = st.one_of([st.builds(kind, *fields) for kind, fields in FIELDS.items()])
FOUNDATION: tuple[Change, ...] = (
    ProjectCreated("a", NOW),
    ProjectCreated("b", NOW),
    CommitRecorded(Commit(IDS[0], "a", (), IDS[0], "ann", NOW, "first", 1, 1)),
    CommitRecorded(Commit(IDS[1], "a", (IDS[0],), IDS[1], "ann", NOW, "second", 2, 2)),
    CommitRecorded(Commit(IDS[2], "b", (), IDS[2], "ann", NOW, "another", 1, 1)),
    *(BranchMoved(project, name, commit, "") for project, commit in (("a", IDS[0]), ("b", IDS[2])) for name in "ab"),
    Trashed("t1", TrashKind.BRANCH, "b", "b", NOW, "ann"),
    TagMoved("a", ODD, IDS[0], "", NOW),
    SourceRemembered("a", MigrationSource("a", "")),
    SourceRemembered("b", MigrationSource("b", "")),
    *(
        ModelRegistered(
            ModelVersion(
                name, 1, ContentRef("a", IDS[0], "m"), ModelFacts(Framework.SKLEARN, "1", "joblib"), NOW, "ann"
            )
        )
        for name in ("a", "b")
    ),
    AliasMoved("a", "a", 1),
    PackageBuilt(Package("a", "a", 1, "linux/amd64", "3.11", "", (), NOW)),
    ServerAdded(Server("a", "10.0.0.2", 22, "ops", "ssh-ed25519 AAAA", added=NOW)),
    ReleaseRecorded(Release("a", "a", 1, 1, "a", ReleaseState.STOPPED, NOW, NOW)),
)
"""What is there before anything is drawn, under the names that are drawn: in empty tables most changes are refused."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    opened = Database(tmp_path_factory.mktemp("journal") / "metadata.db", KEY, durable=False)
    upgrade_database(opened)
    yield opened
    opened.close()


def _emptied(database: Database) -> Database:
    with database.write() as connection:
        for table in reversed((*statements.JOURNALED, statements.JOURNAL)):
            statements.delete(connection, table)
    return database


def _founded(database: Database) -> tuple[Journal, Ledger]:
    journal = Journal(KEY)
    ledger = Ledger(_emptied(database), journal)
    ledger.record(*FOUNDATION, author="ann")
    return journal, ledger


def _from_where_it_is(database: Database, change: Change) -> Change:
    """A move of a branch or tag from where it is now: drawn blindly, almost every one would be refused."""
    with database.read() as connection:
        if isinstance(change, BranchMoved):
            found = statements.select(connection, statements.BRANCHES, project=change.project, name=change.branch)
            return dataclasses.replace(change, previous=found[0]["head"] if found else "")
        if isinstance(change, TagMoved):
            found = statements.select(connection, statements.TAGS, project=change.project, name=change.tag)
            return dataclasses.replace(change, previous=found[0]["commit"] if found else "")
    return change


def _all_tables(connection: dbapi2.Connection) -> dict[str, list[tuple[object, ...]]]:
    return {table.name: statements.rows(connection, table) for table in (*statements.JOURNALED, statements.JOURNAL)}


def _replayed(database: Database, journal: Journal) -> dict[str, list[tuple[object, ...]]]:
    with contextlib.closing(dbapi2.connect(":memory:", isolation_level=None)) as replica:
        make_tables(replica)
        with database.read() as connection:
            journal.replay(read_entries(connection), replica)
        return _all_tables(replica)


@given(st.lists(changes, min_size=15, max_size=40), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_replaying_the_journal_gives_the_same_tables(
    database: Database, recorded: list[Change], chance: random.Random
) -> None:
    """Seen to fail with ``_project_created`` writing the time of day, and with ``trashed`` doing so."""
    journal, ledger = _founded(database)
    accepted = len(FOUNDATION)
    while recorded:
        together, recorded = recorded[: (size := chance.choice((1, 1, 1, 2, 3)))], recorded[size:]
        with contextlib.suppress(StudioError):  # what the tables do not admit is refused, and leaves no trace
            if chance.random() < 0.7:
                together = [_from_where_it_is(database, change) for change in together]
            ledger.record(*together, author="ann")
            accepted += len(together)
    ledger.verify()
    assert len(ledger.entries()) == accepted
    with database.read() as connection:
        assert _replayed(database, journal) == _all_tables(connection)


@pytest.mark.parametrize("kind", ALL_KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_change_is_drawn_so_that_it_is_accepted(database: Database, kind: type[Change]) -> None:
    """Else the property above holds for want of changes. Seen to fail, for eleven kinds, without ``FOUNDATION``."""
    _journal, ledger = _founded(database)
    accepted = False

    @settings(max_examples=300, derandomize=True, database=None, deadline=None)
    @given(st.builds(kind, *FIELDS[kind]))
    def record(change: Change) -> None:
        nonlocal accepted
        if not accepted:
            with contextlib.suppress(StudioError):
                ledger.record(_from_where_it_is(database, change), author="ann")
                accepted = True

    record()
    assert accepted


def test_the_property_test_knows_every_kind_of_change() -> None:
    """A new kind must be added to ``FIELDS`` above and to the appliers; a new field to its kind.

    Seen to fail with ``TrashEmptied`` taken out of ``FIELDS``, with a field added to ``Trashed``, and with an applier
    left out.
    """
    from kronkers_studio.registry.metadata import projection

    assert set(ALL_KINDS) == set(FIELDS) == set(projection._APPLIERS)
    drawn = {kind.__name__: len(fields) for kind, fields in FIELDS.items()}
    assert drawn == {kind.__name__: len(dataclasses.fields(kind)) for kind in ALL_KINDS}


def test_the_tables_of_plain_statements_are_those_of_the_schema() -> None:
    """Seen to fail with a column left out, and with one table listed after another that refers to it."""
    from kronkers_studio.storage import tables

    ours = {table.name: table for table in vars(statements).values() if isinstance(table, statements.Table)}
    journaled = [table.name for table in statements.JOURNALED]
    assert sorted(ours) == sorted([*journaled, "journal", "packs", "objects"])
    for table in tables.metadata.sorted_tables:
        needed = {key.column.table.name for key in table.foreign_keys} - {table.name}
        assert table.name not in journaled or needed <= set(journaled[: journaled.index(table.name)])
    assert {name: (table.keys, set(table.others)) for name, table in ours.items()} == {
        table.name: (
            tuple(column.name for column in table.primary_key),
            {column.name for column in table.columns if not column.primary_key},
        )
        for table in tables.metadata.sorted_tables
    }


def test_no_column_but_those_of_the_table_can_be_named(workspace: Workspace) -> None:
    """Seen to fail with ``_own`` letting every name through."""
    evil: dict[str, Any] = {'name" = name --': "x"}
    with workspace.database.read() as connection:
        for statement in (statements.insert, statements.put):
            with pytest.raises(KeyError, match="no column"):
                statement(connection, statements.SERVERS, evil)
        with pytest.raises(KeyError, match="no column"):
            statements.update(connection, statements.SERVERS, evil, name="x")
        with pytest.raises(KeyError, match="no column"):
            statements.update(connection, statements.SERVERS, {"document": "{}"}, **evil)
        for question in (statements.delete, statements.select, statements.has):
            with pytest.raises(KeyError, match="no column"):
                question(connection, statements.SERVERS, **evil)
        with pytest.raises(KeyError, match="no column"):
            statements.select(connection, statements.SERVERS, order=tuple(evil))


_RESULT = ExpectationResult("accurate", "metric", Outcome.FAILED, 0.87, "at least 0.9", "It is 0.87.", 0.5)
_TESTS = ContentRef("p", IDS[3], "churn.tests.yaml")
_RUNS = [
    ModelTestRun(id, "churn", 1, NOW + timedelta(hours=hour), "bob", "office", "sha256:1", "s", _TESTS, "d", (_RESULT,))
    for hour, id in enumerate("ab")
]


def a_story() -> list[Change]:
    """Changes of every kind that follow from each other."""
    first = Commit("1" * 64, "p", (), "a" * 64, "ann", NOW, "first", 3, 100)
    second = Commit("2" * 64, "p", (first.id,), "b" * 64, "ann", NOW, "second", 4, 200)
    version = ModelVersion(
        "churn",
        1,
        ContentRef("p", first.id, "model.joblib"),
        ModelFacts(Framework.SKLEARN, "1.9.1", "joblib"),
        NOW,
        "ann",
        metrics={"auc": 0.9, "loss": math.nan},
        aliases=("candidate",),
    )
    package = Package("sha256:1", "churn", 1, "linux/amd64", "3.11", "", (), NOW)
    server = Server("office", "10.0.0.2", 22, "ops", "ssh-ed25519 AAAA", added=NOW)
    release = Release("churn", "office", 1, 1, "sha256:1", ReleaseState.LIVE, NOW, NOW, endpoint={"port": 1})
    return [
        ProjectCreated("p", NOW),
        CommitRecorded(first, "/home/ann/OneDrive"),
        BranchMoved("p", "main", first.id, ""),
        CommitRecorded(second),
        BranchMoved("p", "main", second.id, first.id),
        TagMoved("p", "try", first.id, "", NOW),
        TagMoved("p", "try", second.id, first.id, NOW),
        TagMoved("p", "try", "", second.id, NOW),
        ModelRegistered(version),
        AliasMoved("churn", "champion", 1),
        AliasMoved("churn", "candidate", 0),
        PackageBuilt(package),
        ServerAdded(server),
        ReleaseRecorded(release),
        ServerRemoved("office"),
        BranchMoved("p", "old", first.id, ""),
        Trashed("t1", TrashKind.BRANCH, "p", "old", NOW, "ann"),
        TrashRestored("t1"),
        Trashed("t2", TrashKind.BRANCH, "p", "old", NOW, "ann"),
        TrashEmptied(("t2",), NOW),
        CommitsForgotten(()),
        KeyChanged(NOW, KeyEventKind.DRILLED, "1234", "recovery", "ann"),
        SignerTrusted("headquarters", IDS[1], NOW, "ann"),
        SignerTrusted("otto", IDS[2], NOW, "ann"),
        SignerForgotten("otto", NOW, "ann"),
        GatewaySet("office", ServerGateway("office", "production", ("10.0.0.2",), NOW, NOW), NOW, "ann"),
        GatewaySet("office", None, NOW, "ann"),
        ConsumerSet("shop", Consumer("shop", (ApiKey("0" * 64, "kst_12345678", NOW),)), NOW, "ann"),
        AuthorityMade("consumers", "-----BEGIN CERTIFICATE-----", NOW, "ann"),
        SourceRemembered("p", MigrationSource("/home/ann/OneDrive", "", MigrationOptions(exclude=("*.tmp",)))),
        SourceRemembered("p", MigrationSource("/home/ann/Shared", "Shared")),
        SourceForgotten("p", "/home/ann/OneDrive"),
        ModelDescribed("churn", 1, "who leaves", ("eu",), ModelCard(limits="adults only"), NOW, "bob"),
        DependenciesChosen("churn", 1, DependencyChoice("3.12", ("pandas==2.2.1",)), NOW, "bob"),
        GlobalsAllowed("churn", 1, Allowance(("features.Ratio", "features.Sum"), "ours", NOW, "bob")),
        GlobalsAllowed("churn", 1, Allowance(("features.Sum",), "reviewed", NOW, "eve")),
        GlobalsDisallowed("churn", 1, ("features.Ratio",), NOW, "bob"),
        SignatureStated("churn", 1, _SAID, NOW, "bob"),
        SignatureStated("churn", 1, None, NOW, "bob"),
        SignatureStated("churn", 1, _SAID, NOW, "eve"),
        MetricsAdded("churn", 1, {"auc": 0.8, "recall": 0.7}, NOW, "bob"),
        ProfileMade("churn", 1, ReferenceProfile(TableProfile(2, ()), ContentRef("p", first.id, "a.csv"), NOW, "ann")),
        ProfileMade("churn", 1, _PROFILE),
        *(ModelTested(run) for run in _RUNS),
        ModelTestSetChosen("churn", ContentRef("p", "", "churn.tests.yaml"), NOW, "bob"),
    ]


def test_a_story_of_every_kind_is_recorded_replayed_and_answered(workspace: Workspace) -> None:
    story = a_story()
    workspace.ledger.record(*story, author="ann")
    ledger = workspace.ledger
    assert {type(change) for change in story} == set(KINDS.values())
    assert _replayed(workspace.database, Journal(b"x" * 32))["projects"] == [
        ("p", "2026-11-23T00:00:00.000000+00:00", "/home/ann/OneDrive", 0)
    ]
    assert ledger.model_names() == ["churn"] and ledger.next_version("churn") == 2 and ledger.next_version("new") == 1
    assert ledger.model_version("churn").aliases == ("champion",)
    assert ledger.model_version("churn", alias="champion").version == 1
    described = ledger.model_version("churn")
    assert described.dependencies == DependencyChoice("3.12", ("pandas==2.2.1",))
    assert described.stated == StatedSignature(_SAID, NOW, "eve") and described.signature == _SAID
    assert described.allowances == (Allowance(("features.Sum",), "reviewed", NOW, "eve"),)
    assert (described.description, described.tags, described.card) == (
        "who leaves",
        ("eu",),
        ModelCard(limits="adults only"),
    )
    assert {name: described.metrics[name] for name in ("auc", "recall")} == {"auc": 0.8, "recall": 0.7}
    assert [package.digest for package in ledger.packages("churn", 1)] == ["sha256:1"]
    live = ledger.live_release("churn", "office")
    assert live is not None and live.endpoint == {"port": 1} and next_release_number(ledger, "churn", "office") == 2
    assert ledger.live_release("churn", "elsewhere") is None and ledger.servers() == []
    assert [(signer.name, signer.key) for signer in ledger.trusted_signers()] == [("headquarters", IDS[1])]
    assert ledger.profile("churn", 1) == _PROFILE and ledger.profile("churn", 2) is None
    assert ledger.model_test_runs("churn", 1) == _RUNS[::-1] and ledger.model_test_runs("churn", limit=1) == _RUNS[1:]
    assert ledger.model_test_runs("churn", 2) == [] and ledger.chosen_test_set("other") is None
    assert ledger.chosen_test_set("churn") == ContentRef("p", "", "churn.tests.yaml")
    assert ledger.sources("p") == [MigrationSource("/home/ann/Shared", "Shared")] and ledger.sources("q") == []
    assert [entry.number for entry in ledger.entries(after=3, limit=2)] == [4, 5]
    for missing in (
        lambda: ledger.model_version("churn", 7),
        lambda: ledger.model_version("churn", alias="candidate"),
        lambda: ledger.model_versions("new"),
        lambda: ledger.server("office"),
    ):
        with pytest.raises(NotFound):
            missing()


def test_a_release_that_changes_keeps_its_number_and_newer_ones_come_first(workspace: Workspace) -> None:
    workspace.ledger.record(*a_story()[:16], author="ann")
    old = workspace.ledger.releases()[0]
    later = NOW + timedelta(hours=1)
    standby = Release(**{**_fields(old), "state": ReleaseState.STANDBY, "changed": later})
    newer = Release(**{**_fields(old), "number": 2, "created": later})
    workspace.ledger.record(ReleaseRecorded(standby), ReleaseRecorded(newer), author="ann")
    assert workspace.ledger.releases("churn", "office") == [newer, standby]
    assert workspace.ledger.live_release("churn", "office") == newer


def _fields(release: Release) -> dict[str, Any]:
    return {name: getattr(release, name) for name in Release.__slots__}


def test_refused_changes_leave_nothing_behind(workspace: Workspace) -> None:
    story = a_story()
    workspace.ledger.record(*story[:14], author="ann")
    before = workspace.ledger.entries()
    for refused, error in (
        (story[0], AlreadyExists),
        (story[1], AlreadyExists),
        (story[8], AlreadyExists),
        (story[12], AlreadyExists),
        (AliasMoved("churn", "x", 9), NotFound),
        (ServerRemoved("nope"), NotFound),
        (BranchMoved("q", "main", "1" * 64, ""), NotFound),
        (BranchMoved("p", "main", "1" * 64, "1" * 64), BranchChanged),
        (TagMoved("p", "main", "1" * 64, "", NOW), AlreadyExists),
        (TagMoved("p", "nope", "", "1" * 64, NOW), NotFound),
        (TagMoved("p", "new", "1" * 64, "2" * 64, NOW), BranchChanged),
    ):
        with pytest.raises(error):
            workspace.ledger.record(ProjectCreated("half", NOW), refused, author="ann")
    assert workspace.ledger.entries() == before
    assert [project.name for project in workspace.content.projects()] == ["p"]


@pytest.mark.parametrize("column", ["at", "author", "kind", "change", "hash"])
@pytest.mark.parametrize("number", [1, 6, 12])
def test_a_changed_entry_is_found(workspace: Workspace, column: str, number: int) -> None:
    """Seen to fail with ``_chain`` leaving out the author."""
    workspace.ledger.record(*a_story(), author="ann")
    workspace.ledger.verify()
    new = {
        "at": "2020-01-01T00:00:00+00:00",
        "author": "mallory",
        "kind": "Something",
        "change": '{"name":"other"}',
        "hash": "0" * 64,
    }
    with workspace.database.write() as connection:
        statements.update(connection, statements.JOURNAL, {column: new[column]}, number=number)
    with pytest.raises(StoreDamaged, match=f"Entry {number} "):
        workspace.ledger.verify()
    assert not workspace.content.check().healthy


def test_removed_and_exchanged_entries_are_found(workspace: Workspace) -> None:
    workspace.ledger.record(*a_story(), author="ann")
    with workspace.database.write() as connection:
        statements.delete(connection, statements.JOURNAL, number=5)
    with pytest.raises(StoreDamaged, match="Entry 5 "):
        workspace.ledger.verify()


def test_tables_that_differ_from_the_journal_are_found(workspace: Workspace) -> None:
    workspace.ledger.record(*a_story(), author="ann")
    with workspace.database.write() as connection:
        statements.update(connection, statements.ALIASES, {"alias": "something else"})
    assert any("aliases" in problem for problem in workspace.content.check().problems)


@given(changes)
@settings(max_examples=200, deadline=None)
def test_every_change_survives_its_json_form(change: Change) -> None:
    assert from_json(type(change), to_json(change)) == change
    text = to_text(change)
    assert from_text(type(change), text) == change and to_text(from_text(type(change), text)) == text
    assert text.isascii()


def test_entries_from_before_a_field_existed_can_be_read() -> None:
    document = to_json(Server("a", "h", 22, "u", "k"))
    del document["identity_file"]
    assert from_json(Server, document) == Server("a", "h", 22, "u", "k")
    wrong_ones: list[Any] = [{**document, "new": 1}, {**document, "port": "22"}, {**document, "port": True}, [], {}]
    for wrong in wrong_ones:
        with pytest.raises(ValueError, match=r"."):
            from_json(Server, wrong)
    with pytest.raises(ValueError, match="time zone"):
        to_json(datetime(2026, 1, 1))


def test_two_windows_never_give_one_number_twice(directory: Path, key_file: Path) -> None:
    import threading

    from kronkers_studio.registry import open_workspace
    from kronkers_studio.storage.keys import Unlock

    failures: list[BaseException] = []

    def record(window: int) -> None:
        try:
            with open_workspace(directory, Unlock(key_file=key_file)) as mine:
                for number in range(15):
                    mine.ledger.record(ProjectCreated(f"{window}-{number}", NOW), author="ann")
        except BaseException as error:  # noqa: BLE001  # shown below
            failures.append(error)

    threads = [threading.Thread(target=record, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with open_workspace(directory, Unlock(key_file=key_file)) as opened:
        opened.ledger.verify()
        assert len(opened.ledger.entries()) == 60


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"name": 1}', "[" * 100_000, '{"name": "x", "created": 5}'])
def test_a_record_that_somebody_wrote_otherwise_is_damage_and_no_crash(text: str) -> None:
    with pytest.raises(StoreDamaged, match="of another form"):
        from_text(Server, text)
