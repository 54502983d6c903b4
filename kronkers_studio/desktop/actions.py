"""Everything that can be done or gone to, as data: pages make their buttons of it, and the palette finds it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from functools import lru_cache
from pathlib import Path

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QAbstractButton

from kronkers_studio.desktop.destinations import Destination
from kronkers_studio.desktop.localization import tr

_INFIX = 4  # letters from which on a word is found inside of others: "put" is not meant to find "computer"
_WORD = re.compile(r"[^\W_]+")


class Command(Enum):
    """What the window itself does."""

    PALETTE = auto()
    FIND = auto()
    TASKS = auto()
    BACK = auto()
    FORWARD = auto()
    HELP = auto()
    GUIDE = auto()
    REBUILD = auto()
    LOG = auto()
    DIAGNOSTICS = auto()
    CHECK_PACKAGE = auto()
    QUIT = auto()


@dataclass(frozen=True, slots=True)
class UseTheme:
    """ "light", "dark" or "system"."""

    theme: str


@dataclass(frozen=True, slots=True)
class Press:
    """A button of the page in view."""

    button: QAbstractButton


@dataclass(frozen=True, slots=True)
class FindAll:
    """All files that ``words`` find."""

    words: str


@dataclass(frozen=True, slots=True)
class CopyText:
    """Put ``text``, which Qt can show, on the clipboard."""

    text: str


@dataclass(frozen=True, slots=True)
class ShowInFileManager:
    """Open the folder of a file of this computer, or a folder; where it is gone, the nearest one that is there."""

    path: Path


Act = Destination | Command | UseTheme | Press | FindAll | CopyText | ShowInFileManager


class Kind(StrEnum):
    """What an action is about: those of one kind stand below one heading."""

    HERE = "here"
    ACTION = "action"
    PAGE = "page"
    PROJECT = "project"
    MODEL = "model"
    SERVER = "server"
    SETTING = "setting"
    FILE = "file"

    @property
    def heading(self) -> str:
        return {
            Kind.HERE: tr("On this page"),
            Kind.ACTION: tr("Actions"),
            Kind.PAGE: tr("Pages"),
            Kind.PROJECT: tr("Projects"),
            Kind.MODEL: tr("Models"),
            Kind.SERVER: tr("Servers"),
            Kind.SETTING: tr("Settings"),
            Kind.FILE: tr("Files"),
        }[self]


@dataclass(frozen=True, slots=True)
class Action:
    """``title`` says all of it, ``short`` what its button says beside what it is about; ``where`` is a short line on
    what or where it is, ``also`` are other words that people look for. ``shortcut`` is in Qt's portable form."""

    kind: Kind
    title: str
    act: Act
    icon: str = "forward"
    short: str = ""
    where: str = ""
    also: str = ""
    shortcut: str = ""
    useful: bool = False  # offered before anything is typed

    @property
    def shown_shortcut(self) -> str:
        """As the platform writes it."""
        return native(self.shortcut) if self.shortcut else ""

    @property
    def words(self) -> str:
        """What a button says."""
        return self.short or self.title


def native(shortcut: str) -> str:
    """A shortcut as the platform writes it."""
    return QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText)


def matching(actions: Iterable[Action], text: str) -> list[Action]:
    """The actions in which every word of ``text`` is found, best first: what begins with all of it, then where words of
    the title begin so, then where other words for it do, then where one holds it anywhere."""
    wanted = words_of(text)
    if not wanted:
        return list(actions)
    ranked = []
    for place, action in enumerate(actions):
        rank = _rank(action, wanted)
        if rank is not None:
            ranked.append((rank, len(action.title), place, action))
    ranked.sort(key=lambda each: each[:3])
    return [action for *_, action in ranked]


def _rank(action: Action, wanted: Sequence[str]) -> tuple[int, int] | None:
    title, rest = _padded(action.title), _padded(f"{action.also} {action.where} {action.kind.heading}")
    total = 0
    for word in wanted:
        start = f" {word}"
        if start in title:
            continue
        if start in rest:
            total += 2 if rest.startswith(start) else 3
        elif len(word) < _INFIX:
            return None
        elif word in title:
            total += 4
        elif word in rest:
            total += 6
        else:
            return None
    whole = " " + " ".join(wanted)
    return (total, 0 if title == f"{whole} " else 1 if title.startswith(whole) else 2)


def words_of(text: str) -> list[str]:
    """The words of ``text``, without case and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return _WORD.findall("".join(each for each in plain if not unicodedata.combining(each)))


@lru_cache(maxsize=65_536)
def _padded(text: str) -> str:
    return f" {' '.join(words_of(text))} "
