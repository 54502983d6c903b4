"""HTTPS to one image registry: logging in as it asks, following redirects without giving the login away."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit

import requests
import urllib3

from kronkers_studio.domain.errors import BaseImageUnavailable, PackagingFailed
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.packaging.http_watch import TooSlow, Watch, WatchedAdapter
from kronkers_studio.packaging.registries.image_references import ImageReference
from kronkers_studio.packaging.registries.registry_login import (
    RegistryCredentials,
    parsed_challenge,
    same_site,
    token_in,
)
from kronkers_studio.packaging.registries.registry_problems import (
    LineBroken,
    RegistryProblems,
    Untrue,
    certificate_problem,
)

_CONNECT_SECONDS = 10.0  # whether bytes keep coming afterwards is the watch's affair
_READ_SECONDS = 60.0
_REDIRECTS = 5
_CHUNK = 256 * 1024
_SENT_AT_ONCE = 64 * 1024
_LARGEST_TOKEN = 64 * 1024


class RegistryHttp:
    """Requests to the registry of ``wanted``. Every method raises ``BaseImageUnavailable`` in plain words, also when
    next to nothing arrives for a minute, and ``Cancelled``."""

    def __init__(
        self,
        wanted: ImageReference,
        credentials: RegistryCredentials | None,
        ca_file: Path | None,
        cancel: CancelToken,
    ) -> None:
        self._wanted = wanted
        self._credentials = credentials
        self._problems = RegistryProblems(wanted, credentials.user if credentials else None)
        self._watch = Watch(cancel)
        self._session = _Session()
        self._session.mount("https://", WatchedAdapter(self._watch, self._problems.trusted(ca_file)))
        self._session.auth = _no_netrc
        self._authorization = ""
        self.scope: tuple[str, ...] = (f"repository:{wanted.repository}:pull",)
        """What a token is asked for."""
        self.bytes_sent = 0
        """By ``exchange``: bodies, addresses and the headers of ours."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def read(self, url: str, largest: int, headers: Mapping[str, str] | None = None) -> bytes:
        """The whole of a small answer, which has at most ``largest`` bytes."""
        with self._get(url, headers or {}) as answer:
            return self._whole(answer, largest)

    def require_access(self) -> None:
        """Ask whether a registry is there and takes the login, if one is given. Without one it may ask for it."""
        root = urlsplit(self._wanted.api)
        url = f"{root.scheme}://{root.netloc}/v2/"
        answer = self._follow(url, {})
        if answer.status_code == requests.codes.unauthorized and self._credentials is not None:
            self._log_in(answer)
            answer = self._follow(url, {})
            if answer.status_code == requests.codes.unauthorized:
                answer.close()
                raise self._problems.wrong_login()
        answer.close()
        if answer.status_code not in (requests.codes.ok, requests.codes.unauthorized):
            raise BaseImageUnavailable(
                f"{self._wanted.host} answers, but not as an image registry does.",
                next_step="Check the address: it is what stands before the image's name, without a path.",
                details=f"{answer.status_code} for {url}",
            )

    def append(self, url: str, file: Path, size: int, progress: Progress, cancel: CancelToken) -> bool:
        """Download into ``file`` from where it ends; True when it has ``size`` bytes, False when the line broke.

        Never more than ``size`` bytes are written.
        """
        try:
            have = file.stat().st_size
            if have == size:
                return True
            have = 0 if have > size else have
            with self._get(url, {"Range": f"bytes={have}-"} if have else {}) as answer:
                have = have if self._goes_on(answer, have) else 0
                with file.open("r+b") as target:
                    target.truncate(have)
                    target.seek(have)
                    progress.advance(have)
                    return self._receive(answer, target, size - have, progress, cancel)
        except requests.RequestException as error:  # an OSError too, but not one of the disk
            raise self._problems.unreachable(error, self._watch.expired) from None
        except OSError as error:
            raise PackagingFailed(
                f"The base image cannot be written to the cache: {error.strerror or error}.",
                next_step="Make room on that disk, then package again: it goes on where it stopped.",
            ) from None

    def _receive(
        self, answer: requests.Response, target: BinaryIO, missing: int, progress: Progress, cancel: CancelToken
    ) -> bool:
        try:
            for piece in _pieces(answer):
                cancel.check()
                if len(piece) > missing:
                    raise Untrue(
                        f"{self._wanted.host} sent more than the layer's size.", next_step="Choose another base image."
                    )
                target.write(piece)
                missing -= len(piece)
                progress.advance(len(piece))
        except (urllib3.exceptions.HTTPError, TooSlow):
            return False
        return not missing

    def _goes_on(self, answer: requests.Response, have: int) -> bool:
        """Whether the body begins at byte ``have``; otherwise it is the whole."""
        if answer.status_code != requests.codes.partial_content:
            return False
        if not have or not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            raise Untrue(
                f"{self._wanted.host} sent another part of the layer than was asked for.", next_step="Try again."
            )
        return True

    def _whole(self, answer: requests.Response, largest: int) -> bytes:
        data = bytearray()
        try:
            for piece in _pieces(answer):
                data += piece
                if len(data) > largest:
                    raise Untrue(
                        f"{self._wanted.host} sent far more than was asked for.",
                        next_step="Choose another base image.",
                    )
        except (urllib3.exceptions.HTTPError, TooSlow) as error:
            raise self._problems.unreachable(error, self._watch.expired) from None
        return bytes(data)

    def _get(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """The answer (200 or 206) to a GET, its body not yet read."""
        answer = self._follow(url, headers)
        if answer.status_code == requests.codes.unauthorized:  # also in the middle: tokens live for minutes
            self._log_in(answer)
            answer = self._follow(url, headers)
        accepted = (requests.codes.ok, requests.codes.partial_content) if "Range" in headers else (requests.codes.ok,)
        if answer.status_code not in accepted:
            answer.close()
            raise self._problems.refused(answer.status_code, self._password_sent)
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            answer.close()
            raise Untrue(
                f"What {self._wanted.host} sends was compressed on its way, and is not what was asked for.",
                next_step="Look for a proxy that changes downloads, or use an archive file as the base image.",
            )
        return answer

    def exchange(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> requests.Response:
        """The answer, whatever its status, to a request that changes something or asks for a head; its body is of
        no interest, and a redirect is not followed. Sent again with a login when the registry asks for one.

        Raises ``LineBroken`` when it is not known whether the registry got it; the caller closes what is returned.
        """
        answer = self._sent(method, url, headers or {}, body)
        if answer.status_code == requests.codes.unauthorized:
            self._log_in(answer)
            answer = self._sent(method, url, headers or {}, body)
        return answer

    def _sent(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> requests.Response:
        parts = self._encrypted(url, "takes uploads elsewhere without encryption")
        home = urlsplit(self._wanted.api).netloc
        own: dict[str, str | None] = {"User-Agent": "kronkers", "Accept": None, "Connection": None}  # these are many
        if self._authorization and parts.netloc == home:
            own["Authorization"] = self._authorization
        self.bytes_sent += len(body or b"") + sum(len(f"{name}: {value}") for name, value in headers.items()) + len(url)
        try:
            answer = self._request(method, url, {**own, **headers}, _Body(body, self._watch) if body else None)
            _read_out(answer)
            return answer
        except requests.RequestException as error:
            problem = self._problems.unreachable(error, self._watch.expired)
            if certificate_problem(error) is not None:
                raise problem from None
            raise LineBroken(problem) from None

    def _follow(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """The answer at the end of all redirects. The login goes to the registry itself only, and only over HTTPS."""
        home = urlsplit(url).netloc
        for _ in range(_REDIRECTS + 1):
            parts = self._encrypted(url, "sends downloads elsewhere without encryption")
            own = {"Authorization": self._authorization} if self._authorization and parts.netloc == home else {}
            answer = self._send(url, {**headers, **own})
            target = answer.headers.get("Location")
            if not answer.is_redirect or target is None:
                return answer
            answer.close()
            url = self._joined(url, target)
        raise BaseImageUnavailable(f"{self._wanted.host} redirects in circles.", next_step="Choose another base image.")

    def _joined(self, url: str, target: str) -> str:
        try:
            return urljoin(url, target)
        except ValueError:
            raise self._problems.strange_address() from None

    def _encrypted(self, url: str, does: str) -> SplitResult:
        """The parts of an address that the registry named. Raises unless it is one of HTTPS, without a login in it."""
        try:
            parts = urlsplit(url)
            named = parts.hostname, parts.port
        except ValueError:
            raise self._problems.strange_address() from None
        if parts.scheme != "https":
            raise BaseImageUnavailable(
                f"{self._wanted.host} {does}: refused.",
                next_step="Choose another registry.",
                details=f"{parts.scheme}://{named[0]}"[:200],
            )
        if not named[0] or "@" in parts.netloc:
            raise self._problems.strange_address()
        return parts

    def _send(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        try:
            return self._request("GET", url, headers, None)
        except requests.RequestException as error:
            raise self._problems.unreachable(error, self._watch.expired) from None

    def _request(
        self, method: str, url: str, headers: Mapping[str, str | bytes | None], body: _Body | None
    ) -> requests.Response:
        self._watch.restart()
        return self._session.request(
            method,
            url,
            data=body,
            # Blobs are compressed themselves; a proxy that compresses again would change what is hashed.
            headers={"Accept-Encoding": "identity", **headers},
            timeout=(_CONNECT_SECONDS, _READ_SECONDS),
            allow_redirects=False,
            stream=True,
        )

    def _log_in(self, answer: requests.Response) -> None:
        """Get what the registry asks for: a token for this repository, or the login itself."""
        scheme, asked = parsed_challenge(answer.headers.get("WWW-Authenticate", ""))
        answer.close()
        if scheme == "basic" and self._credentials:
            self._authorization = self._credentials.basic
        elif scheme == "bearer":
            self._authorization = f"Bearer {self._token(asked)}"

    @property
    def _password_sent(self) -> bool:
        return self._credentials is not None and self._authorization == self._credentials.basic

    def _token(self, asked: Mapping[str, str]) -> str:
        """A token to read this repository, whatever else the registry would like one for.

        The login is told to the registry's own site only: another one is asked as anybody would.
        """
        realm = asked.get("realm", "")
        parts = self._encrypted(realm, "asks for a login without encryption")
        query = [("service", asked["service"])] if "service" in asked else []
        if self._wanted.repository:
            query += [("scope", each) for each in self.scope]
        login = {}
        if self._credentials and same_site(urlsplit(self._wanted.api).hostname or "", parts.hostname or ""):
            login = {"Authorization": self._credentials.basic}
        separator = ("&" if "?" in realm else "?") if query else ""
        with self._send(f"{realm}{separator}{urlencode(query)}", login) as answer:
            if answer.status_code == requests.codes.unauthorized and login:
                raise self._problems.wrong_login()
            if answer.status_code != requests.codes.ok:
                raise self._problems.refused(answer.status_code, self._password_sent)
            data = self._whole(answer, _LARGEST_TOKEN)
        found = token_in(data)
        if not found:
            raise self._problems.about_login(
                f"{self._wanted.host} gave no token to read {self._wanted.repository or 'anything'}.",
                "Check the image's name, or log in to the registry.",
            )
        return found


class _Body:
    """What is sent, in small pieces: the time that a socket may take is for one piece, and cancelling is noticed."""

    def __init__(self, data: bytes, watch: Watch) -> None:
        self._data, self._at, self._watch = memoryview(data), 0, watch

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(_SENT_AT_ONCE):
            yield piece

    def read(self, size: int = -1, /) -> bytes:
        self._watch.check()
        end = len(self._data) if size < 0 else self._at + size
        piece = bytes(self._data[self._at : end])
        self._at += len(piece)
        self._watch.received(len(piece))
        return piece


class _Session(requests.Session):
    """A session that looks at no redirect, not even to prepare for it: it would read its whole body first."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    """The body as it arrives, nothing unpacked of it."""
    while piece := answer.raw.read1(_CHUNK, decode_content=False):
        yield piece


def _read_out(answer: requests.Response) -> None:
    """Read a short body, so that its connection serves the next request too."""
    with contextlib.suppress(urllib3.exceptions.HTTPError, TooSlow):
        answer.raw.read(_LARGEST_TOKEN, decode_content=False)


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep ``requests`` from adding a login of the user's own accord."""
    return request
