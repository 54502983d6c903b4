"""A version's reference profile from its training data to the package, and what came in beside it."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.linear_model import LinearRegression

from kronkers_studio.domain.changes import ProfileMade
from kronkers_studio.domain.errors import InvalidInput, NotFound, ServiceUnavailable
from kronkers_studio.domain.feature_profiles import ReferenceProfile, bins_document
from kronkers_studio.domain.models import ContentRef, Datatype, Signature, Tensor
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.domain.series import Metric
from kronkers_studio.formats.table_reading import TableReader
from kronkers_studio.packaging.composition import _model_entries, _model_files
from kronkers_studio.packaging.tar_stream import tar_stream
from kronkers_studio.workflows.feature_counts import features_seen
from kronkers_studio.workflows.feature_profiles import (
    make_profile,
    packaged_bins,
    profile_question,
    profile_registered,
    read_profile,
)
from kronkers_studio.workflows.metrics import LiveFeed
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import open_model, register_model
from kronkers_studio.workflows.releases import predict
from kronkers_studio.workflows.session import Session
from tests.cli.shell import Shell
from tests.serving.model_folders import WINE_COLUMNS, running, wine_classifier, wine_folder, wine_rows
from tests.serving.statistics_beside import statistics_beside
from tests.serving.test_feature_counts import wine_table
from tests.workflows.test_hostile_services import record_live

INPUTS = (Tensor("input", Datatype.FP64, (-1, 13), WINE_COLUMNS),)


@pytest.fixture
def wine(session: Session, tmp_path: Path) -> Session:
    """A project with a model and its data, which has names of its own for one column, a text and a date."""
    folder = tmp_path / "folder"
    folder.mkdir()
    joblib.dump(wine_classifier(), folder / "wine.joblib")
    (folder / "train.csv").write_bytes(wine_table())
    (folder / "other.csv").write_bytes(b"when,what\n2026-01-01,a\n2026-01-02,b\n")
    (folder / "empty.csv").write_bytes(b"")
    (folder / "note.txt").write_bytes(b"none")
    migrate_folder(session, folder, "p")
    return session


def data(path: str = "train.csv") -> ContentRef:
    return ContentRef("p", "", path)


def test_registering_with_data_makes_the_profile_and_a_package_holds_its_bins(wine: Session) -> None:
    """Seen to fail with the file left out of model.json."""
    version = register_model(wine, "p", "wine.joblib", data=data())
    assert profile_registered(wine, version, target="kind") is None
    found = read_profile(wine, "wine").profile
    assert found is not None and found.data == version.data and found.author == wine.author
    assert (found.table.rows, found.table.target) == (178, "kind")
    assert [one.bins.name for one in found.table.features] == [str(n + 1) for n in range(13)]  # it knows no names
    assert [one.shown for one in found.table.features] == list(WINE_COLUMNS)
    bins = packaged_bins(wine, version)
    assert bins is not None

    def entries(statistics: bytes | None) -> bytes:
        files = _model_files(version, open_model(wine, version), None, None)
        return b"".join(
            tar_stream(_model_entries(version, files, {name: hashlib.sha256() for name in files}, statistics))
        )

    assert entries(bins) == entries(bins)
    with tarfile.open(fileobj=io.BytesIO(entries(bins))) as layer:
        names = [name.rpartition("/")[2] for name in layer.getnames() if "." in name]
        assert names == ["model.joblib", "statistics.json", "model.json"]
        described = json.load(layer.extractfile("opt/kronkers/model/model.json"))  # type: ignore[arg-type]
        assert described["statistics"] == found.digest
    with tarfile.open(fileobj=io.BytesIO(entries(None))) as layer:
        assert not any(name.endswith("statistics.json") for name in layer.getnames())


def test_a_profile_that_cannot_be_made_is_no_reason_not_to_register(wine: Session) -> None:
    version = register_model(wine, "p", "wine.joblib", data=data("other.csv"))
    problem = profile_registered(wine, version)
    assert isinstance(problem, InvalidInput) and "13" in problem.message
    assert read_profile(wine, "wine").profile is None and packaged_bins(wine, version) is None
    made = make_profile(wine, ("wine", None, None), data=data(), target="kind")
    assert made.profile is not None and made.profile.table.target == "kind"
    again = make_profile(wine, ("wine", None, None), target="kind")
    assert again.profile is not None and again.profile.data == made.profile.data
    assert again.profile.digest == made.profile.digest


def test_the_answers_profiled_are_those_that_a_service_counts(wine: Session) -> None:
    """One for each row: not several numbers, and not the probabilities, which may come first. Seen to fail with the
    first output taken, whatever it is."""
    label = Tensor("label", Datatype.BYTES, (-1,))
    several = Tensor("probabilities", Datatype.FP32, (-1, 3), ("0", "1", "2"))
    question = profile_question(Signature(INPUTS, (several, label)))
    assert question is not None and (question.answer, question.classes) == ("BYTES", ("0", "1", "2"))
    without = profile_question(Signature(INPUTS, (several,)))
    assert without is not None and without.answer == ""


def test_a_model_of_several_answers_for_each_row_has_a_profile_without_them(session: Session, tmp_path: Path) -> None:
    """Its service counts none. Seen to fail with those of the column that was named."""
    wine, kinds = load_wine(return_X_y=True)
    joblib.dump(LinearRegression().fit(wine, np.column_stack([kinds, -kinds])), tmp_path / "two.joblib")
    (tmp_path / "train.csv").write_bytes(wine_table())
    migrate_folder(session, tmp_path, "p")
    version = register_model(session, "p", "two.joblib", data=data())
    assert version.signature.outputs[0].shape == (-1, 2)
    made = make_profile(session, (version.name, None, None), target="kind").profile
    assert made is not None and len(made.table.features) == 13
    assert (made.table.answers, made.table.target) == (None, "")


@pytest.mark.parametrize("path", ["other.csv", "empty.csv", "note.txt", "nothing.csv", "wine.joblib"])
def test_what_is_no_table_of_the_model_is_told(wine: Session, path: str) -> None:
    register_model(wine, "p", "wine.joblib")
    with pytest.raises((InvalidInput, NotFound)):
        make_profile(wine, ("wine", None, None), data=data(path))
    with pytest.raises(InvalidInput, match="names no data"):
        make_profile(wine, ("wine", None, None))


@pytest.fixture(scope="module")
def profile() -> ReferenceProfile:
    """Of the wine data, by the names of their columns."""
    question = profile_question(Signature(INPUTS, (Tensor("label", Datatype.INT64, (-1,)),)))
    assert question is not None and question.named
    with closing(TableReader()) as tables:
        table = tables.profile("train.csv", io.BytesIO(wine_table()), question)
    return ReferenceProfile(table, ContentRef("p", "c", "train.csv"), datetime(2026, 12, 1, tzinfo=UTC), "ada")


def test_what_comes_in_is_told_beside_the_reference_and_kept(
    session: Session, profile: ReferenceProfile, tmp_path: Path
) -> None:
    """Seen to fail with the digest not compared."""
    folder = wine_folder(tmp_path / "model")
    statistics_beside(folder, bins_document(profile.table), in_manifest=True)
    (folder / "secret").write_text(session.release_secret(record_live(session, 1)).hex(), encoding="ascii")
    rows = wine_rows(178)
    with running(folder, "--secret-file", str(folder / "secret")) as (port, _):
        record_live(session, port)
        with pytest.raises(InvalidInput, match="no reference profile"):
            features_seen(session, "wine", THIS_COMPUTER)
        session.workspace.ledger.record(ProfileMade("wine", 3, profile), author="ada")
        predict(session, "wine", THIS_COMPUTER, rows[:50])
        few = features_seen(session, "wine", THIS_COMPUTER)
        assert {one.rows for one in few.features} == {50} and {one.psi for one in few.features} == {None}
        predict(session, "wine", THIS_COMPUTER, rows[50:])
        seen = features_seen(session, "wine", THIS_COMPUTER)
        assert {one.name: one.counts for one in seen.features} == {
            one.bins.name: one.counts for one in profile.table.features
        }
        assert seen.answers is not None and seen.answers.rows == 178 and seen.answers.share("unknown") == 0
        with closing(LiveFeed(session, "wine", THIS_COMPUTER)) as feed:
            assert feed.scrape().reachable
        assert session.series.latest("wine", THIS_COMPUTER).keys() <= set(Metric)
        newer = replace(profile, table=replace(profile.table, features=profile.table.features[:5]))
        session.workspace.ledger.record(ProfileMade("wine", 3, newer), author="ada")
        with pytest.raises(InvalidInput, match="made again since"):
            features_seen(session, "wine", THIS_COMPUTER)
        session.workspace.ledger.record(ProfileMade("wine", 3, profile), author="ada")
    kept = features_seen(session, "wine", THIS_COMPUTER)  # it is no more
    assert [one.counts for one in kept.features] == [one.counts for one in seen.features]
    hour = features_seen(session, "wine", THIS_COMPUTER, 3600.0)
    assert [one.counts for one in hour.features] == [one.counts for one in seen.features]
    assert hour.answers is not None and hour.answers.rows == 178 and hour.at == kept.at
    said = Shell(tmp_path).json("metrics", "wine", "--in", THIS_COMPUTER, "--features", "--since", "2h")
    assert {one["rows"] for one in said["features"]} == {178}
    with pytest.raises(NotFound, match="in that time"):
        features_seen(session, "wine", THIS_COMPUTER, 0.0)
    session.workspace.ledger.record(ProfileMade("wine", 3, newer), author="ada")
    with pytest.raises(ServiceUnavailable):
        features_seen(session, "wine", THIS_COMPUTER)
    with pytest.raises(NotFound):
        features_seen(session, "other", THIS_COMPUTER)


def test_a_feed_keeps_what_came_in_without_being_asked_for_it(
    session: Session, profile: ReferenceProfile, tmp_path: Path
) -> None:
    """Seen to fail with the feed not asking."""
    folder = wine_folder(tmp_path / "model")
    statistics_beside(folder, bins_document(profile.table), in_manifest=True)
    (folder / "secret").write_text(session.release_secret(record_live(session, 1)).hex(), encoding="ascii")
    with running(folder, "--secret-file", str(folder / "secret")) as (port, _):
        record_live(session, port)
        predict(session, "wine", THIS_COMPUTER, wine_rows(7))
        with closing(LiveFeed(session, "wine", THIS_COMPUTER)) as feed:
            assert feed.scrape().reachable
    kept = session.series.last_features("wine", THIS_COMPUTER, profile.digest)
    assert kept is not None and {sum(counts) for counts in kept.features.values()} == {7}
