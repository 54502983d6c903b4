"""``launcher.py POLICY MODULE ARGUMENT…``: confine this process, then run the module in it.

A program by itself, with the standard library only, run by the Python of a model (3.10 and newer) with -I -S: nothing
of the module's folders is looked at before the process is confined, where a ``sitecustomize`` would run freely. The
policy is a JSON object: ``python_path``, ``by`` (what confines: "" for nothing) and the arguments of the system's
``confine``.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
from typing import Any

_SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}


def main() -> None:
    policy = json.loads(sys.argv[1])
    module, arguments = sys.argv[2], sys.argv[3:]
    path, by = policy.pop("python_path"), policy.pop("by")
    if by:
        system = _beside_this(_SYSTEMS[sys.platform])
        try:
            system.confine(**policy)
        except system.Unconfinable as reason:
            sys.exit(f"It was not started: it cannot be confined here, because {reason}.")
    sys.path[:] = [*path, *sys.path]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _beside_this(name: str) -> Any:
    own = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 — pathlib costs the start 10 ms
    sys.path.insert(0, own)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(own)


if __name__ == "__main__":
    main()
