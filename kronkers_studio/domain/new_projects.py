"""Projects that begin with a few files that work: the languages, and what was made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kronkers_studio.domain.working_copies import WorkingCopy


class Language(StrEnum):
    PYTHON = "python"
    R = "r"
    JULIA = "julia"

    @property
    def label(self) -> str:
        return {Language.PYTHON: "Python", Language.R: "R", Language.JULIA: "Julia"}[self]

    @property
    def model_ending(self) -> str:
        """What the file of a model trained in it is called, behind its name."""
        return {Language.PYTHON: ".joblib", Language.R: ".rds", Language.JULIA: ".jls"}[self]


@dataclass(frozen=True, slots=True)
class NewProject:
    """A project that was just made: ``files`` are the paths in its working copy, ``steps`` what to type next."""

    copy: WorkingCopy
    language: Language
    name: str  # of the model that it trains
    files: tuple[str, ...]
    steps: tuple[str, ...]
    remark: str = ""  # what speaks against its place
