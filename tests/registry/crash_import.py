"""Imports that die: run by test_crash.py as a program of its own.

Arguments: key file, folder to bring in. Each line on standard input is ``WORKSPACE ACKS SECONDS``:
a child imports the folder into WORKSPACE, writing each acknowledgement to the file ACKS, and is killed after SECONDS of
its own processor time (never, when that is negative): as far as it comes in these, whatever else the machine does. The
answer is one line, ``killed`` or ``finished``, and the processor time that it took.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from kronkers_studio.domain.content import StoredItem
from kronkers_studio.registry import open_workspace
from kronkers_studio.registry.importing import importer
from kronkers_studio.registry.store import object_writer, packs
from kronkers_studio.storage.keys import Unlock

# A small import must acknowledge often, change packs often, and have its files in many jobs.
object_writer._CHECKPOINT_SECONDS = 0.003
importer._BATCH_FILES = 4
packs.PACK_TARGET = 400_000


def _local_folder() -> ModuleType:
    specification = importlib.util.spec_from_file_location("local_folder", Path(__file__).with_name("local_folder.py"))
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def bring_in(workspace_folder: Path, key_file: Path, folder: Path, acks: Path) -> None:
    """One migration: store, commit; every acknowledgement goes to ``acks`` past all buffers of this process."""
    local_folder = _local_folder()
    log = os.open(acks, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def on_durable(stored: Sequence[StoredItem]) -> None:
        lines = (f"{s.item.path}\t{','.join(id.hex() for id in s.content)}\n" for s in stored)
        os.write(log, "".join(lines).encode())

    with open_workspace(workspace_folder, Unlock(key_file=key_file)) as workspace:
        outcome = workspace.content.store_items(
            local_folder.listing(folder), local_folder.LocalFolder(folder), on_durable=on_durable
        )
        commit, _ = workspace.content.commit("project", "main", outcome.stored, message="m", author="ann")
        os.write(log, f"commit\t{commit.id}\n".encode())


def wait(child: int, seconds: float) -> None:
    """Until ``child`` has taken so much processor time, or has ended."""
    if not sys.platform.startswith("linux"):
        time.sleep(seconds)
        return
    its_clock = (~child << 3) | 2  # as clock_getcpuclockid gives it: of all its threads
    while time.clock_gettime(its_clock) < seconds:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return
        time.sleep(0.0005)


def main() -> None:
    key_file, folder = Path(sys.argv[1]), Path(sys.argv[2])
    for line in sys.stdin:
        workspace, acks, seconds = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            try:
                bring_in(Path(workspace), key_file, folder, Path(acks))
            finally:
                os._exit(0 if sys.exc_info()[0] is None else 1)
        if float(seconds) >= 0:
            wait(child, float(seconds))
            os.kill(child, signal.SIGKILL)
        _, status, used = os.wait4(child, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            raise SystemExit("the import failed")
        ended = "killed" if os.WIFSIGNALED(status) else "finished"
        sys.stdout.write(f"{ended} {used.ru_utime + used.ru_stime}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
