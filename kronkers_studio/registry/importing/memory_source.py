"""Content that lies in memory, such as the files that a merge made."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO

from kronkers_studio.domain.content import WHOLE_LIMIT, SourceItem


class MemorySource:
    """The bytes of files by their paths; implements ``ContentSource``."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._contents = contents

    def read_whole(self, item: SourceItem) -> tuple[SourceItem, bytes] | None:
        content = self._contents[item.path]
        return (item, content) if len(content) <= WHOLE_LIMIT else None

    @contextmanager
    def open(self, item: SourceItem) -> Iterator[BinaryIO]:
        yield io.BytesIO(self._contents[item.path])
