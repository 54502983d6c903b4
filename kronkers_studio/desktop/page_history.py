"""The pages seen before, on the way back and forward."""

from __future__ import annotations

_LONGEST = 100


class PageHistory:
    """``current`` is the page in view; "" before the first."""

    def __init__(self) -> None:
        self.current = ""
        self._past: list[str] = []
        self._future: list[str] = []

    def go_to(self, key: str) -> None:
        """Another page: nothing is ahead of it any more."""
        if self.current and key != self.current:
            self._past = [*self._past, self.current][-_LONGEST:]
            self._future.clear()
        self.current = key

    def go_back(self) -> bool:
        """The page before is current; False where there is none."""
        if not self._past:
            return False
        self._future.append(self.current)
        self.current = self._past.pop()
        return True

    def go_forward(self) -> bool:
        """The page that ``go_back`` left is current again; False where there is none."""
        if not self._future:
            return False
        self._past.append(self.current)
        self.current = self._future.pop()
        return True

    @property
    def before(self) -> str:
        """The next page on the way back; "" where there is none."""
        return self._past[-1] if self._past else ""

    @property
    def ahead(self) -> str:
        """The next page on the way forward; "" where there is none."""
        return self._future[-1] if self._future else ""
