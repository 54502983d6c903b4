"""Packages in words: how large they are or will be, what they run on, who signed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kronkers_studio.desktop.localization import file_size, tr
from kronkers_studio.domain.models import Package

if TYPE_CHECKING:
    from kronkers_studio.workflows.package_plans import SizeEstimate


PLATFORMS = ("linux/amd64", "linux/arm64")
"""Those that servers have."""


def platform_words(platform: str) -> str:
    """ "Linux, Intel or AMD" for "linux/amd64"."""
    known = {
        "linux/amd64": tr("Linux, Intel or AMD"),
        "linux/arm64": tr("Linux, ARM"),
        "darwin/arm64": tr("macOS, Apple silicon"),
        "darwin/amd64": tr("macOS, Intel"),
        "windows/amd64": tr("Windows, Intel or AMD"),
    }
    return known.get(platform, platform)


def purpose_words(package: Package) -> str:
    """What it is for: a package without a base runs on this computer only."""
    if not package.base:
        return tr("This computer")
    return tr("Servers ({platform})").format(platform=platform_words(package.platform))


def estimate_words(size: SizeEstimate, *, whole: bool) -> str:
    """How large a package will be: with its base where it is the ``whole`` image."""
    parts = [tr("the model {size}").format(size=file_size(size.model))]
    known = size.model
    if size.libraries is not None:
        known += size.libraries
        words = tr("libraries {size} as in {model}")
        parts.append(words.format(size=file_size(size.libraries), model=size.like))
    if whole and size.base is not None:
        known += size.base
        parts.append(tr("the base {size}").format(size=file_size(size.base)))
    no_base = whole and size.base is None
    words = tr("About {size}: {parts}.")
    if size.libraries is None and no_base:
        words = tr("{parts}. Its libraries and its base come on top; how much is known once they are here.")
    elif size.libraries is None:
        words = tr("{parts}. Its libraries come on top; how much is known once they are here.")
    elif no_base:
        words = tr("About {size}: {parts}. Its base comes on top; how much is known once it is here.")
    listed = ", ".join(parts)
    if size.libraries is None:
        listed = listed[:1].upper() + listed[1:]  # a sentence begins with it
    return words.format(size=file_size(known), parts=listed)
