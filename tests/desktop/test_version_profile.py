"""The features of a version in its page: how they were spread in its training data, and making that profile."""

from __future__ import annotations

from pathlib import Path

import pytest

from kronkers_studio.desktop.destinations import ShowModel
from kronkers_studio.desktop.pages.model import ModelPage
from kronkers_studio.desktop.panels.table_choice import TableChoiceDialog
from kronkers_studio.desktop.panels.version_profile import VersionProfile, bars_of
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.domain.feature_profiles import FeatureBins, FeatureKind, FeatureProfile
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.feature_profiles import read_profile
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.session import open_workspace
from tests.desktop.accessible import the_dialog
from tests.desktop.kinds import OpenWindow, Rest, the_page, the_session

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
    assert bars_of(FeatureProfile(ages, (50, 100, 80, 0, 0, 7)), 100) == [(0, 10, 5.0), (10, 10, 10.0), (20, 80, 1.0)]
    towns = FeatureBins("town", FeatureKind.CATEGORY, categories=("Graz", "Linz"))
    assert bars_of(FeatureProfile(towns, (5, 4, 3, 2, 1)), 100) == [
        (0, 25, 5.0),
        (25, 25, 4.0),
        (50, 25, 3.0),
        (75, 25, 2.0),
    ]
    for values in ((0.0, 0.0), (-1.7e308, 1.7e308), (5e-324, 1e-323)):
        odd = FeatureProfile(FeatureBins("x", FeatureKind.NUMBER, (), *values), (9, 0, 0, 0))
        assert all(0 <= left < 100 and wide > 0 for left, wide, _ in bars_of(odd, 100))
