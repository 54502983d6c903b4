"""Settings: each one declared in ``kronkers_studio.settings``, shown with its own help text, in force at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import Command
from kronkers_studio.desktop.destinations import (
    ChooseWorkspace,
    Destination,
    ReachImageRegistry,
    RefreshBaseImages,
    ShowSetting,
)
from kronkers_studio.desktop.localization import duration, home_short, number, tr
from kronkers_studio.desktop.look import theme
from kronkers_studio.desktop.look.tokens import GAP
from kronkers_studio.desktop.offer_buttons import OfferButton
from kronkers_studio.desktop.offers.content import guide
from kronkers_studio.desktop.offers.settings import choose_workspace, setting_title
from kronkers_studio.desktop.offers.window import open_log, save_diagnostics
from kronkers_studio.desktop.package_words import PLATFORMS
from kronkers_studio.desktop.page_titles import page_title
from kronkers_studio.desktop.pages.page import Page
from kronkers_studio.desktop.panels.background_card import BackgroundCard
from kronkers_studio.desktop.panels.image_registries import ImageRegistriesCard, refreshed_words
from kronkers_studio.desktop.tray import tray_available
from kronkers_studio.desktop.widgets.cards import Card
from kronkers_studio.desktop.widgets.dialog import confirm
from kronkers_studio.desktop.widgets.fields import CheckBox, ComboBox, Field, LineField
from kronkers_studio.desktop.widgets.keyboard import give_focus, reading_order
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.views import WrappedContent, scrolling
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import Cancelled, StudioError
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.settings.configuration import author_name, change_settings, choices, help_text, load_settings

if TYPE_CHECKING:
    from kronkers_studio.workflows.image_registries import RefreshedBase, RegistryAccess
    from kronkers_studio.workflows.session import Session

_KEPT = (1, 2, 3, 5, 10)
_READ_LIMITS = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0)


class SettingsPage(Page):
    key = "settings"
    changes = ("settings",)
    scrolls = True

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio, page_title(self.key), tr("Every change is in force at once."))
        self._wanted_registry = ""  # which another page asks to be looked at
        inner = WrappedContent()
        columns = QHBoxLayout(inner)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(GAP)
        left, right = QVBoxLayout(), QVBoxLayout()
        on_the_left = (
            *(self._look, self._you, self._workspace, self._monitoring, self._servers, self._this_computer),
            *(self._log_and_diagnostics, self._guide),
        )
        on_the_right = (self._bringing_in, self._in_background, self._for_administrators, self._image_registries)
        for column, makers in ((left, on_the_left), (right, on_the_right)):
            column.setSpacing(GAP)
            for make in makers:
                column.addWidget(make())
            column.addStretch(1)
            columns.addLayout(column, 1)
        self.content.addWidget(scrolling(inner, tr("Settings"), in_margin=True), 1)

    def refresh(self) -> None:
        settings = self.studio.settings
        self.where.setText(home_short(settings.workspace))
        self.theme.select(settings.theme)
        self.base.setText(settings.base_image)
        self.author.setText(settings.author)
        self.copies.setText(str(settings.working_copies))
        self.limit.set_choices(_limits(settings.read_limit))
        self.limit.choose(settings.read_limit)
        self.priority.select(settings.low_priority)
        self.keep.set_choices(_kept(settings.keep_releases))
        self.keep.choose(settings.keep_releases)
        self._show_checked(self.unprotected, on=settings.run_unprotected)
        self.background.show_settings(settings)
        self.studio.read(_read_this_computer, self._show_this_computer, owner=self, failed=self.notice.show_error)
        self.studio.read(_read_registries, self._show_registries, owner=self, failed=self.notice.show_error)

    def visit(self, destination: Destination) -> None:
        match destination:
            case ReachImageRegistry(""):
                self.ask_registry(None)
            case ReachImageRegistry(host):
                self._wanted_registry = host
                self.become_stale()
            case _:
                self.do(destination)

    def do(self, wanted: object) -> None:
        """Do what a button here, or another page, asks for."""
        match wanted:
            case ShowSetting(name):
                QTimer.singleShot(0, self, lambda: self.show_setting(name))  # once the page is in view
            case ChooseWorkspace():
                self.ask_workspace()
            case RefreshBaseImages():
                self.refresh_base_images()
            case Command.LOG | Command.DIAGNOSTICS:
                self.studio.wanted.emit(wanted)
            case Command.GUIDE:
                self.studio.wizard_wanted.emit()

    def show_setting(self, name: str) -> None:
        """Give the setting called ``name`` the keyboard, in view; the page says so when it does not apply here."""
        entry = self._entries()[name]
        if entry.isHidden() or not entry.isEnabled():
            words = tr("“{setting}” does not apply to this computer.").format(setting=setting_title(name))
            why = tr("A model is kept from your files and other programs here anyway.")
            if self.background.isAncestorOf(entry):
                why = tr("It has no tray for icons.")
            self.notice.say(words, why)
            return
        inside = reading_order(entry) if isinstance(entry, FilterPills) else []
        give_focus(next(iter(inside), entry), Qt.FocusReason.TabFocusReason)

    def _entries(self) -> dict[str, QWidget]:
        return {
            "theme": self.theme,
            "notify_failures": self.background.failures,
            "notify_successes": self.background.successes,
            "when_closed": self.background.when_closed,
            "author": self.author,
            "working_copies": self.copies,
            "scrape_seconds": self.seconds,
            "keep_releases": self.keep,
            "run_unprotected": self.unprotected,
            "autostart": self.autostart,
            "read_limit": self.limit,
            "low_priority": self.priority,
            "base_image": self.base,
            "package_platform": self.platform,
            "offline": self.offline,
        }

    def change(self, **changes: Any) -> bool:
        """Put ``changes`` in force and keep them; False when they are not valid, which is then said."""
        try:
            settings = change_settings(**changes)
        except StudioError as error:
            self.notice.show_error(error)
            return False
        self.notice.clear()
        self.studio.reload_settings(settings)
        if "theme" in changes:
            theme.current().choose(settings.theme)
        return True

    # Cards

    def _look(self) -> Card:
        card = Card(tr("Appearance"))
        words = {"system": tr("As the system"), "light": tr("Light"), "dark": tr("Dark")}
        self.theme = FilterPills([(name, words[name]) for name in choices("theme")], setting_title("theme"))
        self.theme.select(self.studio.settings.theme)
        self.theme.chosen.connect(lambda key: self.change(theme=key))
        row = QHBoxLayout()
        row.addWidget(self.theme)
        row.addStretch(1)
        card.body.addLayout(row)
        card.body.addWidget(label(_help("theme"), "caption", wrap=True))
        return card

    def _you(self) -> Card:
        card = Card(tr("You"))
        self.author = LineField(tr("Your name"), text=self.studio.settings.author)
        self.author.setPlaceholderText(author_name(self.studio.settings))
        self.author.editingFinished.connect(lambda: self.change(author=self.author.text().strip()))
        card.body.addWidget(Field(setting_title("author"), self.author, _help("author")))
        return card

    def _in_background(self) -> Card:
        self.background = BackgroundCard(
            self.studio.settings, lambda name, value: self.change(**{name: value}), tray=tray_available()
        )
        return self.background

    def _workspace(self) -> Card:
        card = Card(tr("Workspace"))
        self.where = ElidedLabel(home_short(self.studio.settings.workspace), middle=True)
        row = QHBoxLayout()
        row.addWidget(self.where, 1)
        row.addWidget(OfferButton(choose_workspace(), self.do, icon=False))
        card.body.addLayout(row)
        card.body.addWidget(label(_help("workspace"), "caption", wrap=True))
        self.copies = LineField(setting_title("working_copies"), text=str(self.studio.settings.working_copies))
        self.copies.editingFinished.connect(self._change_copies)
        card.body.addWidget(Field(setting_title("working_copies"), self.copies, _help("working_copies")))
        return card

    def _change_copies(self) -> None:
        typed = self.copies.text().strip()
        if typed:
            self.change(working_copies=Path(typed))
        self.copies.setText(str(self.studio.settings.working_copies))

    def _bringing_in(self) -> Card:
        card = Card(tr("Bringing in folders"))
        settings = self.studio.settings
        self.limit = ComboBox(tr("How fast folders are read"), _limits(settings.read_limit))
        self.limit.choose(settings.read_limit)
        self.limit.activated.connect(lambda: self.change(read_limit=self.limit.value))
        card.body.addWidget(Field(setting_title("read_limit"), self.limit, _help("read_limit")))
        words = {"always": tr("Always"), "watching": tr("While watching"), "never": tr("Never")}
        names = [(name, words[name]) for name in choices("low_priority")]
        self.priority = FilterPills(names, setting_title("low_priority"))
        self.priority.select(settings.low_priority)
        self.priority.chosen.connect(lambda key: self.change(low_priority=key))
        card.body.addWidget(label(setting_title("low_priority"), "medium"))
        row = QHBoxLayout()
        row.addWidget(self.priority)
        row.addStretch(1)
        card.body.addLayout(row)
        card.body.addWidget(label(_help("low_priority"), "caption", wrap=True))
        return card

    def _for_administrators(self) -> Card:
        card = Card(tr("For administrators"))
        self.base = LineField(setting_title("base_image"), text=self.studio.settings.base_image)
        self.base.editingFinished.connect(lambda: self.change(base_image=self.base.text().strip()))
        card.body.addWidget(Field(setting_title("base_image"), self.base, _help("base_image")))
        platforms = dict.fromkeys([*PLATFORMS, self.studio.settings.package_platform])
        self.platform = ComboBox(setting_title("package_platform"), [(name, name) for name in platforms])
        self.platform.choose(self.studio.settings.package_platform)
        self.platform.activated.connect(lambda: self.change(package_platform=self.platform.value))
        card.body.addWidget(Field(setting_title("package_platform"), self.platform, _help("package_platform")))
        self.offline = CheckBox(setting_title("offline"))
        self.offline.setAccessibleName(self.offline.text())
        self.offline.setChecked(self.studio.settings.offline)
        self.offline.toggled.connect(lambda on: self.change(offline=on))
        card.body.addWidget(self.offline)
        card.body.addWidget(label(_help("offline"), "caption", wrap=True))
        return card

    def _image_registries(self) -> Card:
        self.registries = ImageRegistriesCard(_help("image_registries"))
        self.registries.change_wanted.connect(self.ask_registry)
        self.registries.forget_wanted.connect(self.ask_forget_registry)
        self.registries.refresh_wanted.connect(self.refresh_base_images)
        return self.registries

    def _servers(self) -> Card:
        card = Card(tr("Servers"))
        self.keep = ComboBox(setting_title("keep_releases"), _kept(self.studio.settings.keep_releases))
        self.keep.choose(self.studio.settings.keep_releases)
        self.keep.activated.connect(lambda: self.change(keep_releases=self.keep.value))
        card.body.addWidget(Field(setting_title("keep_releases"), self.keep, _help("keep_releases")))
        return card

    def _this_computer(self) -> Card:
        card = Card(tr("Models on this computer"))
        self.protection = label("", "muted", wrap=True)
        card.body.addWidget(self.protection)
        self.unprotected = CheckBox(setting_title("run_unprotected"))
        self.unprotected.setAccessibleName(self.unprotected.text())
        self.unprotected.toggled.connect(lambda on: self.change(run_unprotected=on))
        self.unprotected.setVisible(False)
        card.body.addWidget(self.unprotected)
        self.autostart = CheckBox(setting_title("autostart"))
        self.autostart.setAccessibleName(self.autostart.text())
        self.autostart.toggled.connect(self._change_autostart)
        card.body.addWidget(self.autostart)
        words = tr("What was live on this computer when it was shut down. Without this, it is shown as stopped then.")
        card.body.addWidget(label(words, "caption", wrap=True))
        return card

    def _show_this_computer(self, found: tuple[bool, tuple[str, ...]]) -> None:
        autostart, not_prevented = found
        self._show_checked(self.autostart, on=autostart)
        self.protection.setText(
            " ".join([tr("This computer cannot keep a model from everything:"), *map(tr, not_prevented)])
            if not_prevented
            else tr("They are kept from your files, from other programs and from the network.")
        )
        self.unprotected.setVisible(bool(not_prevented))

    @staticmethod
    def _show_checked(box: CheckBox, *, on: bool) -> None:
        """Show what is so, which is no wish."""
        box.blockSignals(True)
        box.setChecked(on)
        box.blockSignals(False)

    def _change_autostart(self, on: bool) -> None:
        def work(session: Session) -> bool:
            from kronkers_studio.workflows import this_computer

            (this_computer.enable_autostart if on else this_computer.disable_autostart)(session)
            return on

        def failed(error: StudioError) -> None:
            self._show_checked(self.autostart, on=not on)
            self.notice.show_error(error)

        self.studio.read(work, lambda _on: self.notice.clear(), owner=self, failed=failed)

    def _monitoring(self) -> Card:
        card = Card(tr("Monitoring"))
        choices = sorted({1.0, 2.0, 3.0, 5.0, self.studio.settings.scrape_seconds})
        words = [(tr("Every {time}").format(time=duration(seconds)), seconds) for seconds in choices]
        self.seconds = ComboBox(tr("How often live metrics are read"), words)
        self.seconds.choose(self.studio.settings.scrape_seconds)
        self.seconds.activated.connect(lambda: self.change(scrape_seconds=self.seconds.value))
        card.body.addWidget(Field(setting_title("scrape_seconds"), self.seconds, _help("scrape_seconds")))
        return card

    def _log_and_diagnostics(self) -> Card:
        card = Card(tr("Log and diagnostics"))
        words = tr("What the program wrote down, without secrets. Nothing is ever sent by itself.")
        card.body.addWidget(label(words, "muted", wrap=True))
        row = QHBoxLayout()
        row.addWidget(OfferButton(open_log(), self.do))
        row.addWidget(OfferButton(save_diagnostics(), self.do))
        row.addStretch(1)
        card.body.addLayout(row)
        return card

    def _guide(self) -> Card:
        card = Card(tr("Guide"))
        row = QHBoxLayout()
        row.addWidget(label(tr("The guided way from a folder to a live model."), "muted", wrap=True), 1)
        row.addWidget(OfferButton(guide(), self.do, words=tr("Run it again")))
        card.body.addLayout(row)
        return card

    # Image registries

    def _show_registries(self, found: list[RegistryAccess]) -> None:
        self.registries.show_registries(found)
        wanted, self._wanted_registry = self._wanted_registry, ""
        if wanted:
            self.ask_registry(next((access for access in found if access.host == wanted.lower()), None), wanted)

    def ask_registry(self, known: RegistryAccess | None, host: str = "") -> None:
        """Ask how a registry is to be reached; None is a new one, of which ``host`` may be known."""
        from kronkers_studio.desktop.dialogs.image_registry import ImageRegistryDialog

        def done(access: RegistryAccess) -> None:
            words = tr("{host} is reached as {user}.") if access.user else tr("{host} is reached.")
            self.notice.say(words.format(host=access.host, user=access.user), "", "ok")
            self._settings_changed()

        ImageRegistryDialog(self, self.studio, known, done, host=host).open()

    def ask_forget_registry(self, access: RegistryAccess) -> None:
        """Ask before a login is forgotten: its password would have to be typed again."""
        title = tr("Forget how {host} is reached?").format(host=access.host)
        sentence = tr("Its login and its CA file are forgotten, its password leaves this computer's password store.")

        def forget(_progress: Progress, _cancel: CancelToken) -> RegistryAccess:
            from kronkers_studio.workflows.image_registries import forget_registry

            return forget_registry(access.host)

        def done(_access: RegistryAccess) -> None:
            self._settings_changed()

        def begin() -> None:
            words = tr("Forgetting {host}").format(host=access.host)
            self.studio.do(words, forget, done=done, failed=self.show_error, owner=self, cancellable=False)

        confirm(self, title, sentence, tr("Forget it"), begin)

    def _settings_changed(self) -> None:
        self.studio.reload_settings(load_settings())

    def refresh_base_images(self) -> None:
        """Ask the registries for newer base images."""
        settings = self.studio.settings

        def work(progress: Progress, cancel: CancelToken) -> list[RefreshedBase]:
            from kronkers_studio.workflows.image_registries import refresh_base_images

            return refresh_base_images(settings, progress=progress, cancel=cancel)

        def done(found: list[RefreshedBase]) -> None:
            words, advice = refreshed_words(found)
            self.notice.say(words, advice, "warn" if any(each.problem for each in found) else "ok")

        def failed(error: StudioError) -> None:
            if isinstance(error, Cancelled):
                self.notice.clear()
            else:
                self.show_error(error)

        title = tr("Getting newer base images")
        self.notice.say(f"{title} …", tr("Its progress is in the bar below. You can go on working."))
        task = self.studio.do(title, work, done=done, failed=failed, owner=self)
        self.registries.refresh.setEnabled(False)
        task.ended.connect(self._refreshed)

    def _refreshed(self) -> None:
        self.registries.refresh.setEnabled(True)

    # The workspace

    def ask_workspace(self) -> None:
        """Ask for the folder of another workspace."""
        dialog = QFileDialog(self.window(), tr("Open which workspace?"), str(self.studio.settings.workspace.parent))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda chosen: self.open_workspace(Path(chosen)))
        dialog.open()

    def open_workspace(self, folder: Path) -> None:
        """Open the workspace in ``folder``, now and from now on."""
        from kronkers_studio.workflows.session import workspace_exists

        if not workspace_exists(folder):
            self.notice.say(
                tr("There is no workspace in {folder}.").format(folder=home_short(folder)),
                tr("Choose the folder that holds the file keys.json, or run the guide to make one."),
                "warn",
            )
            return
        if self.change(workspace=folder):
            self.studio.open_directory(folder)


def _read_this_computer(session: Session) -> tuple[bool, tuple[str, ...]]:
    """Whether services start at log-in, and what a model cannot be kept from; off the main thread."""
    from kronkers_studio.workflows import this_computer

    return this_computer.autostart_enabled(session), this_computer.not_prevented()


def _read_registries(session: Session) -> list[RegistryAccess]:
    from kronkers_studio.workflows.image_registries import list_registries

    return list_registries(session.settings)


def _limits(current: float) -> list[tuple[str, object]]:
    """What may be chosen as a limit of reading, in megabytes per second, with the one in force."""
    words = tr("{n} MB per second")
    steps = sorted({*_READ_LIMITS, current} - {0.0})
    return [(tr("No limit"), 0.0), *((words.format(n=number(limit, int(limit % 1 != 0))), limit) for limit in steps)]


def _kept(current: int) -> list[tuple[str, object]]:
    """How many earlier releases may be kept, with the number in force."""
    return [(number(amount), amount) for amount in sorted({*_KEPT, current})]


def _help(name: str) -> str:
    return tr(help_text(name))
