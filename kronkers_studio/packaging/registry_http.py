"""HTTPS to one image registry: logging in as it asks, following redirects without giving the login away."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urljoin, urlsplit

import requests

from kronkers_studio.domain.errors import BaseImageUnavailable
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.packaging.references import ImageReference
from kronkers_studio.settings.secrets import Secret

_TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two pieces
_REDIRECTS = 5
_CHUNK = 256 * 1024
_LARGEST_TOKEN = 64 * 1024
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class RegistryCredentials:
    """A login of a registry; the password may be an access token."""

    user: str
    password: Secret


class RegistryHttp:
    """Requests to the registry of ``wanted``. Every method raises ``BaseImageUnavailable`` in plain words."""

    def __init__(self, wanted: ImageReference, credentials: RegistryCredentials | None, ca_file: Path | None) -> None:
        self._wanted = wanted
        self._credentials = credentials
        self._session = requests.Session()
        self._session.auth = _no_netrc
        self._verify: bool | str = str(ca_file) if ca_file else True
        self._authorization = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> requests.Response:
        """The answer (200 or 206) to a GET, its body not yet read."""
        answer = self._follow(url, dict(headers or {}))
        if answer.status_code == requests.codes.unauthorized and not self._authorization:
            self._log_in(answer)
            answer = self._follow(url, dict(headers or {}))
        if answer.status_code not in (requests.codes.ok, requests.codes.partial_content):
            answer.close()
            raise self._refused(answer.status_code)
        return answer

    def read(self, answer: requests.Response, limit: int) -> bytes:
        """The whole body, which must be small."""
        data = bytearray()
        try:
            for piece in answer.iter_content(_CHUNK):
                data += piece
                if len(data) > limit:
                    raise BaseImageUnavailable(f"{self._wanted.host} sent far more than was asked for.")
        except requests.RequestException as error:
            raise self._unreachable(error) from None
        return bytes(data)

    def append(self, url: str, file: Path, size: int, progress: Progress, cancel: CancelToken) -> bool:
        """Download into ``file`` from where it ends; True when it has ``size`` bytes, False when the line broke."""
        have = file.stat().st_size
        if have == size:
            return True
        have = 0 if have > size else have
        with self.get(url, {"Range": f"bytes={have}-"} if have else {}) as answer:
            resumed = answer.status_code == requests.codes.partial_content
            with file.open("ab" if resumed else "wb") as target:
                have = have if resumed else 0
                progress.advance(have)
                try:
                    for piece in answer.iter_content(_CHUNK):
                        cancel.check()
                        have += target.write(piece)
                        progress.advance(len(piece))
                        if have > size:
                            raise BaseImageUnavailable(f"{self._wanted.host} sent more than the layer's size.")
                except requests.RequestException:
                    return False
        return have == size

    def _follow(self, url: str, headers: dict[str, str]) -> requests.Response:
        """The answer at the end of all redirects. The login goes to the registry itself only, and only over HTTPS."""
        home = urlsplit(url).netloc
        for _ in range(_REDIRECTS + 1):
            parts = urlsplit(url)
            if parts.scheme != "https":
                raise BaseImageUnavailable(
                    f"{self._wanted.host} sends downloads elsewhere without encryption ({parts.hostname}): refused.",
                    next_step="Choose another registry.",
                )
            own = {"Authorization": self._authorization} if self._authorization and parts.netloc == home else {}
            answer = self._send(url, headers | own)
            target = answer.headers.get("Location")
            if not answer.is_redirect or target is None:
                return answer
            answer.close()
            url = urljoin(url, target)
        raise BaseImageUnavailable(f"{self._wanted.host} redirects in circles.")

    def _send(self, url: str, headers: dict[str, str], login: tuple[str, str] | None = None) -> requests.Response:
        try:
            return self._session.get(
                url,
                # Blobs are compressed themselves; a proxy that compresses again would change what is hashed.
                headers={"Accept-Encoding": "identity", **headers},
                auth=login,
                verify=self._verify,
                timeout=_TIMEOUT,
                allow_redirects=False,
                stream=True,
            )
        except (requests.RequestException, OSError) as error:  # OSError: the CA file does not exist
            raise self._unreachable(error) from None

    def _log_in(self, answer: requests.Response) -> None:
        """Get what the registry asks for: a token for this repository, or the login itself."""
        challenge = answer.headers.get("WWW-Authenticate", "")
        answer.close()
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic" and self._credentials:
            login = f"{self._credentials.user}:{self._credentials.password.reveal()}"
            self._authorization = f"Basic {base64.b64encode(login.encode()).decode()}"
        elif scheme.lower() == "bearer":
            self._authorization = f"Bearer {self._token(dict(_PARAMETER.findall(rest)))}"

    def _token(self, asked: dict[str, str]) -> str:
        realm = asked.pop("realm", "")
        if urlsplit(realm).scheme != "https":
            raise BaseImageUnavailable(f"{self._wanted.host} asks for a login without encryption: refused.")
        asked.setdefault("scope", f"repository:{self._wanted.repository}:pull")
        login = (self._credentials.user, self._credentials.password.reveal()) if self._credentials else None
        query = urlencode([(name, asked[name]) for name in ("service", "scope") if name in asked])
        with self._send(f"{realm}{'&' if '?' in realm else '?'}{query}", {}, login) as answer:
            if answer.status_code != requests.codes.ok:
                raise self._refused(answer.status_code)
            data = self.read(answer, _LARGEST_TOKEN)
        found = _token_in(data)
        if not found:
            raise BaseImageUnavailable(f"{self._wanted.host} gave no token to read {self._wanted.repository}.")
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
        return BaseImageUnavailable(
            f"{host} cannot be reached.",
            next_step="Check the network, or use an archive file (`docker save`) as the base image.",
            details=str(error)[:500],
        )


def _token_in(data: bytes) -> str:
    try:
        found = json.loads(data)
    except ValueError:
        return ""
    return str(found.get("token") or found.get("access_token") or "") if isinstance(found, dict) else ""


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep ``requests`` from adding a login of the user's own accord."""
    return request
