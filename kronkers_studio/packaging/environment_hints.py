"""What the files beside a model say of the Python and the libraries it was made with."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

DEFAULT_PYTHON = "3.11"
_KNOWN_MINORS = range(8, 16)
_LONGEST_LINE = 1000  # characters
_LARGEST_TABLE = 1 << 20  # characters
_MOST_DOTS = 2000  # of one line: the time for a key a.b.c… grows with their square
_MOST_LINES = 50_000
_MICROS = range(50)  # of one minor; the most so far is 20
_EXACT = re.compile(r"(?:[a-zA-Z]*-)?3\.([0-9]{1,2})(?:\.[0-9]+)?")
_MLMODEL_PYTHON = re.compile(r"(?m)^    python_version: ['\"]?(3\.[0-9]{1,2}(?:\.[0-9]+)?)['\"]?\s*$")
_PYTHON_ENV = re.compile(r"(?m)^python: ['\"]?(3\.[0-9]{1,2}(?:\.[0-9]+)?)['\"]?\s*$")
CONDA_FILES = ("conda.yaml", "conda.yml", "environment.yaml", "environment.yml")
_CONDA_LINE = re.compile(r"\s*-\s*['\"]?(?:[\w.-]+::)?([A-Za-z0-9][\w.-]*)\s*([=<>!~][=<>!~\w.,* ]*)?['\"]?\s*(?:#.*)?")
_NO_LIBRARIES = ("python", "pip", "nodefaults", "defaults", "conda-forge")
_HEADER = re.compile(r"(?m)^# /// script\s*$\s(?P<content>(?:^#(?:| .*)$\s)+)^# ///$")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """``python`` is a version such as "3.11" ("" when nothing says it); ``pins`` maps normalised project names to the
    one version named for it."""

    python: str
    pins: Mapping[str, str]


def read_surroundings(beside: Mapping[str, Callable[[], bytes]]) -> Surroundings:
    """Read what is useful of the small text files in the model's folder; what cannot be read as text says nothing.

    The order of trust: MLmodel, which MLflow wrote where the model was made, .python-version, python_env.yaml, the
    header of the script beside the model, pyproject.toml; and for libraries requirements.txt, conda.yaml, the script's
    header, pyproject.toml.
    """
    texts = {name: decoded(read) for name, read in sorted(beside.items())}
    headers = [script_header(text) for name, text in texts.items() if name.lower().endswith(".py")]
    project = _table(toml_table(texts.get("pyproject.toml", "")).get("project"))
    stated = [
        _found(_MLMODEL_PYTHON, texts.get("MLmodel", "")),
        texts.get(".python-version", ""),
        texts.get("runtime.txt", ""),
        _found(_PYTHON_ENV, texts.get("python_env.yaml", "")),
    ]
    ranges = [table.get("requires-python") for table in (*headers, project)]
    lines = [line for name in ("requirements.txt", "requirements.lock") for line in texts.get(name, "").splitlines()]
    lines += [line for name in CONDA_FILES for line in conda_requirements(texts.get(name, ""))]
    for table in (*headers, project):
        listed = table.get("dependencies")
        lines.extend(line for line in (listed if isinstance(listed, list) else ()) if isinstance(line, str))
    return Surroundings(_python(stated, ranges), _pins(lines))


def conda_requirements(text: str) -> Iterator[str]:
    """What an environment of conda asks for, as lines of a requirements file: a line of it for each library, those of
    pip further in. MLflow writes one too."""
    for line in text.splitlines()[:_MOST_LINES]:
        matched = _CONDA_LINE.fullmatch(line) if len(line) <= _LONGEST_LINE else None
        if matched and matched[1].lower() not in _NO_LIBRARIES:
            wanted = (matched[2] or "").strip()
            if re.match(r"=[^=]", wanted):  # conda's name=version=build
                wanted = f"=={wanted[1:].partition('=')[0]}"
            yield f"{matched[1]}{wanted}"


def is_version(text: str) -> bool:
    """Whether ``text`` is a version as Python's libraries have them (PEP 440), without spaces around it."""
    try:
        Version(text)
    except ValueError:  # also for a number of more digits than Python makes one of
        return False
    return text == text.strip()


def _found(form: re.Pattern[str], text: str) -> str:
    matched = form.search(text)
    return matched[1] if matched else ""


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
    """The Python 3 minor that a ``requires-python`` means: the default when that is allowed, else the nearest to it;
    None when it allows none, or says nothing."""
    try:
        allowed_versions = SpecifierSet(specifier)
    except InvalidSpecifier:
        return None
    if not allowed_versions:
        return None
    default = int(DEFAULT_PYTHON.partition(".")[2])
    allowed = [minor for minor in _KNOWN_MINORS if any(f"3.{minor}.{micro}" in allowed_versions for micro in _MICROS)]
    return min(allowed, key=lambda minor: abs(minor - default), default=None)


def _pins(lines: list[str]) -> dict[str, str]:
    """The projects for which the lines of a requirements file name one version; of several, the first line counts."""
    pins: dict[str, str] = {}
    for line in lines[:_MOST_LINES]:
        requirement = requirement_of(line)
        version = only_version(requirement.specifier) if requirement else ""
        if requirement and version:
            pins.setdefault(canonicalize_name(requirement.name), version)
    return pins


def requirement_of(line: str) -> Requirement | None:
    """What a line of a requirements file asks for; None for its options and all that is no requirement."""
    text = line.partition("#")[0].partition(" --hash")[0].rstrip("\\ \t")
    if len(text) > _LONGEST_LINE:
        return None
    try:
        return Requirement(text)
    except (InvalidRequirement, RecursionError):
        return None


def only_version(specifier: SpecifierSet) -> str:
    """The version that is asked for and no other; "" when it is not one."""
    if len(specifier) != 1:
        return ""
    (only,) = specifier
    return only.version if only.operator in ("==", "===") and is_version(only.version) else ""


def script_header(text: str) -> dict[str, object]:
    """A script's metadata block (PEP 723) as a table."""
    matched = _HEADER.search(text.replace("\r\n", "\n"))
    if not matched:
        return {}
    return toml_table("\n".join(line[2:] for line in matched["content"].splitlines()))


def toml_table(text: str) -> dict[str, object]:
    """What a TOML document holds; nothing for one that is none."""
    if len(text) > _LARGEST_TABLE or any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
        return {}
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):  # also for a number of more digits than Python makes one of
        return {}


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def decoded(read: Callable[[], bytes]) -> str:
    """The text that ``read`` gives; "" when it is none."""
    data = read()
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"  # PowerShell writes UTF-16
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return ""
