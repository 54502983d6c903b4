"""The features of a version in its page: how they were spread in its training data, and making that profile."""

from __future__ import annotations

import io
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kronkers_studio.desktop.destinations import ShowModel
from kronkers_studio.desktop.pages.model import ModelPage
from kronkers_studio.desktop.panels.feature_tables import bars_of
from kronkers_studio.desktop.panels.table_choice import TableChoiceDialog
from kronkers_studio.desktop.panels.version_profile import VersionProfile
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.domain.changes import ProfileMade
from kronkers_studio.domain.feature_profiles import FeatureBins, FeatureKind, ReferenceProfile, bins_document
from kronkers_studio.domain.models import ContentRef, Datatype, Signature, Tensor
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.formats.table_reading import TableReader
from kronkers_studio.monitoring.feature_readings import FeatureReading
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.feature_profiles import profile_question, read_profile
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.releases import predict
from kronkers_studio.workflows.session import Session, open_workspace
from tests.desktop.accessible import the_dialog
from tests.desktop.kinds import OpenWindow, Rest, the_page, the_session
from tests.serving.model_folders import running, wine_folder, wine_rows
from tests.serving.statistics_beside import statistics_beside
from tests.serving.test_feature_counts import wine_table
from tests.workflows.test_feature_profiles import INPUTS
from tests.workflows.test_hostile_services import record_live

_DATA = "Quality/Wine/data/wine_measurements.csv"


@pytest.fixture
def window(open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest) -> MainWindow:
    with open_workspace(workspace) as session:
        migrate_folder(session, resource("sample/OneDrive - Kronkers"), project="sample")
        register_model(session, "sample", "Quality/Wine/model/wine_cultivar.joblib", name="wine")
    opened = open_main_window(workspace)
    opened.show()
    opened.studio.go.emit(ShowModel("wine"))
    come_to_rest(opened)
    return opened


def _features(window: MainWindow, come_to_rest: Rest) -> VersionProfile:
    page = the_page(window, ModelPage)
    page.sections.choose("features")
    come_to_rest(window)
    return page.sections.features


def test_a_profile_is_made_of_a_table_and_shown_with_what_it_leaves_out(window: MainWindow, come_to_rest: Rest) -> None:
    """Seen to fail with the page not told that models changed."""
    panel = _features(window, come_to_rest)
    assert panel.views.shown == "none" and panel.summary.text() == ""
    panel.make_button.click()
    come_to_rest(window)
    the_dialog(window, TableChoiceDialog).reject()
    panel.make(ContentRef("sample", "", _DATA))
    come_to_rest(window)
    assert panel.views.shown == "rows"
    made = read_profile(the_session(window), "wine").profile
    assert made is not None and len(made.table.features) == 13
    shown = panel.table.content.rows
    assert [one.bins.name for one in shown[:13]] == [one.bins.name for one in made.table.features]
    assert "13 of 13 columns profiled" in panel.summary.text() and "wine_measurements.csv" in panel.summary.text()
    words = panel.table.content.columns[1].text(shown[0])
    assert " to " in words and "mean" in words
    panel.table.grab()  # the bars are drawn


def test_what_cannot_be_profiled_is_said_on_the_page(window: MainWindow, come_to_rest: Rest) -> None:
    panel = _features(window, come_to_rest)
    panel.target.setText("no such column")
    panel.make(ContentRef("sample", "", _DATA))
    come_to_rest(window)
    assert panel.views.shown == "none"
    page = the_page(window, ModelPage)
    assert "no such column" in page.notice.message


def test_the_bars_of_numbers_show_where_they_lie_close_and_those_of_names_how_many_there_are() -> None:
    ages = FeatureBins("age", FeatureKind.NUMBER, (10.0, 20.0), 0.0, 100.0)
    assert bars_of(ages, (50, 100, 80, 0, 0, 7), 100) == [(0, 10, 5.0), (10, 10, 10.0), (20, 80, 1.0)]
    towns = FeatureBins("town", FeatureKind.CATEGORY, categories=("Graz", "Linz"))
    assert bars_of(towns, (5, 4, 3, 2, 1), 100) == [
        (0, 25, 5.0),
        (25, 25, 4.0),
        (50, 25, 3.0),
        (75, 25, 2.0),
    ]
    for values in ((0.0, 0.0), (-1.7e308, 1.7e308), (5e-324, 1e-323)):
        odd = FeatureBins("x", FeatureKind.NUMBER, (), *values)
        assert all(0 <= left < 100 and wide > 0 for left, wide, _ in bars_of(odd, (9, 0, 0, 0), 100))


@pytest.fixture
def profile() -> ReferenceProfile:
    """Of the wine data, by the names of their columns."""
    question = profile_question(Signature(INPUTS, (Tensor("label", Datatype.INT64, (-1,)),)))
    assert question is not None
    with closing(TableReader()) as tables:
        table = tables.profile("train.csv", io.BytesIO(wine_table()), question)
    return ReferenceProfile(table, ContentRef("p", "c", "train.csv"), datetime(2026, 12, 1, tzinfo=UTC), "ada")


def test_what_came_in_is_shown_beside_the_training_data_for_the_time_that_is_chosen(
    open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest, profile: ReferenceProfile, tmp_path: Path
) -> None:
    """Of a real service, also once it is gone. Seen to fail with the range not given on."""
    folder = wine_folder(tmp_path / "model")
    statistics_beside(folder, bins_document(profile.table), in_manifest=True)
    with open_workspace(workspace) as session:
        secret = session.release_secret(record_live(session, 1)).hex()
        session.workspace.ledger.record(ProfileMade("wine", 3, profile), author="ada")
    (folder / "secret").write_text(secret, encoding="ascii")
    with running(folder, "--secret-file", str(folder / "secret")) as (port, _):
        with open_workspace(workspace) as session:
            record_live(session, port)
            predict(session, "wine", THIS_COMPUTER, wine_rows(178))
            keep_older_run(session, profile)
        window = open_main_window(workspace)
        window.show()
        window.studio.go.emit(ShowModel("wine"))
        come_to_rest(window)
        panel = _features(window, come_to_rest)
        assert panel.views.shown == "rows" and not panel.range.isEnabled()
        panel.place.choose(THIS_COMPUTER)
        come_to_rest(window)
        assert panel.views.shown == "compared" and panel.range.isEnabled()
        assert [one.rows for one in panel.compared.content.rows] == [178] * 14  # thirteen features, and the answers
        assert "What came into version 3 on this computer from" in panel.summary.text()
        panel.range.choose("7d")
        come_to_rest(window)
        assert [one.rows for one in panel.compared.content.rows] == [178 + 400] * 13 + [178]
        cells = [column.text(panel.compared.content.row(0)) for column in panel.compared.content.columns]
        assert cells[2] == "578 rows" and cells[3] == "0.0 % → 0.0 %"
    panel.range.choose("30d")  # the service is no more
    come_to_rest(window)
    assert panel.compared.content.row(0).rows == 578
    panel.place.choose("")
    come_to_rest(window)
    assert panel.views.shown == "rows" and "13 of 13 columns profiled" in panel.summary.text()


def keep_older_run(session: Session, profile: ReferenceProfile) -> None:
    """What an earlier run counted three days ago: 400 rows, all in the first bin of each feature."""
    at = time.time() - 3 * 86_400
    counts = {one.bins.name: (400, *(0 for _ in one.counts[1:])) for one in profile.table.features}
    session.series.keep_features("wine", THIS_COMPUTER, FeatureReading(profile.digest, "e" * 16, 3600.0, at, counts))


def test_a_service_that_counts_nothing_leaves_the_training_data_shown_and_says_why(
    open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest, profile: ReferenceProfile
) -> None:
    """Seen to fail with the choice left as it was."""
    with open_workspace(workspace) as session:
        record_live(session, 9)
        session.workspace.ledger.record(ProfileMade("wine", 3, profile), author="ada")
    window = open_main_window(workspace)
    window.show()
    window.studio.go.emit(ShowModel("wine"))
    come_to_rest(window)
    panel = _features(window, come_to_rest)
    panel.place.choose(THIS_COMPUTER)
    come_to_rest(window)
    assert panel.views.shown == "rows" and panel.place.value == ""
    assert the_page(window, ModelPage).notice.message
