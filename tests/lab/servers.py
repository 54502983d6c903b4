"""The lab: servers made of Linux namespaces, each with its own sshd, Docker engine, users, /run and home folders.

A server is one process tree in mount, network, PID, UTS and IPC namespaces of its own, below a shell as PID 1. When
that ends, the kernel ends everything in it: daemons, containers, mounts, interfaces. It ends by itself when the process
that made the lab dies, however that happened.

Several labs can run at once (pytest-xdist, several checkouts): each claims a free number by a file lock that the kernel
releases with its process, and has its own subnet, bridge and folder. Starting a lab removes what crashed ones left.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from kronkers_studio.domain.servers import Server

ROOT = Path("/var/tmp/kronkers-lab")
"""On disk (a Docker engine's data does not belong in memory) and the same for every user of this machine's network."""

USER = "analyst"
"""May log in to every server and use its engine (is in the group docker)."""

VISITOR = "visitor"
"""May log in but not use the engine."""

PASSWORD = "correct horse"
PASSPHRASE = "battery staple"
CODE_KEY = "3132333435363738393031323334353637383930"
"""Of the one-time codes (hexadecimal) where a server asks for them."""

_PROGRAMS = ("dockerd", "sshd", "ssh-keygen", "ip", "iptables", "unshare", "nsenter", "setpriv", "openssl")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HAS_IPV6 = Path("/proc/sys/net/ipv6").is_dir()
WITH_PAM = ("UsePAM yes", "KbdInteractiveAuthentication yes", "PasswordAuthentication no")
"""Lines of sshd_config: PAM asks the questions."""

_MOST_LABS = 16
_DOCKER_GROUP = 990

_INIT = """
set -e
state=$1 name=$2
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd /run/lock
mount --bind "$state/tmp" /tmp
mount --bind "$state/home" /home
for file in passwd group shadow hosts; do mount --bind "$state/etc/$file" "/etc/$file"; done
hostname "$name"
ip link set lo up
touch "$state/up"
while :; do sleep 3600 & wait $!; done
"""


class LabUnavailable(Exception):
    """The lab cannot be started on this machine; the text says why."""


class Lab:
    """Servers on a bridge of their own: ``10.77.<number>.0/24``, and ``fd77:<number>::/64`` where there is IPv6."""

    def __init__(self, number: int, lock: IO[str]) -> None:
        self._number = number
        self._lock = lock
        self._servers: list[LabServer] = []
        self.folder = ROOT / str(number)
        self.bridge = f"krlab{number}"

    @classmethod
    def start(cls) -> Lab:
        """A lab with no server yet. Raises ``LabUnavailable``."""
        _require_this_machine()
        remove_leftovers()
        for number in range(_MOST_LABS):
            lock = _claim(number)
            if lock is not None:
                _remove(number)
                lab = cls(number, lock)
                lab._prepare()
                return lab
        raise LabUnavailable(f"{_MOST_LABS} labs are running already")

    def server(self, *, engine: bool = True, installed: bool = True) -> LabServer:
        """One more server, answering on SSH; with ``engine`` its Docker engine answers too. ``installed=False`` hides
        Docker's programs, as on a server where it was never installed."""
        server = LabServer(self, len(self._servers) + 1)
        self._servers.append(server)
        server.start(installed=installed)
        if engine:
            server.start_engine()
        return server

    def stop(self) -> None:
        for server in self._servers:
            server.stop()
        _remove(self._number)
        self._lock.close()

    @property
    def gateway(self) -> str:
        return f"10.77.{self._number}.1"

    def address(self, position: int) -> str:
        return f"10.77.{self._number}.{10 + position}"

    def address6(self, position: int) -> str:
        return f"fd77:{self._number}::{10 + position}"

    def key(self, kind: str) -> Path:
        """A private key that every server's users accept: "plain", or "locked" with ``PASSPHRASE``."""
        return self.folder / "keys" / kind

    def _prepare(self) -> None:
        (self.folder / "keys").mkdir(parents=True, mode=0o755)
        for kind, passphrase in (("plain", ""), ("locked", PASSPHRASE), ("stranger", "")):
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", kind, "-f", str(self.key(kind)))
        # with an address of its own: else it takes a server's, changes it when that one goes, and the others lose touch
        address = f"02:6b:72:00:00:{self._number:02x}"
        _run("ip", "link", "add", self.bridge, "address", address, "type", "bridge")
        _run("ip", "address", "add", f"{self.gateway}/24", "dev", self.bridge)
        _run("ip", "link", "set", self.bridge, "up")
        if HAS_IPV6:  # without waiting whether another has the address: nothing answers that for seconds
            _run("sysctl", "-qw", f"net.ipv6.conf.{self.bridge}.disable_ipv6=0")
            _run("ip", "-6", "address", "add", f"fd77:{self._number}::1/64", "dev", self.bridge, "nodad")
        # a Docker engine on this machine sets the policy of forwarding to DROP, for bridged traffic too
        _run("iptables", "-w", "-I", "FORWARD", "-i", self.bridge, "-o", self.bridge, "-j", "ACCEPT")


class LabServer:
    """One server. Commands of ``root`` run inside it as its administrator would run them."""

    def __init__(self, lab: Lab, position: int) -> None:
        self.lab = lab
        self.name = f"srv{position}"
        self.host = lab.address(position)
        self.host6 = lab.address6(position)
        self.port = 22
        self.folder = lab.folder / self.name
        self._link = f"{lab.bridge}s{position}"
        self._unshare: subprocess.Popen[bytes] | None = None
        self._init = 0
        self._engine = 0  # its process id on the server

    def start(self, *, installed: bool) -> None:
        self._write_files()
        self._start_namespaces()
        self._connect_link()
        if not installed:
            self.hide("docker", "dockerd")
        self.start_sshd()

    def stop(self) -> None:
        """End everything on the server, at once."""
        if self._unshare is not None:
            if self._init:
                _kill(self._init)
            self._unshare.kill()
            self._unshare.wait()
            self._unshare = None

    # What tests ask of a server

    @property
    def host_key(self) -> str:
        """The public host key in OpenSSH form, without a comment."""
        return " ".join((self.folder / "ssh" / "host_key.pub").read_text(encoding="utf-8").split()[:2])

    def as_server(self, *, user: str = USER, key: str = "plain", name: str = "") -> Server:
        """How the product knows it; ``key`` "" for none."""
        return Server(
            name=name or self.name,
            host=self.host,
            port=self.port,
            user=user,
            host_key=self.host_key,
            identity_file=str(self.lab.key(key)) if key else "",
        )

    def root(self, script: str, *, check: bool = True) -> str:
        """Run a shell script on the server as root; its output."""
        return _run("sh", "-c", script, inside=self._init, check=check)

    def inside(self, *command: str) -> list[str]:
        """The command line, for here, that runs ``command`` on the server as root."""
        return _inside(self._init, *command)

    def listening(self) -> set[str]:
        """The local ends ("127.0.0.1:20000") that listen for TCP."""
        return {line.split()[3] for line in self.root("ss -H -ltn").splitlines()}

    def cut(self) -> None:
        """Cut the server's network link: packets vanish, nobody is told."""
        _run("ip", "link", "set", self._link, "down")

    def mend(self, *, sshd: bool = False) -> None:
        """Join it again, and wait until the server answers: neighbours are slow to find each other again. With
        ``sshd``, that is started anew."""
        _run("ip", "link", "set", self._link, "up")
        _run("ip", "neighbour", "flush", "dev", self.lab.bridge)
        if sshd:
            self.start_sshd()
        self._await("sshd", self._answers_ssh, 20)

    @contextlib.contextmanager
    def link_cut(self) -> Iterator[None]:
        self.cut()
        try:
            yield
        finally:
            self.mend()

    def renew_host_key(self) -> None:
        """As after a reinstallation, or with somebody in between."""
        for file in (self.folder / "ssh").glob("host_key*"):
            file.unlink()
        self.stop_sshd()
        self.start_sshd()

    def start_sshd(self, *options: str) -> None:
        """``options``: lines of sshd_config, before the lab's own (the first one counts)."""
        host_key = self.folder / "ssh" / "host_key"
        if not host_key.exists():
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(host_key))
        configuration = self.folder / "ssh" / "config"
        lines = [
            *options,
            f"HostKey {host_key}",
            "ListenAddress 0.0.0.0",
            *(["ListenAddress ::"] if HAS_IPV6 else []),
            "AuthorizedKeysFile .ssh/authorized_keys",
            "StrictModes no",
            "UsePAM no",
            "UseDNS no",
            "PasswordAuthentication yes",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin no",
            "PidFile none",
            "Subsystem sftp internal-sftp",
        ]
        configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")
        program = shutil.which("sshd", path=_PATH) or "sshd"  # it wants to be called by its full path
        self._daemon("sshd", program, "-D", "-e", "-f", str(configuration))
        self._await("sshd", self._answers_ssh, 10)

    def ask_for_codes(self, *, kind: str = "HOTP", password: bool = True) -> None:
        """From now on PAM decides about log-ins by questions: the password, if wanted, and a one-time code of
        ``CODE_KEY``, counted ("HOTP") or by the clock ("HOTP/T30"). Start sshd with ``WITH_PAM``."""
        users = self.folder / "etc" / "users.oath"
        users.write_text(f"{kind} {USER} - {CODE_KEY}\n", encoding="utf-8")
        users.chmod(0o600)
        lines = [
            *(["auth required pam_unix.so"] if password else []),
            f"auth required pam_oath.so usersfile={users} window=20 digits=6",
            "account required pam_permit.so",
            "session required pam_permit.so",
        ]
        self._replace("pam.d/sshd", "\n".join(lines) + "\n")

    def allow_sudo(self, *rules: str) -> None:
        """Lines of /etc/sudoers; without one, nobody may use it."""
        self._replace("sudoers", "\n".join(rules) + "\n", mode=0o440)

    def _replace(self, name: str, text: str, mode: int = 0o644) -> None:
        """Put a file of this server's own in place of /etc/``name``."""
        file = self.folder / "etc" / name.replace("/", "-")
        mounted = file.exists()
        if mounted:
            file.chmod(0o600)
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)
        if not mounted:
            self.root(f"mount --bind {file} /etc/{name}")

    def stop_sshd(self) -> None:
        """New connections are refused; open ones end."""
        self.root("pkill -x sshd", check=False)
        self._await("sshd", lambda: not self._answers_ssh(), 10)

    def start_engine(self, *, socket_path: str = "/run/docker.sock", options: tuple[str, ...] = ()) -> None:
        self._engine = self._daemon(
            "dockerd",
            "dockerd",
            f"--host=unix://{socket_path}",
            f"--data-root={self.folder / 'docker'}",
            "--exec-opt=native.cgroupdriver=cgroupfs",
            f"--cgroup-parent={_cgroup(self.lab.folder)}",
            "--log-level=warn",
            *options,
        )

        self._await("dockerd", lambda: self._answers_docker(socket_path), 60)

    def stop_engine(self) -> None:
        """Stop the engine with all its containers; its data stays."""
        self.root(f"kill {self._engine}")
        self._await("dockerd", lambda: not self.root(f"kill -0 {self._engine} && echo alive", check=False), 30)

    # How it is made

    def _write_files(self) -> None:
        for folder in ("etc", "home", "ssh", "tmp"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        (self.folder / "tmp").chmod(0o1777)
        hashed = _run("openssl", "passwd", "-6", PASSWORD).strip()
        users = {USER: 4201, VISITOR: 4202}
        passwd = ["root:x:0:0:root:/root:/bin/sh", "sshd:x:101:65534::/run/sshd:/usr/sbin/nologin"]
        group = ["root:x:0:", "tty:x:5:", "nogroup:x:65534:", f"docker:x:{_DOCKER_GROUP}:{USER}"]
        shadow = ["root:*:19000:0:99999:7:::", "sshd:!:19000::::::"]
        for user, number in users.items():
            passwd.append(f"{user}:x:{number}:{number}::/home/{user}:/bin/sh")
            group.append(f"{user}:x:{number}:")
            shadow.append(f"{user}:{hashed}:19000:0:99999:7:::")
            home = self.folder / "home" / user
            (home / ".ssh").mkdir(parents=True, exist_ok=True)
            keys = "".join(self.lab.key(f"{kind}.pub").read_text(encoding="utf-8") for kind in ("plain", "locked"))
            (home / ".ssh" / "authorized_keys").write_text(keys, encoding="utf-8")
            for path in (home, home / ".ssh", home / ".ssh" / "authorized_keys"):
                os.chown(path, number, number)
        hosts = [f"127.0.0.1 localhost {self.name}", f"::1 localhost {self.name}"]  # else sudo looks for its own name
        for name, lines in (("passwd", passwd), ("group", group), ("shadow", shadow), ("hosts", hosts)):
            (self.folder / "etc" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        (self.folder / "etc" / "shadow").chmod(0o600)

    def _start_namespaces(self) -> None:
        with (self.folder / "init.log").open("wb") as log:
            self._unshare = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig=KILL", "--"),
                    *("unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--fork", "--kill-child"),
                    *("--mount-proc", "--propagation=private", "bash", "-c", _INIT, "init"),
                    *(str(self.folder), self.name),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        children = Path(f"/proc/{self._unshare.pid}/task/{self._unshare.pid}/children")

        def is_up() -> bool:
            return (self.folder / "up").exists() and bool(children.read_text(encoding="ascii").split())

        self._await("init", is_up, 10)
        self._init = int(children.read_text(encoding="ascii").split()[0])
        (self.folder / "init.pid").write_text(_identity(self._init), encoding="ascii")

    def _connect_link(self) -> None:
        _run("ip", "link", "add", self._link, "type", "veth", "peer", "name", "eth0", "netns", str(self._init))
        _run("ip", "link", "set", self._link, "master", self.lab.bridge, "up")
        self.root(
            f"ip address add {self.host}/24 dev eth0; ip link set eth0 up; ip route add default via {self.lab.gateway}"
        )
        if HAS_IPV6:
            self.root(
                "sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.eth0.disable_ipv6=0; "
                f"ip -6 address add {self.host6}/64 dev eth0 nodad"
            )

    def hide(self, *programs: str) -> None:
        """As if these were not installed."""
        nothing = self.folder / "nothing"  # cannot be run, so the shell does not find it
        nothing.touch(mode=0o600)
        for program in programs:
            for folder in _PATH.split(":"):
                if Path(folder, program).exists():
                    self.root(f"mount --bind {nothing} {folder}/{program}")

    def _daemon(self, name: str, *command: str) -> int:
        """Start a daemon on the server; its process id there."""
        with (self.folder / f"{name}.log").open("ab") as log:
            starter = subprocess.run(
                self.inside("sh", "-c", f"{shlex.join(command)} >&2 & echo $!"),
                env={"PATH": _PATH, "HOME": "/root"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                check=True,
                text=True,
            )
        return int(starter.stdout)

    def _await(self, what: str, ready: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline or (self._unshare is not None and self._unshare.poll() is not None):
                log = (self.folder / f"{what}.log").read_text(encoding="utf-8", errors="replace")
                raise LabUnavailable(f"{what} of {self.name} did not start: {log.strip()[-400:]}")
            time.sleep(0.02)

    def _answers_docker(self, socket_path: str) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.settimeout(2)
                connection.connect(f"/proc/{self._init}/root{socket_path}")
                connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return connection.recv(64).startswith(b"HTTP/1.0 200")
            except OSError:
                return False

    def _answers_ssh(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), timeout=1) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False


def remove_leftovers() -> list[int]:
    """Remove what labs left that did not stop properly; their numbers."""
    removed = []
    for trash in ROOT.glob("trash-*"):
        shutil.rmtree(trash, ignore_errors=True)
    for folder in ROOT.glob("[0-9]*") if ROOT.exists() else ():
        if folder.name.isdigit() and folder.is_dir():
            lock = _claim(int(folder.name))
            if lock is not None:
                _remove(int(folder.name))
                lock.close()
                removed.append(int(folder.name))
    return removed


def _require_this_machine() -> None:
    if not hasattr(os, "geteuid") or not Path("/proc/self/ns/net").exists():
        raise LabUnavailable("the lab needs Linux")
    if os.geteuid() != 0:
        raise LabUnavailable("the lab needs root")
    missing = [program for program in _PROGRAMS if shutil.which(program, path=_PATH) is None]
    if missing:
        raise LabUnavailable(f"not installed: {', '.join(missing)} (tests/lab/install.sh installs them)")


def _claim(number: int) -> IO[str] | None:
    """The lock on a lab's number, or None when a running lab has it."""
    import fcntl  # not on Windows, where tests must be collected all the same

    ROOT.mkdir(parents=True, exist_ok=True)
    lock = (ROOT / f"{number}.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _remove(number: int) -> None:
    """Remove every trace of lab ``number``, whose lock the caller holds."""
    folder = ROOT / str(number)
    bridge = f"krlab{number}"
    for file in folder.glob("*/init.pid"):
        identity = file.read_text(encoding="ascii")
        process = int(identity.split()[0])
        if _identity(process) == identity:  # not somebody else's process that got the number
            _kill(process)
    for link in Path("/sys/class/net").glob(f"{bridge}*"):  # the kernel removes a dead server's link when it likes
        _run("ip", "link", "delete", link.name, check=False)
    _run("iptables", "-w", "-D", "FORWARD", "-i", bridge, "-o", bridge, "-j", "ACCEPT", check=False)
    _delete_folder(folder)
    for controller in (Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").glob("*/")):
        top = controller / _cgroup(folder).lstrip("/")
        for group in sorted(top.rglob("*/"), reverse=True) if top.is_dir() else ():
            with contextlib.suppress(OSError):
                group.rmdir()
        with contextlib.suppress(OSError):
            top.rmdir()


def _delete_folder(folder: Path) -> None:
    """In the background: deleting an engine's data takes a disk that discards what it frees many seconds."""
    if folder.exists():
        trash = ROOT / f"trash-{uuid.uuid4().hex}"
        folder.rename(trash)
        os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", f"rm -rf {trash} 2>&- &"], {"PATH": _PATH}, setsid=True), 0)


def _cgroup(lab: Path) -> str:
    return f"/kronkers-lab-{lab.name}"


def _identity(process: int) -> str:
    """The process's number and start time, which together name it for good; "" when there is none."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()
    except OSError:
        return ""
    return f"{process} {fields[19]}"


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{process}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)


def _inside(init: int, *command: str) -> list[str]:
    namespaces = ("--mount", "--net", "--pid", "--uts", "--ipc")
    return ["nsenter", f"--target={init}", *namespaces, "--", *command]


def _run(*command: str, inside: int = 0, check: bool = True) -> str:
    done = subprocess.run(
        _inside(inside, *command) if inside else command,
        env={"PATH": _PATH, "HOME": "/root"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode != 0:
        raise LabUnavailable(f"{shlex.join(command)[:200]} failed: {done.stderr.strip()[-400:]}")
    return done.stdout
