"""How long a service's start is waited for: a server that is slow is told from one that is stuck."""

from __future__ import annotations

from typing import Any, cast

import pytest

from kronkers_studio.deployment import swarm_tasks
from kronkers_studio.deployment.engine import Engine
from kronkers_studio.deployment.swarm_tasks import Startup, await_healthy
from kronkers_studio.domain.progress import NEVER

_STEPS = ("new", "pending", "assigned", "preparing", "starting", "running")


class _Slow:
    """The clock, and an engine whose tasks take ``each`` seconds for every step; ``stuck`` at one of them for ever."""

    def __init__(self, each: float, stuck: str = "") -> None:
        self._each = each
        self._last = _STEPS.index(stuck) if stuck else len(_STEPS)
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def tasks(self, **_: object) -> list[dict[str, Any]]:
        state = _STEPS[min(self._at, len(_STEPS) - 1)]
        return [{"ID": "task", "Status": {"State": state, "ContainerStatus": {"ContainerID": "c"}}}]

    def inspect_container(self, _: str) -> dict[str, Any]:
        return {"State": {"Running": True, "Health": {"Status": "healthy" if self._at >= len(_STEPS) else "starting"}}}

    def logs(self, _: str, **__: object) -> bytes:
        return b"last words"

    @property
    def _at(self) -> int:
        return min(int((self.now - 1000) / self._each), self._last)


def _started(engine: _Slow, monkeypatch: pytest.MonkeyPatch) -> Startup:
    monkeypatch.setattr(swarm_tasks, "time", engine)
    return await_healthy(cast(Engine, engine), "wine-r1", 120, NEVER)


def test_a_server_that_takes_long_for_each_step_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail when the time was one for all steps together."""
    engine = _Slow(each=100)
    assert _started(engine, monkeypatch).healthy
    assert engine.now > 1500


@pytest.mark.parametrize("step", _STEPS)
def test_a_server_that_is_stuck_is_given_up(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = _Slow(each=10, stuck=step)
    startup = _started(engine, monkeypatch)
    assert not startup.healthy
    assert startup.reason == "it did not become healthy within 120 seconds"
    assert startup.last_words == "last words"
    assert engine.now - 1000 < 120 + 10 * len(_STEPS) + 1
