"""The file of a test set as expectations: every key known, every value of its type, what is wrong named by its line."""

from __future__ import annotations

import dataclasses
import hashlib
import types
import typing
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.errors import InvalidTestSet, NotFound
from kronkers_studio.domain.expectations import KINDS, TEST_SET_ENDINGS, Expectation, ExpectationSet, Metric
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.domain.paths import join, parent
from kronkers_studio.workflows.model_test_runs.located_yaml import MOST_BYTES, Located, UnreadableYaml, read_located
from kronkers_studio.workflows.session import Session

OWN_PROJECT = "Model tests"
"""The project that keeps test sets which were not brought in with a folder."""
_MOST_EXPECTATIONS = 500
_LONGEST_TEXT = 2000
_LONGEST_NAME = 200
_SET_KEYS = ("format", "data", "truth", "tests")
_NEEDED = {"memory": "at_most_mb", "size": "at_most_mb", "start": "at_most_seconds"}


def find_test_set(
    session: Session, version: ModelVersion, named: ContentRef | None = None, chosen: ContentRef | None = None
) -> ExpectationSet:
    """The test set ``named``, else the one ``chosen`` for the model, else one beside its file, called like that or like
    the model (``wine.tests.yaml``), else one in the project “Model tests”.

    Raises ``NotFound`` where there is none, ``InvalidTestSet``.
    """
    for source in (named, chosen):
        if source is not None:
            return read_test_set(session, source)
    for source in _by_convention(version):
        found = _entry(session, source)
        if found is not None:
            return read_test_set(session, source)
    stem = version.source.path.rpartition("/")[2].rpartition(".")[0] or version.name
    raise NotFound(
        f"There is no test set for {version.name}.",
        next_step=f"Put one beside its file, called {stem}{TEST_SET_ENDINGS[0]}; or make a first one of what is known "
        "of it.",
    )


def read_test_set(session: Session, source: ContentRef) -> ExpectationSet:
    """The test set in a file of a project. Raises ``NotFound``, ``InvalidTestSet``."""
    content = session.workspace.content
    commit = content.resolve(source.project, source.commit)
    entry = content.find(source.project, commit.id, source.path)
    name = source.path.rpartition("/")[2]
    if entry.kind is not EntryKind.FILE or entry.size > MOST_BYTES:
        raise InvalidTestSet(
            f"{name} is no test set: it is no file of at most {MOST_BYTES // 1000} kB.",
            next_step="Name a YAML file that says what is expected.",
        )
    bytes_ = content.read(entry)
    digest = hashlib.sha256(bytes_).hexdigest()
    at = ContentRef(source.project, commit.id, source.path)
    return ExpectationSet(at, digest, parse_test_set(bytes_, name))


def _by_convention(version: ModelVersion) -> list[ContentRef]:
    source = version.source
    folder, file = parent(source.path), source.path.rpartition("/")[2]
    stems = dict.fromkeys((file.rpartition(".")[0] or file, version.name))
    paths = [join(folder, f"{stem}{ending}") for stem in stems for ending in TEST_SET_ENDINGS]
    beside = [ContentRef(source.project, commit, path) for commit in ("", source.commit) for path in paths]
    return [*beside, *(ContentRef(OWN_PROJECT, "", f"{version.name}{ending}") for ending in TEST_SET_ENDINGS)]


def _entry(session: Session, source: ContentRef) -> Entry | None:
    try:
        return session.workspace.content.find(source.project, source.commit, source.path)
    except NotFound:
        return None


def parse_test_set(content: bytes, name: str) -> tuple[Expectation, ...]:
    """The expectations in a YAML or JSON text, each with a name of its own. Raises ``InvalidTestSet``."""
    try:
        return _TestSet(name).read(read_located(content))
    except UnreadableYaml as problem:
        raise InvalidTestSet(
            f"{name}, line {problem.line}: it cannot be read: {problem}.", next_step="Correct it."
        ) from None


class _TestSet:
    def __init__(self, name: str) -> None:
        self._name = name

    def read(self, root: Located) -> tuple[Expectation, ...]:
        whole = self._map(root, "A test set")
        self._known(whole, _SET_KEYS, "a test set")
        if "format" in whole and whole["format"].value != 1:
            self._refuse(whole["format"], "It is of a form that this program does not know.", "Write format: 1.")
        shared: dict[str, Located] = {key: whole[key] for key in ("data", "truth") if key in whole}
        listed = whole.get("tests")
        if listed is None or not isinstance(listed.value, list) or not listed.value:
            self._refuse(listed or root, "It lists no tests.", "Write “tests:” and below it a list, each with a kind.")
        if len(listed.value) > _MOST_EXPECTATIONS:
            self._refuse(listed, f"It lists more than {_MOST_EXPECTATIONS} tests.", "Split it.")
        found: list[Expectation] = []
        names: set[str] = set()
        for each in listed.value:
            made = self._expectation(each, shared)
            if made.name in names and "name" in each.value:
                self._refuse(each, f"“{made.name}” is the name of another test, too.", "Give each a name of its own.")
            made = dataclasses.replace(made, name=_unused(made.name, names))
            names.add(made.name)
            found.append(made)
        return tuple(found)

    def _expectation(self, at: Located, shared: Mapping[str, Located]) -> Expectation:
        given = self._map(at, "A test")
        if "kind" not in given:
            self._refuse(at, "This test has no kind.", f"The kinds are {', '.join(KINDS)}.")
        word = given["kind"].value
        if not isinstance(word, str) or word not in KINDS:
            word = _plain(given["kind"])
            self._refuse(given["kind"], f"“{_cut(word)}” is no kind of test.", _suggested(word, list(KINDS)))
        kind = KINDS[word]
        fields = {field.name.rstrip("_"): field for field in dataclasses.fields(kind)}
        self._known({key: given[key] for key in given if key != "kind"}, tuple(fields), f"a test of kind {word}")
        given = {**{key: value for key, value in shared.items() if key in fields}, **given}
        hints = typing.get_type_hints(kind)
        values = {}
        for key, field in fields.items():
            if key in given:
                values[field.name] = self._value(given[key], hints[field.name], key, field.metadata)
            elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                self._refuse(at, f"This test of kind {word} has no “{key}”.", f"Write {key}: and what it is.")
        self._complete(at, kind, values)
        made = kind(**values)
        name = made.name or _made_name(made)
        if len(name) > _LONGEST_NAME or not name.isprintable():
            self._refuse(at, "The name of a test is too long or cannot be printed.", "Give it a short name.")
        return dataclasses.replace(made, name=name)

    def _complete(self, at: Located, kind: type[Expectation], values: Mapping[str, Any]) -> None:
        """What one field alone does not tell."""
        asked = {
            key
            for key, value in values.items()
            if value is not None and value is not False and value not in ("", (), {})
        }
        word = kind.kind
        match word:
            case "metric" if ("at_least" in asked) is ("at_most" in asked):
                self._refuse(at, "A metric needs either at_least or at_most.", "Write for instance at_least: 0.9.")
            case "memory" | "size" | "start" if _NEEDED[word] not in values:
                self._refuse(at, f"This test of kind {word} has no “{_NEEDED[word]}”.", f"Write {_NEEDED[word]}: …")
            case "latency" if not asked & {"p50", "p95", "p99", "rows_per_second"}:
                self._refuse(
                    at, "A latency needs a bound.", "Write p50, p95 or p99 in milliseconds, or rows_per_second."
                )
            case "schema" if not asked & {"columns", "classes"}:
                self._refuse(at, "A schema needs columns or classes.", "Write which the model takes or answers.")
            case "invariance":
                ways = ("values", "noise", "case", "whitespace", "swap")
                if len(asked & set(ways)) != 1:
                    self._refuse(at, "An invariance needs one way of changing its column.", f"Write {', '.join(ways)}.")
                if values.get("swap") and len(values["swap"]) != 2:
                    self._refuse(at, "Two values are swapped.", "Write for instance swap: [red, white].")
            case "refuses" if not asked & {"rows", "wrong", "without"}:
                self._refuse(at, "Nothing is said that must be refused.", "Write rows, wrong or without.")
            case "leak" if not asked & {"columns", "alone_at_most"}:
                self._refuse(
                    at, "Nothing is said of which column.", "Write columns with worsens_at_most, or alone_at_most."
                )
            case "leak" if values.get("columns") and values.get("worsens_at_most") is None:
                self._refuse(at, "How much worse it may get is not said.", "Write for instance worsens_at_most: 0.2.")

    # ---- values ----

    def _value(self, at: Located, hint: Any, key: str, bounds: Mapping[str, Any]) -> Any:
        found = self._typed(at, hint, key)
        least, most, words = bounds.get("least"), bounds.get("most"), bounds.get("words")
        if words and found not in words:
            self._refuse(at, f"“{key}” is {' or '.join(words)}.", "Write one of them.")
        if isinstance(found, int | float) and not isinstance(found, bool):
            if least is not None and found < least:
                self._refuse(at, f"“{key}” is at least {least:g}.", "Correct it.")
            if most is not None and found > most:
                self._refuse(at, f"“{key}” is at most {most:g}.", "Correct it.")
        return found

    def _typed(self, at: Located, hint: Any, key: str) -> Any:
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if hint is Metric:
            if at.value not in list(Metric):
                word = _plain(at)
                self._refuse(at, f"“{_cut(word)}” is no metric.", _suggested(word, [each.value for each in Metric]))
            return Metric(at.value)
        if origin is tuple:
            items = at.value if isinstance(at.value, list) else [at]
            return tuple(self._typed(item, arguments[0], key) for item in items)
        if origin is not None and issubclass(origin, Mapping):
            return {name: self._typed(item, arguments[1], key) for name, item in self._map(at, f"“{key}”").items()}
        if hint is Any:
            return _plain(at)
        kinds = arguments if origin in (typing.Union, types.UnionType) else (hint,)
        return self._scalar(at, kinds, key)

    def _scalar(self, at: Located, kinds: Sequence[Any], key: str) -> Any:
        value = at.value
        if value is None and type(None) in kinds:
            return None
        if isinstance(value, bool):
            fits = bool in kinds
        elif isinstance(value, int):
            fits = int in kinds or float in kinds
        elif isinstance(value, float):
            fits = float in kinds
        else:
            fits = isinstance(value, str) and str in kinds
        if kinds == (str,) and isinstance(value, int | float) and not isinstance(value, bool):
            value, fits = str(value), True  # a column that is called 7
        if not fits:
            words = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
            wanted = " or ".join(dict.fromkeys(words[kind] for kind in kinds if kind in words))
            self._refuse(at, f"“{key}” must be {wanted}.", "Correct it.")
        if isinstance(value, str) and (len(value) > _LONGEST_TEXT or "\0" in value):
            self._refuse(at, f"“{key}” is too long a text.", "Shorten it.")
        return value

    def _map(self, at: Located, what: str) -> dict[str, Located]:
        if not isinstance(at.value, dict):
            self._refuse(at, f"{what} must be written as names and values.", "Write each as “name: value”.")
        found: dict[str, Located] = at.value
        return found

    def _known(self, given: Mapping[str, Located], known: Sequence[str], what: str) -> None:
        for key, at in given.items():
            if key not in known:
                self._refuse(at, f"“{_cut(key)}” is nothing that {what} has.", _suggested(key, known))

    def _refuse(self, at: Located, message: str, next_step: str) -> NoReturn:
        raise InvalidTestSet(f"{self._name}, line {at.line}: {message}", next_step=next_step)


def _plain(at: Located) -> Any:
    if isinstance(at.value, dict):
        return {key: _plain(item) for key, item in at.value.items()}
    return [_plain(item) for item in at.value] if isinstance(at.value, list) else at.value


def _made_name(made: Expectation) -> str:
    """As a test without a name is called."""
    parts = [made.kind]
    for key in ("metric", "slice", "column", "against"):
        value = getattr(made, key, "")
        if value and not (key == "metric" and made.kind == "leak"):
            parts.append(str(value))
    return " ".join(parts)[:_LONGEST_NAME]


def _unused(name: str, names: set[str]) -> str:
    if name not in names:
        return name
    return next(f"{name} {number}" for number in range(2, _MOST_EXPECTATIONS + 2) if f"{name} {number}" not in names)


def _suggested(wrong: object, known: Sequence[str]) -> str:
    close = get_close_matches(str(wrong)[:60], known, n=1)
    return f"Did you mean {close[0]}?" if close else f"There are {', '.join(known)}."


def _cut(text: object) -> str:
    return str(text)[:60]
