"""What is in the columns of a table that a model takes, counted for its reference profile.

Only the process that reads tables calls this. Columns are read a few at a time, so that a large table fits, and as the
service gets them: numbers in the model's type, texts as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.feature_profiles import (
    LONGEST_COLUMN,
    MOST_BINS,
    MOST_CATEGORIES,
    MOST_FEATURES,
    MOST_LETTERS,
    FeatureBins,
    FeatureKind,
    FeatureProfile,
    ProfileQuestion,
    TableProfile,
    Unprofiled,
    UnprofiledColumn,
    is_text,
    letters_of,
)
from kronkers_studio.domain.row_tables import name_key
from kronkers_studio.estimators.class_labels import label_of
from kronkers_studio.formats.column_profiles import profile_numbers, profile_texts, profile_truths
from kronkers_studio.formats.profiled_columns import open_columns
from kronkers_studio.formats.table_files import table_library_failures

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from kronkers_studio.formats.profiled_columns import TableColumns

_NARROW = {"FP32": "float32", "FP16": "float16"}
_MISSING = ("", "nan", "na", "n/a", "#n/a", "null", "none")
"""What programs write for a number that is missing."""
_TRUTHS = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
_COMMA_NUMBER = r"^[+-]?\d*,\d+([eE][+-]?\d+)?$"
_SAMPLED = 200  # filled cells by which texts are taken for dates
_UNFIT = 100  # one cell in so many may be no number: whoever read the table for the model took it for missing
_FEW = 20  # different numbers that are taken for classes where nothing tells what the model answers


def profile_table(path: str, stream: BinaryIO, question: ProfileQuestion) -> TableProfile:
    """What is in the columns of the table ``path`` that the model takes. Raises ``InvalidInput`` when it cannot be
    read, has no rows, or has other columns than a model without names."""
    try:
        table = open_columns(path, stream, [name for name, _ in question.columns] if question.named else [])
        return _Profiler(path, table, question).run()
    except table_library_failures() as error:
        reason = str(error).split("\n", 1)[0]
        raise InvalidInput(f"“{path}” cannot be read as a table: {reason}", details=str(error)) from None


class _Profiler:
    def __init__(self, path: str, table: TableColumns, question: ProfileQuestion) -> None:
        self._path = path
        self._table = table
        self._question = question
        self._features: list[FeatureProfile] = []
        self._left_out: list[UnprofiledColumn] = []
        self._bins = self._letters = 0

    def run(self) -> TableProfile:
        target = self._target()
        places = self._places(target)
        wanted = dict.fromkeys(place for place in places if place is not None)
        if target is not None:
            wanted[target] = None
        of_place = {place: column for column, place in zip(self._question.columns, places, strict=True)}
        answers: FeatureProfile | Unprofiled | None = None
        rows = 0
        for at, series in self._table.read(list(wanted)):
            rows = series.len()
            if at in of_place:
                title = "" if self._question.named else self._table.names[at][:LONGEST_COLUMN]
                self._keep(of_place[at][0], self._column(*of_place[at], series), title)
            if at == target:
                answers = self._answers(series)
        if not rows:
            raise InvalidInput(f"“{self._path}” holds no rows of the columns that the model takes.")
        for (name, _), place in zip(self._question.columns, places, strict=True):
            if place is None:
                self._leave(name, Unprofiled.ABSENT)
        told = self._table.names[target] if target is not None else ""
        if isinstance(answers, Unprofiled):
            if self._question.target:
                self._leave(told, answers)
            answers, told = None, ""
        order = {name: at for at, (name, _) in enumerate(self._question.columns)}
        features = sorted(self._features, key=lambda one: order[one.bins.name])
        return TableProfile(rows, tuple(features), tuple(self._left_out), answers or self._known_classes(), told)

    # ---- which columns ----

    def _places(self, target: int | None) -> list[int | None]:
        """Where each of the model's columns is."""
        names, columns = self._table.names, self._question.columns
        if not self._question.named:
            others = [place for place in range(len(names)) if place != target]
            if len(others) != len(columns):
                raise InvalidInput(
                    f"“{self._path}” has {len(names)} columns; the model takes {len(columns)}, whose names it does not "
                    "know.",
                    next_step="Name the column with the true answers (--target), or use a table of its columns alone.",
                )
            return list(others)
        return [_found(name, names) for name, _ in columns]

    def _target(self) -> int | None:
        asked = self._question.target
        if asked:
            place = _found(asked, self._table.names)
            if place is None:
                raise InvalidInput(
                    f"“{self._path}” has no column “{asked[:LONGEST_COLUMN]}”.",
                    next_step="Name the column with the true answers as the table does.",
                )
            return place
        if not self._question.named:
            return None
        taken = {_found(name, self._table.names) for name, _ in self._question.columns}
        left = [place for place in range(len(self._table.names)) if place not in taken]
        return left[0] if len(left) == 1 and len(self._table.names[left[0]]) <= LONGEST_COLUMN else None

    # ---- one column ----

    def _column(self, name: str, datatype: str, series: pl.Series) -> FeatureProfile | Unprofiled:
        if len(self._features) >= MOST_FEATURES or len(name) > LONGEST_COLUMN or not is_text(name):
            return Unprofiled.TOO_MANY
        if series.dtype.is_temporal():
            return Unprofiled.DATES
        if datatype == "BYTES":
            texts = _texts(_digits(series), written=self._table.written)
            return Unprofiled.DATES if _are_dates(texts) else profile_texts(name, texts)
        if datatype == "BOOL":
            truths = _truths(series)
            return profile_truths(name, truths) if truths is not None else Unprofiled.OTHER_KIND
        numbers = _numbers(series, datatype, comma=self._table.comma)
        return profile_numbers(name, numbers) if numbers is not None else Unprofiled.OTHER_KIND

    def _answers(self, series: pl.Series) -> FeatureProfile | Unprofiled:
        import numpy as np

        if series.dtype.is_temporal():
            return Unprofiled.DATES
        answer, is_number = self._question.answer, self._question.answer.startswith("FP")
        if is_number or not answer:
            numbers = _numbers(series, answer, comma=self._table.comma)
            if numbers is None and is_number:
                return Unprofiled.OTHER_KIND
            if numbers is not None and (is_number or len(np.unique(numbers)) > _FEW):
                return profile_numbers("", numbers)
        texts = _texts(series, written=self._table.written)
        distinct = texts.unique()
        if distinct.len() > 10 * MOST_CATEGORIES:
            return Unprofiled.FREE_TEXT
        classes = texts.replace_strict({text: label_of(text) for text in distinct.drop_nulls()}, default=None)
        return profile_texts("", classes, tuple(map(label_of, self._question.classes)))

    def _known_classes(self) -> FeatureProfile | None:
        """The bins of the classes that the model is known to have, of which nothing was counted."""
        names = tuple(dict.fromkeys(map(label_of, self._question.classes)))
        if not 0 < len(names) <= MOST_CATEGORIES or not all(map(is_text, names)):
            return None
        return FeatureProfile(FeatureBins("", FeatureKind.CATEGORY, categories=names), (0,) * (len(names) + 3))

    def _keep(self, name: str, found: FeatureProfile | Unprofiled, title: str) -> None:
        if isinstance(found, Unprofiled):
            self._leave(name, found)
            return
        self._bins += len(found.counts)
        self._letters += letters_of(found.bins)
        if self._bins > MOST_BINS or self._letters > MOST_LETTERS:
            self._leave(name, Unprofiled.TOO_MANY)
            self._bins -= len(found.counts)
            self._letters -= letters_of(found.bins)
        else:
            self._features.append(replace(found, title=title if is_text(title) else ""))

    def _leave(self, name: str, why: Unprofiled) -> None:
        if len(self._left_out) < MOST_FEATURES and len(name) <= LONGEST_COLUMN and is_text(name):
            self._left_out.append(UnprofiledColumn(name, why))


def _found(name: str, names: Sequence[str]) -> int | None:
    """Where the column ``name`` is: by its exact name, else the only one but for letter case and surrounding spaces."""
    exact = [place for place, each in enumerate(names) if each == name]
    loose = exact or [place for place, each in enumerate(names) if name_key(each) == name_key(name)]
    return loose[0] if len(loose) == 1 else None


# ---- cells as the service gets them ----


def _digits(series: pl.Series) -> pl.Series:
    """Truth values as 1 and 0, as the service reads them where a model takes names of categories."""
    import polars as pl

    return series.cast(pl.Int8) if series.dtype == pl.Boolean else series


def _texts(series: pl.Series, *, written: bool) -> pl.Series:
    """The texts of a column, null where there is none: in a file of text, "nan" too."""
    import polars as pl

    kind = series.dtype
    if kind.is_nested() or kind in (pl.Object, pl.Binary):
        return pl.Series([None] * series.len(), dtype=pl.String)
    if kind.is_float():
        numbers = series.fill_nan(None).cast(pl.Float64)
        whole = numbers.drop_nulls()
        if (whole == whole.floor()).all() and (whole.abs() < 1e15).all():
            return numbers.cast(pl.Int64).cast(pl.String)
        return numbers.cast(pl.String)
    texts = series.cast(pl.String, strict=False)
    blank = texts.str.strip_chars() == ""
    if written:
        blank |= texts.str.strip_chars().str.to_lowercase() == "nan"
    return texts.set(blank.fill_null(value=True), None)


def _are_dates(texts: pl.Series) -> bool:
    sample = texts.drop_nulls().head(_SAMPLED).to_list()
    return bool(sample) and all(_DATE.fullmatch(text.strip()) for text in sample)


def _truths(series: pl.Series) -> pl.Series | None:
    import polars as pl

    if series.dtype == pl.Boolean:
        return series
    texts = _texts(series, written=True).str.strip_chars().str.to_lowercase()
    truths = texts.replace_strict(_TRUTHS, default=None, return_dtype=pl.Boolean)
    return truths if truths.null_count() == texts.null_count() else None


def _numbers(series: pl.Series, datatype: str, *, comma: bool) -> NDArray[np.float64] | None:
    """The numbers of a column, NaN where there is none, as the model's type holds them; None where it holds others."""
    import numpy as np
    import polars as pl

    kind = series.dtype
    if kind.is_nested() or kind in (pl.Object, pl.Binary):
        return None
    if not (kind.is_numeric() or kind in (pl.Boolean, pl.Null)):
        read = _read_numbers(series.cast(pl.String, strict=False), comma=comma)
        if read is None:
            return None
        series = read
    values: NDArray[np.float64] = series.cast(pl.Float64).to_numpy(writable=True).astype(np.float64, copy=False)
    narrow = _NARROW.get(datatype)
    if narrow is not None:
        with np.errstate(over="ignore"):
            values = values.astype(narrow).astype(np.float64)
    return values


def _read_numbers(texts: pl.Series, *, comma: bool) -> pl.Series | None:
    import polars as pl

    plain = texts.str.strip_chars()
    lower = plain.str.to_lowercase()
    is_missing = (lower.is_in(_MISSING)).fill_null(value=True)
    if comma and plain.str.contains(_COMMA_NUMBER).any() and not plain.str.contains(".", literal=True).any():
        plain = plain.str.replace(",", ".", literal=True)
    plain = plain.set(lower == "true", "1").set(lower == "false", "0")
    numbers = plain.cast(pl.Float64, strict=False)
    unfit = int((numbers.is_null() & ~is_missing).sum())
    filled = texts.len() - int(is_missing.sum())
    return numbers if unfit * _UNFIT <= filled else None
