"""The server's Docker engine, used with the Docker SDK over our own SSH connection; no docker program is needed there.

Each HTTP connection of the SDK is a channel to the engine's unix socket. What the engine answers is bounded in time and
size, and comes out as ``engine_documents`` declares it, or not at all.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import docker
import docker.auth
import docker.constants
import docker.errors
import requests
import requests.adapters
import urllib3
import urllib3.connection
import urllib3.exceptions

from kronkers_studio.deployment import engine_documents as documents
from kronkers_studio.deployment.commands import Command, find_engine
from kronkers_studio.deployment.engine_documents import Check, Unusable, plain
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.errors import (
    EngineUnavailable,
    EngineUntrustworthy,
    ServerError,
    ServerUnreachable,
    StudioError,
)

OLDEST_API = (1, 41)
"""Docker 20.10."""

_ADDRESS = "http+docker://kronkers"
_MOST_STREAMS = 4
_MOST_OUTPUT = 4 << 20
_LONGEST_LINE = 64 << 10
_MOST_QUOTED = 300
_INSTALL = "Ask the server's administrator to install Docker Engine 20.10 or newer (docs.docker.com/engine/install)."


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take: ``seconds`` and more for what is moved at ``rate`` (bytes a second, 0 for no more),
    ``silence`` for each wait (seconds), and ``most`` bytes of answer."""

    seconds: float = 60.0
    silence: float = 60.0
    rate: int = 0
    most: int = 16 << 20


_OF_IMAGES = Limits(seconds=600.0, silence=300.0, rate=32_000, most=32 << 20)
MOST_IMAGE = 64 << 30
"""Bytes of the largest image that an engine is asked for."""

_stage = threading.local()


class Engine(docker.APIClient):
    """The Docker SDK's client for the engine behind ``connection``.

    What is used of it gives documents as ``engine_documents`` declares them. Raises ``EngineUntrustworthy`` when the
    engine answers something else, or more than ``limits`` allow.
    """

    def __init__(self, connection: Connection, socket_path: str, limits: Limits) -> None:
        # the SDK needs an address that it knows; it is replaced before anything is sent
        super().__init__(
            "tcp://localhost:2375", version=docker.constants.DEFAULT_DOCKER_API_VERSION, timeout=int(limits.silence)
        )
        self.trust_env = False  # no proxy of this computer stands between
        self._auth_configs = docker.auth.AuthConfig({})  # nor do its registry passwords go anywhere
        self._server = connection.server.name
        self._custom_adapter = _ChannelAdapter(connection, socket_path, limits)
        self.adapters.clear()  # whatever the engine says, nothing but the engine is ever asked
        self.mount(_ADDRESS, self._custom_adapter)
        self.headers["Accept-Encoding"] = "identity"
        self.base_url = _ADDRESS

    def agree_on_version(self) -> None:
        """Use the newest version of the interface that both sides know."""
        said = self._checked(documents.VERSION, super().version(api_version=False))
        newest, oldest = _numbers(said["ApiVersion"]), _numbers(said.get("MinAPIVersion", "1.0"))
        ours = _numbers(docker.constants.DEFAULT_DOCKER_API_VERSION)
        if oldest > ours:
            raise EngineUnavailable(
                f"The Docker engine of {self._server} is newer than what this version of Kronkers Studio can talk to.",
                next_step="Update Kronkers Studio.",
                details=f"It asks for version {said['MinAPIVersion']} of its interface or later.",
            )
        self._version = ".".join(map(str, min(newest, ours)))

    @property
    def api(self) -> tuple[int, ...]:
        """The version of the interface in use, to compare."""
        return _numbers(self._version)

    # What is asked

    def version(self, api_version: bool = True) -> Any:
        return self._checked(documents.VERSION, super().version(api_version))

    def info(self) -> Any:
        return self._checked(documents.INFO, super().info())

    def services(self, *arguments: Any, **options: Any) -> Any:
        return self._checked(documents.SERVICES, super().services(*arguments, **options))

    def inspect_service(self, *arguments: Any, **options: Any) -> Any:
        return self._checked(documents.SERVICE, super().inspect_service(*arguments, **options))

    def tasks(self, *arguments: Any, **options: Any) -> Any:
        return self._checked(documents.TASKS, super().tasks(*arguments, **options))

    def containers(self, *arguments: Any, **options: Any) -> Any:
        return self._checked(documents.CONTAINERS, super().containers(*arguments, **options))

    def inspect_container(self, *arguments: Any, **options: Any) -> Any:
        return self._checked(documents.CONTAINER, super().inspect_container(*arguments, **options))

    def images(self, *arguments: Any, **options: Any) -> Any:
        return self._checked(documents.IMAGES, super().images(*arguments, **options))

    def inspect_image(self, *arguments: Any, **options: Any) -> Any:
        return self._checked(documents.IMAGE, super().inspect_image(*arguments, **options))

    def networks(self, *arguments: Any, **options: Any) -> Any:
        return self._checked(documents.NETWORKS, super().networks(*arguments, **options))

    def inspect_network(self, *arguments: Any, **options: Any) -> Any:
        return self._checked(documents.NETWORK, super().inspect_network(*arguments, **options))

    def secrets(self, *arguments: Any, **options: Any) -> Any:
        return self._checked(documents.SECRETS, super().secrets(*arguments, **options))

    def volumes(self, *arguments: Any, **options: Any) -> Any:
        answer = self._checked(documents.VOLUMES, super().volumes(*arguments, **options))
        return answer.get("Volumes", [])

    def df(self) -> Any:
        return self._checked(documents.USAGE, super().df())

    def parents_inside(self, container: str) -> dict[int, int]:
        """The processes of ``container`` as the server numbers them, each with its parent."""
        answer: dict[int, int] = self._checked(documents.parents, super().top(container, "-o pid,ppid"))
        return answer

    def subnet_of(self, network: str) -> Any:
        """The subnet of ``network``, an ``ipaddress.IPv4Network``."""
        return self._checked(documents.subnet, self.inspect_network(network))

    def port_of(self, service: Mapping[str, Any]) -> int:
        """The port that ``service``, as inspected, is published on."""
        return int(self._checked(documents.published_port, service))

    def output_inside(self, container: str, command: Sequence[str]) -> bytes:
        """What ``command`` prints when it is run in ``container``; the SDK's own method reads a real socket only."""
        client: Any = self
        id = self._id_of(self.exec_create(container, list(command), stderr=False))
        url = client._url("/exec/{0}/start", id)
        with client._post_json(url, data={"Detach": False, "Tty": False}, stream=True) as answer:
            client._raise_for_status(answer)
            return b"".join(_frames(answer.raw.read(_MOST_OUTPUT)))

    def run_inside(self, container: str, command: Sequence[str]) -> tuple[int, bytes]:
        """The exit status of ``command``, run in ``container``, and all that it prints, errors among it."""
        client: Any = self
        id = self._id_of(self.exec_create(container, list(command)))
        url = client._url("/exec/{0}/start", id)
        with client._post_json(url, data={"Detach": False, "Tty": False}, stream=True) as answer:
            client._raise_for_status(answer)
            output = b"".join(_frames(answer.raw.read(_MOST_OUTPUT)))
        ended = self._checked(documents.ENDED, super().exec_inspect(id))
        return int(ended["ExitCode"]), output

    def create_raw_network(self, definition: Mapping[str, Any]) -> str:
        """Create a network with what the SDK's own method has no words for; its id."""
        client: Any = self  # the type stubs know only the public methods
        answer = client._post_json(client._url("/networks/create"), data=dict(definition))
        return self._id_of(client._result(answer, True))

    def create_labelled_secret(self, name: str, data: bytes, labels: Mapping[str, str]) -> str:
        """Create a secret; its id."""
        return self._id_of(super().create_secret(name, data, labels=dict(labels)))

    def load_archive(self, archive: Iterable[bytes]) -> list[str]:
        """Give the engine an archive of images; why it does not take it, in its words, or nothing."""
        client: Any = self
        with client._post(client._url("/images/load"), data=archive, stream=True) as answer:
            client._raise_for_status(answer)
            return [plain(line, _MOST_QUOTED) for line in map(self._error_in, self._lines(answer)) if line]

    def build_image(self, context: bytes, name: str, arguments: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Build an image called ``name`` from a tar with a Dockerfile, with the server's own network; each line that
        the engine says, and the error that it reports with it, or nothing."""
        client: Any = self
        parameters = {"t": name, "networkmode": "host", "rm": "1", "forcerm": "1", "pull": "0"}
        url = client._url("/build")
        asked = {**parameters, "buildargs": json.dumps(dict(arguments))}
        headers = {"Content-Type": "application/x-tar"}
        with client._post(url, data=context, params=asked, headers=headers, stream=True) as answer:
            client._raise_for_status(answer)
            for line in self._lines(answer):
                if line.strip():
                    said = self._checked(documents.PROGRESS, self._checked(documents.parsed, line))
                    yield plain(said.get("stream", ""), _MOST_QUOTED), plain(said.get("error", ""), _MOST_QUOTED)

    # How it is answered: what the SDK does with an answer, safe against any

    def _raise_for_status(self, response: requests.Response) -> None:
        if response.status_code < 400:
            return
        problem = docker.errors.APIError
        if response.status_code == 404:
            problem = docker.errors.NotFound
            if (
                response.request.path_url.partition("?")[0].endswith("/json")
                and "/images/" in response.request.path_url
            ):
                problem = docker.errors.ImageNotFound
        said = documents.message(response.content)
        raise problem(f"status {response.status_code}", response=response, explanation=said)

    def _result(self, response: requests.Response, json: bool = False, binary: bool = False) -> Any:
        self._raise_for_status(response)
        if json:
            return self._checked(documents.parsed, response.content)
        return response.content if binary else response.content.decode("utf-8", "replace")

    def _checked(self, check: Check, answer: Any) -> Any:
        try:
            return check(answer)
        except Unusable as problem:
            _refuse(self._server, str(problem))

    def _id_of(self, created: Any) -> str:
        said = self._checked(documents.CREATED, created)
        if not (said.get("Id") or said.get("ID")):
            _refuse(self._server, "it has no id")
        return str(said.get("Id") or said["ID"])

    def _lines(self, answer: requests.Response) -> Iterator[bytes]:
        held = b""
        for piece in answer.iter_content(_LONGEST_LINE // 2):
            *lines, held = (held + piece).split(b"\n")
            yield from lines
            if len(held) > _LONGEST_LINE:
                _refuse(self._server, "a line has no end")
        yield held

    def _error_in(self, line: bytes) -> str:
        """The error that a line of progress reports, or nothing."""
        if b'"error"' not in line:
            return ""
        return str(self._checked(documents.PROGRESS, self._checked(documents.parsed, line)).get("error", ""))


def _refuse(server: str, why: str) -> NoReturn:
    raise EngineUntrustworthy(
        f"What answers as the Docker engine of {server} gave an answer that is not used: {plain(why, _MOST_QUOTED)}.",
        next_step="Ask the server's administrator what listens on its socket; nothing else was asked of it.",
    )


_engines: weakref.WeakKeyDictionary[Connection, Engine] = weakref.WeakKeyDictionary()
_paths: weakref.WeakKeyDictionary[Connection, str] = weakref.WeakKeyDictionary()
_opening = threading.Lock()


def open_engine(connection: Connection) -> Engine:
    """The engine of the server, ready to use; the same one each time for one connection.

    Raises ``EngineUnavailable`` saying what to do: not installed, not running, or the user may not use it.
    """
    with _opening:
        engine = _engines.get(connection)
        if engine is None:
            engine = _open(connection)
            _engines[connection] = engine
        return engine


def open_patient_engine(connection: Connection, *, most: int = _OF_IMAGES.most, seconds: float = 0) -> Engine:
    """An engine for one long request (an image's bytes), whose answer may hold ``most`` bytes; the caller closes it.
    With ``seconds`` it may take that long, and be silent all the while."""
    agreed = open_engine(connection)
    limits = replace(_OF_IMAGES, most=most)
    if seconds:
        limits = replace(limits, seconds=seconds, silence=seconds)
    engine = Engine(connection, _paths[connection], limits)
    engine._version = agreed._version
    return engine


@contextlib.contextmanager
def engine_errors(connection: Connection, doing: str, *, seconds: float = 300.0) -> Iterator[None]:
    """Turn what the SDK raises while ``doing`` ("loading the image") into our errors, and end it after ``seconds``,
    what is sent or received of images not counted: an engine may be slow at each of a thousand questions."""
    name = connection.server.name
    before = getattr(_stage, "end", None)
    end = time.monotonic() + seconds
    _stage.end = end if before is None else min(before, end)
    try:
        yield
    except docker.errors.APIError as error:
        raise ServerError(
            f"The Docker engine of {name} refused {doing}: {explanation(error)}.",
            next_step="Look at the engine's log on the server (journalctl -u docker).",
            details=plain(str(error)),
        ) from error
    except (requests.RequestException, docker.errors.DockerException, urllib3.exceptions.HTTPError) as error:
        if _answers(connection):
            raise EngineUnavailable(
                f"The Docker engine of {name} stopped answering while {doing}.",
                next_step="Check on the server that it runs (systemctl status docker), then try again.",
                details=plain(str(error)),
            ) from error
        raise ServerUnreachable(
            f"The connection to {name} was lost while {doing}.",
            next_step="Check the network and the server, then try again.",
            details=plain(str(error)),
        ) from error
    finally:
        _stage.end = before


def _answers(connection: Connection) -> bool:
    """Whether the server itself still does, so that it is the engine that does not."""
    try:
        return connection.run(Command(("true",)), timeout=5, longest=30).ok
    except ServerUnreachable:
        return False


def explanation(error: docker.errors.APIError) -> str:
    """The engine's own words, without a full stop."""
    return plain(str(error.explanation or error), _MOST_QUOTED).rstrip(".")


def _open(connection: Connection) -> Engine:
    path = _paths.get(connection)
    if path is None:
        path = _find_socket(connection)
    engine = Engine(connection, path, Limits())
    try:
        engine.agree_on_version()
    except StudioError:
        engine.close()
        raise
    except (requests.RequestException, docker.errors.DockerException) as error:
        engine.close()
        if not _answers(connection):
            raise ServerUnreachable(
                f"The connection to {connection.server.name} was lost.",
                next_step="Check the network and the server, then try again.",
                details=plain(str(error)),
            ) from error
        raise EngineUnavailable(
            f"The Docker engine of {connection.server.name} is installed but does not run.",
            next_step="Ask the server's administrator to start it (systemctl enable --now docker). If it runs, SSH's "
            "AllowStreamLocalForwarding must not be “no”.",
            details=plain(str(error)),
        ) from error
    if engine.api < OLDEST_API:
        engine.close()
        raise EngineUnavailable(f"The Docker engine of {connection.server.name} is too old.", next_step=_INSTALL)
    _paths[connection] = path
    return engine


def _find_socket(connection: Connection) -> str:
    """The path of a socket that this user may use."""
    found: dict[str, list[str]] = {}
    for line in connection.run(find_engine()).output.splitlines():
        name, _, value = line.partition("=")
        if value:
            found.setdefault(name, []).append(value)
    if "usable" in found:
        return found["usable"][0]
    server = connection.server
    if "forbidden" in found:
        raise EngineUnavailable(
            f"“{server.user}” may not use the Docker engine of {server.name}.",
            next_step=f"Ask the administrator to run: sudo usermod -aG docker {server.user} — and note that who is in "
            "the group docker is as good as root on that server.",
            details=f"no permission on {', '.join(found['forbidden'])}",
        )
    if "podman" in found and not any(path.endswith("/dockerd") for path in found.get("program", ())):
        raise EngineUnavailable(
            f"{server.name} has Podman in place of Docker.",
            next_step=f"Releases need Docker's Swarm, which Podman does not have. {_INSTALL}",
        )
    if "program" in found:
        raise EngineUnavailable(
            f"Docker is installed on {server.name}, but its engine does not run.",
            next_step="Ask the server's administrator to start it (systemctl enable --now docker).",
            details=f"no socket; DOCKER_HOST={''.join(found.get('host', []))}",
        )
    raise EngineUnavailable(f"Docker is not installed on {server.name}.", next_step=_INSTALL)


def _frames(stream: bytes) -> Iterator[bytes]:
    """The parts of a stream in which the engine says before each one how long it is (a header of eight bytes)."""
    start = 0
    while start + 8 <= len(stream):
        length = int.from_bytes(stream[start + 4 : start + 8], "big")
        yield stream[start + 8 : start + 8 + length]
        start += 8 + length


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


class _Allowed:
    """The rest of what one request may take. Time is also bounded by the stage that the request is part of, but not
    where a rate says that the request may be a long one."""

    def __init__(self, server: str, limits: Limits) -> None:
        self._server = server
        self._limits = limits
        self._begun = time.monotonic()
        self._moved = self._received = 0

    def next_wait(self) -> float:
        limits, end = self._limits, self._begun + self._limits.seconds
        stage = getattr(_stage, "end", None)
        if limits.rate:
            end += self._moved / limits.rate
        elif stage is not None:
            end = min(end, stage)
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the engine took too long")
        return min(left, limits.silence)

    def moved(self, *, sent: int = 0, received: int = 0) -> None:
        self._moved += sent + received
        self._received += received
        if self._received > self._limits.most:
            _refuse(self._server, f"it is larger than {self._limits.most >> 20} MB")


class _ChannelAdapter(requests.adapters.HTTPAdapter):
    """Sends every request through channels to one socket, whatever the URL says."""

    def __init__(self, connection: Connection, socket_path: str, limits: Limits) -> None:
        self._server = connection.server.name
        self._pool = _ChannelPool(connection, socket_path, limits)
        super().__init__()

    def send(self, *arguments: Any, **options: Any) -> requests.Response:
        """An answer that sends us elsewhere, or unfolds to something larger, is none."""
        response = super().send(*arguments, **options)
        packed = response.headers.get("Content-Encoding", "identity").lower() != "identity"
        if packed or not (200 <= response.status_code < 300 or response.status_code >= 400):
            response.close()
            _refuse(self._server, "it is compressed" if packed else f"it has the status {response.status_code}")
        return response

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> _ChannelPool:
        return self._pool

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        return request.path_url

    def close(self) -> None:
        super().close()
        self._pool.close()


class _ChannelPool(urllib3.HTTPConnectionPool):
    def __init__(self, connection: Connection, socket_path: str, limits: Limits) -> None:
        super().__init__("localhost", timeout=limits.silence, maxsize=_MOST_STREAMS, block=True)
        self._connection = connection
        self._socket_path = socket_path
        self._limits = limits

    def _new_conn(self) -> _ChannelHTTP:
        return _ChannelHTTP(self._connection, self._socket_path, self._limits)


class _Answer(http.client.HTTPResponse):
    def _safe_read(self, amount: int) -> bytes:
        """As the standard library's; but a chunk of a negative size is a broken answer there, too."""
        if amount < 0:
            raise http.client.IncompleteRead(b"")
        read: bytes = super()._safe_read(amount)  # type: ignore[misc]  # not in the type stubs
        return read


class _ChannelHTTP(urllib3.connection.HTTPConnection):
    response_class = _Answer

    def __init__(self, connection: Connection, socket_path: str, limits: Limits) -> None:
        super().__init__("localhost", timeout=limits.silence)
        self._connection = connection
        self._socket_path = socket_path
        self._limits = limits

    def connect(self) -> None:
        try:
            self.sock: Any = self._connection.open_unix(self._socket_path)
        except ConnectionRefusedError as error:
            raise urllib3.exceptions.NewConnectionError(self, str(error)) from error
        except ServerUnreachable as error:
            raise urllib3.exceptions.NewConnectionError(self, error.message) from error

    def putrequest(self, *arguments: Any, **options: Any) -> None:
        if self.sock is None:
            self.connect()
        self.sock.allowance = _Allowed(self._connection.server.name, self._limits)
        super().putrequest(*arguments, **options)

    @property
    def is_connected(self) -> bool:
        return self.sock is not None and bool(self.sock.usable)
