"""A series store in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kronkers_studio.monitoring import SeriesStore

KEY = bytes(range(32))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SeriesStore]:
    with SeriesStore(tmp_path / "series.db", KEY) as opened:
        yield opened
