"""The pages seen before, on the way back and forward."""

from __future__ import annotations

from dataclasses import dataclass

_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Seen:
    """A page by its ``key``; of one that shows one thing of many, ``about`` is which, such as a model's name."""

    key: str = ""
    about: str = ""


class PageHistory:
    """``now`` is what is in view; of no page before the first."""

    def __init__(self) -> None:
        self.now = Seen()
        self._past: list[Seen] = []
        self._future: list[Seen] = []

    @property
    def current(self) -> str:
        """The key of the page in view; "" before the first."""
        return self.now.key

    def go_to(self, key: str, about: str = "") -> None:
        """Another page, or another thing on it: nothing is ahead of it any more."""
        there = Seen(key, about)
        if self.current and there != self.now:
            self._past = [*self._past, self.now][-_LONGEST:]
            self._future.clear()
        self.now = there

    def go_back(self) -> bool:
        """What was before is in view; False where there is none."""
        if not self._past:
            return False
        self._future.append(self.now)
        self.now = self._past.pop()
        return True

    def go_forward(self) -> bool:
        """What ``go_back`` left is in view again; False where there is none."""
        if not self._future:
            return False
        self._past.append(self.now)
        self.now = self._future.pop()
        return True

    @property
    def before(self) -> Seen:
        """What is next on the way back; of no page where there is none."""
        return self._past[-1] if self._past else Seen()

    @property
    def ahead(self) -> Seen:
        """What is next on the way forward; of no page where there is none."""
        return self._future[-1] if self._future else Seen()
