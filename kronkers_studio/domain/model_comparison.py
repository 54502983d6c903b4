"""Two model versions side by side."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kronkers_studio.domain.models import ModelVersion


class Aspect(StrEnum):
    METRICS = "metrics"
    FACTS = "facts"
    REQUIREMENTS = "requirements"
    SIGNATURE = "signature"
    SOURCE = "source"
    DESCRIPTION = "description"


@dataclass(frozen=True, slots=True)
class ComparedValue:
    """One line of a comparison; a side that does not have it is "". ``change`` is how much a figure grew, if it is one
    on both sides."""

    aspect: Aspect
    name: str
    left: str
    right: str
    change: float | None = None

    @property
    def differs(self) -> bool:
        return self.left != self.right


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """All that can be compared of two versions, in the order of ``Aspect``; ``same_file`` says whether their model
    files hold the same bytes."""

    left: ModelVersion
    right: ModelVersion
    same_file: bool
    values: tuple[ComparedValue, ...]

    @property
    def differences(self) -> tuple[ComparedValue, ...]:
        return tuple(value for value in self.values if value.differs)
