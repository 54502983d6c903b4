"""Dialogs that no page of the pictures opens by itself, on the same workspace: what each asks, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from kronkers_studio.domain.models import ContentRef
from kronkers_studio.domain.releases import THIS_COMPUTER

if TYPE_CHECKING:
    from PySide6.QtWidgets import QDialog

    from kronkers_studio.desktop.window import MainWindow
    from kronkers_studio.domain.models import ModelVersion

_HOUR = 3_600.0


def pictured_dialogs(
    window: MainWindow, wait_for: Callable[[Callable[[], bool]], None]
) -> Iterator[tuple[str, QDialog]]:
    """The name of a picture, and the dialog as it is to be drawn; it is closed by whoever draws it."""
    session = window.studio.session
    if session is None:
        return
    left, *_, right = sorted(session.workspace.ledger.model_versions(), key=lambda version: version.version)
    yield from _about_models(window, left, right)
    yield from _same_rows(window, left, right, wait_for)
    yield from _about_places(window)


def _about_models(window: MainWindow, left: ModelVersion, right: ModelVersion) -> Iterator[tuple[str, QDialog]]:
    from kronkers_studio.desktop.dialogs.file_history import FileHistoryDialog
    from kronkers_studio.desktop.dialogs.libraries import LibrariesDialog
    from kronkers_studio.desktop.dialogs.register import RegisterDialog
    from kronkers_studio.desktop.panels.table_choice import TableChoiceDialog, TestFileChoiceDialog
    from kronkers_studio.workflows.models import FoundModel

    studio, source = window.studio, right.source
    found = FoundModel(source, right.size, right.name, right.facts)
    yield "register-new", RegisterDialog(window, studio, found, {})
    register = RegisterDialog(window, studio, found, {right.name: right.version})
    register.data.choose(ContentRef(source.project, "", "Quality/Wine/data/wine_measurements.csv"))
    yield "register-next", register
    yield "choose-table", TableChoiceDialog(window, studio, _nothing, project=source.project)
    yield "choose-test-file", TestFileChoiceDialog(window, studio, _nothing, project=source.project)
    yield "libraries", LibrariesDialog(window, studio, left)
    yield "file-history", FileHistoryDialog(window, studio, "Forecasts", "sales.csv", "", _nothing, _nothing)


def _same_rows(
    window: MainWindow, left: ModelVersion, right: ModelVersion, wait_for: Callable[[Callable[[], bool]], None]
) -> Iterator[tuple[str, QDialog]]:
    """Before there is a table, and with one."""
    from kronkers_studio.desktop.dialogs.same_rows import SameRowsDialog

    yield "same-rows-none", SameRowsDialog(window, window.studio, left, right)
    dialog = SameRowsDialog(window, window.studio, left, right)
    dialog.open_table(ContentRef(right.source.project, "", "Quality/Wine/data/wine_measurements.csv"))
    wait_for(dialog.go.isEnabled)
    yield "same-rows-table", dialog


def _about_places(window: MainWindow) -> Iterator[tuple[str, QDialog]]:
    from kronkers_studio.desktop.attention import Entry, Overview
    from kronkers_studio.desktop.destinations import ToPage
    from kronkers_studio.desktop.dialogs.diagnostics import DiagnosticsDialog
    from kronkers_studio.desktop.dialogs.image_registry import ImageRegistryDialog
    from kronkers_studio.desktop.dialogs.keep_running import KeepRunningDialog
    from kronkers_studio.desktop.dialogs.log import LogDialog
    from kronkers_studio.desktop.dialogs.service_access import ServiceAccessDialog
    from kronkers_studio.desktop.dialogs.time_range import TimeRangeDialog

    studio, session = window.studio, window.studio.session
    for release in session.workspace.ledger.releases(place=THIS_COMPUTER) if session is not None else ():
        if release.state.value == "live":
            yield "service-access", ServiceAccessDialog(window, studio, release)
            break
    overview = Overview(services=(Entry("wine-cultivar", ToPage("deploy")),))
    yield "keep-running", KeepRunningDialog(window, overview, _nothing)
    yield "image-registry", ImageRegistryDialog(window, studio, None, _nothing)
    yield "time-range", TimeRangeDialog(window, time.time() - _HOUR, time.time(), _nothing)
    yield "log", LogDialog(window, studio)
    yield "diagnostics", DiagnosticsDialog(window, studio)


def _nothing(*_: object) -> None:
    pass
