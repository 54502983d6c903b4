"""Services on this computer, as real processes."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from kronkers_studio.confinement import Level, Means
from kronkers_studio.deployment import computer, local_service, processes
from kronkers_studio.deployment.local_leftovers import end_processes_of
from kronkers_studio.deployment.local_service import service_alive, start_service, stop_service
from kronkers_studio.deployment.service_client import LoopbackClient
from kronkers_studio.domain.errors import Cancelled, ConfinementUnavailable, ReleaseFailed
from kronkers_studio.domain.progress import CancelSource
from tests.serving.load import Outcome, ask_until, request
from tests.serving.model_folders import adding_folder

PYTHON = Path(sys.executable)
PYTHON_PATH = (Path(__file__).resolve().parents[2], Path(sysconfig.get_paths()["purelib"]))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return adding_folder(tmp_path / "model")  # a small ONNX model: scikit-learn takes seconds to import


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A service's folder; whatever still runs in it at the end is a failure."""
    folder = tmp_path / "run"
    yield folder
    left = _running_in(folder)
    for process in left:
        process.kill()
    assert not left


def _running_in(folder: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if any(str(folder) in part for part in process.info["cmdline"] or ())
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def _ask(endpoint: dict[str, Any]) -> int:
    client = LoopbackClient(endpoint["port"])
    body = json.dumps({"rows": [[1, 2]]}).encode()
    status, _ = client.request("POST", "/predict", body, {"Content-Type": "application/json"})
    client.close()
    return status


def test_a_service_starts_answers_and_stops(model: Path, folder: Path) -> None:
    endpoint = start_service(PYTHON, PYTHON_PATH, model, folder)
    try:
        assert service_alive(endpoint)
        assert _ask(endpoint) == 200
        assert folder.stat().st_mode & 0o777 == 0o700
        assert json.loads(json.dumps(endpoint)) == endpoint, "it goes into the journal"
    finally:
        stop_service(endpoint)
    assert not service_alive(endpoint)
    assert "stopped" in (folder / "scratch" / "service.log").read_text(encoding="utf-8")
    stop_service(endpoint)  # again: nothing to do


def test_a_confined_service_that_is_stopped_under_load_loses_no_request(model: Path, folder: Path) -> None:
    """As when another release takes its place. It may accept what waits, though it may make no socket."""
    endpoint = start_service(PYTHON, PYTHON_PATH, model, folder)

    async def stopped() -> Outcome:
        outcome, sent = Outcome(), request(b'{"rows": [[1, 2]]}')
        asking = [ask_until(lambda: False, endpoint["port"], sent, outcome) for _ in range(32)]
        clients = asyncio.gather(*asking)
        await asyncio.sleep(0.5)
        await asyncio.get_running_loop().run_in_executor(None, stop_service, endpoint)
        await clients
        return outcome

    try:
        outcome = asyncio.run(stopped())
    finally:
        stop_service(endpoint)
    assert outcome.lost == []
    assert outcome.statuses[200] > 32
    assert set(outcome.statuses) <= {200, 429}


def test_it_outlives_the_program_that_started_it(model: Path, folder: Path) -> None:
    code = (
        "import json, sys\nfrom pathlib import Path\n"
        "from kronkers_studio.deployment.local_service import start_service\n"
        "python, model, folder, *path = map(Path, sys.argv[1:])\n"
        "print(json.dumps(start_service(python, path, model, folder)))"
    )
    arguments = [str(part) for part in (PYTHON, model, folder, *PYTHON_PATH)]
    started = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, check=True, timeout=60)
    endpoint = json.loads(started.stdout)
    try:
        assert service_alive(endpoint)
        assert os.getsid(endpoint["pid"]) == endpoint["pid"], "a session of its own: no terminal can end it"
        assert _ask(endpoint) == 200
    finally:
        stop_service(endpoint)
    assert not service_alive(endpoint)


def test_no_secret_of_the_environment_is_handed_on(model: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRONKERS_PASSPHRASE", "hunter2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    monkeypatch.setenv("PYTHONSTARTUP", "/x")
    endpoint = start_service(PYTHON, PYTHON_PATH, model, folder)
    try:
        given = psutil.Process(endpoint["pid"]).environ()
    finally:
        stop_service(endpoint)
    assert "hunter2" not in given.values()
    assert "PYTHONSTARTUP" not in given
    assert (given["HOME"], given["TMPDIR"]) == (str(folder / "scratch"),) * 2


def test_a_refused_model_is_reported_with_its_reason_and_the_log(model: Path, folder: Path) -> None:
    (model / "model.onnx").write_bytes(b"something else")
    with pytest.raises(ReleaseFailed, match=r"stopped before it was ready: .*SHA-256 differs") as caught:
        start_service(PYTHON, PYTHON_PATH, model, folder)
    assert '"level": "critical"' in caught.value.details
    assert caught.value.next_step.startswith("Read its log")


def test_a_service_that_cannot_even_be_imported_says_so(model: Path, folder: Path) -> None:
    bare = Path(sys.base_prefix) / "bin" / "python3"
    with pytest.raises(ReleaseFailed, match="kronkers_studio"):
        start_service(bare, (folder,), model, folder)


def test_a_missing_interpreter_is_reported(model: Path, folder: Path) -> None:
    with pytest.raises(ReleaseFailed, match="could not be started"):
        start_service(folder / "python", PYTHON_PATH, model, folder)


def test_a_service_that_stands_still_before_it_is_ready_is_ended(model: Path, folder: Path, tmp_path: Path) -> None:
    serving = _hostile_service(tmp_path, "import time\ntime.sleep(60)")
    with pytest.raises(ReleaseFailed, match=r"not ready within 2 seconds"):
        start_service(PYTHON, (serving,), model, folder, timeout=2, longest=60)
    assert not _running_in(folder)


_WORKS = """
import json, sys, time
ready = sys.argv[sys.argv.index("--ready-file") + 1]
while time.process_time() < 3:
    pass
open(ready, "w").write(json.dumps(dict(port=1, pid=1)))
time.sleep(60)
"""


def test_a_service_that_is_slow_is_told_from_one_that_stands_still(model: Path, folder: Path, tmp_path: Path) -> None:
    """Seen to fail with one time for both: a busy computer, or a large model, was given up while it worked."""
    endpoint = start_service(PYTHON, (_hostile_service(tmp_path, _WORKS),), model, folder, timeout=1.5)
    stop_service(endpoint, timeout=0)


def test_a_service_that_works_without_end_is_ended(model: Path, folder: Path, tmp_path: Path) -> None:
    serving = _hostile_service(tmp_path, _WORKS.replace("< 3", "< 60"))
    with pytest.raises(ReleaseFailed, match=r"not ready within 3 seconds"):
        start_service(PYTHON, (serving,), model, folder, timeout=2, longest=3)
    assert not _running_in(folder)


def test_cancelling_the_start_leaves_nothing_running(
    model: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = CancelSource()
    really = processes.spawn

    def spawn(*words: Any, **named: Any) -> int:
        pid = really(*words, **named)
        source.cancel()  # as soon as there is a process
        return pid

    monkeypatch.setattr(local_service, "spawn", spawn)
    with pytest.raises(Cancelled):
        start_service(PYTHON, PYTHON_PATH, model, folder, cancel=source)
    assert not _running_in(folder)


def test_a_killed_service_is_not_alive_though_its_parent_has_not_asked(model: Path, folder: Path) -> None:
    endpoint = start_service(PYTHON, PYTHON_PATH, model, folder)
    psutil.Process(endpoint["pid"]).kill()
    deadline = time.monotonic() + 5
    while service_alive(endpoint) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not service_alive(endpoint)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no zombies")
def test_a_service_that_ends_while_it_is_looked_for_does_not_stay_as_a_zombie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail: nobody asked for it again, and the program's end said that it was still running."""
    pid = processes.spawn([sys.executable, "-c", "import time; time.sleep(60)"], {}, tmp_path / "log")
    look = psutil.Process.status

    def ends_just_now(process: psutil.Process) -> str:
        os.kill(process.pid, signal.SIGKILL)
        while look(process) != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        return look(process)

    monkeypatch.setattr(psutil.Process, "status", ends_just_now)
    assert processes.find_process(pid) is None
    assert not psutil.pid_exists(pid)
    assert processes.crashed(pid), "how it ended is known"


@pytest.mark.parametrize("pid", ["own", 1, 2**40, -5])
def test_a_history_that_names_a_program_that_is_no_service_ends_nothing(pid: int | str, tmp_path: Path) -> None:
    """Whoever made the workspace may have written any process into it."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        began = psutil.Process(bystander.pid).create_time()
        number = bystander.pid if pid == "own" else pid
        endpoint = {"port": 1, "pid": number, "started": began, "folder": str(tmp_path)}
        assert not service_alive(endpoint)
        stop_service(endpoint, timeout=0)
        assert bystander.poll() is None
        bystander.communicate(b"\n")


def test_another_process_with_the_same_pid_is_never_touched(tmp_path: Path) -> None:
    program = [sys.executable, "-c", "print(flush=True); input()", "kronkers_studio.serving"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as bystander:
        assert bystander.stdout is not None
        bystander.stdout.readline()  # before it has begun, it has no arguments yet
        began = psutil.Process(bystander.pid).create_time()
        endpoint = {"port": 1, "pid": bystander.pid, "started": began - 60, "folder": str(tmp_path)}
        assert not service_alive(endpoint)
        stop_service(endpoint, timeout=0)
        assert bystander.poll() is None
        assert service_alive({**endpoint, "started": began})
        bystander.communicate(b"\n")


def test_a_service_whose_folder_was_deleted_ends_by_itself(model: Path, folder: Path) -> None:
    """As with the whole workspace: nobody knows of it any more. Seen to run on for ever."""
    endpoint = start_service(PYTHON, PYTHON_PATH, model, folder)
    shutil.rmtree(folder)
    deadline = time.monotonic() + 10
    while service_alive(endpoint) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not service_alive(endpoint)


def test_a_service_whose_folder_is_gone_is_stopped_all_the_same(model: Path, folder: Path) -> None:
    endpoint = start_service(PYTHON, PYTHON_PATH, model, folder)
    stop_service({**endpoint, "folder": str(folder / "gone")}, timeout=5)
    assert not service_alive(endpoint)


def test_a_service_that_hangs_is_ended_when_its_time_is_up(model: Path, folder: Path) -> None:
    endpoint = start_service(PYTHON, PYTHON_PATH, model, folder)
    psutil.Process(endpoint["pid"]).suspend()
    stop_service(endpoint, timeout=0.5)
    assert not service_alive(endpoint)


def test_detachment_fits_the_platform() -> None:
    """No console that would show one for each program a library starts; out of the job of a terminal where it may."""
    assert processes.detachments("win32") == [
        {"creationflags": 0x08000000 | 0x200 | 0x01000000},
        {"creationflags": 0x08000000 | 0x200},
    ]
    assert processes.detachments("linux") == processes.detachments("darwin") == [{"start_new_session": True}]


def test_a_job_that_lets_nothing_leave_it_still_gets_its_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[dict[str, Any]] = []
    real = subprocess.Popen

    def start(*arguments: Any, creationflags: int, **options: Any) -> Any:
        tried.append({"creationflags": creationflags})
        if len(tried) == 1:
            raise PermissionError(5, "Access is denied")
        return real(*arguments, **options)

    flags = processes.detachments("win32")
    monkeypatch.setattr(processes, "detachments", lambda: flags)
    monkeypatch.setattr(subprocess, "Popen", start)
    pid = processes.spawn([sys.executable, "-c", ""], {}, tmp_path / "output")
    assert tried == flags
    psutil.Process(pid).wait(10)


def test_the_clean_environment_keeps_what_windows_needs(tmp_path: Path) -> None:
    windows = {
        "SYSTEMROOT": "C:\\Windows",
        "COMSPEC": "C:\\Windows\\system32\\cmd.exe",
        "TEMP": "C:\\T",
        "PATH": "C:\\P",
        "KRONKERS_PASSPHRASE": "x",
        "USERNAME": "a",
    }
    given = processes.clean_environment(tmp_path, windows)
    assert {"SYSTEMROOT", "COMSPEC", "PATH"} < set(given)
    assert not {"KRONKERS_PASSPHRASE", "USERNAME"} & set(given)
    assert given["TEMP"] == given["USERPROFILE"] == str(tmp_path)


def test_a_service_that_lies_in_its_folder_is_not_believed(model: Path, folder: Path, tmp_path: Path) -> None:
    """The port and the pid that count are those that were given to it; a link in place of its log shows no file."""
    endpoint = start_service(PYTHON, PYTHON_PATH, model, folder)
    try:
        bystander = os.getpid()
        ready = folder / "scratch" / "ready.json"
        ready.write_text(json.dumps({"port": 1, "pid": bystander}), encoding="utf-8")
        said = local_service._endpoint(psutil.Process(endpoint["pid"]), endpoint["port"], folder)
        assert said is not None
        assert (said["port"], said["pid"]) == (endpoint["port"], endpoint["pid"])
        ready.write_text("[" * 100_000, encoding="utf-8")
        assert local_service._endpoint(psutil.Process(endpoint["pid"]), endpoint["port"], folder) is None
    finally:
        stop_service(endpoint)
    secret = tmp_path / "secret"
    secret.write_text("of the person", encoding="utf-8")
    log = folder / "scratch" / "service.log"
    log.unlink()
    log.symlink_to(secret)
    assert "of the person" not in local_service._failed(folder, "It failed").details


def test_where_nothing_confines_a_service_it_starts_only_when_a_person_agrees(
    model: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        local_service, "means_here", lambda: Means(Level.NONE, missing=("It could read what you can.",))
    )
    with pytest.raises(ConfinementUnavailable, match="It could read what you can") as refused:
        start_service(PYTHON, PYTHON_PATH, model, folder)
    assert refused.value.exit_code == 3
    endpoint = start_service(PYTHON, PYTHON_PATH, model, folder, unconfined=True)
    stop_service(endpoint)


@pytest.mark.skipif(sys.platform != "linux", reason="as Linux shows it")
def test_the_running_service_is_confined(model: Path, folder: Path) -> None:
    endpoint = start_service(PYTHON, PYTHON_PATH, model, folder, secret=b"s" * 32)
    try:
        status = Path(f"/proc/{endpoint['pid']}/status").read_text(encoding="ascii")
        assert "Seccomp:\t2" in status
        assert "NoNewPrivs:\t1" in status
        assert "Max data size             4294967296" in Path(f"/proc/{endpoint['pid']}/limits").read_text(
            encoding="ascii"
        )
        assert (folder / "secret").stat().st_mode & 0o777 == 0o600
        sockets = [c for c in psutil.Process(endpoint["pid"]).net_connections("inet") if c.status == "LISTEN"]
        assert [c.laddr.port for c in sockets] == [endpoint["port"]]
    finally:
        stop_service(endpoint)


_HIDDEN = {
    "writes over its own arguments": """
stat = open("/proc/self/stat").read().rpartition(")")[2].split()
start, end = int(stat[45]), int(stat[46])
ctypes.memset(start, 0, end - start)
""",
    "goes on without its first thread": "ctypes.CDLL(None).syscall(60, 0)",
}


@pytest.mark.skipif(sys.platform != "linux", reason="by Linux's ways")
@pytest.mark.parametrize("way", _HIDDEN)
@pytest.mark.parametrize("known", [True, False])
def test_a_service_that_hides_is_found_and_ended(
    way: str, known: bool, folder: Path, model: Path, tmp_path: Path
) -> None:
    """Also when nobody came to know more of it than the folder that it was started in."""
    code = f"""
import ctypes, json, sys, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
ready = sys.argv[sys.argv.index("--ready-file") + 1]
threading.Timer(0.3, lambda: open(ready, "w").write(json.dumps(dict(port=1, pid=1)))).start()
{_HIDDEN[way]}
time.sleep(60)
"""
    endpoint = start_service(PYTHON, (_hostile_service(tmp_path, code),), model, folder)
    try:
        assert service_alive(endpoint)
        if known:
            stop_service(endpoint, timeout=0.2)
        else:
            end_processes_of(folder)
        assert not service_alive(endpoint)
        assert not psutil.pid_exists(endpoint["pid"])
    finally:
        if psutil.pid_exists(endpoint["pid"]):
            processes.end(psutil.Process(endpoint["pid"]), timeout=0)


def test_no_other_process_is_a_service_because_a_history_says_so(model: Path, folder: Path) -> None:
    bystander = psutil.Process()
    for mark in ("", "0" * 64, computer.computer_id()):
        claimed = {"pid": bystander.pid, "started": bystander.create_time(), "mark": mark}
        assert not service_alive(claimed)
    endpoint = start_service(PYTHON, PYTHON_PATH, model, folder)
    try:
        moved = {**endpoint, "pid": bystander.pid, "started": bystander.create_time()}
        assert not service_alive(moved), "a mark is of one process"
    finally:
        stop_service(endpoint)


@pytest.mark.skipif(sys.platform != "linux", reason="by Linux's signals")
def test_a_model_that_crashes_compiled_code_is_said_to(model: Path, folder: Path, tmp_path: Path) -> None:
    serving = _hostile_service(tmp_path, "import faulthandler; faulthandler.enable(); faulthandler._sigsegv()")
    with pytest.raises(ReleaseFailed, match="crashed while it loaded the model") as failed:
        start_service(PYTHON, (serving,), model, folder)
    assert "Segmentation fault" in failed.value.details
    assert "register" in failed.value.next_step


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock is Linux's")
@pytest.mark.parametrize("means", ["landlock", "bubblewrap"])
def test_a_service_fills_no_disk(
    means: str, model: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes into the files that are there, each within its bound, and makes no others."""
    monkeypatch.setattr(local_service, "means_here", lambda: Means(Level.FULL, means))
    code = """
import os, sys, time
ready = sys.argv[sys.argv.index("--ready-file") + 1]
scratch = os.path.dirname(ready)
for name in ["service.log", "service.log.1", *map(str, range(100))]:
    try:
        with open(os.path.join(scratch, name), "wb") as file:
            for _ in range(64):
                file.write(bytes(1 << 20))
    except OSError:
        continue
try:
    os.unlink(ready)
except OSError:
    open(ready, "w").write('{"port": 1, "pid": 1}')
time.sleep(60)
"""
    endpoint = start_service(PYTHON, (_hostile_service(tmp_path, code),), model, folder)
    stop_service(endpoint, timeout=0)
    left = {path.name: path.stat().st_size for path in (folder / "scratch").iterdir()}
    assert set(left) == {"ready.json", "service.log", "service.log.1"}
    assert max(left.values()) == 4 << 20


def test_the_log_is_bounded_in_the_two_files_that_are_there(tmp_path: Path) -> None:
    from kronkers_studio.serving import logs

    file, before = tmp_path / "service.log", tmp_path / "service.log.1"
    file.touch()
    before.touch()
    files = [path.stat().st_ino for path in (file, before)]
    handler = logs._TwoFiles(file)
    for number in range(30_000):
        handler.emit(logging.makeLogRecord({"msg": f"{number} " + "x" * 100}))
    handler.close()
    assert [path.stat().st_ino for path in (file, before)] == files
    assert max(file.stat().st_size, before.stat().st_size) <= 1 << 20
    assert (before.read_text(encoding="utf-8") + file.read_text(encoding="utf-8")).count("29999 ") == 1


def _hostile_service(folder: Path, code: str) -> Path:
    """A folder of modules with a serving program of its own."""
    serving = folder / "hostile" / "kronkers_studio" / "serving"
    serving.mkdir(parents=True)
    for package in (serving.parent, serving):
        (package / "__init__.py").touch()
    (serving / "__main__.py").write_text(code, encoding="utf-8")
    return serving.parents[1]
