"""A confined process harms nothing; the same attacks on the same arena without confinement do their harm."""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kronkers_studio.confinement import (
    Level,
    Means,
    Policy,
    confined_command,
    linux,
    macos,
    means_here,
    windows,
)
from kronkers_studio.confinement.start import _LAUNCHER
from tests.confinement.attacks import ATTACKS

pytestmark = pytest.mark.safety

_NO_MEANS = Means(Level.NONE)
_SECONDS = 60
_FILE_SIZE = 8 << 20
_STOPPED = 20  # seconds without an answer: somebody has stopped it
# What a person's own programs are kept from here as well, by the kernel's own settings or for want of the thing.


def _connects_again() -> bool:
    """Whether this kernel lets a listening socket that was shut down connect; Linux 6.18 lets none."""
    with socket.create_server(("127.0.0.1", 0)) as other, socket.create_server(("127.0.0.1", 0)) as own:
        try:
            own.shutdown(socket.SHUT_RDWR)
            own.connect(other.getsockname())
        except OSError:
            return False
        return True


_HARMLESS_HERE_UNCONFINED = {"set an attribute"}
if not _connects_again():
    _HARMLESS_HERE_UNCONFINED |= {"connect by its listening socket", "connect by a message of its listening socket"}

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")


@dataclass
class Arena:
    """A person's home with a file in it, a program of theirs, and somebody who listens; and what was done to them."""

    home: Path
    scratch: Path
    victim: Path
    program: subprocess.Popen[bytes]
    listener: socket.socket
    datagrams: socket.socket
    unix: socket.socket
    unix_datagrams: socket.socket
    handed: socket.socket

    def __post_init__(self) -> None:
        self._before = self._state()

    def described(self) -> str:
        return json.dumps(
            {
                "home": str(self.home),
                "victim": str(self.victim),
                "loot": str(self.scratch / "loot"),
                "port": str(self.listener.getsockname()[1]),
                "process": str(self.program.pid),
                "socket": self.unix.getsockname(),
                "datagrams": self.unix_datagrams.getsockname(),
                "own": str(self.handed.fileno()),
            }
        )

    def harm(self) -> list[str]:
        """What is not as it was."""
        loot = self.scratch / "loot"
        harm = [name for name, now in self._state().items() if now != self._before[name]]
        if os.path.lexists(loot):
            size = max(loot.lstat().st_size, loot.lstat().st_blocks * 512)
            if loot.is_symlink() or size > _FILE_SIZE or (size < _FILE_SIZE and b"secret" in loot.read_bytes()):
                harm.append("loot")
        for listener in (self.listener, self.datagrams, self.unix, self.unix_datagrams):
            try:
                listener.recv(6) if listener.type == socket.SOCK_DGRAM else listener.accept()[0].close()
                harm.append("connected")
            except BlockingIOError:
                continue
        if not self._program_answers():
            harm.append("program ended")
        return harm

    def _program_answers(self) -> bool:
        """A signal that it was sent ends it before it comes to answer, however long that takes."""
        assert self.program.stdin is not None and self.program.stdout is not None
        try:
            self.program.stdin.write(b"\n")
        except BrokenPipeError:
            return False
        answers, _, _ = select.select([self.program.stdout], [], [], _STOPPED)
        return bool(answers) and self.program.stdout.readline() == b"\n"

    def _state(self) -> dict[str, object]:
        state: dict[str, object] = {"home": sorted(self.home.iterdir())}
        for folder in ("/tmp", "/var/tmp", "/dev/shm"):
            state[folder] = (Path(folder) / f"kronkers-planted-{self.home.name}").exists()
        found = self.victim.lstat() if self.victim.exists() else None
        state["victim"] = found and (found.st_mode, found.st_mtime_ns, found.st_nlink, self.victim.read_bytes())
        return state


@pytest.fixture
def arena(tmp_path: Path) -> Iterator[Arena]:
    home, scratch = tmp_path / f"home{os.getpid()}", tmp_path / "scratch"
    home.mkdir()
    scratch.mkdir()
    victim = home / "victim"
    victim.write_text("secret", encoding="utf-8")
    short = tempfile.mkdtemp()  # a unix socket's path has 108 bytes
    with (
        subprocess.Popen(
            [sys.executable, "-c", "while True: print(input(), flush=True)"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        ) as program,
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        socket.socket(socket.AF_UNIX) as unix,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unix_datagrams,
        socket.create_server(("127.0.0.1", 0)) as handed,
    ):
        datagrams.bind(listener.getsockname())
        unix.bind(f"{short}/socket")
        unix.listen()
        unix_datagrams.bind(f"{short}/datagrams")
        for one in (listener, datagrams, unix, unix_datagrams):
            one.setblocking(False)
        yield Arena(home, scratch, victim, program, listener, datagrams, unix, unix_datagrams, handed)
        program.kill()
    for folder in ("/tmp", "/var/tmp", "/dev/shm"):
        (Path(folder) / f"kronkers-planted-{home.name}").unlink(missing_ok=True)
    for name in ("socket", "datagrams"):
        Path(short, name).unlink()
    Path(short).rmdir()


def _run(attack: str, arena: Arena, means: Means, launcher: Path = _LAUNCHER) -> subprocess.CompletedProcess[bytes]:
    command = confined_command(
        Path(sys.executable),
        "attacks",
        [attack, arena.described()],
        python_path=[Path(__file__).parent],
        policy=Policy(writable=(arena.scratch,), memory=1 << 30, file_size=_FILE_SIZE),
        means=means,
    )
    command = [str(launcher) if part == str(_LAUNCHER) else part for part in command]
    handed = (arena.handed.fileno(),)
    return subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False, env={}, cwd="/", pass_fds=handed)


@linux_only
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_confined_process_harms_nothing(attack: str, arena: Arena) -> None:
    ended = _run(attack, arena, means_here())
    assert not arena.harm(), ended
    assert b"cannot be confined" not in ended.stderr
    assert b"Traceback" not in ended.stderr, ended.stderr.decode()


@linux_only
@pytest.mark.parametrize("attack", [name for name in ATTACKS if name not in _HARMLESS_HERE_UNCONFINED])
def test_the_same_attack_does_its_harm_unconfined(attack: str, arena: Arena) -> None:
    """Or the test above could not fail."""
    ended = _run(attack, arena, _NO_MEANS)
    assert arena.harm(), ended


@linux_only
@pytest.mark.parametrize("attack", ATTACKS)
def test_bubblewrap_does_as_well_where_there_is_no_landlock(attack: str, arena: Arena) -> None:
    ended = _run(attack, arena, Means(Level.FULL, "bubblewrap"))
    assert not arena.harm(), ended
    assert b"Traceback" not in ended.stderr, ended.stderr.decode()
    assert b"bwrap" not in ended.stderr, ended.stderr.decode()


@linux_only
@pytest.mark.parametrize("attack", ATTACKS)
def test_the_landlock_of_the_oldest_kernels_does_as_well(attack: str, arena: Arena, tmp_path: Path) -> None:
    """It knows nothing of lengths, devices, connections and signals: the filter of calls does."""
    shutil.copytree(_LAUNCHER.parent, tmp_path / "old", ignore=shutil.ignore_patterns("__pycache__"))
    source = tmp_path / "old" / "linux.py"
    text = source.read_text(encoding="utf-8")
    assert "return max(0, int(version))" in text
    source.write_text(text.replace("return max(0, int(version))", "return 1"), encoding="utf-8")
    ended = _run(attack, arena, means_here(), tmp_path / "old" / "launcher.py")
    assert not arena.harm(), ended
    assert b"Traceback" not in ended.stderr, ended.stderr.decode()


@linux_only
def test_a_confined_process_leaves_others_of_its_account_what_they_need() -> None:
    import resource

    code = (
        "import resource\nfrom kronkers_studio.confinement import Policy, confine_process\nconfine_process(Policy())\n"
        "print([resource.getrlimit(kind)[1] for kind in (resource.RLIMIT_NPROC, 11, resource.RLIMIT_MEMLOCK)])\n"
        "print(*[line for line in open('/proc/self/status') if line.startswith('CapEff')])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=_SECONDS, check=True)
    limits, capabilities = ended.stdout.decode().splitlines()[:2]
    threads, signals, locked = json.loads(limits)
    before = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    assert threads == (before if before == resource.RLIM_INFINITY else before // 2)
    assert signals <= 1024
    assert locked == 0
    assert int(capabilities.split()[1], 16) & ~0b110 == 0, "root reads what others own, and nothing more"


@linux_only
def test_a_process_with_threads_is_not_said_to_be_confined() -> None:
    """They would go on as they are."""
    code = (
        "import threading, time\nfrom kronkers_studio.confinement import Policy, confine_process\n"
        "threading.Thread(target=time.sleep, args=(5,), daemon=True).start()\nconfine_process(Policy())"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=_SECONDS, check=False)
    assert ended.returncode == 1
    assert b"has threads already" in ended.stderr


@linux_only
def test_a_process_confines_itself_and_goes_on_importing(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("secret", encoding="utf-8")
    code = (
        "import sys\nfrom kronkers_studio.confinement import Policy, confine_process\n"
        "print(confine_process(Policy(memory=512 << 20)).level)\nimport polars\n"
        "print(polars.DataFrame({'a': [1, 2]})['a'].sum())\n"
        "try:\n    print(open(sys.argv[1]).read())\nexcept PermissionError:\n    print('refused')"
    )
    ended = subprocess.run([sys.executable, "-c", code, victim], capture_output=True, timeout=_SECONDS, check=True)
    assert ended.stdout.split() == [b"full", b"3", b"refused"]


@linux_only
def test_a_planted_sitecustomize_runs_confined_if_at_all(tmp_path: Path) -> None:
    planted, trace = tmp_path / "modules", tmp_path / "trace"
    planted.mkdir()
    for name in ("sitecustomize", "usercustomize", "harmless"):
        (planted / f"{name}.py").write_text(f"open({str(trace)!r}, 'w')", encoding="utf-8")
    (planted / "x.pth").write_text(f"import sys; open({str(trace)!r}, 'w')", encoding="utf-8")
    command = confined_command(
        Path(sys.executable), "harmless", [], python_path=[planted], policy=Policy(), means=means_here()
    )
    ended = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
    assert b"PermissionError" in ended.stderr
    assert not trace.exists()


def test_where_nothing_can_confine_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux, "landlock_version", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda _name: None)
    assert means_here("linux").level is Level.NONE
    assert means_here("linux").missing
    monkeypatch.setattr("shutil.which", lambda _name: "/usr/bin/bwrap")
    if sys.platform == "linux":
        assert means_here("linux") == Means(Level.FULL, "bubblewrap"), "it was installed meanwhile"
    assert means_here("aix").level is Level.NONE
    assert means_here("win32").missing


def test_the_filter_ends_each_call_in_a_verdict() -> None:
    """Every jump stays inside of the program, on both architectures."""
    for machine, (architecture, column) in linux._ARCHITECTURES.items():
        program = linux.call_filter(architecture, column, 4711)
        lines = len(program) // 8
        assert len(program) % 8 == 0
        assert lines < 4096, machine  # the kernel's limit
        for at in range(lines):
            code, true, false = (
                int.from_bytes(program[8 * at : 8 * at + 2], "little"),
                *program[8 * at + 2 : 8 * at + 4],
            )
            if code & 0x07 == 0x05:
                assert at + 1 + max(true, false) < lines


def test_a_mac_profile_names_what_may_be_read_and_written() -> None:
    text = macos.profile(["/Users/anna/Library/Caches/layers"], ['/Users/anna/odd "name"'])
    assert '(subpath "/Users/anna/Library/Caches/layers")' in text
    assert r'(subpath "/Users/anna/odd \"name\"")' in text
    assert text.index("(deny file-write*)") < text.index("(allow file-write*")
    for denied in ("process-exec*", "process-fork", "network*", "signal", "mach-lookup"):
        assert f"(deny {denied})" in text
    assert text.count("(") == text.count(")")


def test_windows_takes_the_job_and_the_token_in_that_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The calls only: a real Windows is not here."""
    calls: list[str] = []

    class Library:
        def __init__(self, name: str, use_last_error: bool) -> None:
            assert use_last_error
            self.name = name

        def __getattr__(self, name: str) -> object:
            class Call:
                restype: object = None

                def __call__(self, *_arguments: object) -> int:
                    calls.append(name)
                    return 0 if name == "SetNamedSecurityInfoW" else 1

            call = Call()
            setattr(self, name, call)
            return call

    monkeypatch.setattr("ctypes.WinDLL", Library, raising=False)
    bounds = {"memory": 1, "file_size": 1, "open_files": 1, "cpu_seconds": 5}
    windows.confine(readable=[], writable=["C:\\scratch"], **bounds)  # type: ignore[arg-type]
    order = [
        name for name in calls if name in ("SetNamedSecurityInfoW", "AssignProcessToJobObject", "SetTokenInformation")
    ]
    assert order == ["SetNamedSecurityInfoW", "AssignProcessToJobObject", "SetTokenInformation"]


def test_the_launcher_is_shipped_as_a_source() -> None:
    assert _LAUNCHER.is_file()
    assert "confinement" in Path("build_spec.py").read_text(encoding="utf-8")
