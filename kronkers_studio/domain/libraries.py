"""The libraries of a model's service as people see them, and how they ask for one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kronkers_studio.domain.dependencies import DependencyChoice, DependencyEvidence
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.models import Framework, ModelFacts, ModelVersion

FRAMEWORK_LIBRARIES: Final[Mapping[Framework, tuple[str, ...]]] = {
    Framework.SKLEARN: ("scikit-learn",),
    Framework.XGBOOST: ("xgboost", "xgboost-cpu"),
    Framework.LIGHTGBM: ("lightgbm",),
    Framework.CATBOOST: ("catboost",),
    Framework.KERAS: ("keras",),
    Framework.PYTORCH: ("torch",),
}
"""The libraries whose version a model's file tells, by their names on package indexes."""

_SPECIFIER = r"(?:===?|[<>!~]=|[<>])\s*[A-Za-z0-9.!+_*-]{1,80}"
_WANTED = re.compile(
    rf"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]{{0,126}}[A-Za-z0-9])?)\s*({_SPECIFIER}(?:\s*,\s*{_SPECIFIER}){{0,9}})?\s*"
)


@dataclass(frozen=True, slots=True)
class Library:
    """One library of a model's service. ``wanted`` ("==2.2.1", "" for any version) is what counts of what was said,
    ``packaged`` the version in the newest package, ``said_by`` the files that name it. ``chosen``: by a person."""

    project: str
    wanted: str
    packaged: str
    said_by: tuple[str, ...]
    chosen: bool


def libraries(
    choice: DependencyChoice | None, evidence: Sequence[DependencyEvidence], locked: Sequence[str]
) -> list[Library]:
    """Every library that a person chose, then those that files name, then what else a package holds."""
    chosen = {project_of(text): text for text in choice.requirements} if choice is not None else {}
    packaged = {project_of(pin): pin.partition("==")[2] for pin in locked}
    said: dict[str, list[DependencyEvidence]] = {}
    for one in evidence:
        said.setdefault(one.project, []).append(one)
    named = [*chosen, *(project for project in said if project not in chosen)]
    rest = sorted(packaged.keys() - set(named))
    return [
        Library(
            project,
            _wanted(chosen.get(project), said.get(project, ())).removeprefix(project),
            packaged.get(project, ""),
            tuple(dict.fromkeys(one.file for one in said.get(project, ()))),
            project in chosen,
        )
        for project in (*named, *rest)
    ]


def project_of(requirement: str) -> str:
    """The library that ``requirement``, in the form that is recorded, asks for."""
    return re.split(r"[<>=!~]", requirement, maxsplit=1)[0]


def _wanted(chosen: str | None, evidence: Sequence[DependencyEvidence]) -> str:
    """What a person chose, else the first file that says more than the name."""
    return chosen if chosen is not None else next((one.requirement for one in evidence if one.requirement), "")


def library_wanted(text: str, model: ModelVersion) -> tuple[str, str]:
    """The library that ``text`` ("Pandas == 2.2.1") asks for by its normalised name ("pandas"), and all of it in the
    form that is recorded ("pandas==2.2.1"). Whether there is such a version is not looked at.

    Raises ``InvalidInput`` for anything else, and for the library whose version the model itself tells.
    """
    matched = _WANTED.fullmatch(text)
    if matched is None or not _is_requirement(text):
        raise InvalidInput(
            f"“{text[:100]}” is not a library and its version.",
            next_step="Write it as name==version, e.g. pandas==2.2.1; the name alone means the newest that fits.",
        )
    project = re.sub(r"[-_.]+", "-", matched[1]).lower()
    own = _version_told(model.facts, project)
    if own:
        raise InvalidInput(
            f"{model.label} was made with {project} {own}, and is run with that.",
            next_step="Train it with another version, and register it as the model's next version.",
        )
    return project, project + re.sub(r"\s", "", matched[2] or "")


def _version_told(facts: ModelFacts, project: str) -> str:
    """The version of ``project`` that the model's file tells; "" when it tells none."""
    if project in FRAMEWORK_LIBRARIES.get(facts.framework, ()):
        return facts.framework_version
    told = {project_of(one): one.partition("==")[2] for one in facts.libraries}
    return told.get("xgboost" if project == "xgboost-cpu" else project, "")


def _is_requirement(text: str) -> bool:
    """Whether the versions in it are some: "~=1" and ">=abc" only look like it."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(text.strip())
    except InvalidRequirement:
        return False
    return True
