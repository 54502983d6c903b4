"""Whether what was restored is what was there."""

from __future__ import annotations

import filecmp
import sys
from pathlib import Path


def difference(expected: Path, restored: Path, *, empty_folders: bool = True) -> str:
    """The first thing that is missing, too much or other in ``restored``; "" when there is none."""
    wanted, found = _names(expected, empty_folders), _names(restored, empty_folders)
    if wanted != found:
        name = min(wanted ^ found)
        return f"{name} is {'missing' if name in wanted else 'too much'}"
    for name in sorted(wanted):
        if (expected / name).is_file() and not filecmp.cmp(expected / name, restored / name, shallow=False):
            return f"{name} has other bytes"
    return ""


def _names(top: Path, empty_folders: bool) -> set[Path]:
    return {file.relative_to(top) for file in top.rglob("*") if empty_folders or not file.is_dir()}


if __name__ == "__main__":
    print(difference(Path(sys.argv[1]), Path(sys.argv[2]), empty_folders="--files" not in sys.argv))
