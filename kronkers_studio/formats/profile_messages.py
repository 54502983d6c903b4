"""What travels between this program and the one that reads tables when a reference profile is made.

The profile comes from a process that a hostile table may have taken over: each value is checked for its type, and the
whole for the bounds of a profile. Whatever is not as it should be is ``Malformed``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from kronkers_studio.domain.feature_profiles import (
    FeatureBins,
    FeatureKind,
    FeatureProfile,
    ProfileQuestion,
    TableProfile,
    Unprofiled,
    UnprofiledColumn,
    flaw_of,
)
from kronkers_studio.formats.table_messages import Malformed, count, fields, items, text

_Kind = TypeVar("_Kind", bound=StrEnum)
_Made = TypeVar("_Made")


def pack_question(question: ProfileQuestion) -> list[Any]:
    return [list(map(list, question.columns)), question.named, question.answer, question.classes, question.target]


def unpack_question(asked: Any) -> ProfileQuestion:
    """What the other process asks for, which is trusted."""
    columns, named, answer, classes, target = asked
    return ProfileQuestion(tuple((name, datatype) for name, datatype in columns), named, answer, tuple(classes), target)


def pack_profile(table: TableProfile) -> list[Any]:
    return [
        table.rows,
        list(map(_pack_feature, table.features)),
        [[one.name, one.why.value] for one in table.left_out],
        None if table.answers is None else _pack_feature(table.answers),
        table.target,
    ]


def _pack_feature(one: FeatureProfile) -> list[Any]:
    bins = one.bins
    described = [bins.name, bins.kind.value, bins.cuts, bins.least, bins.greatest, bins.categories, bins.rare]
    return [described, one.counts, one.mean, one.deviation, one.title]


def unpack_profile(about: Any) -> TableProfile:
    rows, features, left_out, answers, target = fields(about, 5)
    table = TableProfile(
        count(rows),
        items(features, _unpack_feature),
        items(left_out, _unpack_left_out),
        _or_none(answers, _unpack_feature),
        text(target),
    )
    if flaw_of(table):
        raise Malformed
    return table


def _unpack_feature(about: Any) -> FeatureProfile:
    described, counts, mean, deviation, title = fields(about, 5)
    name, kind, cuts, least, greatest, categories, rare = fields(described, 7)
    bins = FeatureBins(
        text(name),
        _of(FeatureKind, kind),
        items(cuts, _number),
        _number(least),
        _number(greatest),
        items(categories, text),
        items(rare, text),
    )
    return FeatureProfile(
        bins, items(counts, count), _or_none(mean, _number), _or_none(deviation, _number), text(title)
    )


def _unpack_left_out(about: Any) -> UnprofiledColumn:
    name, why = fields(about, 2)
    return UnprofiledColumn(text(name), _of(Unprofiled, why))


def _of(kind: type[_Kind], value: Any) -> _Kind:
    try:
        return kind(text(value))
    except ValueError:
        raise Malformed from None


def _or_none(value: Any, of: Callable[[Any], _Made]) -> _Made | None:
    return None if value is None else of(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Malformed
    try:
        number = float(value)
    except OverflowError:
        raise Malformed from None
    if not math.isfinite(number):
        raise Malformed
    return number
