"""A process of this program that writes a restore's files for another one (``registry.restoring.worker_process``)."""

from __future__ import annotations

import gc
import io
import signal
import sys

from kronkers_studio.registry.restoring.worker_process import serve
from kronkers_studio.storage.process_pipe import own_command

ARGUMENT = "--restoring-process"
"""What a frozen program is started with to be such a process: it has no modules that could be named."""


def restoring_process() -> tuple[str, ...]:
    """The command that starts such a process."""
    return own_command("kronkers_studio.workflows.restoring_process", ARGUMENT)


def main() -> None:
    """Be such a process, on standard input and output, until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one hears it as well, and decides
    gc.set_threshold(50_000, 20, 50)
    incoming, outgoing = io.FileIO(0, "rb", closefd=False), io.FileIO(1, "wb", closefd=False)
    sys.stdout = sys.stderr  # whatever is printed must not get between the frames
    serve(incoming, outgoing)


if __name__ == "__main__":
    main()
