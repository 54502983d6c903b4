"""The text of OpenSSH's client configuration: its lines as words, with the files that it includes.

Nothing is evaluated here: `ssh_config` does that. A file may be of any origin, so what is read of it is bounded.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kronkers_studio.domain.errors import SshConfigUnusable
from kronkers_studio.settings.paths import from_home

_MOST_BYTES = 1_000_000
_MOST_FILES = 200
_MOST_LINES = 50_000
_DEEPEST = 16
"""How many files may include one another, as in OpenSSH."""

_BLANK = " \t\r\f"


@dataclass(frozen=True, slots=True)
class Line:
    """A setting: its ``keyword`` in small letters, its arguments, and where it stands ("config, line 3")."""

    keyword: str
    arguments: tuple[str, ...]
    where: str


@dataclass(frozen=True, slots=True)
class Included:
    """The lines of the files that an `Include` names, in its place."""

    lines: tuple[Line | Included, ...]


Lines = tuple[Line | Included, ...]


def read_lines(file: Path, folder: Path) -> Lines:
    """The lines of ``file``, none when there is no such file; what it includes by a relative name lies in ``folder``.

    Raises ``SshConfigUnusable`` when it, or what it includes, cannot be read, or is more than anybody writes.
    """
    return _Reader(folder).lines(file, 0)


class _Reader:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = self._count = 0

    def lines(self, file: Path, depth: int) -> Lines:
        text = self._text(file)
        found: list[Line | Included] = []
        for number, raw in enumerate(text.split("\n"), 1):
            where = f"{file}, line {number}"
            words = _words(raw, where)
            if not words:
                continue
            self._count += 1
            if self._count > _MOST_LINES:
                raise _too_much(file, f"more than {_MOST_LINES:,} settings")
            if words[0].lower() == "include":
                found.append(Included(tuple(self._included(words[1:], where, depth + 1))))
            else:
                found.append(Line(words[0].lower(), tuple(words[1:]), where))
        return tuple(found)

    def _included(self, names: list[str], where: str, depth: int) -> Iterator[Line | Included]:
        if depth > _DEEPEST:
            raise SshConfigUnusable(
                f"The SSH configuration includes files in a circle, or too deeply ({where}).",
                next_step="Take that Include out, or write the server's address as ssh://user@host.",
            )
        for name in names:
            path = from_home(Path(name)) if name.startswith("~") else self._folder / name
            for found in sorted(glob.glob(str(path))):  # noqa: PTH207  # the name may be absolute
                yield from self.lines(Path(found), depth)

    def _text(self, file: Path) -> str:
        self._files += 1
        if self._files > _MOST_FILES:
            raise _too_much(file, f"more than {_MOST_FILES} files")
        try:
            if file.exists() and not file.is_file():  # a pipe, say, which never ends
                raise SshConfigUnusable(f"{file} is not a file.", next_step="See what your SSH configuration includes.")
            with file.open("rb") as stream:
                content = stream.read(_MOST_BYTES + 1)
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise SshConfigUnusable(
                f"The SSH configuration {file} cannot be read: {error.strerror}.",
                next_step="Correct its permissions, or write the server's address as ssh://user@host.",
            ) from None
        if len(content) > _MOST_BYTES:
            raise _too_much(file, "more than 1 MB")
        if b"\0" in content:
            raise SshConfigUnusable(f"The SSH configuration {file} is no text.", next_step="See what it is.")
        return content.decode("utf-8", "replace")


def _too_much(file: Path, what: str) -> SshConfigUnusable:
    return SshConfigUnusable(
        f"The SSH configuration {file} is {what}, which nobody writes.",
        next_step="See what it is, or write the server's address as ssh://user@host.",
    )


def _words(raw: str, where: str) -> list[str]:
    """The keyword and its arguments: `Keyword value`, `Keyword=value`, in quotes with blanks. Nothing for a comment."""
    text = raw.strip(_BLANK)
    if not text or text.startswith("#"):
        return []
    end = next((at for at, character in enumerate(text) if character in _BLANK + "="), len(text))
    rest = text[end:].lstrip(_BLANK)
    return [text[:end].strip('"'), *_split(rest.removeprefix("="), where)]


def _split(text: str, where: str) -> Iterator[str]:  # noqa: PLR0912  # one branch per kind of character
    """The arguments, as OpenSSH splits them: quotes of both kinds, a backslash before a quote, a blank or itself."""
    word: list[str] = []
    begun = skip = False
    quote = ""
    for at, character in enumerate(text):
        following = text[at + 1 : at + 2]
        if skip:
            skip = False
            word.append(character)
        elif character == "\\" and following and (following in "\"'\\" or (not quote and following == " ")):
            begun = skip = True
        elif quote:
            if character == quote:
                quote = ""
            else:
                word.append(character)
        elif character in "\"'":
            quote, begun = character, True
        elif character in _BLANK:
            if begun:
                yield "".join(word)
            word, begun = [], False
        elif character == "#" and not begun:
            return
        else:
            word.append(character)
            begun = True
    if quote:
        raise SshConfigUnusable(
            f"A quotation mark in the SSH configuration is not closed ({where}).", next_step="Correct that line."
        )
    if begun:
        yield "".join(word)
