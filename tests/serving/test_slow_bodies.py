"""A body that does not come."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kronkers_studio.serving.http import bodies
from kronkers_studio.serving.http.bodies import BODY_IS_WHOLE, read_body
from kronkers_studio.serving.problems import Refusal


def scope(*headers: tuple[bytes, bytes], **more: Any) -> Any:
    return {"type": "http", "headers": list(headers), **more}


@pytest.mark.parametrize("headers", [(), ((b"content-length", b"10"),)])
@pytest.mark.parametrize("sent", [0, 1, 3])
def test_a_body_that_stays_away_is_refused_in_time(
    monkeypatch: pytest.MonkeyPatch, headers: tuple[tuple[bytes, bytes], ...], sent: int
) -> None:
    monkeypatch.setattr(bodies, "_SECONDS_TO_SEND", 0.1)
    parts = [{"type": "http.request", "body": b"x", "more_body": True}] * sent

    async def receive() -> Any:
        if parts:
            return parts.pop()
        return await asyncio.sleep(60)

    async def ask() -> None:
        with pytest.raises(Refusal, match="took longer") as refused:
            await read_body(scope(*headers), receive, 100)
        assert refused.value.status == 408
        await asyncio.sleep(0)  # the task itself goes on

    asyncio.run(ask())


def test_a_service_that_is_ended_meanwhile_is_not_told_that_the_body_was_slow() -> None:
    async def receive() -> Any:
        return await asyncio.sleep(60)

    async def ask() -> None:
        reading = asyncio.create_task(read_body(scope(), receive, 100))
        await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    asyncio.run(ask())


def test_a_body_that_has_come_whole_is_read_at_once() -> None:
    async def receive() -> Any:
        return {"type": "http.request", "body": b"hello", "more_body": False}

    assert asyncio.run(read_body(scope(**{BODY_IS_WHOLE: True}), receive, 100)) == b"hello"
