"""The main window: rail, pages, task bar, and what can be done from anywhere."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeySequence, QMouseEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import Act, Action, Command, CopyText, FindAll, Press, ShowInFileManager, UseTheme
from kronkers_studio.desktop.command_palette import CommandPalette
from kronkers_studio.desktop.destinations import Destination, ShowModel, ToPage, model_of
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.mending import Mending
from kronkers_studio.desktop.page_history import PageHistory, Seen
from kronkers_studio.desktop.page_list import (
    LOADED_EARLY,
    NEEDS_NO_WORKSPACE,
    is_page,
    load,
    page_class,
    stop_of,
    stops,
)
from kronkers_studio.desktop.page_titles import page_title
from kronkers_studio.desktop.pages.page import Page
from kronkers_studio.desktop.rail import Rail
from kronkers_studio.desktop.row_menus import do_on_computer
from kronkers_studio.desktop.task_bar import TaskBar, TasksPanel
from kronkers_studio.desktop.unlock_gate import Gate
from kronkers_studio.desktop.widgets.keyboard import FocusKeeper
from kronkers_studio.desktop.window_actions import WindowActions
from kronkers_studio.desktop.window_dialogs import WindowDialogs
from kronkers_studio.desktop.window_state import Memory
from kronkers_studio.desktop.work.folder_watches import Watchers
from kronkers_studio.desktop.work.studio import Key, Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.printable import printable

if TYPE_CHECKING:
    from kronkers_studio.desktop.background import Background
    from kronkers_studio.desktop.wizard.first_run import FirstRunWizard

_AT_EASE_MS = 1500  # after the workspace was opened, when the first page stands


class MainWindow(QMainWindow):
    """One window on one workspace."""

    def __init__(self, studio: Studio, memory: Memory | None = None) -> None:
        super().__init__()
        self.studio = studio
        self.memory = memory or Memory()
        self.setWindowTitle("Kronkers Studio")
        self.setMinimumSize(1000, 660)
        self._pages: dict[str, Page] = {}
        self._history = PageHistory()
        self._about_model = ""
        self._wizard: FirstRunWizard | None = None
        self.background: Background | None = None
        self._quitting = self._close_confirmed = False

        self._build()
        self._connect()
        studio.load_ahead = self._load_ahead
        self._place()
        self.show_page(self.memory.page or "home")

    # Pages

    @property
    def wizard(self) -> FirstRunWizard | None:
        """The guided way while it is shown."""
        return self._wizard

    @property
    def current(self) -> str:
        """The key of the page in view."""
        return self._history.current

    def page(self, key: str) -> Page:
        """The page called ``key``, made now when it was never visited."""
        if key not in self._pages:
            page: Page = page_class(key)(self.studio)
            page.restore(self.memory.page_state(key))
            self._pages[key] = page
            self._stack.addWidget(page)
        return self._pages[key]

    def show_page(self, key: str) -> None:
        """Go to the page ``key``, as it is."""
        self.go_to(ToPage(key if is_page(key) else "home"))

    def go_to(self, destination: Destination) -> None:
        """Go to a page, which shows or asks what ``destination`` says."""
        before = self.current
        about = model_of(destination)
        if destination == ToPage("model"):  # as it is
            about = self._about_model
        self._about_model = about or self._about_model
        self._history.go_to(destination.page, about)
        self._switch(before, destination)

    def focusNextPrevChild(self, next: bool) -> bool:
        return self._keeper.move(next)

    def _in_view(self) -> QWidget:
        """What the keyboard is kept in: the guide, the page or what stands before it."""
        return self._wizard if self._wizard is not None else self._stack.currentWidget() or self._central

    def _focus_page(self, *, known: bool = False) -> None:
        """The keyboard comes to the page in view: to where it was there, else to the page as a whole. Nothing is marked
        then, and Tab goes to what comes first. Who is in the rail stays there."""
        if known:
            return
        self._keeper.forget()
        view = self._in_view()
        if view is self.gate:
            self.gate.take_focus()
        else:
            view.setFocus(Qt.FocusReason.OtherFocusReason)

    def go_back(self) -> None:
        before = self.current
        if self._history.go_back():
            self._switch(before, self._as_before())

    def go_forward(self) -> None:
        before = self.current
        if self._history.go_forward():
            self._switch(before, self._as_before())

    def _as_before(self) -> Destination | None:
        """What leads to what was in view, where the page may show another thing by now."""
        about = self._history.now.about
        return ShowModel(about) if about else None

    def _switch(self, before: str, destination: Destination | None = None) -> None:
        """Show the current page, after the page called ``before``."""
        key = self.current
        if key != before:
            if self.palette_box.isVisible():
                self.palette_box.close_box()  # it offers what is on the page before
            if before in self._pages:
                self._pages[before].leave()
        now = self.focusWidget()
        in_rail = now is not None and self._rail.isAncestorOf(now)
        self._rail.show_chosen(stop_of(key))
        self._show_ways()
        if self.studio.session is None and key not in NEEDS_NO_WORKSPACE:
            self._stack.setCurrentWidget(self.gate)
            self._focus_page(known=in_rail)
            return
        page = self.page(key)
        if destination is not None and not isinstance(destination, ToPage):
            page.visit(destination)
        known = in_rail or page.focusWidget() is not None
        self._stack.setCurrentWidget(page)
        page.enter()
        self._focus_page(known=known)

    def _show_ways(self) -> None:
        history = self._history
        self._rail.show_ways(back=_words_of(history.before), forward=_words_of(history.ahead))

    # Workspace

    def _on_opened(self) -> None:
        from kronkers_studio.desktop.charts.recorder import Recorder

        Recorder.of(self.studio)  # live metrics are kept from now on, whatever page is in view
        self.setWindowTitle(printable(tr("{name} – Kronkers Studio").format(name=self.studio.directory.name)))
        self._switch(self.current)
        QTimer.singleShot(_AT_EASE_MS, self, self.make_ready)
        Watchers.of(self.studio).resume(self.memory.watched(self.studio.directory))

    def _load_ahead(self) -> None:
        """Off the main thread: the largest part of what showing the current page will need that is not Qt's. Qt's types
        are made when they are first named, and two threads must not do that at once: it ends the program."""
        if self.current == "monitor":
            importlib.import_module("numpy")

    def make_ready(self) -> None:
        """Load what the pages not yet visited need, one after the other while nothing else is to be done, so that they
        open at once."""
        self._load_next([*LOADED_EARLY])

    def _load_next(self, modules: list[str]) -> None:
        if modules:
            load(modules.pop(0))
            QTimer.singleShot(0, self, lambda: self._load_next(modules))
        else:
            self.go_on_in_background()

    def go_on_in_background(self) -> None:
        """Where the system has a tray, be in it from now on."""
        from kronkers_studio.desktop.background import Background

        if self.background is None:
            self.background = Background.begin(self.studio, self)
            if self.background is not None:
                self.background.opened.connect(self._opened_again)
                self.background.ended.connect(self.quit)

    def _opened_again(self, where: Destination | None) -> None:
        if where is not None and self._wizard is None:
            self.go_to(where)

    def _on_closed(self) -> None:
        self.memory.keep_watched(self.studio.directory, Watchers.of(self.studio).wanted)
        for page in self._pages.values():
            if page.entered:
                page.leave()
        self._close_dialogs()
        self.setWindowTitle("Kronkers Studio")

    def _close_dialogs(self) -> None:
        """What was asked about this workspace is not done in the next one."""
        from kronkers_studio.desktop.widgets.dialog import Dialog

        for dialog in self.findChildren(Dialog):
            if dialog.isVisible() and dialog.of_workspace:
                dialog.reject()

    def _on_not_opened(self, directory: Path, key: Key, error: StudioError) -> None:
        self.gate.show_failure(directory, key, error)
        if self.studio.session is not None:  # another workspace was asked for, and this one is in the way of saying why
            self.studio.leave(self._show_gate)

    def _show_gate(self) -> None:
        self.show_page("home" if self.current in NEEDS_NO_WORKSPACE else self.current)

    def begin(self) -> None:
        """Open the workspace of the settings, or show the first-run wizard when there is none."""
        from kronkers_studio.workflows.session import workspace_exists

        directory = self.studio.settings.workspace
        if workspace_exists(directory):
            self.studio.open_directory(directory)
        else:
            self.gate.show_welcome()
            if not self.studio.settings.first_run_done:
                self.show_wizard()

    def show_wizard(self) -> None:
        """The guided way from a folder to a live model, over the whole window."""
        from kronkers_studio.desktop.wizard.first_run import FirstRunWizard

        if self._wizard is not None:
            return
        wizard = FirstRunWizard(self.studio)
        wizard.left.connect(self._leave_wizard)
        self._wizard = wizard
        self._whole.addWidget(wizard)
        self._whole.setCurrentWidget(wizard)
        wizard.take_focus()

    def _leave_wizard(self, destination: Destination | None) -> None:
        if self._wizard is None:
            return
        self._whole.setCurrentIndex(0)
        self._whole.removeWidget(self._wizard)
        self._wizard.deleteLater()
        self._wizard = None
        if self.studio.session is None:
            self.gate.show_welcome()
        if destination is None:
            self.show_page(self.current)
        else:
            self.go_to(destination)

    # Building

    def _build(self) -> None:
        self._rail = Rail(stops())
        self._stack = QStackedWidget()
        self.gate = Gate(self.studio)
        self._stack.addWidget(self.gate)
        work = QWidget()
        row = QHBoxLayout(work)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._rail)
        row.addWidget(self._stack, 1)
        self._whole = QStackedWidget()
        self._whole.addWidget(work)
        central = QWidget()
        central.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # nothing is marked until somebody uses the keyboard
        column = QVBoxLayout(central)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._whole, 1)
        self._bar = TaskBar(self.studio.runner)
        column.addWidget(self._bar)
        self._central = central
        self.offered = WindowActions(self.studio, self._in_view, self)
        self.dialogs = WindowDialogs(self, self.studio, self.actions_now)
        self.setCentralWidget(central)
        self.tasks_panel = TasksPanel(self.studio.runner, central)
        self.palette_box = CommandPalette(self.studio, self.actions_now, central)
        self.offered.things_changed.connect(self.palette_box.show_changed)
        self._keeper = FocusKeeper(self, self._in_view)

    def _connect(self) -> None:
        studio = self.studio
        self._rail.chosen.connect(self.show_page)
        self._rail.back_wanted.connect(self.go_back)
        self._rail.forward_wanted.connect(self.go_forward)
        self._rail.find_wanted.connect(self.open_palette)
        self.mending = Mending(self, studio, self.gate, lambda: self.page(self.current).notice, self._show_gate)
        self.palette_box.chosen.connect(self.perform)
        studio.changed.connect(self._on_changed)
        self._bar.panel_wanted.connect(self.tasks_panel.toggle)
        self.gate.begin_wanted.connect(self.show_wizard)
        studio.go.connect(self.go_to)
        studio.wizard_wanted.connect(self.show_wizard)
        studio.opened.connect(self._on_opened)
        studio.closed.connect(self._on_closed)
        studio.not_opened.connect(self._on_not_opened)
        studio.wanted.connect(self.perform)
        studio.opening.connect(self.gate.show_opening)
        studio.runner.crashed.connect(self.dialogs.show_crash)
        studio.questioner.show = self.dialogs.ask_log_in
        for action in self.offered.always():
            if action.shortcut:
                QShortcut(QKeySequence(action.shortcut), self, self._performs(action.act))

    def _performs(self, act: Act) -> Callable[[], None]:
        return lambda: self.perform(act)

    def perform(self, act: Act) -> None:
        """Do what an action says."""
        match act:
            case Command():
                self._commands()[act]()
            case UseTheme(theme):
                self._use_theme(theme)
            case Press(button):
                if shiboken6.isValid(button) and button.isVisible() and button.isEnabled():
                    button.setFocus(Qt.FocusReason.ShortcutFocusReason)
                    button.click()
            case FindAll(words):
                self.dialogs.find(words)
            case CopyText() | ShowInFileManager():
                do_on_computer(act, self.studio.runner, self, self.page(self.current).notice.show_error)
            case _:
                self.go_to(act)

    def _commands(self) -> dict[Command, Callable[[], object]]:
        return {
            Command.PALETTE: self.open_palette,
            Command.FIND: self.dialogs.find,
            Command.TASKS: self.tasks_panel.toggle,
            Command.BACK: self.go_back,
            Command.FORWARD: self.go_forward,
            Command.HELP: self.dialogs.show_help,
            Command.GUIDE: self.show_wizard,
            Command.REBUILD: self.mending.ask,
            Command.LOG: self.dialogs.show_log,
            Command.DIAGNOSTICS: self.dialogs.show_diagnostics,
            Command.CHECK_PACKAGE: self.dialogs.check_package,
            Command.QUIT: self.quit,
        }

    # What can be done

    def open_palette(self) -> None:
        """Find anything; the guide is gone through to its end first."""
        if self._wizard is None:
            self.offered.read_things()
            self.palette_box.open()

    def actions_now(self) -> list[Action]:
        """Everything that can be done or gone to from here."""
        return self.offered.now()

    def _on_changed(self, _kind: str) -> None:
        if self.palette_box.isVisible():
            self.offered.read_things()

    def _use_theme(self, choice: str) -> None:
        from kronkers_studio.desktop.look import theme
        from kronkers_studio.settings.configuration import change_settings

        self.studio.reload_settings(change_settings(theme=choice))
        theme.current().choose(self.studio.settings.theme)

    # The system's window, closing

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        handle = self.windowHandle()
        if handle is not None:
            handle.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The mouse's buttons for back and forward, wherever the pointer is."""
        if event.type() is QEvent.Type.MouseButtonPress and isinstance(event, QMouseEvent):
            way = {Qt.MouseButton.BackButton: self.go_back, Qt.MouseButton.ForwardButton: self.go_forward}.get(
                event.button()
            )
            if way is not None:
                way()
                return True
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        """What had the keyboard before a dialog may be gone when the dialog is."""
        super().changeEvent(event)
        if event.type() is not QEvent.Type.ActivationChange or not self.isActiveWindow():
            return
        if self._in_view() is self.gate:
            self.gate.on_active()
        elif self.focusWidget() is None:
            self._keeper.recover()

    def _place(self) -> None:
        if not self.restoreGeometry(self.memory.geometry):
            screen = QGuiApplication.primaryScreen().availableGeometry()
            self.resize(min(1280, screen.width()), min(800, screen.height()))

    def quit(self) -> None:
        """End the program, also where closing the window would not."""
        self._quitting = True
        if self.background is not None and not self.isVisible() and self.studio.runner.active:
            self.background.show_window()  # it is asked before it stops that
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        quitting, self._quitting = self._quitting, False
        if not quitting and self.background is not None and self.background.on_close(self.quit):
            event.ignore()
            return
        active = self.studio.runner.active
        if active and not self._close_confirmed:
            self._ask_before_closing(len(active))
            event.ignore()
            return
        if self.background is not None:
            self.background.end()
            self.background = None
        self._remember()
        self.studio.questioner.show = None  # nobody is there any more
        self.studio.questioner.give_up()
        self.studio.runner.stop()
        self.studio.close()
        if not self.isVisible():  # Qt ends the program with the last window that is seen
            QTimer.singleShot(0, QGuiApplication.quit)
        super().closeEvent(event)

    def _ask_before_closing(self, running: int) -> None:
        from kronkers_studio.desktop.localization import counted
        from kronkers_studio.desktop.widgets.dialog import confirm

        def close() -> None:
            self._close_confirmed = True
            QTimer.singleShot(0, self.quit)

        still = counted(running, tr("{n} task is still running."), tr("{n} tasks are still running."))
        kept = tr("What is done so far is kept. The next run goes on from there.")
        confirm(self, tr("Close Kronkers Studio?"), f"{still} {kept}", tr("Stop and close"), close)

    def _remember(self) -> None:
        self.memory.geometry = self.saveGeometry()
        self.memory.page = self.current
        for key, page in self._pages.items():
            self.memory.keep_page_state(key, page.state())
        if self.studio.session is not None:
            self.memory.keep_watched(self.studio.directory, Watchers.of(self.studio).wanted)
        self.memory.save()


def _words_of(seen: Seen) -> str:
    """What is called by its name on the way back and forward."""
    return seen.about or (page_title(seen.key) if seen.key else "")
