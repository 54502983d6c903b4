"""The features of a version in its page: how they were spread in its training data, and making that profile."""

from __future__ import annotations

from pathlib import Path

import pytest

from kronkers_studio.desktop.destinations import ShowModel
from kronkers_studio.desktop.pages.model import ModelPage
from kronkers_studio.desktop.panels.table_choice import TableChoiceDialog
from kronkers_studio.desktop.panels.version_profile import VersionProfile
from kronkers_studio.desktop.window import MainWindow
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
