"""Makes files/by_pyarrow.parquet and .feather as pandas writes them with pyarrow, which the product does without: run
it where both are installed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).with_name("files")


def foreign_frame() -> pd.DataFrame:
    """A frame of what other programs' frames hold."""
    return pd.DataFrame(
        {
            "whole": pd.Series([1, None, 2**60 + 1], dtype="Int64"),
            "gap": [1.5, None, 3.0],
            "text": pd.Series(["ä", None, "007"], dtype="str"),
            "object": pd.Series(["x", None, ""], dtype=object),
            "level": pd.Categorical(["u", None, "v"], categories=["w", "v", "u"], ordered=True),
            "place": pd.to_datetime(["2026-03-29T00:30", None, "2026-10-25T02:30"])
            .tz_localize("UTC")
            .tz_convert("Europe/Berlin"),
            "plain": pd.to_datetime(["2026-01-01", None, "1900-01-01"]),
            "length": pd.to_timedelta(["1h", None, "-2s"]),
            "truth": pd.Series([True, None, False], dtype="boolean"),
            "day": pd.Series([dt.date(2024, 2, 29), None, dt.date(1, 1, 1)], dtype=object),
        }
    )


def indexed_frame() -> pd.DataFrame:
    """The same with two levels of index, and two of columns."""
    frame = foreign_frame()
    frame.index = pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["key", None])
    frame.columns = pd.MultiIndex.from_tuples([("top", name) for name in frame.columns], names=["upper", "lower"])
    return frame


if __name__ == "__main__":
    indexed_frame().to_parquet(FOLDER / "by_pyarrow.parquet")
    foreign_frame().drop(columns="level").to_feather(FOLDER / "by_pyarrow.feather")
