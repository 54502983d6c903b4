"""A real Secret Service (gnome-keyring) on a D-Bus session bus of its own, with a home of its own."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO


class SecretServiceUnavailable(Exception):
    """No Secret Service can be started on this machine; the text says why."""


class SecretService:
    """A running service. ``environment`` is what a process needs to use it."""

    def __init__(self, bus: subprocess.Popen[bytes], home: dict[str, str], environment: dict[str, str]) -> None:
        self._bus = bus
        self._home = home
        self._daemon: subprocess.Popen[bytes] | None = None
        self.environment = environment

    @classmethod
    def start(cls, folder: Path) -> SecretService:
        missing = [name for name in ("dbus-daemon", "gnome-keyring-daemon") if shutil.which(name) is None]
        if missing:
            raise SecretServiceUnavailable(f"not installed: {', '.join(missing)} (tests/lab/install.sh installs them)")
        home = {
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "XDG_DATA_HOME": str(folder / "share"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_CACHE_HOME": str(folder / "cache"),
        }
        for path in home.values():
            Path(path).mkdir(mode=0o700, parents=True, exist_ok=True)
        bus, address = _start_bus(home)
        session = {"DBUS_SESSION_BUS_ADDRESS": address, "XDG_RUNTIME_DIR": home["XDG_RUNTIME_DIR"]}
        service = cls(bus, home, session)
        service.unlock()
        return service

    def unlock(self) -> None:
        """(Re)start the daemon with the keyring unlocked by its password."""
        self._start_daemon("--unlock", "--components=secrets", password=b"test\n")

    def lock(self) -> None:
        """As after the screen was locked: the keyring exists but its password is wanted, and nobody is there to give
        it."""
        self._start_daemon("--start", "--components=secrets", password=b"")

    def stop(self) -> None:
        self._stop_daemon()
        self._bus.kill()
        self._bus.wait()

    @contextlib.contextmanager
    def used_by_keyring(self) -> Iterator[None]:
        """`keyring` in this process takes the Secret Service for its backend meanwhile."""
        import keyring
        import keyring.backends.SecretService

        before = keyring.get_keyring()
        keyring.set_keyring(keyring.backends.SecretService.Keyring())
        try:
            yield
        finally:
            keyring.set_keyring(before)
            with warnings.catch_warnings():
                # its backend leaves the connection open when the keyring is locked
                warnings.simplefilter("ignore", ResourceWarning)
                gc.collect()

    def _start_daemon(self, *options: str, password: bytes) -> None:
        self._stop_daemon()
        self._daemon = subprocess.Popen(
            ["gnome-keyring-daemon", "--foreground", *options],
            env={**_clean_environment(), **self._home, **self.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stdin = self._daemon.stdin
        assert stdin is not None
        with stdin:
            stdin.write(password)
        self._await_name()

    def _await_name(self) -> None:
        """Until the daemon has taken the service's name on the bus."""
        from jeepney import DBusAddress, new_method_call
        from jeepney.io.blocking import open_dbus_connection

        bus = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
        with contextlib.closing(open_dbus_connection(self.environment["DBUS_SESSION_BUS_ADDRESS"])) as connection:
            for _ in range(500):
                question = new_method_call(bus, "NameHasOwner", "s", ("org.freedesktop.secrets",))
                if connection.send_and_get_reply(question).body[0]:
                    return
                try:
                    assert self._daemon is not None
                    self._daemon.wait(0.02)
                    break
                except subprocess.TimeoutExpired:
                    continue
        raise SecretServiceUnavailable("gnome-keyring-daemon did not come up")

    def _stop_daemon(self) -> None:
        if self._daemon is not None:
            self._daemon.terminate()
            self._daemon.wait(10)
            self._daemon = None


def _start_bus(environment: dict[str, str]) -> tuple[subprocess.Popen[bytes], str]:
    bus = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address=1"],
        env={**_clean_environment(), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    output: IO[bytes] | None = bus.stdout
    assert output is not None
    with output:
        address = output.readline().decode().strip()
    if not address:
        bus.wait()
        raise SecretServiceUnavailable("dbus-daemon did not start")
    return bus, address


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("DBUS_", "XDG_", "GNOME_"))}
