"""Branches and tags as people call them: the current state, copies of it that go their own way, named states."""

from __future__ import annotations

from kronkers_studio.desktop.localization import tr
from kronkers_studio.domain.content import DEFAULT_BRANCH


def branch_title(name: str) -> str:
    """What a branch is called where only names stand: "Current", or its name."""
    return tr("Current") if name == DEFAULT_BRANCH else name


def branch_words(name: str) -> str:
    """A branch within a sentence: "the current state", "copy “forecast”"."""
    return tr("the current state") if name == DEFAULT_BRANCH else tr("copy “{name}”").format(name=name)


def tag_words(name: str) -> str:
    """A tag within a sentence: "state “2026-q2”"."""
    return tr("state “{name}”").format(name=name)
