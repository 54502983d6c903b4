"""Checks by the truth: metrics, also of each part of the rows, the champion, earlier predictions, and leaks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kronkers_studio.domain.errors import RowsRefused
from kronkers_studio.domain.expectations import (
    AgreementExpectation,
    ChampionExpectation,
    LeakExpectation,
    Metric,
    MetricExpectation,
)
from kronkers_studio.domain.row_tables import cell_words
from kronkers_studio.estimators.class_labels import in_order, label_of, one_spelling
from kronkers_studio.workflows.model_test_runs.examination import Examination
from kronkers_studio.workflows.model_test_runs.findings import (
    Finding,
    Unmeasurable,
    figure,
    limit_words,
    passed_if,
    percent,
    rows_words,
    skipped,
    within,
)
from kronkers_studio.workflows.model_test_runs.holdouts import (
    Answers,
    Holdout,
    class_number,
    column_place,
    judged_classes,
    judged_numbers,
    number_of,
    truth_labels,
    truth_numbers,
)
from kronkers_studio.workflows.model_test_runs.model_difference import compared
from kronkers_studio.workflows.model_test_runs.quality_metrics import Array, Judged, Undefined, measure
from kronkers_studio.workflows.model_test_runs.single_columns import alone

_SEED = 20261202
_MOST_SLICES = 1000
_MOST_NAMED = 5


def check_metric(examination: Examination, wanted: MetricExpectation) -> Finding:
    holdout, answers = examination.holdout(wanted), examination.answers(wanted)
    judged, rows = _judged(holdout, wanted.truth, wanted.metric, answers)
    limit = limit_words(wanted.at_least, wanted.at_most)
    if len(judged) < wanted.minimum_rows:
        few = f"Only {rows_words(len(judged))} of {holdout.name} have a truth, at least {wanted.minimum_rows:,} were "
        return passed_if(False, f"{few}asked for.", None, limit)
    positive = _positive(wanted, judged)
    if wanted.slice:
        return _check_slices(wanted, holdout, judged, rows, positive)
    value = _measured(wanted.metric, judged, positive)
    bound = wanted.at_least if wanted.at_least is not None else wanted.at_most
    of = f" of {label_of(wanted.class_)}" if wanted.class_ is not None else ""
    left_out = len(holdout.rows) - len(judged)
    behind = f"; {rows_words(left_out)} without truth left out" if left_out else ""
    sentence = (
        f"{wanted.metric.words}{of} on {holdout.name} is {figure(value, bound)}, {limit} was asked for "
        f"({rows_words(len(judged))}{behind})."
    )
    return passed_if(within(value, wanted.at_least, wanted.at_most), sentence, value, limit)


def _check_slices(
    wanted: MetricExpectation, holdout: Holdout, judged: Judged, rows: Array, positive: int | None
) -> Finding:
    place = column_place(holdout.table, wanted.slice)
    cells = [cell_words(row[place]).strip() or "(empty)" for row in holdout.table.rows]
    parts: dict[str, list[int]] = {}
    for at, cell in enumerate(np.array(cells, dtype=object)[rows]):
        parts.setdefault(cell, []).append(at)
    if len(parts) > _MOST_SLICES:
        raise Unmeasurable(f"“{wanted.slice}” has {len(parts):,} different values: it parts the rows into none.")
    limit = limit_words(wanted.at_least, wanted.at_most)
    values: list[tuple[float, str, int]] = []
    for name, places in parts.items():
        if len(places) >= wanted.slice_rows:
            part = judged.take(np.array(places))
            values.append((_measured(wanted.metric, part, positive), name, len(places)))
    if not values:
        fewest = f"No value of “{wanted.slice}” has {wanted.slice_rows:,} rows"
        raise Unmeasurable(f"{fewest}: lower slice_rows, or give more rows.")
    worst = (min if wanted.at_least is not None else max)(values)
    bad = [name for value, name, _ in values if not within(value, wanted.at_least, wanted.at_most)]
    bound = wanted.at_least if wanted.at_least is not None else wanted.at_most
    small = len(parts) - len(values)
    also = f" Not reached by {len(bad)}: {', '.join(bad[:_MOST_NAMED])}." if len(bad) > 1 else ""
    sentence = (
        f"{wanted.metric.words} is worst where {wanted.slice} is {worst[1][:60]}: {figure(worst[0], bound)}, {limit} "
        f"was asked for ({rows_words(worst[2])} of {holdout.name}; {len(values)} parts"
        f"{f', {small} too small to count' if small else ''}).{also}"
    )
    return passed_if(not bad, sentence, worst[0], limit)


def check_champion(examination: Examination, wanted: ChampionExpectation) -> Finding:
    opponent = examination.opponent(wanted.against)
    if opponent is None:
        return skipped(
            "There is no champion yet to compare with, or it is this very version."
            if not wanted.against
            else f"{wanted.against} is this very version."
        )
    holdout = examination.holdout(wanted)
    own, _ = _judged(holdout, wanted.truth, wanted.metric, examination.answers(wanted))
    other, _ = _judged(holdout, wanted.truth, wanted.metric, examination.answers_of(opponent, wanted))
    own, other = same_classes(own, other)
    if len(own) < wanted.minimum_rows:
        few = f"Only {rows_words(len(own))} of {holdout.name} have a truth"
        return passed_if(False, f"{few}, at least {wanted.minimum_rows:,} were asked for.")
    positive = _positive(wanted, own)
    try:
        value, theirs = (measure(wanted.metric, each, positive) for each in (own, other))
        found = compared(wanted.metric, own, other, positive, wanted.tolerance, examination.cancel)
    except Undefined as problem:
        raise Unmeasurable(f"{wanted.metric.words} cannot be told: {problem}.") from None
    worse = found.worse > wanted.tolerance
    failed = worse and found.chance <= wanted.chance
    if worse:
        by_chance = "more than chance explains" if failed else "no more than chance explains"
        said = f"; the difference of {figure(found.worse)} is {by_chance} ({found.way}, p = {figure(found.chance)})"
    else:
        said = ""
    sentence = (
        f"{wanted.metric.words} on {holdout.name} is {figure(value, theirs)}, that of {opponent.version.label} is "
        f"{figure(theirs, value)} on the same {rows_words(len(own))}{said}."
    )
    limit = f"no worse than {opponent.version.label}" + (
        f" by more than {figure(wanted.tolerance)}" if wanted.tolerance else ""
    )
    return passed_if(not failed, sentence, value, limit)


def check_agreement(examination: Examination, wanted: AgreementExpectation) -> Finding:
    holdout, answers = examination.holdout(wanted), examination.answers(wanted)
    expected = truth_labels(holdout.table, wanted.prediction)
    given = [label_of(output) for output in answers.outputs]
    expected, given = one_spelling(expected, given)
    known = [at for at, label in enumerate(expected) if label]
    if not known:
        raise Unmeasurable(f"No row of {holdout.name} has a prediction in “{wanted.prediction}”.")
    numbers = None
    if any(expected[at] != given[at] for at in known) and all(_is_number(answers.outputs[at]) for at in known):
        numbers = _numbers(holdout, wanted.prediction)
    agreeing, first = 0, -1
    for at in known:
        same = expected[at] == given[at]
        if not same and numbers is not None:
            same = abs(numbers[at] - number_of(answers.outputs[at])) <= wanted.tolerance
        agreeing += bool(same)  # numbers of NumPy compare to truth values of its own
        first = at if not same and first < 0 else first
    share = agreeing / len(known)
    limit = f"at least {percent(wanted.at_least)} of the rows"
    place = holdout.table.place_words(first)
    said = "" if first < 0 else f" {place}: {given[first][:60]}, was {expected[first][:60]}."
    sentence = (
        f"{percent(share)} of {rows_words(len(known))} of {holdout.name} get the answer in “{wanted.prediction}”, "
        f"{limit} was asked for.{said}"
    )
    return passed_if(share >= wanted.at_least, sentence, share, limit)


def check_leak(examination: Examination, wanted: LeakExpectation) -> Finding:
    holdout = examination.holdout(wanted)
    if wanted.alone_at_most is not None:
        found = _check_alone(examination, wanted, holdout)
        if found is not None:
            return found
    if not wanted.columns:
        limit = f"at most {figure(wanted.alone_at_most or 0)} by one column alone"
        return passed_if(True, f"No column of {holdout.name} tells “{wanted.truth}” alone.", None, limit)
    before, _ = _judged(holdout, wanted.truth, wanted.metric, examination.answers(wanted))
    value = _measured(wanted.metric, before, _positive(wanted, before))
    sign = 1.0 if wanted.metric.is_error else -1.0
    worst, most = "", -math.inf
    for column in wanted.columns:
        shuffled = examination.asked.answers(_shuffled(holdout.rows, key_of(holdout.rows, column)))
        after, _ = _judged(holdout, wanted.truth, wanted.metric, shuffled)
        lost = sign * (_measured(wanted.metric, after, _positive(wanted, after)) - value)
        if lost > most:
            worst, most = column, lost
    bound = wanted.worsens_at_most or 0.0
    limit = f"at most {figure(bound)} worse"
    sentence = (
        f"{wanted.metric.words} on {holdout.name} is {figure(value)}; with the values of “{worst}” shuffled it is "
        f"{figure(max(0.0, most), bound)} worse, {limit.removesuffix(' worse')} was asked for."
    )
    return passed_if(most <= bound, sentence, most, limit)


def _check_alone(examination: Examination, wanted: LeakExpectation, holdout: Holdout) -> Finding | None:
    """A failure where a column that the model takes tells the truth alone; None where none does."""
    bound = wanted.alone_at_most if wanted.alone_at_most is not None else 1.0
    first = holdout.rows[0]
    keys = list(first) if isinstance(first, dict) else list(range(len(first)))
    if wanted.metric.of_numbers:
        truth: Any = truth_numbers(holdout.table, wanted.truth)
    else:
        truth = np.array(truth_labels(holdout.table, wanted.truth), dtype=object)
    limit = f"at most {figure(bound)} by one column alone"
    for key in keys:
        examination.cancel.check()
        told = alone([row[key] for row in holdout.rows], truth)
        if told > bound:
            name = key if isinstance(key, str) else f"column {key + 1}"
            sentence = (
                f"“{name}” alone tells “{wanted.truth}” to {figure(told, bound)} (1 is perfect), "
                f"at most {figure(bound)} was asked for: it may hold the truth itself."
            )
            return passed_if(False, sentence, told, limit)
    return None


# ---- shared ----


def key_of(rows: Any, column: str) -> Any:
    """What ``column`` is in the rows: its name, or its place, from 0, where they are lists. Raises
    ``Unmeasurable``."""
    first = rows[0]
    if isinstance(first, dict):
        names = [name for name in first if name == column] or [n for n in first if n.strip() == column.strip()]
        if names:
            return names[0]
        raise Unmeasurable(f"The model takes no column “{column}”; it takes {', '.join(list(first)[:12])}.")
    if column.isdigit() and 0 < int(column) <= len(first):
        return int(column) - 1
    raise Unmeasurable(f"The model's columns have no names: write a number from 1 to {len(first)}, not “{column}”.")


def with_value(row: Any, key: Any, value: Any) -> Any:
    """``row`` with that value in that place."""
    if isinstance(row, dict):
        return {**row, key: value}
    return [value if at == key else each for at, each in enumerate(row)]


def _shuffled(rows: Any, key: Any) -> list[Any]:
    order = np.random.default_rng(_SEED).permutation(len(rows))
    return [with_value(row, key, rows[int(other)][key]) for row, other in zip(rows, order, strict=True)]


def _judged(holdout: Holdout, truth: str, metric: Metric, answers: Answers) -> tuple[Judged, Array]:
    if not truth:
        raise Unmeasurable("No column with the truth is named: write “truth: COLUMN” in the test, or once at the top.")
    return (judged_numbers if metric.of_numbers else judged_classes)(holdout.table, truth, answers)


def _positive(wanted: MetricExpectation | ChampionExpectation | LeakExpectation, judged: Judged) -> int | None:
    """The number of the class that is asked for; None for no certain one."""
    return None if wanted.metric.of_numbers else class_number(judged, wanted.class_)


def _measured(metric: Metric, judged: Judged, positive: int | None) -> float:
    try:
        return measure(metric, judged, positive)
    except Undefined as problem:
        raise Unmeasurable(f"{metric.words} cannot be told: {problem}.") from None


def same_classes(one: Judged, other: Judged) -> tuple[Judged, Judged]:
    """Both with the same numbers for the same classes."""
    if list(one.classes) == list(other.classes):
        return one, other
    classes = in_order({*one.classes, *other.classes})
    return _renumbered(one, classes), _renumbered(other, classes)


def _renumbered(judged: Judged, classes: list[str]) -> Judged:
    places = np.array([classes.index(label) for label in judged.classes] or [0])
    chances = None
    if judged.chances is not None:
        chances = np.zeros((len(judged), len(classes)))
        chances[:, places] = judged.chances
    answers = np.where(judged.answers < 0, -1, places[np.maximum(judged.answers, 0)])
    return Judged(places[judged.truth], answers, classes, chances)


def _is_number(output: Any) -> bool:
    return not math.isnan(number_of(output))


def _numbers(holdout: Holdout, column: str) -> Array | None:
    try:
        return truth_numbers(holdout.table, column)
    except RowsRefused:  # classes that are written as texts
        return None
