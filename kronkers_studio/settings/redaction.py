"""Text without secrets, for the log; and without names, for what is handed to others.

Two nets: whatever ``Secret`` holds now is found as it is; and what has the form of a secret is taken for one, wherever
it comes from. Too much is taken out rather than too little.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import re
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

from kronkers_studio.settings.secrets import secrets_in_use

HIDDEN = "***"
_SHORTEST = 4  # letters of a secret that is looked for as it is: shorter ones are in every other word
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_LOGIN_IN_URL = re.compile(r"(\b[a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/@\"'“”]*:[^\s/\"'“”]*@|(\bhttps?://)[^\s/@\"'“”]+@")
_NAMED = re.compile(
    r"""(?ix)
    ( \b [\w-]* (?: pass (?: word | phrase | wd )? | secret | token | api[-_ ]?key | credentials? | private[-_ ]?key
                  | recovery[-_ ]?key | access[-_ ]?key | identity[-_ ]?token )
      [\w-]* ["']? \s* [=:] \s* )
    ( "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | “[^”]*” | [^\s,;})\]]+ )
    """
)
_AUTHORIZATION = re.compile(r"(?i)\b(bearer|basic)\s+[\w+/=.~-]{6,}|(\bauthorization[\"']?\s*[:=]\s*)\S+(?:\s+\S+)?")
_RECOVERY_KEY = re.compile(r"\b(?:[0-9A-Za-z]{4}[- ]){8}[0-9A-Za-z]{4}\b")
_WELL_KNOWN = re.compile(
    r"\b(?:gh[pousr]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|AKIA\w{12,}|eyJ[\w.-]{20,}|xox[a-z]-[\w-]{10,}"
    r"|sk-[\w-]{20,}|AIza[\w-]{30,}|(?:npm|hf)_\w{20,}|pypi-[\w-]{30,})"
)
_SIGNATURE = re.compile(r"(?i)([?&](?:sig|signature|x-amz-signature|x-goog-signature)=)[^&\s\"'“”]+")
_COOKIE = re.compile(r"(?i)(\b(?:set-)?cookie[\"']?\s*[:=]\s*)[^\n\"”]+")
_DIGITS = re.compile(r"(?<![0-9a-zA-Z])[0-9a-fA-F]{32,}(?![0-9a-zA-Z])")
_RANDOM = re.compile(r"(?<![\w:+/-])(?=[\w+-]*[0-9])(?=[\w+-]*[a-z])(?=[\w+-]*[A-Z])[A-Za-z0-9+_-]{40,}={0,2}")
_QUOTED = re.compile(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|“[^”\n]*”")
_MOST_OF_A_FAULT = 300  # characters of what an unexpected error says of itself


def redacted(text: str) -> str:
    """``text`` without what is a secret, or looks like one. Long rows of hexadecimal digits, which may be a key, become
    a short number that is the same for the same digits."""
    for secret in secrets_in_use():
        forms = {secret, quote(secret, safe=""), *(json.dumps(secret, ensure_ascii=way)[1:-1] for way in (True, False))}
        for form in sorted(forms, key=len, reverse=True):
            if len(form) >= _SHORTEST:
                text = text.replace(form, HIDDEN)
    text = _PRIVATE_KEY.sub(HIDDEN, text)
    text = _LOGIN_IN_URL.sub(lambda found: f"{found[1] or found[2]}{HIDDEN}@", text)
    text = _AUTHORIZATION.sub(lambda found: f"{found[1] + ' ' if found[1] else found[2]}{HIDDEN}", text)
    text = _NAMED.sub(lambda found: f"{found[1]}{HIDDEN}", text)
    text = _RECOVERY_KEY.sub(HIDDEN, text)
    text = _WELL_KNOWN.sub(HIDDEN, text)
    for named in (_SIGNATURE, _COOKIE):
        text = named.sub(lambda found: f"{found[1]}{HIDDEN}", text)
    text = _DIGITS.sub(lambda found: f"#{_short(found[0].lower())}", text)
    return _RANDOM.sub(HIDDEN, text)


def redacted_fault(traceback: str) -> str:
    """A traceback without secrets, and without what the error says in quotes: that may be out of somebody's table."""
    lines = []
    for line in redacted(traceback).splitlines():
        if line[:1].isspace() or line.startswith(("Traceback ", "During handling", "The above exception")):
            lines.append(line)
        else:
            lines.append(_QUOTED.sub("“…”", line)[:_MOST_OF_A_FAULT])
    return "\n".join(lines)


def _short(text: str) -> str:
    return hashlib.blake2s(text.encode(), digest_size=4).hexdigest()


_CODE_LINE = re.compile(r'^(\s*File ")(.*)(", line \d+.*)$')
_PATH_START = r"(?:(?<![\w.<])~?[/\\]|(?<!\w)[A-Za-z]:[\\/]|\\\\)"
_WITH_ENDING = re.compile(rf"{_PATH_START}[^\n\"“”<>]*\.\w{{1,8}}\b")
_PATH = re.compile(rf"{_PATH_START}[^\s\"“”'<>]+|(?<![\w<])[\w.~-]+(?:[/\\][\w.~ -]*[\w~-])+")
_FILE_NAME = re.compile(r"(?<![\w<])(?:[\w()&+'-]+[ .])*[\w()&+'-]+\.[A-Za-z][A-Za-z0-9]{1,7}\b")
_SAID = re.compile(r"“([^”\n<]*)”|‘([^’\n<]*)’")
_ADDRESS = re.compile(
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|\b(?:ssh|https?)://[^\s\"“”'<>]+|\b[\w.-]+@[\w.-]+\b"
)
_LOOPBACK = re.compile(r"127\.0\.0\.\d+|localhost")
_OURS = re.compile(r".*[/\\]((?:kronkers_studio|site-packages|lib[/\\]python[\d.]+)[/\\].*)$")


class Mask:
    """Takes names out of text: of files and folders, of people and computers, and those that are ``known`` by what they
    are names of. The same name becomes the same stand-in, so that what is said can still be followed."""

    def __init__(self, known: Mapping[str, Iterable[str]] | None = None) -> None:
        self._stand_ins: dict[str, str] = {}
        self._amounts: dict[str, int] = {}
        self._known: list[tuple[re.Pattern[str], str]] = []
        names = [(name, kind) for kind, names in (known or {}).items() for name in names if name]
        for name, kind in sorted(set(names), key=lambda pair: (-len(pair[0]), pair)):
            self._known.append((_word(name), self._stand_in(kind, name)))
        home = _home()
        self._own = [(_word(home), "<home>")] if len(home) > 1 else []
        own = (("user", _user()), ("computer", _computer()))
        self._own += [(_word(name), f"<{kind}>") for kind, name in own if name]

    def text(self, text: str) -> str:
        """``text`` without names."""
        lines = text.split("\n")
        code = False
        for number, line in enumerate(lines):
            file = _CODE_LINE.match(line)
            if file is not None:
                lines[number] = f"{file[1]}{_code_file(file[2])}{file[3]}"
            elif not (code and line.startswith("    ")):  # the line of our program that the one before names
                lines[number] = self._line(line)
            code = file is not None
        return "\n".join(lines)

    def _line(self, line: str) -> str:
        for pattern, stand_in in self._known:
            line = pattern.sub(stand_in, line)
        line = _ADDRESS.sub(self._address, line)
        line = _SAID.sub(lambda found: f"“{self._stand_in('name', found[1] or found[2] or '')}”", line)
        line = _WITH_ENDING.sub(lambda found: self._path(found[0]), line)
        line = _PATH.sub(lambda found: self._path(found[0]), line)
        line = _FILE_NAME.sub(lambda found: self._path(found[0]), line)
        for pattern, stand_in in self._own:
            line = pattern.sub(stand_in, line)
        return line

    def _address(self, found: re.Match[str]) -> str:
        return found[0] if _LOOPBACK.search(found[0]) else self._stand_in("address", found[0])

    def _path(self, path: str) -> str:
        ending = Path(path.replace("\\", "/")).suffix
        return self._stand_in("path", path) + (ending if re.fullmatch(r"\.[A-Za-z0-9]{1,7}", ending) else "")

    def _stand_in(self, kind: str, name: str) -> str:
        key = f"{kind} {name}"
        if key not in self._stand_ins:
            self._amounts[kind] = self._amounts.get(kind, 0) + 1
            self._stand_ins[key] = f"<{kind} {self._amounts[kind]}>"
        return self._stand_ins[key]


def _code_file(path: str) -> str:
    """Of a file of code no more than what tells where in a program it is."""
    ours = _OURS.match(path)
    return ours[1] if ours is not None else Path(path.replace("\\", "/")).name


def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w<]){re.escape(name)}(?![\w>])", re.IGNORECASE)


def _home() -> str:
    try:
        return str(Path.home())
    except RuntimeError:
        return ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _computer() -> str:
    return socket.gethostname().split(".")[0]
