"""Checks that need no truth: what must not change an answer, which way one may change it, what must be refused, and
that the same rows get the same answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from kronkers_studio.domain.expectations import (
    DeterministicExpectation,
    DirectionExpectation,
    InvarianceExpectation,
    RefusesExpectation,
)
from kronkers_studio.estimators.class_labels import label_of
from kronkers_studio.workflows.model_test_runs.examination import Examination
from kronkers_studio.workflows.model_test_runs.findings import Finding, Unmeasurable, passed_if, percent, rows_words
from kronkers_studio.workflows.model_test_runs.holdouts import Answers, number_of
from kronkers_studio.workflows.model_test_runs.quality_checks import key_of, with_value

_SEED = 20261203
_ONE_BY_ONE = 20  # rows that are also sent alone
_LONGEST = 60  # characters of an answer in a sentence
_Change = Callable[[Any], Any]


# ---- invariance ----


def check_invariance(examination: Examination, wanted: InvarianceExpectation) -> Finding:
    rows = examination.sample(wanted, wanted.sample)
    key = key_of(rows, wanted.column)
    before = examination.asked.answers(rows)
    kept = np.ones(len(rows), dtype=bool)
    tried = np.zeros(len(rows), dtype=bool)
    example = ""
    for words, changed in _changes(wanted, [row[key] for row in rows]):
        places = [at for at, value in enumerate(changed) if value != rows[at][key]]
        if not places:
            continue
        after = examination.asked.answers([with_value(rows[at], key, changed[at]) for at in places])
        for at, output in zip(places, after.outputs, strict=True):
            tried[at] = True
            if not _same(before.outputs[at], output, wanted.tolerance):
                kept[at] = False
                example = (
                    example or f" With {words} one row is answered {_shown(output)}, not {_shown(before.outputs[at])}."
                )
    if not tried.any():
        raise Unmeasurable(f"No row has a “{wanted.column}” that this changes.")
    share = float(np.mean(kept[tried]))
    limit = f"at least {percent(wanted.at_least)} of the rows"
    sentence = (
        f"{percent(share)} of {rows_words(int(tried.sum()))} keep their answer when “{wanted.column}” is changed "
        f"({_way(wanted)}), {limit} was asked for.{example}"
    )
    return passed_if(share >= wanted.at_least, sentence, share, limit)


def _changes(wanted: InvarianceExpectation, values: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Each change in words, and what the column then holds in each row."""
    if wanted.values:
        yield from ((f"“{value}”", [value] * len(values)) for value in wanted.values)
    elif wanted.noise is not None:
        yield "noise", _noisy(values, wanted.noise)
    elif wanted.swap:
        one, other = wanted.swap
        labels = {label_of(one): other, label_of(other): one}
        yield "the two swapped", [labels.get(label_of(value), value) for value in values]
    else:
        ways: tuple[tuple[str, _Change], ...] = (
            (("capital letters", str.upper), ("small letters", str.lower))
            if wanted.case
            else (("a space before it", " {}".format), ("a space behind it", "{} ".format))
        )
        for words, way in ways:
            yield words, [way(value) if isinstance(value, str) else value for value in values]


def _noisy(values: Sequence[Any], share: float) -> list[Any]:
    numbers = np.array([math.nan if _is_no_number(value) else float(value) for value in values])
    if np.isnan(numbers).all():
        raise Unmeasurable("The column holds no numbers, to which noise could be added.")
    noise = np.random.default_rng(_SEED).normal(0.0, share * float(np.nanstd(numbers)), len(numbers))
    whole = all(isinstance(value, int) for value in values if not _is_no_number(value))
    changed = [
        value if math.isnan(number) else float(number + moved)
        for value, number, moved in zip(values, numbers, noise, strict=True)
    ]
    return [round(value) if whole and isinstance(value, float) else value for value in changed]


def _is_no_number(value: Any) -> bool:
    return value is None or isinstance(value, str | bool)


def _way(wanted: InvarianceExpectation) -> str:
    if wanted.values:
        return ", ".join(str(value) for value in wanted.values[:5])
    if wanted.noise is not None:
        return f"noise of {percent(wanted.noise)} of its standard deviation"
    if wanted.swap:
        return f"{wanted.swap[0]} and {wanted.swap[1]} swapped"
    return "letter case" if wanted.case else "spaces around it"


# ---- direction ----


def check_direction(examination: Examination, wanted: DirectionExpectation) -> Finding:
    rows = examination.sample(wanted, wanted.sample)
    key = key_of(rows, wanted.column)
    rows = [row for row in rows if not _is_no_number(row[key])]
    if not rows:
        raise Unmeasurable(f"No row has a number in “{wanted.column}”.")
    before = _amounts(examination.asked.answers(rows), wanted.class_)
    after = _amounts(
        examination.asked.answers([with_value(row, key, row[key] + wanted.by) for row in rows]), wanted.class_
    )
    moved = after - before if wanted.must_not == "fall" else before - after
    fine = moved >= -wanted.tolerance
    share = float(np.mean(fine))
    limit = f"at least {percent(wanted.at_least)} of the rows"
    what = "the answer" if wanted.class_ is None else f"the probability of {label_of(wanted.class_)}"
    verb = "falls" if wanted.must_not == "fall" else "rises"
    worst = f" It {verb} by up to {float(-moved.min()):.4g}." if not fine.all() else ""
    sentence = (
        f"For {percent(share)} of {rows_words(len(rows))} {what} does not {wanted.must_not} when {wanted.by:g} is "
        f"added to “{wanted.column}”, {limit} was asked for.{worst}"
    )
    return passed_if(share >= wanted.at_least, sentence, share, limit)


def _amounts(answers: Answers, class_: Any) -> Any:
    if class_ is None:
        amounts = np.array([number_of(output) for output in answers.outputs])
        if np.isnan(amounts).any():
            raise Unmeasurable("The answers are no numbers: name the class whose probability is meant.")
        return amounts
    if not answers.probabilities:
        raise Unmeasurable("The model gives no probabilities.")
    names = {label_of(name): name for name in answers.probabilities[0]}
    name = names.get(label_of(class_))
    if name is None:
        raise Unmeasurable(f"There is no class “{label_of(class_)}”; there are {', '.join(list(names)[:20])}.")
    return np.array([chances.get(name, 0.0) for chances in answers.probabilities])


# ---- refusals ----


def check_refuses(examination: Examination, wanted: RefusesExpectation) -> Finding:
    tried = list(_wrong_rows(examination, wanted))
    if not tried:
        raise Unmeasurable("Nothing is said that must be refused.")
    through: list[str] = []
    for words, row in tried:
        status = examination.asked.raw([row]).status
        if not 400 <= status < 500:
            through.append(f"{words} is answered with {status}")
    limit = "all refused with 4xx"
    refused = f"{len(tried) - len(through)} of {len(tried)} wrong rows are refused"
    said = f": {'; '.join(through[:3])}" if through else ""
    return passed_if(not through, f"{refused}{said}.", float(len(tried) - len(through)), limit)


def _wrong_rows(examination: Examination, wanted: RefusesExpectation) -> Iterator[tuple[str, Any]]:
    for number, row in enumerate(wanted.rows, 1):
        yield f"row {number}", row
    if not wanted.wrong and not wanted.without:
        return
    (good,) = examination.any_rows(wanted, 1)
    if not 200 <= examination.asked.raw([good]).status < 300:
        raise Unmeasurable("The first row of the data, which is to be made wrong, is refused as it is.")
    for column, values in wanted.wrong.items():
        key = key_of([good], column)
        for value in values if isinstance(values, list) else [values]:
            yield f"{column} = {value!r}"[:_LONGEST], with_value(good, key, value)
    for column in wanted.without:
        key = key_of([good], column)
        left = (
            {name: value for name, value in good.items() if name != key}
            if isinstance(good, dict)
            else [value for at, value in enumerate(good) if at != key]
        )
        yield f"a row without {column}", left


# ---- the same answers ----


def check_deterministic(examination: Examination, wanted: DeterministicExpectation) -> Finding:
    rows = examination.sample(wanted, wanted.sample)
    asked = examination.asked
    first = asked.answers(rows)
    backwards = asked.answers(rows[::-1])
    alone = [asked.answers([row]) for row in rows[:_ONE_BY_ONE]]
    ways = (
        ("sent once more", asked.answers(rows)),
        ("in another order", Answers(backwards.outputs[::-1], backwards.probabilities[::-1])),
        (
            "one by one",
            Answers(
                [each.outputs[0] for each in alone], [each.probabilities[0] for each in alone if each.probabilities]
            ),
        ),
    )
    for words, found in ways:
        differing = [at for at in range(len(found.outputs)) if not _alike(first, found, at, wanted.tolerance)]
        if differing:
            at = differing[0]
            sentence = (
                f"{rows_words(len(differing))} of {len(found.outputs):,} get another answer {words}: "
                f"{_shown(found.outputs[at])}, not {_shown(first.outputs[at])}."
            )
            if _same(first.outputs[at], found.outputs[at], wanted.tolerance):
                sentence = f"{rows_words(len(differing))} of {len(found.outputs):,} get other probabilities {words}."
            return passed_if(False, sentence, float(len(differing)), "no row answered otherwise")
    sentence = f"{rows_words(len(rows))} get the same answers again, in another order and one by one."
    return passed_if(True, sentence, 0.0, "no row answered otherwise")


def _alike(one: Answers, other: Answers, at: int, tolerance: float) -> bool:
    if not _same(one.outputs[at], other.outputs[at], tolerance, relative=True):
        return False
    if not one.probabilities or not other.probabilities:
        return bool(one.probabilities) == bool(other.probabilities)
    mine, theirs = one.probabilities[at], other.probabilities[at]
    return mine.keys() == theirs.keys() and all(abs(mine[name] - theirs[name]) <= tolerance for name in mine)


def _same(one: Any, other: Any, tolerance: float, *, relative: bool = False) -> bool:
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other) != 1:
        return all(_same(a, b, tolerance, relative=relative) for a, b in zip(one, other, strict=True))
    numbers = number_of(one), number_of(other)
    if math.isnan(numbers[0]) or math.isnan(numbers[1]):
        return label_of(one) == label_of(other)
    scale = max(1.0, abs(numbers[0])) if relative else 1.0
    return abs(numbers[0] - numbers[1]) <= tolerance * scale


def _shown(output: Any) -> str:
    return label_of(output)[:_LONGEST] or "nothing"
