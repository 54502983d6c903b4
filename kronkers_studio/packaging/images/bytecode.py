"""Compiling a layer's Python files, so that a read-only container does not compile them at every start.

The same sources give the same bytecode on every computer: hash-based files that are never checked against their source,
the paths of the image inside, compiled in a fixed order by fresh interpreters.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from kronkers_studio.domain.errors import PackagingFailed
from kronkers_studio.domain.progress import CancelToken
from kronkers_studio.packaging.folder_removal import NO_OTHERS

_PARTS = 4  # fixed: what one interpreter compiles before a file must not depend on the number of processors
_POLL_SECONDS = 0.1

_PROGRAM = """
import json, os, py_compile, sys
for source, shown in json.load(sys.stdin):
    folder, name = os.path.split(source)
    target = os.path.join(folder, "__pycache__", name[:-2] + sys.implementation.cache_tag + ".pyc")
    try:
        py_compile.compile(source, target, shown, True,
                           invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    except (py_compile.PyCompileError, SyntaxError, ValueError, RecursionError):
        pass  # templates and sources for other versions of Python: they are never imported either
"""


def compile_folder(folder: Path, shown_as: str, python: Path, cancel: CancelToken) -> None:
    """Write bytecode beside every Python file below ``folder``, which lies at ``shown_as`` in the image.

    ``python`` is an interpreter of the image's version. Raises ``PackagingFailed``, ``Cancelled``.
    """
    sources = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py"))
    jobs = [
        [(str(folder / source), f"{shown_as}/{source}") for source in sources[part::_PARTS]] for part in range(_PARTS)
    ]
    running = [_start(python, job, folder.parent) for job in jobs if job]
    try:
        for process in running:
            _finish(process, cancel)
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
                process.wait()


def _start(python: Path, job: Sequence[tuple[str, str]], folder: Path) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PYTHONHASHSEED"] = "0"
    tasks = folder / f"compile-{job[0][1].replace('/', '_')[-80:]}.json"
    tasks.write_text(json.dumps(job), encoding="utf-8")
    with tasks.open("rb") as stream:
        return subprocess.Popen(  # noqa: S603 — a list of arguments, no shell
            [str(python), "-s", "-S", "-c", _PROGRAM],
            cwd=folder,
            env=environment,
            stdin=stream,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            umask=NO_OTHERS,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )


def _finish(process: subprocess.Popen[bytes], cancel: CancelToken) -> None:
    while True:
        cancel.check()
        try:
            code = process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        if code:
            raise PackagingFailed(
                "The libraries could not be compiled.",
                next_step="Check that the disk is not full, then package again.",
                details=f"exit code {code}",
            )
        return
