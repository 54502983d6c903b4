"""Making, opening and closing a workspace; the handle that all workflows work on."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from kronkers_studio.domain.errors import InvalidInput, ServiceUnavailable, ServiceUnproven, StudioError
from kronkers_studio.settings.configuration import Settings, author_name, load_settings
from kronkers_studio.settings.paths import from_home
from kronkers_studio.settings.secrets import Secret, get_secret
from kronkers_studio.workflows.server_connections import ServerConnections

if TYPE_CHECKING:
    from kronkers_studio.deployment.proof import Expected
    from kronkers_studio.deployment.service_client import ServiceClient
    from kronkers_studio.deployment.ssh import Connection
    from kronkers_studio.domain.releases import Release
    from kronkers_studio.domain.servers import Server
    from kronkers_studio.formats.table_reading import Limits
    from kronkers_studio.monitoring import SeriesStore
    from kronkers_studio.registry import Workspace


class Session:
    """An open workspace, its settings, its series store and its connections to servers.

    Thread-safe: the window calls workflows from several threads. ``servers`` keeps one SSH connection for each server.
    """

    def __init__(self, workspace: Workspace, settings: Settings | None = None) -> None:
        """Without ``settings``, those in force are loaded when they are first asked for."""
        self.workspace = workspace
        workspace.table_limits = self._table_limits
        self._settings = settings
        self._lock = threading.Lock()
        self.servers = ServerConnections(workspace.id)
        self._series: SeriesStore | None = None

    @property
    def directory(self) -> Path:
        return self.workspace.directory

    @property
    def settings(self) -> Settings:
        """What is in force for this session; assigned when it changes, also while another thread asks for it first."""
        if self._settings is None:
            loaded = load_settings()
            with self._lock:
                if self._settings is None:
                    self._settings = loaded
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        with self._lock:
            self._settings = settings

    @property
    def author(self) -> str:
        """Who is named in histories."""
        return author_name(self.settings)

    def _table_limits(self) -> Limits:
        """What reading one table may take."""
        from kronkers_studio.formats.table_reading import Limits

        seconds, memory = self.settings.table_seconds, self.settings.table_memory
        return Limits(
            int(memory * (1 << 30)),
            difference=seconds,
            merge=seconds,
            preview=seconds / 3,
            columns=seconds / 6,
            rows=2 * seconds,
            profile=5 * seconds,
        )

    @property
    def series(self) -> SeriesStore:
        """The store of live metrics, opened at first use."""
        from kronkers_studio.monitoring import SeriesStore

        with self._lock:
            if self._series is None:
                self._series = SeriesStore(self.directory / "series.db", self.workspace.series_key)
            return self._series

    def connection(self, server: Server) -> Connection:
        """The open SSH connection to ``server``; see ``ServerConnections``."""
        return self.servers.connection(server)

    def forget_connection(self, server_name: str) -> None:
        """Close the connection to a server, if there is one: its address or credentials changed."""
        self.servers.forget(server_name)

    def client(self, release: Release) -> ServiceClient:
        """A client for the service of ``release``, which has to prove that it is; the caller closes it.

        Raises ``ServiceUnavailable`` when its process on this computer has ended: its port may be another's by now;
        ``ServiceUnproven`` when it was released before releases had a secret.
        """
        from kronkers_studio.domain.releases import THIS_COMPUTER

        port = int(release.endpoint["port"])
        if release.place == THIS_COMPUTER:
            from kronkers_studio.deployment.local_service import service_alive
            from kronkers_studio.deployment.service_client import LoopbackClient

            if not service_alive(dict(release.endpoint)):
                raise ServiceUnavailable(
                    f"{release.model} is not running on this computer any more.",
                    next_step="Put it live again; a restart of the computer ends what ran on it.",
                )
            return LoopbackClient(port, self._expected(release))
        from kronkers_studio.deployment.tunnel import TunnelClient

        expected = self._expected(release)
        return TunnelClient(self.connection(self.workspace.ledger.server(release.place)), port, expected)

    def release_secret(self, release: Release) -> bytes:
        """The 32 bytes by which the service of ``release`` and its clients prove themselves to each other.

        Raises ``ServiceUnproven`` when it was released before releases had one.
        """
        from kronkers_studio.deployment.proof import release_secret

        nonce = release.endpoint.get("nonce")
        if not isinstance(nonce, str) or not nonce:
            raise ServiceUnproven(
                f"{release.model} {release.label} was released by an earlier version of Kronkers Studio and cannot "
                "prove what it is.",
                next_step="Release it again.",
            )
        return release_secret(self.workspace.release_key, release.place, release.model, release.number, nonce)

    def _expected(self, release: Release) -> Expected:
        from kronkers_studio.deployment.proof import Expected

        secret = self.release_secret(release)
        return Expected(secret, release.model, release.version, f"{release.model} {release.label}")

    def close(self) -> None:
        self.servers.close()
        if self._series is not None:
            self._series.close()
        self.workspace.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def create_workspace(
    directory: Path,
    *,
    passphrase: Secret | None = None,
    key_file: Path | None = None,
    keyring: bool = False,
) -> tuple[Session, Secret]:
    """Make a workspace in ``directory`` and open it; also gives the recovery key, which is shown once and kept nowhere.

    At least one of ``passphrase``, ``key_file`` (made when it does not exist) and ``keyring`` protects it besides.
    """
    from kronkers_studio.registry import create_workspace as create
    from kronkers_studio.storage.keys import Protection

    workspace, recovery_key = create(
        from_home(directory).absolute(),
        Protection(passphrase=passphrase, key_file=from_home(key_file) if key_file else None, keyring=keyring),
    )
    return Session(workspace), recovery_key


def open_workspace(
    directory: Path,
    *,
    passphrase: Secret | None = None,
    recovery_key: Secret | None = None,
    key_file: Path | None = None,
) -> Session:
    """Open the workspace in ``directory`` with what is given, else with its key file or the system's keyring.

    Raises ``WorkspaceError`` (none there), ``WrongKey``, ``KeyUnavailable``, ``IndexDamaged`` (``rebuild_registry``
    mends it) or ``StoreDamaged``.
    """
    from kronkers_studio.registry import open_workspace as open_
    from kronkers_studio.storage.keys import Unlock

    directory = from_home(directory).absolute()
    unlock = Unlock(
        passphrase=passphrase, recovery_key=recovery_key, key_file=from_home(key_file) if key_file else None
    )
    return Session(open_(directory, unlock))


def workspace_remark(directory: Path) -> str:
    """What speaks against where the workspace lies, as a sentence for its owner; "" when nothing does."""
    from kronkers_studio.migration.onedrive import syncing_service

    service = syncing_service(from_home(directory).absolute())
    if not service:
        return ""
    return (
        f"The workspace lies in a folder that {service} keeps in step with other computers: it may lock or take away "
        "files of the workspace, or mix up what two computers wrote. A folder outside of it is safer."
    )


def workspace_exists(directory: Path) -> bool:
    """Whether a workspace lies in ``directory``."""
    from kronkers_studio.storage.keys import KEYS_FILE

    try:
        return (from_home(directory) / KEYS_FILE).is_file()
    except InvalidInput:  # the home of nobody
        return False


def keyring_usable() -> bool:
    """Whether this system's keyring can keep a key (asked by the first-run wizard)."""
    try:
        get_secret("probe")
    except StudioError:
        return False
    return True
