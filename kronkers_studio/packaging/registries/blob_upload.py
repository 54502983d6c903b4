"""One blob on its way into a registry, in parts.

When the line breaks, the registry is asked how much it has, and the upload goes on from there. Where an upload goes on
is remembered, so that a later run of the program finds it; a registry that no longer knows it gets the blob anew.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit

from kronkers_studio.domain.errors import BaseImageUnavailable
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.packaging.digests import Digest
from kronkers_studio.packaging.images.image import MANIFEST_TYPE
from kronkers_studio.packaging.layer_cache import LayerCache
from kronkers_studio.packaging.registries.image_references import ImageReference

if TYPE_CHECKING:
    import requests

    from kronkers_studio.packaging.registries.registry_http import RegistryHttp

CREATED, ACCEPTED, OK, NO_CONTENT, NOT_FOUND = 201, 202, 200, 204, 404

_PART = 4 << 20
_FAILURES = 6  # one after the other, without a byte of progress between them
_FIRST_WAIT = 0.1  # seconds, twice as long each time
_UPLOADS = "uploads"
_RANGE = re.compile(r"(?:bytes=)?0-(\d{1,15})")


@dataclass(frozen=True, slots=True)
class Blob:
    """Something that a registry is to have; ``open`` gives its bytes from the beginning, any number of times."""

    digest: Digest
    size: int
    open: Callable[[], Iterator[bytes]]


class Unwelcome(Exception):
    """The registry refused a request with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class BlobUpload:
    """Uploads into the repository of ``wanted``."""

    def __init__(
        self, http: RegistryHttp, wanted: ImageReference, cache: LayerCache, progress: Progress, cancel: CancelToken
    ) -> None:
        self._http = http
        self._wanted = wanted
        self._cache = cache
        self._progress = progress
        self._cancel = cancel

    def present(self, digest: Digest, what: str = "blobs") -> bool:
        """Whether the repository has the blob, or the manifest. Raises ``Unwelcome``, ``LineBroken``."""
        accepted = {"Accept": MANIFEST_TYPE} if what == "manifests" else {}
        with self._http.exchange("HEAD", f"{self._wanted.api}/{what}/{digest}", accepted) as answer:
            if answer.status_code not in (OK, NOT_FOUND):
                raise Unwelcome(answer.status_code)
            return answer.status_code == OK

    def run(self, blob: Blob, elsewhere: str = "") -> bool:
        """Bring all of ``blob``; False when the registry took it from ``elsewhere``, another repository of its own.

        Raises ``Unwelcome``; ``BaseImageUnavailable`` when the line breaks again and again; ``Cancelled``, and what
        ``blob`` raises when it is read.
        """
        from kronkers_studio.packaging.registries.registry_problems import LineBroken

        source = _Source(blob)
        place, at = self._where(blob.digest, elsewhere)
        if not place:
            return False
        failures = 0
        while at < blob.size:
            self._cancel.check()
            try:
                place, after = self._send(blob, place, at, source.read(at))
            except (LineBroken, Unwelcome) as problem:
                failures += 1
                if failures > _FAILURES:
                    raise (problem.problem if isinstance(problem, LineBroken) else problem) from None
                self._wait(failures)
                place, after = self._after_failure(blob, place, at)
                failures = 0 if after > at else failures
            self._progress.advance(max(after - at, 0))
            at = after
        self._cache.forget(_UPLOADS, self._key(blob.digest))
        return True

    @property
    def _uploads(self) -> str:
        return f"{self._wanted.api}/blobs/uploads/"

    def _where(self, digest: Digest, elsewhere: str) -> tuple[str, int]:
        """Where an upload of the blob that was begun before goes on, or a new one begins; and from which byte.

        "" when the registry takes it from ``elsewhere``.
        """
        known = (self._cache.recall(_UPLOADS, self._key(digest)) or {}).get("place")
        own = urlsplit(self._wanted.api).netloc
        if isinstance(known, str) and urlsplit(known)[:2] == ("https", own):
            found = self._stands_at(known)
            if found is not None:
                self._progress.advance(found[1])
                return found
        query = f"?mount={quote(digest, safe='')}&from={quote(elsewhere, safe='/')}" if elsewhere else ""
        return self._begin(query), 0

    def _begin(self, query: str = "") -> str:
        with self._http.exchange("POST", f"{self._uploads}{query}") as answer:
            if query and answer.status_code == CREATED:
                return ""
            if answer.status_code != ACCEPTED:
                raise Unwelcome(answer.status_code)
            return self._place(answer, self._uploads)

    def _send(self, blob: Blob, place: str, at: int, part: bytes) -> tuple[str, int]:
        """Send ``part``, the bytes from ``at`` on; where to go on, and from which byte."""
        after = at + len(part)
        headers = {"Content-Type": "application/octet-stream", "Content-Range": f"{at}-{after - 1}"}
        if after == blob.size:
            joint = "&" if urlsplit(place).query else "?"
            url = f"{place}{joint}digest={quote(blob.digest, safe='')}"
            with self._http.exchange("PUT", url, headers if at else {}, part) as answer:
                if answer.status_code != CREATED:
                    raise Unwelcome(answer.status_code)
            return place, after
        with self._http.exchange("PATCH", place, headers, part) as answer:
            if answer.status_code != ACCEPTED:
                raise Unwelcome(answer.status_code)
            place = self._place(answer, place)
        self._cache.remember(_UPLOADS, self._key(blob.digest), {"place": place})
        return place, after

    def _after_failure(self, blob: Blob, place: str, at: int) -> tuple[str, int]:
        """Where to go on after a request that failed, or whose answer was lost."""
        from kronkers_studio.packaging.registries.registry_problems import LineBroken

        try:
            if self.present(blob.digest):
                return place, blob.size
            return self._stands_at(place) or (self._begin(), 0)
        except LineBroken:  # nothing is known yet: the next attempt asks again
            return place, at

    def _stands_at(self, place: str) -> tuple[str, int] | None:
        """Where an upload goes on, and how much of it the registry has; None when it does not know the upload."""
        with self._http.exchange("GET", place) as answer:
            told = _RANGE.fullmatch(answer.headers.get("Range", ""))
            if answer.status_code != NO_CONTENT or told is None:
                return None
            last = int(told[1])
            return self._place(answer, place), last + 1 if last else 0  # nothing at all is "0-0" too

    def _place(self, answer: requests.Response, before: str) -> str:
        """Where the answer says that the upload goes on."""
        target = answer.headers.get("Location", "")
        try:
            place = urljoin(before, target)
            parts = urlsplit(place)
            named = parts.hostname, parts.port
        except ValueError:
            named = (None, None)
        if not target or not named[0] or parts.scheme != "https" or "@" in parts.netloc:
            raise BaseImageUnavailable(
                f"{self._wanted.host} names no address to upload to.", next_step="Choose another registry."
            )
        return place

    def _wait(self, failures: int) -> None:
        until = time.monotonic() + _FIRST_WAIT * 2**failures
        while time.monotonic() < until:
            self._cancel.check()
            time.sleep(0.05)

    def _key(self, digest: Digest) -> str:
        return f"{self._wanted.name} {digest}"


class _Source:
    """A blob's bytes from any place on: those of the part that was read last are still at hand."""

    def __init__(self, blob: Blob) -> None:
        self._blob = blob
        self._pieces: Iterator[bytes] = iter(())
        self._rest = b""  # read, and behind the part
        self._start, self._part = 0, b""
        self._end = -1  # where reading goes on

    def read(self, at: int) -> bytes:
        """The part that begins at byte ``at``."""
        if self._part and self._start <= at < self._start + len(self._part):
            return self._part[at - self._start :]
        if at != self._end:
            self._pieces, self._rest, self._end = self._blob.open(), b"", 0
            self._take(at)
        self._start, self._part = at, self._take(_PART)
        if self._end == self._blob.size:
            for _ in self._pieces:  # to its end, where its hash is checked: before the last part is sent
                pass
        return self._part

    def _take(self, count: int) -> bytes:
        """The next ``count`` bytes, or what is left."""
        found = bytearray()
        while len(found) < count:
            piece = self._rest or next(self._pieces, b"")
            if not piece:
                break
            wanted = count - len(found)
            found += piece[:wanted]
            self._rest = piece[wanted:]
        self._end += len(found)
        return bytes(found)
