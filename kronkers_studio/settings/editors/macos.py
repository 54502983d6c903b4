"""Programs on macOS: bundles in the Applications folders, and the PATH for those that have none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kronkers_studio.settings.editors.kinds import EditorKind
from kronkers_studio.settings.editors.linux import in_path

OPEN = "/usr/bin/open"


def command_of(
    kind: EditorKind, environment: Mapping[str, str], home: Path, top: Path = Path("/")
) -> tuple[str, ...] | None:
    """What starts the editor; None where it is not installed."""
    for bundle in kind.bundles:
        for place in (top / "Applications", home / "Applications"):
            application = place / f"{bundle}.app"
            if (application / "Contents" / "Info.plist").is_file():
                return (OPEN, "-a", str(application))
    found = next(filter(None, (in_path(program, environment) for program in kind.programs)), "")
    return (found,) if found else None
