"""How people name what a workspace holds: written and read here alone.

    PROJECT         PROJECT@REF         a version: of the default branch, or what REF names there (a branch, a tag, the
                                        beginning of an id, {a moment}, BRANCH@{a moment})
    PROJECT:PATH    PROJECT@REF:PATH    a file
    NAME   NAME:3   NAME@ALIAS          a version of a model: the newest, by number, by alias
    NAME:r2@PLACE                       a release
    sha256:…                            a package

What is written for names that a project, a branch or a model can have is read back as it was. All parsing raises
``InvalidInput``; whether what is named exists is for others to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.models import ContentRef

# up to the first colon that is not part of a moment: P@{2026-05-01 14:05}:PATH
_CONTENT = re.compile(r"(?P<where>(?:@\{[^{}]*\}|[^:])*+):/*+(?P<path>.*[^/])/*", re.DOTALL)
_COMMIT = re.compile(r"(?P<project>[^@]+)(?:@(?P<ref>.*))?", re.DOTALL)
_MODEL = re.compile(r"(?P<name>[^@:]+)(?::(?P<version>[0-9]{1,9})|@(?P<alias>[^@:]+))?")
_RELEASE = re.compile(r"(?P<model>[^@:]+):r(?P<number>[0-9]{1,9})@(?P<place>[^@]+)", re.DOTALL)
_RELEASE_NUMBER = re.compile(r"r?([0-9]{1,9})")
_PACKAGE = "sha256:"


class CommitReference(NamedTuple):
    """A version of a project; ``ref`` is "" for the default branch's newest."""

    project: str
    ref: str = ""

    def __str__(self) -> str:
        return f"{self.project}@{self.ref}" if self.ref else self.project


class ModelReference(NamedTuple):
    """A version of a model; neither number nor alias means the newest."""

    name: str
    version: int | None = None
    alias: str | None = None

    def __str__(self) -> str:
        if self.version is not None:
            return f"{self.name}:{self.version}"
        return f"{self.name}@{self.alias}" if self.alias is not None else self.name


class ReleaseReference(NamedTuple):
    """A release of a model in a place: this computer, or a server."""

    model: str
    number: int
    place: str

    def __str__(self) -> str:
        return f"{self.model}:r{self.number}@{self.place}"


class PackageReference(NamedTuple):
    """A package by its digest, or the beginning of that."""

    digest: str

    def __str__(self) -> str:
        return self.digest


Node = PackageReference | ReleaseReference | ModelReference | ContentRef | CommitReference
"""What can be asked for its lineage; the commit of a ``ContentRef`` is the ref as written."""


def format_content(project: str, ref: str, path: str) -> str:
    """``PROJECT@REF:PATH``, in full; without ``@REF`` when that is ""."""
    return f"{CommitReference(project, ref)}:{path}"


def parse_commit(text: str) -> CommitReference:
    """``PROJECT`` or ``PROJECT@REF``."""
    found = _COMMIT.fullmatch(text)
    if found is None:
        raise InvalidInput(f"“{text}” names no project.", next_step="Write it as PROJECT or PROJECT@VERSION.")
    return CommitReference(found["project"], found["ref"] or "")


def parse_content(text: str) -> ContentRef:
    """``PROJECT:PATH`` or ``PROJECT@REF:PATH``; the commit is the ref as written."""
    found = _CONTENT.fullmatch(text)
    if found is None:
        raise InvalidInput(f"“{text}” names no file.", next_step="Write it as PROJECT:PATH or PROJECT@VERSION:PATH.")
    return ContentRef(*parse_commit(found["where"]), found["path"])


def parse_model(text: str) -> ModelReference:
    """``NAME``, ``NAME:3`` or ``NAME@ALIAS``."""
    found = _MODEL.fullmatch(text)
    if found is not None:
        return _model(found)
    name, colon, version = text.partition(":")
    if colon and _MODEL.fullmatch(name) and "@" not in name:
        raise InvalidInput(f"“{version[:40]}” is not a version number.", next_step=f"Write for instance {name}:3.")
    raise InvalidInput(f"“{text}” names no model.", next_step="Write it as NAME, NAME:3 or NAME@ALIAS.")


def parse_model_version(text: str) -> tuple[str, int]:
    """``NAME:3``, where it has to be said which version."""
    name, version, _ = parse_model(text)
    if version is None:
        raise InvalidInput(f"“{text}” names no model version.", next_step=f"Write for instance {name}:3.")
    return name, version


def parse_release_number(text: str) -> int:
    """``r3`` or ``3``."""
    found = _RELEASE_NUMBER.fullmatch(text)
    if found is None:
        raise InvalidInput(f"“{text}” is not a release.", next_step="Write for instance r3.")
    return int(found[1])


def parse_node(text: str, *, is_model: Callable[[str], bool]) -> Node:
    """Any of these names. ``NAME`` and ``NAME@…`` are a model's when ``is_model`` says that there is one, else a
    project's. A file that is called like a number is ``PROJECT@:3``, as ``NAME:3`` is a model's."""
    if text.startswith(_PACKAGE):
        return PackageReference(text)
    if found := _RELEASE.fullmatch(text):
        return ReleaseReference(found["model"], int(found["number"]), found["place"])
    found = _MODEL.fullmatch(text)
    if found and (found["version"] or is_model(found["name"])):
        return _model(found)
    if _CONTENT.fullmatch(text):
        return parse_content(text)
    commit = _COMMIT.fullmatch(text)
    if commit and commit["ref"]:
        return parse_commit(text)
    raise InvalidInput(
        f"“{text}” is no model, package, release, file or version.",
        next_step="Write for instance churn:3, PROJECT:PATH or PROJECT@VERSION.",
    )


def _model(found: re.Match[str]) -> ModelReference:
    return ModelReference(found["name"], int(found["version"]) if found["version"] else None, found["alias"])
