"""Several models as one: sums, votes, chains. https://dmg.org/pmml/v4-4-1/MultipleModels.html"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from kronkers_studio.pmml.columns import Array, Column, blank, objects, same
from kronkers_studio.pmml.document import Element
from kronkers_studio.pmml.forest import Forest
from kronkers_studio.pmml.frames import FieldType, Frame, Scope
from kronkers_studio.pmml.predicates import TRUE, Predicate
from kronkers_studio.pmml.results import Result, aligned, chosen, scattered
from kronkers_studio.pmml.trees import Answers, add_tree

METHODS = (
    *("majorityVote", "weightedMajorityVote", "average", "weightedAverage", "median", "max", "sum"),
    *("selectFirst", "modelChain"),
)
_OF_CLASSES = ("majorityVote", "weightedMajorityVote", "average", "weightedAverage", "selectFirst", "modelChain")
_OF_NUMBERS = ("average", "weightedAverage", "median", "max", "sum", "selectFirst", "modelChain")
Answer = Callable[[Frame], tuple[Result, dict[str, Column]]]


@dataclass(frozen=True, slots=True)
class Member:
    """One model of several: it ``answer``s the rows for which ``predicate`` is true."""

    id: str
    weight: float
    predicate: Predicate
    answer: Answer


Members = Callable[[Frame], Iterator[tuple[float, Array | None, Result]]]


def require_method(segmentation: Element, method: str, function: str) -> None:
    """Raise ``Unevaluated`` for a method that PMML does not define for answers of this kind."""
    allowed = _OF_NUMBERS if function == "regression" else _OF_CLASSES
    if method not in allowed:
        segmentation.refuse(f"multipleModelMethod=“{method[:60]}” of a {function} is not evaluated")
    if segmentation.number("missingThreshold", 1.0) != 1:
        segmentation.refuse("missingThreshold is not evaluated")


def of_members(members: list[Member]) -> Members:
    """What each member answers: its weight, the rows that it is for (None: all) and its result."""

    def run(frame: Frame) -> Iterator[tuple[float, Array | None, Result]]:
        for member in members:
            used, result, _ = answered(member, frame)
            if result is not None:
                yield member.weight, used, result

    return run


def answered(member: Member, frame: Frame) -> tuple[Array | None, Result | None, dict[str, Column]]:
    """Which rows a member is for (None: all), its result for all rows (None: it is for none), and its output fields."""
    if member.predicate.always:
        return None, *member.answer(frame)
    used = member.predicate.truth(frame) == TRUE
    if used.all():
        return None, *member.answer(frame)
    at = np.flatnonzero(used)
    if not len(at):
        return used, None, {}
    result, outputs = member.answer(Frame(Scope(frame.scope), len(at), frame, at))
    spread = {name: _spread(column, at, frame.rows) for name, column in outputs.items()}
    return used, scattered(result, at, frame.rows), spread


def _spread(column: Column, at: Array, rows: int) -> Column:
    values = blank(column.kind, rows)
    values[at] = column.values
    return Column(column.kind, values)


def of_trees(
    models: list[tuple[float, Element]], scope: Scope, target: FieldType | None, function: str, owner: Element
) -> tuple[Members, tuple[str, ...], bool]:
    """The same for trees that see the same fields: all rows walk through all trees together."""
    forest, answers = Forest(scope), Answers()
    for _, model in models:
        add_tree(model, scope, forest, answers)
    factors = [weight for weight, _ in models]
    if function == "regression":
        numbers = answers.numbers(owner)

        def predict(frame: Frame) -> Iterator[tuple[float, Array | None, Result]]:
            found = numbers[forest.walk(frame)]
            for place, weight in enumerate(factors):
                yield weight, None, Result(found[:, place])

        return predict, (), False
    classes = answers.classes(target.values if target else ())
    weights, labels = answers.weights(classes, owner), objects(answers.scores)

    def classify(frame: Frame) -> Iterator[tuple[float, Array | None, Result]]:
        found = forest.walk(frame)
        for place, weight in enumerate(factors):
            at = found[:, place]
            yield weight, None, Result(classes=classes, weights=weights[at], labels=labels[at])

    return classify, classes, answers.tells_shares


def sum_of_numbers(method: str, members: Members, on_missing: str) -> Callable[[Frame], Result]:
    """One number of those of all members, by ``method``."""

    def run(frame: Frame) -> Result:
        values, weights = [], []
        left_out = []
        for weight, used, result in members(frame):
            numbers = np.full(frame.rows, math.nan) if result.numbers is None else result.numbers
            values.append(numbers)
            weights.append(weight)
            left_out.append(np.zeros(frame.rows, bool) if used is None else ~used)
        if not values:
            return Result(np.full(frame.rows, math.nan))
        found, out = np.stack(values, axis=1), np.stack(left_out, axis=1)
        if on_missing != "skipSegment":
            found[(np.isnan(found) & ~out).any(axis=1)] = math.nan
        return Result(_combined(method, found, np.array(weights)))

    return run


def _combined(method: str, found: Array, weights: Array) -> Array:
    gaps = np.isnan(found)
    some = ~gaps.all(axis=1)
    answer = np.full(len(found), math.nan)
    left = found[some]
    match method:
        case "sum":
            answer[some] = np.nansum(left, axis=1)
        case "max":
            answer[some] = np.nanmax(left, axis=1)
        case "median":
            answer[some] = np.nanmedian(left, axis=1)
        case "average":
            answer[some] = np.nanmean(left, axis=1)
        case _:
            shares = np.where(gaps[some], 0.0, weights)
            with np.errstate(all="ignore"):
                answer[some] = np.nansum(left * shares, axis=1) / shares.sum(axis=1)
    return answer


def vote(method: str, members: Members, classes: tuple[str, ...], on_missing: str) -> Callable[[Frame], Result]:
    """Shares of classes of what all members answer, by ``method``."""
    weighted = method.startswith("weighted")
    by_label = method.endswith("ajorityVote")

    def run(frame: Frame) -> Result:
        total, sums = np.zeros(frame.rows), np.zeros((frame.rows, len(classes)))
        missing = np.zeros(frame.rows, dtype=bool)
        for weight, used, result in members(frame):
            shares = _votes(result, classes) if by_label else aligned(result, classes)
            none = np.asarray(np.isnan(shares).any(axis=1))
            missing |= none if used is None else none & used
            factor = np.where(none, 0.0, weight if weighted else 1.0)
            sums += np.where(none[:, None], 0.0, shares) * factor[:, None]
            total += factor
        with np.errstate(all="ignore"):
            found = sums / total[:, None]
        found[total == 0] = math.nan
        if on_missing == "returnMissing" or (on_missing == "continue" and not by_label):
            found[missing] = math.nan
        return Result(classes=classes, weights=found)

    return run


def _votes(result: Result, classes: tuple[str, ...]) -> Array:
    labels = result.label_texts()
    found = np.stack([same(labels, name).astype(np.float64) for name in classes], axis=1)
    found[same(labels, None)] = math.nan
    return found


def chain(members: list[Member], *, first_only: bool) -> Callable[[Frame], Result]:
    """Members one after the other: the first that is for a row answers it, or the last one does, which sees what those
    before it gave out."""

    def run(frame: Frame) -> Result:
        found = Result(np.full(frame.rows, math.nan))
        kept: dict[str, Result] = {}
        open_rows = np.ones(frame.rows, dtype=bool)
        begun = False
        for member in members:
            used, result, outputs = answered(member, frame)
            if result is None:
                continue
            kept[member.id] = result
            for name, column in outputs.items():
                frame.put(name, column)
            at = np.ones(frame.rows, dtype=bool) if used is None else used
            at = at & open_rows if first_only else at
            found = chosen(at, result, found) if begun and not at.all() else result
            begun = True
            open_rows &= ~at
            if first_only and not open_rows.any():
                break
        return Result(found.numbers, found.classes, found.weights, found.labels, found.entities, kept)

    return run
