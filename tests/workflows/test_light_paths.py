"""What is run again and again must not import what takes longer to import than the work takes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from kronkers_studio.workflows.session import create_workspace

_NEEDED = "_cffi_backend _openssl blake3 cryptography kronkers_studio platformdirs sqlcipher3 zstandard"
_BRING_IN = """
import sys
before = set(sys.modules)
from pathlib import Path
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.session import open_workspace
directory, key, folder = map(Path, sys.argv[1:])
with open_workspace(directory, key_file=key) as session:
    result = migrate_folder(session, folder)
others = {name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
print(result.changed, result.read_files, *sorted(others))
"""


def _brought_in(top: Path) -> str:
    words = [str(top / "workspace"), str(top / "key"), str(top / "source")]
    ended = subprocess.run(
        [sys.executable, "-c", _BRING_IN, *words], capture_output=True, text=True, check=True, timeout=120
    )
    return ended.stdout.strip()


def test_bringing_a_changed_folder_in_imports_nothing_heavy(tmp_path: Path) -> None:
    """Only what it cannot do without. Seen to fail with ``import sqlalchemy`` in ``registry.metadata.projection``."""
    create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")[0].close()
    (tmp_path / "source").mkdir()
    for number in range(3):
        file = tmp_path / "source" / f"{number}.csv"
        file.write_text(f"a,b\n{number},1\n", encoding="utf-8")
        os.utime(file, (1_700_000_000, 1_700_000_000))
    assert _brought_in(tmp_path) == f"True 3 {_NEEDED}"
    (tmp_path / "source" / "1.csv").write_text("a,b\n7,7\n", encoding="utf-8")
    assert _brought_in(tmp_path) == f"True 1 {_NEEDED}"
