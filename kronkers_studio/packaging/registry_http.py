"""HTTPS to one image registry: logging in as it asks, following redirects without giving the login away."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit

import requests
import urllib3

from kronkers_studio.domain.errors import BaseImageUnavailable, PackagingFailed
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.packaging.http_watch import TooSlow, Watch, WatchedAdapter
from kronkers_studio.packaging.image_documents import NotAnImage, json_object
from kronkers_studio.packaging.image_references import ImageReference
from kronkers_studio.settings.secrets import Secret

_CONNECT_SECONDS = 10.0  # whether bytes keep coming afterwards is the watch's affair
_READ_SECONDS = 60.0
_REDIRECTS = 5
_CHUNK = 256 * 1024
_LARGEST_TOKEN = 64 * 1024
_PARAMETER = re.compile(r'\b(\w{1,32})="([^"]{0,2000})"', re.ASCII)
_LONGEST_CHALLENGE = 8192
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")  # what may stand in a header (RFC 6750)
_LOGIN_HOSTS = {"registry-1.docker.io": "auth.docker.io"}


class Untrue(BaseImageUnavailable):
    """What the registry sends contradicts what it says: nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class RegistryCredentials:
    """A login of a registry; the password may be an access token."""

    user: str
    password: Secret


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
        self._watch = Watch(cancel)
        self._session = _Session()
        self._session.mount("https://", WatchedAdapter(self._watch))
        self._session.auth = _no_netrc
        self._verify: bool | str = str(ca_file) if ca_file else True
        self._authorization = ""

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
            raise self._unreachable(error) from None
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
            raise self._unreachable(error) from None
        return bytes(data)

    def _get(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """The answer (200 or 206) to a GET, its body not yet read."""
        answer = self._follow(url, headers)
        if answer.status_code == requests.codes.unauthorized and not self._authorization:
            self._log_in(answer)
            answer = self._follow(url, headers)
        accepted = (requests.codes.ok, requests.codes.partial_content) if "Range" in headers else (requests.codes.ok,)
        if answer.status_code not in accepted:
            answer.close()
            raise self._refused(answer.status_code)
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            answer.close()
            raise Untrue(
                f"What {self._wanted.host} sends was compressed on its way, and is not what was asked for.",
                next_step="Look for a proxy that changes downloads, or use an archive file as the base image.",
            )
        return answer

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
            raise self._strange_address() from None

    def _encrypted(self, url: str, does: str) -> SplitResult:
        """The parts of an address that the registry named. Raises unless it is one of HTTPS, without a login in it."""
        try:
            parts = urlsplit(url)
            named = parts.hostname, parts.port
        except ValueError:
            raise self._strange_address() from None
        if parts.scheme != "https":
            raise BaseImageUnavailable(
                f"{self._wanted.host} {does}: refused.",
                next_step="Choose another registry.",
                details=f"{parts.scheme}://{named[0]}"[:200],
            )
        if not named[0] or "@" in parts.netloc:
            raise self._strange_address()
        return parts

    def _strange_address(self) -> BaseImageUnavailable:
        return BaseImageUnavailable(
            f"{self._wanted.host} names an address that is none.", next_step="Choose another registry."
        )

    def _send(self, url: str, headers: Mapping[str, str], login: tuple[str, str] | None = None) -> requests.Response:
        self._watch.restart()
        try:
            return self._session.get(
                url,
                # Blobs are compressed themselves; a proxy that compresses again would change what is hashed.
                headers={"Accept-Encoding": "identity", **headers},
                auth=login,
                verify=self._verify,
                timeout=(_CONNECT_SECONDS, _READ_SECONDS),
                allow_redirects=False,
                stream=True,
            )
        except (requests.RequestException, OSError) as error:  # OSError: the CA file does not exist
            raise self._unreachable(error) from None

    def _log_in(self, answer: requests.Response) -> None:
        """Get what the registry asks for: a token for this repository, or the login itself."""
        challenge = answer.headers.get("WWW-Authenticate", "")[:_LONGEST_CHALLENGE]
        answer.close()
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic" and self._credentials:
            login = f"{self._credentials.user}:{self._credentials.password.reveal()}"
            self._authorization = f"Basic {base64.b64encode(login.encode()).decode()}"
        elif scheme.lower() == "bearer":
            self._authorization = f"Bearer {self._token(dict(_PARAMETER.findall(rest)))}"

    def _token(self, asked: Mapping[str, str]) -> str:
        """A token to read this repository, whatever else the registry would like one for.

        The login is told to the registry's own site only: another one is asked as anybody would.
        """
        realm = asked.get("realm", "")
        parts = self._encrypted(realm, "asks for a login without encryption")
        query = {"service": asked["service"]} if "service" in asked else {}
        query["scope"] = f"repository:{self._wanted.repository}:pull"
        login = None
        if self._credentials and _same_site(urlsplit(self._wanted.api).hostname or "", parts.hostname or ""):
            login = (self._credentials.user, self._credentials.password.reveal())
        with self._send(f"{realm}{'&' if '?' in realm else '?'}{urlencode(query)}", {}, login) as answer:
            if answer.status_code != requests.codes.ok:
                raise self._refused(answer.status_code)
            data = self._whole(answer, _LARGEST_TOKEN)
        found = _token_in(data)
        if not found:
            raise BaseImageUnavailable(
                f"{self._wanted.host} gave no token to read {self._wanted.repository}.",
                next_step="Check the image's name and the registry's login.",
            )
        return found

    def _refused(self, status: int) -> BaseImageUnavailable:
        wanted = self._wanted
        if status in (requests.codes.unauthorized, requests.codes.forbidden):
            return BaseImageUnavailable(
                f"{wanted.host} does not let us read {wanted.repository} (it needs a login, or does not exist).",
                next_step="Check the image's name and the registry's login.",
            )
        if status == requests.codes.not_found:
            return BaseImageUnavailable(
                f"{wanted.host} has no image {wanted.repository}:{wanted.tag}.", next_step="Check the image's name."
            )
        if status == requests.codes.too_many_requests:
            return BaseImageUnavailable(
                f"{wanted.host} has had too many requests from this network.",
                next_step="Try again in an hour, log in to the registry, or use an archive file as the base image.",
            )
        return BaseImageUnavailable(
            f"{wanted.host} answered {status}.", next_step="Try again later, or use an archive file as the base image."
        )

    def _unreachable(self, error: Exception) -> BaseImageUnavailable:
        host = self._wanted.host
        if isinstance(error, requests.exceptions.SSLError):
            return BaseImageUnavailable(
                f"The certificate of {host} is not trusted by this computer.",
                next_step="If it is your company's registry, give its own certificate authority (CA file).",
                details=str(error)[:500],
            )
        if self._watch.expired:
            return BaseImageUnavailable(
                f"{host} sends next to nothing.",
                next_step="Try again later, or use an archive file (`docker save`) as the base image.",
                details=str(error)[:500],
            )
        return BaseImageUnavailable(
            f"{host} cannot be reached.",
            next_step="Check the network, or use an archive file (`docker save`) as the base image.",
            details=str(error)[:500],
        )


class _Session(requests.Session):
    """A session that looks at no redirect, not even to prepare for it: it would read its whole body first."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    """The body as it arrives, nothing unpacked of it."""
    while piece := answer.raw.read1(_CHUNK, decode_content=False):
        yield piece


def _same_site(registry: str, other: str) -> bool:
    """Whether both hosts are one organisation's, as far as their names tell: equal, or below the same domain."""
    if registry == other or _LOGIN_HOSTS.get(registry) == other:
        return True
    own, others = registry.split("."), other.split(".")
    if registry.replace(".", "").isdigit() or ":" in registry:  # addresses have no domain
        return False
    shared = 3 if len(own) > 2 and len(own[-1]) == 2 and len(own[-2]) <= 3 else 2  # team.example.co.uk
    return min(len(own), len(others)) >= shared and own[-shared:] == others[-shared:]


def _token_in(data: bytes) -> str:
    try:
        answer = json_object(data)
    except NotAnImage:
        return ""
    found = answer.get("token") or answer.get("access_token")
    return found if isinstance(found, str) and _TOKEN.fullmatch(found) else ""


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep ``requests`` from adding a login of the user's own accord."""
    return request
