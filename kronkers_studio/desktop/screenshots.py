"""Pictures of every page for people to judge: light and dark; empty, full and failed; in windows of three widths, at
100 % and 200 %.

    python -m kronkers_studio.desktop.screenshots [FOLDER [SCALE …]]

Everything in them is real: the bundled sample is migrated, registered, packaged, put live and asked. Only the servers
are made up, since none is at hand. It all happens in a home of its own that is removed afterwards.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from kronkers_studio.desktop.destinations import PackageVersion, ShowContent, ShowModel
from kronkers_studio.desktop.screenshot_data import (
    end_services,
    fill,
    make_workspace,
    sample_report,
    sample_row,
    sample_task,
    start_services,
    stop_services,
)
from kronkers_studio.desktop.screenshot_dialogs import pictured_dialogs

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication, QDialog

    from kronkers_studio.desktop.pages.page import Page
    from kronkers_studio.desktop.pages.registry import RegistryPage
    from kronkers_studio.desktop.window import MainWindow
    from kronkers_studio.domain.editors import Editor

    Visited = TypeVar("Visited", bound=Page)

_SIZE = (1440, 900)
_SIZES = {"1": ((1024, 700), _SIZE, (2560, 1440)), "2": (_SIZE,)}
"""Of the window in which each page is shown, by scale; what lies behind its buttons is shown in one of ``_SIZE``."""
PAGES = ("home", "migrate", "registry", "models", "model", "deploy", "monitor", "servers", "settings")
_PAGES_OF_SERVICES = ("home", "models", "model", "deploy", "monitor")
_PATIENCE = 300.0  # seconds for the longest step, packaging for the first time
_REST_SECONDS, _LONGEST_READ = 0.2, 5.0


def main(arguments: list[str]) -> int:
    """Make all pictures in the folder named first (``screenshots`` by default), at the scales named after it."""
    if arguments and arguments[0].startswith("-"):  # an option, of which there are none, and no folder of that name
        sys.stdout.write(__doc__ or "")
        return 2
    folder = Path(arguments[0] if arguments else "screenshots").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    scales = tuple(arguments[1:]) or tuple(_SIZES)
    with tempfile.TemporaryDirectory(prefix="kronkers-screenshots-") as home:
        codes = [_run_in(Path(home), scale, "--at", scale, str(folder)) for scale in scales]
        _run_in(Path(home), "1", "--stop")
    sys.stdout.write(f"{len(list(folder.glob('*.png')))} pictures in {folder}\n")
    return int(any(codes))  # one that a signal ended has a negative code


def _run_in(home: Path, scale: str, *arguments: str) -> int:
    """Run this module in ``home``; the scale factor can only be set before Qt starts."""
    screen = {"QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": scale}
    command = [sys.executable, "-m", "kronkers_studio.desktop.screenshots", *arguments]
    return subprocess.run(command, env=os.environ | _own_home(home) | screen, check=False).returncode  # noqa: S603


def _own_home(home: Path) -> dict[str, str]:
    from kronkers_studio.settings.paths import cache_folder

    return {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(cache_folder().parent),  # what was downloaded before is used again
        "APPDATA": str(home / "config"),
    }


def _photograph(scale: str, folder: Path) -> None:
    """All pictures at one scale; the first one makes the workspaces."""
    from PySide6.QtWidgets import QApplication

    app = QApplication([])
    empty, full = Path.home() / "empty", Path.home() / "full"
    if not empty.exists():
        make_workspace(empty).close()
        with make_workspace(full) as session:
            fill(session)
    studio = _Photographer(app, scale, folder)
    start_services(full)
    for theme in ("light", "dark"):
        studio.wizard(theme)
        studio.pages(theme, "empty", empty)
        studio.pages(theme, "full", full)
    end_services(full)
    for theme in ("light", "dark"):
        studio.pages(theme, "failed", full, _PAGES_OF_SERVICES)


class _Photographer:
    """From the moment there is one, garbage is collected as in the program: by a task's thread it would end this."""

    def __init__(self, app: QApplication, scale: str, folder: Path) -> None:
        from kronkers_studio.desktop.garbage import GarbageCollector

        self.garbage = GarbageCollector(app)
        self._app, self._scale, self._folder = app, scale, folder

    def wizard(self, theme: str) -> None:
        """The first steps; the later ones are the pages' own panels."""
        from kronkers_studio.desktop.panels.folder_choice import sample_folder
        from kronkers_studio.settings.secrets import Secret

        window = self._open(theme, Path.home() / "none")
        wait_for(lambda: window.wizard is not None)
        wizard = window.wizard
        if wizard is None:
            return
        self._take(window, theme, "wizard-1-folder")
        wizard.choose(sample_folder())
        self._take(window, theme, "wizard-2-protect")
        wizard.recovery_step.show_key(Secret("ABCD-EFGH-JKLM-NPQR-STUV-WXYZ-2345-6789"))
        wizard.show_step("recovery")
        self._take(window, theme, "wizard-3-recovery")
        window.close()

    def pages(self, theme: str, kind: str, workspace: Path, pages: Sequence[str] = PAGES) -> None:
        """Each of ``pages``, and on the full workspace what lies behind their buttons."""
        window = self._open(theme, workspace)
        wait_for(lambda: window.studio.session is not None)
        if kind == "failed":
            from kronkers_studio.desktop.pages.home import HomePage

            home = _page(window, HomePage)
            window.show_page("home")
            wait_for(lambda: home.overview is not None and bool(home.overview.lost))
        for page in pages:
            window.show_page(page)
            self._await_content(window, page, kind)
            for size in _SIZES.get(self._scale, (_SIZE,)):
                window.resize(*size)
                self._take(window, theme, f"{page}-{kind}", width=size[0])
            window.resize(*_SIZE)
        if kind == "full":
            self._depths(window, theme)
        window.close()

    def _await_content(self, window: MainWindow, page: str, kind: str) -> None:
        from kronkers_studio.desktop.pages.monitor import MonitorPage
        from kronkers_studio.desktop.pages.servers import ServersPage

        if kind == "full" and page == "monitor":
            monitor = _page(window, MonitorPage)
            wait_for(lambda: monitor.settled)
        elif kind != "empty" and page == "model":
            session = window.studio.session
            if session is not None:
                window.go_to(ShowModel(session.workspace.ledger.model_names()[0]))
        elif kind == "full" and page == "servers":
            settle(window)
            _page(window, ServersPage).show_report(sample_report())

    def _depths(self, window: MainWindow, theme: str) -> None:  # noqa: PLR0915  # one line after the other
        from kronkers_studio.desktop.pages.deploy import DeployPage
        from kronkers_studio.desktop.pages.migrate import MigratePage
        from kronkers_studio.desktop.pages.servers import ServersPage
        from kronkers_studio.desktop.panels.folder_choice import sample_folder

        migrate = _page(window, MigratePage)
        window.show_page("migrate")
        migrate.look_at(sample_folder())
        wait_for(lambda: migrate.views.shown == "plan")
        self._take(window, theme, "migrate-plan")
        migrate.panel.filter.choose("decide")
        migrate.panel.choices.fold.choose("fold")
        self._take(window, theme, "migrate-decide")
        migrate.panel.choices.fold.choose("keep")
        settle(window)
        migrate.ask_rules()
        self._rules(window, theme)
        migrate.start()
        wait_for(lambda: migrate.views.shown == "outcome")
        self._take(window, theme, "migrate-outcome")
        migrate.choose()
        for row in migrate.before.rows.values():
            row.watch.click()
        wait_for(lambda: all(row.pill.text() in ("In sync", "Folder away") for row in migrate.before.rows.values()))
        self._take(window, theme, "migrate-watching")
        for row in migrate.before.rows.values():
            row.watch.click()
        window.tasks_panel.toggle()
        self._take(window, theme, "tasks")
        window.tasks_panel.toggle()
        window.open_palette()
        self._take(window, theme, "palette")
        window.palette_box.close_box()
        self._versions(window, theme)
        self._model(window, theme)
        deploy = _page(window, DeployPage)
        window.show_page("deploy")
        model, place = deploy.live_services[0]
        deploy.send_rows(model, place)
        deploy.send_panel.fill_form(sample_row())
        deploy.send_panel.send()
        wait_for(lambda: deploy.send_panel.answers.views.shown == "table")
        self._take(window, theme, "send-rows")
        deploy.show_places()
        deploy.ask_put_live(model)
        self._take_dialog(window, theme, "dialog-put-live")
        window.dialogs.show_help()
        self._take_dialog(window, theme, "dialog-help")
        window.dialogs.show_crash("Packaging", "Traceback (most recent call last):\n  …")
        self._take_dialog(window, theme, "dialog-crash")
        servers = _page(window, ServersPage)
        window.show_page("servers")
        servers.ask_add()
        self._take_dialog(window, theme, "dialog-add-server")

        for name, dialog in pictured_dialogs(window, wait_for):
            dialog.open()
            self._take_open(window, dialog, theme, f"dialog-{name}")
            dialog.close()

    def _rules(self, window: MainWindow, theme: str) -> None:
        from kronkers_studio.desktop.dialogs.rules import RulesDialog

        (dialog,) = (found for found in window.findChildren(RulesDialog) if found.isVisible())
        for pattern in ("*.png", "Archive/"):
            dialog.pattern.setText(pattern)
            dialog.add_rule()
            settle(window)
        dialog.pattern.setText("*.R")
        self._take_dialog(window, theme, "dialog-rules")

    def _model(self, window: MainWindow, theme: str) -> None:
        """Each part of a model's page, and its package from what was found to what was built."""
        from kronkers_studio.desktop.dialogs.package import PackageDialog
        from kronkers_studio.desktop.pages.model import ModelPage

        page = _page(window, ModelPage)
        window.go_to(ShowModel(page.model))
        settle(window)
        for section in ("about", "card", "quality", "features", "tests", "compare", "lineage", "packages"):
            page.sections.choose(section)
            self._take(window, theme, f"model-{section}")
        page.sections.choose("card")
        page.sections.card.edit()
        self._take(window, theme, "model-card-edit")
        page.sections.card.leave()
        page.sections.choose("about")
        window.go_to(PackageVersion(page.versions.content.row(0).label))
        settle(window)
        (dialog,) = (found for found in window.findChildren(PackageDialog) if found.isVisible())
        for step in ("found", "libraries", "target"):
            dialog.show_step(step)
            self._take_open(window, dialog, theme, f"package-{step}")
        for place in ("file", "registry"):
            dialog.target.where.choose(place)
            self._take_open(window, dialog, theme, f"package-target-{place}")
        dialog.show_step("work")
        task = sample_task()
        dialog.steps.watch(task)
        for step in ("Finding what the model needs", "Downloading the libraries"):
            task.reported.step(step, 78_400_000, "bytes")
            task.reported.advance(31_000_000)
            task.changed.emit()
        self._take_open(window, dialog, theme, "package-work")
        dialog.show_step("target")
        dialog.target.where.choose("here")
        dialog.advance()
        wait_for(lambda: dialog.step == "done")
        self._take_open(window, dialog, theme, "package-done")
        dialog.close()
        window.dialogs.check_package("none.oci.tar")
        self._take_dialog(window, theme, "dialog-check-package")

    def _take_open(self, window: MainWindow, dialog: QDialog, theme: str, name: str) -> None:
        """A dialog that stays open."""
        settle(window)
        dialog.grab().save(str(self._file(theme, name)))

    def _versions(self, window: MainWindow, theme: str) -> None:
        """What the Registry page shows of a project with branches."""
        from kronkers_studio.desktop.pages.registry import RegistryPage

        page = _page(window, RegistryPage)
        window.go_to(ShowContent("Forecasts"))
        page.project_box.choose("Forecasts")
        self._take(window, theme, "registry-graph")
        files = {entry.name: entry for entry in page.browser.table.content.rows}
        for name in ("sales.csv", "forecast.py"):
            page.browser.open_entry(files[name])
            self._take(window, theme, f"registry-preview-{name.rsplit('.', 1)[-1]}")
        page.browser.open_folder("")
        page.sides.choose("changes")
        self._take(window, theme, "registry-changes")
        rows = page.changes_panel.list.table.content.rows
        for change in [row.change for row in rows if row.change is not None]:
            page.changes_panel.open_change(change)
            self._take(window, theme, f"registry-changes-{change.path.rsplit('.', 1)[-1]}")
        page.sides.choose("content")
        settle(window)
        asked = (
            (page.ask_what, "restore"),
            (page.ask_name, "name-version"),
            (page.ask_merge, "merge"),
            (page.ask_find, "find"),
            (page.ask_remove, "remove"),
        )
        for ask, name in asked:
            ask()
            self._take_dialog(window, theme, f"dialog-{name}")
        self._copies(window, page, theme)
        self._removed(window, page, theme)

    def _copies(self, window: MainWindow, page: RegistryPage, theme: str) -> None:
        """Where a project is worked on: nowhere, in two folders of which one is gone, and where it could not be seen;
        and what is asked."""
        from kronkers_studio.desktop.screenshot_data import sample_editors, work_on
        from kronkers_studio.domain.errors import StorageFull

        panel = page.copies.panel
        page.sides.choose("copies")
        wait_for(lambda: panel.views.shown == "none")
        self._take_sizes(window, theme, "registry-copies-empty")
        session = window.studio.session
        if session is None:
            return
        work_on(session, "Forecasts", Path.home() / "Kronkers")
        panel.look()
        wait_for(lambda: panel.views.shown == "list")
        self._take_sizes(window, theme, "registry-copies-full")
        state = next(row.state for row in panel.rows if row.state is not None)
        page.copies.ask_save(state)
        self._take_dialog(window, theme, "dialog-save-version")
        page.copies.ask_open("Forecasts")
        self._show_editors(window, sample_editors())
        self._take_dialog(window, theme, "dialog-open-in")
        page.copies.ask_new()
        self._take_dialog(window, theme, "dialog-new-project")
        page.show_error(StorageFull("The disk is full.", next_step="Free some space, then look again."))
        panel.views.show_view("failed")
        self._take_sizes(window, theme, "registry-copies-failed")
        page.notice.clear()
        for row in panel.rows:
            page.copies.forget(row.folder)
        settle(window)
        page.sides.choose("content")

    def _show_editors(self, window: MainWindow, editors: list[Editor]) -> None:
        from kronkers_studio.desktop.dialogs.open_in import OpenInDialog

        settle(window)
        (dialog,) = (found for found in window.findChildren(OpenInDialog) if found.isVisible())
        dialog.show_editors(editors, "")

    def _take_sizes(self, window: MainWindow, theme: str, name: str) -> None:
        for size in _SIZES.get(self._scale, (_SIZE,)):
            window.resize(*size)
            self._take(window, theme, name, width=size[0])
        window.resize(*_SIZE)

    def _removed(self, window: MainWindow, page: RegistryPage, theme: str) -> None:
        """A project in the trash, and back again."""
        from kronkers_studio.desktop.dialogs.remove import RemoveDialog

        page.ask_remove()
        (dialog,) = (found for found in window.findChildren(RemoveDialog) if found.isVisible())
        dialog.go.click()
        wait_for(lambda: page.notice.action is not None)
        self._take(window, theme, "registry-removed")
        page.ask_trash()
        self._take_dialog(window, theme, "dialog-trash")
        if page.notice.action is not None:
            page.notice.action.click()
        settle(window)

    def _open(self, theme: str, workspace: Path) -> MainWindow:
        from kronkers_studio.desktop.start import open_window
        from kronkers_studio.settings.configuration import change_settings

        change_settings(theme=theme, first_run_done=False)
        window = open_window(self._app, workspace=workspace)
        window.resize(*_SIZE)
        return window

    def _take(self, window: MainWindow, theme: str, name: str, width: int = _SIZE[0]) -> None:
        settle(window)
        window.grab().save(str(self._file(theme, f"{name}-{width}")))

    def _take_dialog(self, window: MainWindow, theme: str, name: str) -> None:
        from PySide6.QtWidgets import QDialog

        settle(window)
        for dialog in window.findChildren(QDialog):
            if dialog.isVisible():
                dialog.grab().save(str(self._file(theme, name)))
                dialog.close()
        settle(window)

    def _file(self, theme: str, name: str) -> Path:
        return self._folder / f"{name}-{theme}-{int(self._scale) * 100}.png"


def _page(window: MainWindow, kind: type[Visited]) -> Visited:
    """The page by its class, so that what is asked of it here is checked as everywhere."""
    page = window.page(kind.key)
    if not isinstance(page, kind):
        raise TypeError(kind.key)
    return page


def wait_for(ready: Callable[[], bool], seconds: float = _PATIENCE) -> None:
    """Let the window live until ``ready``. Raises ``TimeoutError``."""
    from PySide6.QtWidgets import QApplication

    until = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > until:
            raise TimeoutError("the window did not get where it should")
        QApplication.processEvents()
        time.sleep(0.01)


def settle(window: MainWindow) -> None:
    """Let all unlisted reads end, and then the layout come to rest."""
    for _ in range(2):
        at_rest = time.monotonic() + _REST_SECONDS
        until = at_rest + _LONGEST_READ
        wait_for(lambda: at_rest < time.monotonic() and (window.studio.runner.idle or time.monotonic() > until))  # noqa: B023


if __name__ == "__main__":
    if sys.argv[1:2] == ["--at"]:
        _photograph(sys.argv[2], Path(sys.argv[3]))
    elif sys.argv[1:2] == ["--stop"]:
        stop_services(Path.home() / "full")
    else:
        sys.exit(main(sys.argv[1:]))
