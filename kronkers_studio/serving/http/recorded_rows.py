"""``/recorded-rows``: the sealed batches of what was recorded, and their removal."""

from __future__ import annotations

import asyncio
import re

from kronkers_studio.serving.http.answers import Answer, json_answer
from kronkers_studio.serving.http.bodies import Receive, Scope
from kronkers_studio.serving.problems import Refusal
from kronkers_studio.serving.recording.recorder import Recorder

MOST_BYTES = 8 << 20
_SEALED = ((b"content-type", b"application/octet-stream"),)
_AFTER = re.compile(rb"(?:after=(?P<number>[0-9]{1,18}))?")
_THROUGH = re.compile(rb"through=(?P<number>[0-9]{1,18})")
_UNREADABLE = "What was recorded cannot be read or removed now: {0}."


class RecordedRows:
    """Answers of a service that records; the files are read and written beside the event loop."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    async def read(self, scope: Scope, _receive: Receive) -> Answer:
        """The frames (``recording.ring``) of batches after the number in the query ``after=…``, the oldest first, at
        most ``MOST_BYTES`` of them; none when there are no more."""
        after = _number(_AFTER, scope, "after=NUMBER, of the last batch that is known")
        try:
            found = await asyncio.to_thread(self._recorder.read, after, MOST_BYTES)
        except OSError as error:
            raise Refusal(_UNREADABLE.format(error.strerror), status=503) from None
        return Answer(found, headers=_SEALED)

    async def remove(self, scope: Scope, _receive: Receive) -> Answer:
        """Removes the batches up to the number in the query ``through=…``: {"rows": how many they had}."""
        through = _number(_THROUGH, scope, "through=NUMBER, of the last batch to be removed")
        try:
            return json_answer({"rows": await asyncio.to_thread(self._recorder.remove, through)})
        except OSError as error:
            raise Refusal(_UNREADABLE.format(error.strerror), status=503) from None


def _number(pattern: re.Pattern[bytes], scope: Scope, needed: str) -> int:
    asked = pattern.fullmatch(scope["query_string"])
    if asked is None:
        raise Refusal(f"The query must be {needed}.")
    return int(asked["number"] or 0)
