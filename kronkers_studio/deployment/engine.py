"""The server's Docker engine, used with the Docker SDK over our own SSH connection; no docker program is needed there.

Each HTTP connection of the SDK is a channel to the engine's unix socket.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import docker
import docker.auth
import docker.constants
import docker.errors
import requests
import requests.adapters
import urllib3
import urllib3.connection
import urllib3.exceptions

from kronkers_studio.deployment.commands import Command, find_engine
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.errors import EngineUnavailable, ServerError, ServerUnreachable

OLDEST_API = (1, 41)
"""Docker 20.10."""

_ADDRESS = "http+docker://kronkers"
_MOST_STREAMS = 4
_MOST_OUTPUT = 4 << 20
_INSTALL = "Ask the server's administrator to install Docker Engine 20.10 or newer (docs.docker.com/engine/install)."


class Engine(docker.APIClient):
    """The Docker SDK's client for the engine behind ``connection``."""

    def __init__(self, connection: Connection, socket_path: str, timeout: float) -> None:
        # the SDK needs an address that it knows; it is replaced before anything is sent
        super().__init__(
            "tcp://localhost:2375", version=docker.constants.DEFAULT_DOCKER_API_VERSION, timeout=int(timeout)
        )
        self.trust_env = False  # no proxy of this computer stands between
        self._auth_configs = docker.auth.AuthConfig({})  # nor do its registry passwords go anywhere
        self._custom_adapter = _ChannelAdapter(connection, socket_path, timeout)
        self.mount(_ADDRESS, self._custom_adapter)
        self.base_url = _ADDRESS

    def agree_on_version(self) -> None:
        """Use the newest version of the interface that both sides know."""
        said = self.version(api_version=False)
        newest, oldest = _numbers(said["ApiVersion"]), _numbers(said.get("MinAPIVersion", "1.0"))
        chosen = max(min(newest, _numbers(docker.constants.DEFAULT_DOCKER_API_VERSION)), oldest)
        self._version = ".".join(map(str, chosen))

    @property
    def api(self) -> tuple[int, ...]:
        """The version of the interface in use, to compare."""
        return _numbers(self._version)

    def output_inside(self, container: str, command: Sequence[str]) -> bytes:
        """What ``command`` prints when it is run in ``container``; the SDK's own method reads a real socket only."""
        client: Any = self
        started = self.exec_create(container, list(command), stderr=False)
        url = client._url("/exec/{0}/start", started["Id"])
        with client._post_json(url, data={"Detach": False, "Tty": False}, stream=True) as answer:
            client._raise_for_status(answer)
            return b"".join(_frames(answer.raw.read(_MOST_OUTPUT)))

    def create_raw_network(self, definition: Mapping[str, Any]) -> str:
        """Create a network with what the SDK's own method has no words for; its id."""
        client: Any = self  # the type stubs know only the public methods
        answer = client._post_json(client._url("/networks/create"), data=dict(definition))
        return str(client._result(answer, True)["Id"])


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
            engine = _open(connection, timeout=60)
            _engines[connection] = engine
        return engine


def open_patient_engine(connection: Connection) -> Engine:
    """An engine for one long request (an image's bytes); the caller closes it."""
    open_engine(connection)
    return _open(connection, timeout=300)


@contextlib.contextmanager
def engine_errors(connection: Connection, doing: str) -> Iterator[None]:
    """Turn what the SDK raises while ``doing`` ("loading the image") into our errors."""
    name = connection.server.name
    try:
        yield
    except docker.errors.APIError as error:
        raise ServerError(
            f"The Docker engine of {name} refused {doing}: {explanation(error)}.",
            next_step="Look at the engine's log on the server (journalctl -u docker).",
            details=str(error),
        ) from error
    except (requests.RequestException, docker.errors.DockerException, urllib3.exceptions.HTTPError) as error:
        if _answers(connection):
            raise EngineUnavailable(
                f"The Docker engine of {name} stopped answering while {doing}.",
                next_step="Check on the server that it runs (systemctl status docker), then try again.",
                details=str(error),
            ) from error
        raise ServerUnreachable(
            f"The connection to {name} was lost while {doing}.",
            next_step="Check the network and the server, then try again.",
            details=str(error),
        ) from error


def _answers(connection: Connection) -> bool:
    """Whether the server itself still does, so that it is the engine that does not."""
    try:
        return connection.run(Command(("true",)), timeout=5).ok
    except ServerUnreachable:
        return False


def explanation(error: docker.errors.APIError) -> str:
    """The engine's own words, without a full stop."""
    return str(error.explanation or error).strip().rstrip(".")


def _open(connection: Connection, timeout: float) -> Engine:
    path = _paths.get(connection)
    if path is None:
        path = _find_socket(connection)
    engine = Engine(connection, path, timeout)
    try:
        engine.agree_on_version()
    except (requests.RequestException, docker.errors.DockerException) as error:
        engine.close()
        if not _answers(connection):
            raise ServerUnreachable(
                f"The connection to {connection.server.name} was lost.",
                next_step="Check the network and the server, then try again.",
                details=str(error),
            ) from error
        raise EngineUnavailable(
            f"The Docker engine of {connection.server.name} is installed but does not run.",
            next_step="Ask the server's administrator to start it (systemctl enable --now docker). If it runs, SSH's "
            "AllowStreamLocalForwarding must not be “no”.",
            details=str(error),
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


class _ChannelAdapter(requests.adapters.HTTPAdapter):
    """Sends every request through channels to one socket, whatever the URL says."""

    def __init__(self, connection: Connection, socket_path: str, timeout: float) -> None:
        self._pool = _ChannelPool(connection, socket_path, timeout)
        super().__init__()

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> _ChannelPool:
        return self._pool

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        return request.path_url

    def close(self) -> None:
        super().close()
        self._pool.close()


class _ChannelPool(urllib3.HTTPConnectionPool):
    def __init__(self, connection: Connection, socket_path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout, maxsize=_MOST_STREAMS, block=True)
        self._connection = connection
        self._socket_path = socket_path

    def _new_conn(self) -> _ChannelHTTP:
        return _ChannelHTTP(self._connection, self._socket_path)


class _ChannelHTTP(urllib3.connection.HTTPConnection):
    def __init__(self, connection: Connection, socket_path: str) -> None:
        super().__init__("localhost", timeout=60)
        self._connection = connection
        self._socket_path = socket_path

    def connect(self) -> None:
        try:
            self.sock: Any = self._connection.open_unix(self._socket_path)
        except ConnectionRefusedError as error:
            raise urllib3.exceptions.NewConnectionError(self, str(error)) from error
        except ServerUnreachable as error:
            raise urllib3.exceptions.NewConnectionError(self, error.message) from error

    @property
    def is_connected(self) -> bool:
        return self.sock is not None and bool(self.sock.usable)
