"""A frame as the rows that a model is sent, and a model's answers as a frame beside its index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.row_tables import MOST_CELLS, MOST_COLUMNS, MOST_ROWS, RowTable, ScoredRows, too_large

if TYPE_CHECKING:
    import pandas as pd


def cells_of(column: pd.Series) -> list[Any]:
    """The values as Python has them, None where there is none."""
    import numpy as np
    import pandas as pd

    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "bi":
        return list(column.tolist())
    values = column.astype(object).where(column.notna(), None).tolist()

    def plain(value: Any) -> Any:
        if isinstance(value, pd.Timestamp):
            return value.to_pydatetime(warn=False)
        return value.item() if isinstance(value, np.generic) else value

    return list(map(plain, values))


def row_table(rows: Any, names: Sequence[str] = ()) -> RowTable:
    """``rows``, a frame, an array of two dimensions or a list of rows, as a table. Raises ``InvalidInput``."""
    import pandas as pd

    named = isinstance(rows, pd.DataFrame) or (isinstance(rows, list) and bool(rows) and isinstance(rows[0], dict))
    try:
        frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"These are no rows: {error}.", next_step="Give a frame, an array of rows or a list of them."
        ) from None
    if not len(frame) or not frame.shape[1]:
        raise InvalidInput("There are no rows to send.", next_step="Give at least one row.")
    if len(frame) > MOST_ROWS or frame.shape[1] > MOST_COLUMNS or frame.size > MOST_CELLS:
        raise too_large("The frame")
    columns = [cells_of(frame.iloc[:, place]) for place in range(frame.shape[1])]
    titles = tuple(str(name) for name in frame.columns) if named else tuple(str(n + 1) for n in range(len(columns)))
    return RowTable("The frame", titles, list(zip(*columns, strict=True)), named=named)


def answers_frame(scored: ScoredRows, index: Any) -> pd.DataFrame:
    """A row for each that was sent: ``output``, or ``output_1`` and so on where there are several, and the probability
    of each class as ``probability_CLASS``. ``attrs`` names the model and version that answered."""
    import pandas as pd

    outputs = list(scored.outputs)
    columns: dict[str, Any] = {}
    if outputs and all(isinstance(each, list | tuple) and len(each) == len(outputs[0]) for each in outputs):
        for place, column in enumerate(zip(*outputs, strict=True), 1):
            columns[f"output_{place}"] = list(column)
    else:
        columns["output"] = outputs
    if scored.probabilities:
        for name in scored.probabilities[0]:
            columns[f"probability_{name}"] = [each.get(name) for each in scored.probabilities]
    frame = pd.DataFrame(columns, index=index)
    frame.attrs = {"model": scored.model, "version": scored.version, "milliseconds": scored.milliseconds}
    return frame
