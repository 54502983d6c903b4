"""Programs that a working copy can be opened in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

FILE_MANAGER = "file-manager"


class Trust(StrEnum):
    """Whether a program asks if a folder is to be trusted before it runs anything of it."""

    ASKS = "asks"
    BY_SETTING = "by its settings"
    R_AT_ONCE = "no: R runs .Rprofile"
    WHAT_IS_STARTED = "no: what is started in it"
    RUNS_NOTHING = "runs nothing"
    UNKNOWN = "not known"

    @property
    def sentence(self) -> str:
        """What a person should know before a folder is opened in it."""
        return _SENTENCES[self]


_KNOWN_MAKERS = "Open only files in it whose makers you know."
_SENTENCES = {
    Trust.ASKS: "It asks whether you trust the folder before it runs anything in it. Say yes only to files whose "
    "makers you know.",
    Trust.BY_SETTING: "Whether it asks before it runs a task of the folder depends on its setting “Workspace Trust”. "
    f"{_KNOWN_MAKERS}",
    Trust.R_AT_ONCE: f"It does not ask: R runs the folder's .Rprofile as soon as it opens. {_KNOWN_MAKERS}",
    Trust.WHAT_IS_STARTED: "It does not ask: what its notebooks and consoles load may come from the folder, and one of "
    f"R runs its .Rprofile first. {_KNOWN_MAKERS}",
    Trust.RUNS_NOTHING: "It only shows the files.",
    Trust.UNKNOWN: f"Whether it asks before it runs anything in the folder is not known. {_KNOWN_MAKERS}",
}


@dataclass(frozen=True, slots=True)
class Editor:
    """A program that was found on this computer. ``command`` starts it, the folder goes behind; where its words
    hold ``FOLDER``, in its place. With ``project_file`` it is given the folder's only file of that ending, if there is
    one."""

    key: str  # such as "vscode"; the path of one that a person chose
    label: str
    command: tuple[str, ...]
    project_file: str = ""
    trust: Trust = Trust.UNKNOWN

    def arguments(self, place: str) -> list[str]:
        """The command that opens ``place``, as the system takes it: nothing of it is read by a shell."""
        if any(FOLDER in word for word in self.command):
            return [word.replace(FOLDER, place) for word in self.command]
        return [*self.command, place]


FOLDER = "\0folder"
"""Stands for the folder in a command; no argument can be so."""
