"""A scan that goes on while what it has found is already being stored."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Self

from kronkers_studio.migration.found_item import FoundItem
from kronkers_studio.migration.scan_result import Scan

Found = Callable[[Sequence[FoundItem]], None]

_AT_ONCE = 256
"""Items are handed over so many at a time: each time costs both threads a little."""


class _NotWanted(Exception):
    """Nobody takes what the scan finds any more."""


class ScanAhead:
    """The items of a scan as they are found, by a thread of its own that does not wait for whoever takes them.

    ``run`` is given what it tells its findings to, and returns them all. Iterating (once, within the context) raises
    what it raises; ``scan`` is there when the iteration has ended. ``on_end`` is told, in the scan's thread, how many
    items there are.
    """

    scan: Scan

    def __init__(self, run: Callable[[Found], Scan], on_end: Callable[[int], None]) -> None:
        self._run = run
        self._on_end = on_end
        self._ready: queue.SimpleQueue[Sequence[FoundItem] | Scan | BaseException] = queue.SimpleQueue()
        self._collected: list[FoundItem] = []
        self._wanted = True
        self._thread = threading.Thread(target=self._work, name="scan", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._wanted = False
        if self._thread.ident is not None:
            self._thread.join()

    def __iter__(self) -> Iterator[FoundItem]:
        self._thread.start()
        while not isinstance(ready := self._ready.get(), Scan | BaseException):
            yield from ready
        if isinstance(ready, BaseException):
            raise ready
        self.scan = ready

    def _work(self) -> None:
        try:
            scan = self._run(self._take)
            self._ready.put(self._collected)
            self._on_end(len(scan.items))
            self._ready.put(scan)
        except _NotWanted:
            return
        except BaseException as error:  # noqa: BLE001  # raised again where the items are taken
            self._ready.put(error)

    def _take(self, items: Sequence[FoundItem]) -> None:
        if not self._wanted:
            raise _NotWanted
        self._collected += items
        if len(self._collected) >= _AT_ONCE:
            self._ready.put(self._collected)
            self._collected = []
