"""Restores in a process of its own, and stops before the first file gets its name.

    python restoring_process.py WORKSPACE KEY_FILE TARGET [PATH]

Says "writing" when it has come there, goes on when a line comes in, and says how it ended.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from kronkers_studio.domain.content import Entry
from kronkers_studio.registry import open_workspace
from kronkers_studio.registry.restoring.restorer import Restore
from kronkers_studio.storage.keys import Unlock


def main(workspace: str, key_file: str, target: str, *paths: str) -> None:
    place = Restore._place
    asked = threading.Lock()
    answered: list[str] = []

    def placed(self: Restore, draft: str, path: str, entry: Entry) -> None:
        with asked:
            if not answered:
                _say("writing")
                answered.append(sys.stdin.readline())
        place(self, draft, path, entry)

    Restore._place = placed  # type: ignore[method-assign]
    with open_workspace(Path(workspace), Unlock(key_file=Path(key_file))) as opened:
        report = opened.content.restore("project", "", Path(target), paths)
    _say(f"restored {report.files} {len(report.skipped)}")


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
