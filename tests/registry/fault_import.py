"""One import, to be run under strace: `fault_import.py WORKSPACE KEY_FILE FOLDER ACKS`.

Each acknowledgement goes to the file ACKS past all buffers. An expected failure is printed and leaves with 3.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from kronkers_studio.domain.errors import StudioError
from kronkers_studio.registry.importing import importer
from kronkers_studio.registry.store import object_writer, packs

object_writer._CHECKPOINT_SECONDS = 0.0
importer._BATCH_FILES = 2
packs.PACK_TARGET = 60_000


def main() -> None:
    specification = importlib.util.spec_from_file_location("crash", Path(__file__).with_name("crash_import.py"))
    assert specification is not None and specification.loader is not None
    crash_import = importlib.util.module_from_spec(specification)
    checkpoint_seconds, batch_files, pack_target = (
        object_writer._CHECKPOINT_SECONDS,
        importer._BATCH_FILES,
        packs.PACK_TARGET,
    )
    specification.loader.exec_module(crash_import)
    object_writer._CHECKPOINT_SECONDS, importer._BATCH_FILES = checkpoint_seconds, batch_files
    packs.PACK_TARGET = pack_target
    workspace, key_file, folder, acks = (Path(argument) for argument in sys.argv[1:])
    try:
        crash_import.bring_in(workspace, key_file, folder, acks)
    except StudioError as error:
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
        raise SystemExit(3) from None


if __name__ == "__main__":
    main()
