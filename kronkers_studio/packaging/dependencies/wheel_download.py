"""Fetching the very files of locks, so that they can travel: over HTTPS, each against the hash in its lock."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kronkers_studio.domain.errors import PackagingFailed
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.packaging.dependencies.wheels import Wheel
from kronkers_studio.packaging.layer_cache import LayerCache

if TYPE_CHECKING:
    import requests

_CONNECT_SECONDS, _READ_SECONDS = 10.0, 60.0
_CHUNK = 1 << 18
_LARGEST = 8 << 30
_OK = 200


def fetch_wheels(
    wheels: Iterable[Wheel], cache: LayerCache, progress: Progress, cancel: CancelToken, *, offline: bool = False
) -> None:
    """Bring those of ``wheels`` that ``cache`` lacks into it.

    Raises ``PackagingFailed`` for one that cannot be had, is not what its lock says, or is missing when ``offline``;
    ``Cancelled``.
    """
    missing = [wheel for wheel in wheels if not cache.has(wheel.digest, wheel.size)]
    if not missing:
        return
    if offline:
        raise _unavailable(missing[0], "the studio is set to work offline")
    import requests

    from kronkers_studio.packaging.http_watch import TooSlow, Watch, WatchedAdapter

    progress.step("Downloading the libraries", sum(wheel.size for wheel in missing), "bytes")
    watch = Watch(cancel)
    with requests.Session() as session:
        session.mount("https://", WatchedAdapter(watch, ssl.create_default_context()))
        for wheel in missing:
            watch.restart()
            try:
                with cache.draft() as draft:
                    _fetch(session, wheel, draft, progress, cancel)
                    cache.adopt(draft, wheel.digest)
            except (requests.RequestException, TooSlow) as error:
                raise _unavailable(wheel, f"{urlsplit(wheel.url).hostname} cannot be reached", str(error)) from None


def _fetch(session: requests.Session, wheel: Wheel, draft: Path, progress: Progress, cancel: CancelToken) -> None:
    if not wheel.url:
        raise _unavailable(wheel, "its address is not known")
    hasher, count = hashlib.sha256(), 0
    headers = {"Accept-Encoding": "identity"}
    waits = (_CONNECT_SECONDS, _READ_SECONDS)
    with session.get(wheel.url, headers=headers, timeout=waits, stream=True) as answer, draft.open("wb") as file:
        if answer.status_code != _OK or urlsplit(answer.url).scheme != "https":
            raise _unavailable(wheel, f"{answer.status_code} from {urlsplit(answer.url).hostname}")
        while piece := answer.raw.read(_CHUNK, decode_content=False):
            cancel.check()
            hasher.update(piece)
            count += file.write(piece)
            progress.advance(len(piece))
            if count > (wheel.size or _LARGEST):
                break
    if f"sha256:{hasher.hexdigest()}" != wheel.digest:
        raise _unavailable(wheel, "what came is not what was locked")


def _unavailable(wheel: Wheel, why: str, details: str = "") -> PackagingFailed:
    return PackagingFailed(
        f"The library {wheel.name} {wheel.version} cannot be downloaded: {why}.",
        next_step="Check the network and export again, or leave the libraries out with --without-wheels: models whose "
        "libraries were packaged here before can then be packaged there too.",
        details=f"{wheel.file}: {details}"[:500],
    )
