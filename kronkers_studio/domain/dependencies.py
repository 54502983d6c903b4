"""Which libraries a model's service runs on: what was found about that, and what a person decided."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DependencyEvidence:
    """A file beside the model says that its code uses a library.

    ``project`` is the library's normalised name on package indexes; ``requirement`` what is asked for ("pandas>=2"),
    or "" when the code merely imports it; ``version`` the one version that is named, "" for none; ``file`` says so.
    """

    project: str
    requirement: str
    version: str
    file: str


@dataclass(frozen=True, slots=True)
class DependencyChoice:
    """What a person wants a version's service to run on, instead of what was found.

    ``requirements`` ("pandas==2.2.1", "polars") are installed beside what the framework needs; ``python_version``
    ("3.12") is "" for the one that was found.
    """

    python_version: str = ""
    requirements: tuple[str, ...] = ()
