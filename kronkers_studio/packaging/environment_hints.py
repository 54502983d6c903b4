"""What the files beside a model say of the Python and the libraries it was made with."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

DEFAULT_PYTHON = "3.11"
_KNOWN_MINORS = range(8, 16)
_PIN = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^]]*\])?\s*===?\s*([A-Za-z0-9.!+_-]+)\s*(?:[;#].*)?")
_EXACT = re.compile(r"(?:[a-zA-Z]*-)?3\.([0-9]{1,2})(?:\.[0-9]+)?")
_BOUND = re.compile(r"(>=|<=|==|~=|>|<|!=)\s*3\.(\d{1,2})(\.\d+|\.\*)?")
_HEADER = re.compile(r"(?m)^# /// script\s*$\s(?P<content>(?:^#(?:| .*)$\s)+)^# ///$")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """``python`` is a version such as "3.11" ("" when nothing says it); ``pins`` maps normalised project names to the
    one version named for it."""

    python: str
    pins: Mapping[str, str]


def read_surroundings(beside: Mapping[str, Callable[[], bytes]]) -> Surroundings:
    """Read what is useful of the small text files in the model's folder; what cannot be read as text says nothing.

    The order of trust: .python-version, the header of the script beside the model, pyproject.toml; and for
    libraries requirements.txt, the script's header, pyproject.toml.
    """
    texts = {name: _text(read) for name, read in sorted(beside.items())}
    headers = [_header(text) for name, text in texts.items() if name.lower().endswith(".py")]
    project = _table(_toml(texts.get("pyproject.toml", "")).get("project"))
    stated = [texts.get(".python-version", ""), texts.get("runtime.txt", "")]
    ranges = [table.get("requires-python") for table in (*headers, project)]
    lines = [line for name in ("requirements.txt", "requirements.lock") for line in texts.get(name, "").splitlines()]
    for table in (*headers, project):
        listed = table.get("dependencies")
        lines.extend(line for line in (listed if isinstance(listed, list) else ()) if isinstance(line, str))
    return Surroundings(_python(stated, ranges), dict(_pins(lines)))


def normalised(project: str) -> str:
    """A library's name as package indexes compare it: ``Scikit_Learn`` → ``scikit-learn``."""
    return re.sub(r"[-_.]+", "-", project).lower()


def _python(stated: list[str], ranges: list[object]) -> str:
    for text in stated:
        matched = _EXACT.match(text.strip())
        if matched:
            return f"3.{matched[1]}"
    for specifier in ranges:
        if isinstance(specifier, str) and (minor := _minor_within(specifier)) is not None:
            return f"3.{minor}"
    return ""


def _minor_within(specifier: str) -> int | None:
    """The Python 3 minor that a ``requires-python`` means: its lower bound, or the default when that is allowed and
    there is none."""
    allowed = [minor for minor in _KNOWN_MINORS if all(_fits(minor, *bound) for bound in _BOUND.findall(specifier))]
    bounded = bool(_BOUND.search(specifier))
    default = int(DEFAULT_PYTHON.partition(".")[2])
    if not bounded or not allowed:
        return None
    return default if default in allowed else min(allowed, key=lambda minor: abs(minor - default))


def _fits(minor: int, operator: str, bound: str, micro: str) -> bool:
    limit = int(bound)
    return {
        ">=": minor >= limit,
        ">": minor > limit or (minor == limit and micro not in ("", ".*")),
        "<=": minor <= limit,
        "<": minor < limit or (minor == limit and micro not in ("", ".0", ".*")),
        "==": minor == limit,
        "~=": minor == limit if micro else minor >= limit,
        "!=": minor != limit or micro not in ("", ".*"),
    }[operator]


def _pins(lines: list[str]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for line in lines:
        matched = _PIN.fullmatch(line.partition(" \\")[0].partition(" --hash")[0])
        if matched and "*" not in matched[2] and normalised(matched[1]) not in seen:
            seen.add(normalised(matched[1]))
            yield normalised(matched[1]), matched[2]


def _header(text: str) -> dict[str, object]:
    """A script's metadata block (PEP 723) as a table."""
    matched = _HEADER.search(text.replace("\r\n", "\n"))
    if not matched:
        return {}
    return _toml("\n".join(line[2:] for line in matched["content"].splitlines()))


def _toml(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _text(read: Callable[[], bytes]) -> str:
    data = read()
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"  # PowerShell writes UTF-16
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return ""
