from __future__ import annotations

import gc
import weakref

from PySide6.QtWidgets import QApplication

from kronkers_studio.desktop.garbage import GarbageCollector


class Cycle:
    def __init__(self) -> None:
        self.me = self


def test_garbage_is_collected_by_rounds_and_never_by_itself(qapp: QApplication) -> None:
    collector = GarbageCollector(qapp)
    try:
        assert not gc.isenabled()
        seen = weakref.ref(Cycle())
        assert seen() is not None
        collector.collect()
        assert seen() is None
        for _ in range(3):
            seen = weakref.ref(Cycle())
            collector.collect()
            assert seen() is None
    finally:
        gc.unfreeze()
        collector.deleteLater()
