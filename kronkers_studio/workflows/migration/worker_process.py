"""A process of this program that reads and seals files for another one (``registry.importing.worker_process``)."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from pathlib import Path
from typing import Any

from kronkers_studio.domain.content import ContentSource, ItemRows, SourceElsewhere
from kronkers_studio.migration.found_item import FoundRows
from kronkers_studio.migration.source import FolderSource
from kronkers_studio.migration.throttle import Pace
from kronkers_studio.registry.importing.worker_process import serve
from kronkers_studio.storage.process_pipe import own_command

ARGUMENT = "--reading-process"
"""What a frozen program is started with to be such a process: it has no modules that could be named."""


def read_elsewhere(folder: Path, *, fetch: bool, give_way: bool) -> SourceElsewhere:
    """How another process reads ``folder``: as ``FolderSource`` does here."""
    command = own_command("kronkers_studio.workflows.migration.worker_process", ARGUMENT)
    return SourceElsewhere(command, (os.fsencode(folder.absolute()), fetch, give_way), FoundRows())


def main() -> None:
    """Be such a process, on standard input and output, until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one hears it as well, and decides
    gc.set_threshold(50_000, 20, 50)
    incoming, outgoing = io.FileIO(0, "rb", closefd=False), io.FileIO(1, "wb", closefd=False)
    sys.stdout = sys.stderr  # whatever is printed must not get between the frames
    serve(incoming, outgoing, _source)


def _source(setup: Any) -> tuple[ContentSource, ItemRows]:
    folder, fetch, give_way = setup
    pace = Pace(give_way=True) if give_way else None
    return FolderSource(Path(os.fsdecode(folder)), fetch=fetch, pace=pace), FoundRows()


if __name__ == "__main__":
    main()
