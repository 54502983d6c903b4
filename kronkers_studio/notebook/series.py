"""Stored series as a frame, and what is asked of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.series import Metric
from kronkers_studio.domain.time_expressions import parse_duration

if TYPE_CHECKING:
    import pandas as pd

    from kronkers_studio.domain.series import LiveState


def metric_called(name: str) -> Metric:
    try:
        return Metric(name)
    except ValueError:
        raise InvalidInput(f"There is no metric “{name}”.", next_step=f"There are {', '.join(Metric)}.") from None


def begin_of(since: str | timedelta | datetime, now: float) -> float:
    """The moment ``since``, or that long before ``now``; one without a zone is of this computer's."""
    import pandas as pd

    if pd.isna(since):
        raise InvalidInput("A time that is missing is no beginning.", next_step='Write for instance since="1h".')
    if isinstance(since, datetime):
        if since.tzinfo is None:  # of this computer, also where pandas takes it for one of UTC
            since = datetime(*since.timetuple()[:6], since.microsecond)
        return since.timestamp()
    if not isinstance(since, str | timedelta):
        raise InvalidInput(
            f"A {type(since).__name__} is no beginning.", next_step='Give a length such as "7d", or a datetime.'
        )
    return now - (since.total_seconds() if isinstance(since, timedelta) else parse_duration(since))


def series_frame(names: list[str], windows: list[Any], state: LiveState) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    columns = []
    for name, window in zip(names, windows, strict=True):
        times, means = np.array(window.times), np.array(window.mean)
        there = np.isfinite(times) & np.isfinite(means)
        moments = pd.to_datetime(np.round(times[there] * 1000).astype("int64"), unit="ms", utc=True)
        column = pd.Series(means[there], index=pd.DatetimeIndex(moments, name="time"), name=name)
        columns.append(column[~column.index.duplicated(keep="last")])
    frame = pd.concat(columns, axis=1).sort_index()
    frame.index.name = "time"
    frame.attrs = {"as_of": state.as_of, "reachable": state.reachable, "problem": state.problem}
    return frame
