"""What a service answers to rows, read as the word of a stranger.

The release has proven itself by then, but its model may be anybody's: what it answers ends in tables, terminals and
JSON documents, so it is taken only when it is exactly what ``POST /predict`` promises.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from kronkers_studio.domain.errors import PredictionFailed, ServiceUnproven
from kronkers_studio.domain.releases import Prediction, Release

MOST_ANSWER_BYTES = 64_000_000

_MOST_CONTAINERS = 1_000_000  # each takes some 60 bytes of memory for the two that it has in JSON
_DEEPEST_OUTPUT = 8  # axes of an array
_LONGEST_SENTENCE = 500
_LONGEST_NAME = 200
_MOST_ROWS = 1_000_000  # no request has so many
_WIDEST_NUMBER = 2**64
_LARGEST_CHANCE = 1e12  # some exported models give scores where probabilities are expected


class _Unusable(Exception):
    """The text says in what way the answer is not one."""


def read_prediction(release: Release, status: int, answer: bytes, *, rows: int, milliseconds: float) -> Prediction:
    """The prediction in the ``answer`` of ``release`` to so many ``rows``.

    Raises ``PredictionFailed`` with the service's sentence, or when the answer is not one; ``ServiceUnproven`` when
    it is of another model or version.
    """
    try:
        content = _content(answer)
        if status != 200:
            _refuse(status, content)
        found = _prediction(content, rows, milliseconds)
    except _Unusable as problem:
        if status != 200:
            _refuse(status, {})
        raise PredictionFailed(
            f"{release.model} {release.label} gave an answer that cannot be used: {problem}.",
            next_step="Look at what the model gives, correct it and release it again.",
            details=_printable(answer[:_LONGEST_SENTENCE].decode("utf-8", "replace")),
        ) from None
    if (found.model, found.version) != (release.model, release.version):
        raise ServiceUnproven(
            f"The answer is not from version {release.version} of {release.model}, which should be live there.",
            next_step="Release it again.",
            details=f"{release.label} says that it is {_short(found.model)} version {found.version}.",
        )
    return found


def _refuse(status: int, content: dict[str, Any]) -> NoReturn:
    said, field, row = content.get("error"), content.get("field"), content.get("row")
    sentence = _short(said, _LONGEST_SENTENCE) if isinstance(said, str) and said.strip() else ""
    raise PredictionFailed(
        sentence or f"The service answered {status}.",
        column=field if isinstance(field, str) and len(field) <= _LONGEST_NAME else "",
        row=row if type(row) is int and 0 < row <= _MOST_ROWS else 0,
        next_step="Correct the rows and send them again.",
        details=sentence,
    )


def _content(answer: bytes) -> dict[str, Any]:
    if answer.count(b"[") + answer.count(b"{") > _MOST_CONTAINERS:
        raise _Unusable("it is nested too much")
    try:
        content = json.loads(answer.decode("utf-8"), parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise _Unusable("it is nested too deeply") from None
    except ValueError:  # not UTF-8, not JSON, a number of thousands of digits
        raise _Unusable("it is not JSON") from None
    if not isinstance(content, dict):
        raise _Unusable("it is not a JSON object")
    return content


def _no_number(name: str) -> NoReturn:
    raise _Unusable(f"it holds {name}, which is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Unusable("it holds a number that is too large")
    return number


def _prediction(content: dict[str, Any], rows: int, milliseconds: float) -> Prediction:
    model, version = content.get("model"), content.get("version")
    if not isinstance(model, str) or type(version) is not int or not _fits(version):
        raise _Unusable("it does not say of which model and version it is")
    outputs = _one_for_each_row(content.get("outputs"), rows, "outputs")
    for output in outputs:
        _check_output(output)
    probabilities = content.get("probabilities")
    if probabilities is not None:
        probabilities = _one_for_each_row(probabilities, rows, "probabilities")
        for chances in probabilities:
            _check_probabilities(chances)
    return Prediction(model, version, tuple(outputs), tuple(probabilities or ()), milliseconds)


def _one_for_each_row(found: object, rows: int, name: str) -> list[Any]:
    if not isinstance(found, list):
        raise _Unusable(f"it has no list of {name}")
    if len(found) != rows:
        raise _Unusable(f"it has {len(found)} {name} for {rows} rows")
    return found


def _check_output(output: object) -> None:
    """A number, a text, true, false or null, or an array of them as nested lists."""
    level: list[object] = [output]
    for _ in range(_DEEPEST_OUTPUT + 1):
        inner: list[object] = []
        for value in level:
            if isinstance(value, list):
                inner += value
            elif not _is_plain(value):
                raise _Unusable("one of its outputs is no number, text or array")
        if not inner:
            return
        level = inner
    raise _Unusable("it is nested too deeply")


def _check_probabilities(chances: object) -> None:
    if not isinstance(chances, dict) or not chances:
        raise _Unusable("its probabilities are not named by class")
    for name, chance in chances.items():
        if isinstance(chance, bool) or not isinstance(chance, int | float) or abs(chance) > _LARGEST_CHANCE:
            raise _Unusable("one of its probabilities is no number, or out of range")
        if not _is_text(name):
            raise _Unusable("one of its classes has no name")


def _is_plain(value: object) -> bool:
    if isinstance(value, int | float):
        return _fits(value)
    return value is None or _is_text(value)


def _fits(number: int | float) -> bool:
    return isinstance(number, float) or -_WIDEST_NUMBER < number < _WIDEST_NUMBER


def _is_text(value: object) -> bool:
    """Text that can be written somewhere: JSON can hold halves of characters, which no encoding can."""
    if not isinstance(value, str):
        return False
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _short(text: str, longest: int = _LONGEST_NAME) -> str:
    cut = text if len(text) <= longest else text[:longest] + "…"
    return _printable(cut)


def _printable(text: str) -> str:
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(letter if letter.isprintable() else " " for letter in whole)
