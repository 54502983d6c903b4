"""What the pages are called, in the rail, at their head and in the palette, and what each is for."""

from __future__ import annotations

from kronkers_studio.desktop.localization import tr


def page_title(key: str) -> str:
    """What the page ``key`` is called."""
    return {
        "home": tr("Home"),
        "migrate": tr("Bring in"),
        "registry": tr("Files & history"),
        "models": tr("Models"),
        "model": tr("Model"),
        "deploy": tr("Live"),
        "monitor": tr("Monitor"),
        "servers": tr("Servers"),
        "settings": tr("Settings"),
    }[key]


def page_purpose(key: str) -> tuple[str, str]:
    """What the page ``key`` is for, and other words that people look for it by."""
    return {
        "home": (tr("What there is, and what happened"), tr("overview start dashboard")),
        "migrate": (tr("Bring folders in"), tr("migrate import onedrive folders watch")),
        "registry": (tr("Every file and its earlier versions"), tr("registry versions browse content")),
        "model": (tr("All that is known of one model"), tr("card tags metrics versions compare lineage")),
        "models": (tr("Found and registered models"), tr("register versions machine learning")),
        "deploy": (tr("What runs where"), tr("deploy put live publish services releases")),
        "monitor": (tr("Live charts"), tr("charts metrics requests errors latency")),
        "servers": (tr("Your own servers"), tr("ssh hosts machines")),
        "settings": (tr("How the studio works"), tr("preferences options configuration")),
    }[key]
