"""Columns of CatBoost's categories that are nothing but true and false, in the words that the model was fitted to.

A table of truth values is fitted to as 1 and 0, the same table read from a file perhaps as True and False. The model
keeps no words, only hashes of those that it tells apart by themselves; which is always so where there are two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from kronkers_studio.serving.inputs.flat_tables import FlatTable
from kronkers_studio.serving.problems import Refusal

_Array = np.ndarray[Any, Any]
Words = tuple[str, str]
"""For false, and for true."""

_HASHES: Final[Mapping[Words, frozenset[int]]] = {
    ("0", "1"): frozenset((-1438285038, 1121341681)),
    ("False", "True"): frozenset((-1365330256, 1020970795)),
    ("false", "true"): frozenset((-1829099451, 1378055917)),
    ("FALSE", "TRUE"): frozenset((803818156, 1249301685)),
}
"""The hashes of such words: the lower half of CityHash64."""
_MEANINGS: Final = {"0": 0, "false": 0, "1": 1, "true": 1}
_HEAD = 8  # bytes before the table
_MOST = 100_000

# The fields' numbers in catboost/libs/model/flatbuffers/{model,features}.fbs
_MODEL = 1
_CATEGORICAL, _ONE_HOT = 4, 6
_INDEX, _PLACE, _VALUES = 0, 1, 1


def truth_columns(content: bytes) -> dict[int, Words]:
    """By their position, the columns of the model in ``content`` (a .cbm file) that know true and false alone, and its
    words for these."""
    try:
        trees = FlatTable.root(content[_HEAD:]).table(_MODEL)
        if trees is None:
            return {}
        places = {one.number(_INDEX, "i"): one.number(_PLACE, "i") for one in trees.tables(_CATEGORICAL, _MOST) or ()}
        known = {one.number(_INDEX, "i"): one.integers(_VALUES) for one in trees.tables(_ONE_HOT, _MOST) or ()}
    except Refusal:  # it has another form than this: nothing is known of it
        return {}
    found = {index: _words(frozenset(hashes)) for index, hashes in known.items() if index in places}
    return {places[index]: words for index, words in found.items() if words is not None}


def in_words_of(words: Words, column: _Array) -> _Array:
    """``column`` with whatever stands for true and false in the model's ``words``."""
    said = [
        words[_MEANINGS[text.lower()]] if isinstance(text, str) and text.lower() in _MEANINGS else text
        for text in column.tolist()
    ]
    spelled = np.empty(len(said), dtype=object)
    spelled[:] = said
    return spelled


def _words(hashes: frozenset[int]) -> Words | None:
    return next((words for words, known in _HASHES.items() if hashes and hashes <= known), None)
