"""Programs that a working copy can be opened in."""

from __future__ import annotations

from dataclasses import dataclass

FILE_MANAGER = "file-manager"


@dataclass(frozen=True, slots=True)
class Editor:
    """A program that was found on this computer. ``command`` starts it, the folder goes behind; where its words
    hold ``FOLDER``, in its place. With ``project_file`` it is given the folder's only file of that ending, if there is
    one."""

    key: str  # such as "vscode"; the path of one that a person chose
    label: str
    command: tuple[str, ...]
    project_file: str = ""

    def arguments(self, place: str) -> list[str]:
        """The command that opens ``place``, as the system takes it: nothing of it is read by a shell."""
        if any(FOLDER in word for word in self.command):
            return [word.replace(FOLDER, place) for word in self.command]
        return [*self.command, place]


FOLDER = "\0folder"
"""Stands for the folder in a command; no argument can be so."""
