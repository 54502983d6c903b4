"""What can be searched for, and what is found."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from kronkers_studio.domain.errors import InvalidInput

_CONDITION = re.compile(r"\s*(?P<metric>[^<>=!]*[^<>=!\s])\s*(?P<operator>>=|<=|!=|==|=|>|<)\s*(?P<value>[^<>=!]+?)\s*")


class SearchKind(StrEnum):
    PROJECT = "project"
    MODEL = "model"  # a version of one
    FILE = "file"


class Operator(StrEnum):
    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="
    EQUAL = "="
    OTHER = "!="


@dataclass(frozen=True, slots=True)
class MetricCondition:
    """``accuracy>0.9``: holds for versions that have the metric, with such a value."""

    metric: str
    operator: Operator
    value: float

    @classmethod
    def parse(cls, text: str) -> MetricCondition:
        """Raises ``InvalidInput``."""
        found = _CONDITION.fullmatch(text)
        try:
            value = float(found["value"]) if found else math.nan
        except ValueError:
            value = math.nan
        if found is None or math.isnan(value):
            raise InvalidInput(f"“{text}” is not a condition.", next_step='Write it as for instance "accuracy>0.9".')
        return cls(found["metric"], Operator(found["operator"].replace("==", "=")), value)


class SortKey(StrEnum):
    RELEVANCE = "relevance"  # models: where the words stand; files: in the name before in the folder, shallow first
    NAME = "name"
    NEWEST = "newest"
    SIZE = "size"  # largest first
    METRIC = "metric"  # highest first


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of what is found; ``reverse`` turns it around. Versions without ``metric`` come last either way."""

    key: SortKey = SortKey.RELEVANCE
    metric: str = ""
    reverse: bool = False

    @classmethod
    def parse(cls, text: str) -> Sort:
        """``name``, ``metric:accuracy``, ``-metric:loss`` (reversed). Raises ``InvalidInput``."""
        key, _, metric = text.removeprefix("-").partition(":")
        if key not in tuple(SortKey) or (key == SortKey.METRIC) != bool(metric):
            raise InvalidInput(
                f"“{text}” is not an order.",
                next_step="Use relevance, name, newest, size or metric:NAME; a minus before it turns it around.",
            )
        return cls(SortKey(key), metric, text.startswith("-"))


@dataclass(frozen=True, slots=True)
class SearchFilters:
    """What is looked for besides the text; an empty field allows everything. ``kinds`` that a filter cannot apply to
    are left out: ``extension`` finds files only, ``framework``, ``tag`` and ``metrics`` models only."""

    kinds: tuple[SearchKind, ...] = ()
    project: str = ""
    branch: str = ""
    extension: str = ""  # with or without its dot
    framework: str = ""
    tag: str = ""
    metrics: tuple[MetricCondition, ...] = ()
    sort: Sort = Sort()

    def wants(self, kind: SearchKind) -> bool:
        if self.kinds and kind not in self.kinds:
            return False
        only_models = bool(self.framework or self.tag or self.metrics)
        only_files = bool(self.extension or self.branch)
        return {
            SearchKind.PROJECT: not only_models and not only_files,
            SearchKind.MODEL: not only_files,
            SearchKind.FILE: not only_models,
        }[kind]


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One thing found. Files have ``path``, ``branches`` (whose heads hold it), ``size`` and ``modified`` (of the
    default branch, else of the first), and data files the ``columns`` that hold a word of the text; model versions have
    ``model``, ``version``, ``framework`` and a ``detail`` from their description."""

    kind: SearchKind
    title: str
    project: str
    path: str = ""
    branches: tuple[str, ...] = ()
    size: int = 0
    modified: datetime | None = None
    model: str = ""
    version: int = 0
    framework: str = ""
    detail: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchPage:
    """A page of ``hits`` (projects first, then models, then files) out of ``total``.

    ``unread`` data files are new and not found by their columns yet, only by their names.
    """

    total: int
    hits: tuple[SearchHit, ...]
    counts: Mapping[SearchKind, int] = field(default_factory=dict)
    unread: int = 0


@dataclass(frozen=True, slots=True)
class ColumnsProblem:
    """A data file that is not found by its columns, and why, as a sentence."""

    project: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class ColumnsRead:
    """What reading the columns of data files came to: how many different contents were ``read``."""

    read: int = 0
    problems: tuple[ColumnsProblem, ...] = ()
