"""Settings as actions, and what is done on their page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kronkers_studio.desktop.actions import Action, Kind
from kronkers_studio.desktop.destinations import (
    ChooseWorkspace,
    ReachImageRegistry,
    RefreshBaseImages,
    ShowSetting,
)
from kronkers_studio.desktop.localization import tr

if TYPE_CHECKING:
    pass


def setting_title(name: str) -> str:
    """What the setting called ``name`` is called on its page."""
    return {
        "theme": tr("Theme"),
        "notify_failures": tr("Tell me about failures"),
        "notify_successes": tr("Tell me when long work is done"),
        "when_closed": tr("When the window is closed"),
        "author": tr("Name in histories"),
        "working_copies": tr("Folder for working copies and new projects"),
        "scrape_seconds": tr("Live metrics"),
        "keep_releases": tr("Earlier releases that are kept"),
        "run_unprotected": tr("Run models here all the same"),
        "autostart": tr("Start them again when I log in"),
        "read_limit": tr("Read at most"),
        "low_priority": tr("Run slower when I am working"),
        "base_image": tr("Base image"),
        "package_platform": tr("Platform of the servers"),
        "offline": tr("Work offline"),
    }[name]


def settings_actions() -> list[Action]:
    """The way to each setting of the Settings page."""
    about = {
        "theme": (tr("Appearance"), tr("light dark colours look mode")),
        "notify_failures": (tr("In the background"), tr("notifications alerts messages tray warn")),
        "notify_successes": (tr("In the background"), tr("notifications alerts messages tray finished")),
        "when_closed": (tr("In the background"), tr("tray quit exit keep running minimize background")),
        "author": (tr("You"), tr("your name user who")),
        "working_copies": (tr("Workspace"), tr("where checkout editor projects folder place")),
        "scrape_seconds": (tr("Monitoring"), tr("how often are read interval refresh seconds charts")),
        "keep_releases": (tr("Servers"), tr("history rollback old versions")),
        "run_unprotected": (tr("Models on this computer"), tr("sandbox protection confinement security")),
        "autostart": (tr("Models on this computer"), tr("autostart boot startup restart computer services")),
        "read_limit": (tr("Bringing in folders"), tr("how fast folders are read speed limit bandwidth throttle")),
        "low_priority": (tr("Bringing in folders"), tr("slow priority nice give way to other programs")),
        "base_image": (tr("For administrators"), tr("docker container python image")),
        "package_platform": (tr("For administrators"), tr("amd64 arm64 processor architecture linux")),
        "offline": (tr("For administrators"), tr("no network internet download")),
    }
    return [
        Action(Kind.SETTING, setting_title(name), ShowSetting(name), "settings", where=where, also=also)
        for name, (where, also) in about.items()
    ]


def choose_workspace() -> Action:
    words, where = tr("Open another workspace …"), tr("Another encrypted folder")
    return Action(
        Kind.ACTION, words, ChooseWorkspace(), "folder", tr("Open another …"), where, tr("switch change location")
    )


def add_image_registry() -> Action:
    where, also = tr("Where base images come from"), tr("docker login harbor container registry")
    return Action(Kind.ACTION, tr("Add an image registry …"), ReachImageRegistry(""), "plus", tr("Add …"), where, also)


def reach_image_registry(host: str) -> Action:
    """Say how it is reached."""
    title = tr("Log in to the image registry {host} …").format(host=host)
    return Action(Kind.ACTION, title, ReachImageRegistry(host), "key", where=host, also=tr("change password ca file"))


def refresh_base_images() -> Action:
    where = tr("For packages that are built from now on")
    return Action(
        Kind.ACTION, tr("Get newer base images"), RefreshBaseImages(), "refresh", where=where, also=tr("update pull")
    )
