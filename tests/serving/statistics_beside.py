"""The bins of a reference profile beside a model, as a package has them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path


def statistics_beside(folder: Path, content: bytes | None = None, *, in_manifest: bool = False) -> str:
    """The SHA-256 of the folder's ``statistics.json``, written with ``content`` and named by its model.json where that
    is asked for."""
    file = folder / "statistics.json"
    if content is not None:
        file.write_bytes(content)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if in_manifest:
        manifest = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        (folder / "model.json").write_text(json.dumps({**manifest, "statistics": digest}), encoding="utf-8")
    return digest
