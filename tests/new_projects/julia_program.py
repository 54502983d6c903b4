"""A program ``julia`` for this computer that runs Julia in a container on the lab's server."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.lab.servers import LabServer
from tests.packaging.containers import docker

# The project goes there under its own path, and what Julia wrote comes back.
_PROGRAM = """#!{python}
import io, pathlib, subprocess, sys, tarfile
(folder,) = [pathlib.Path(each.partition("=")[2]) for each in sys.argv if each.startswith("--project=")]
held = io.BytesIO()
with tarfile.open(fileobj=held, mode="w") as archive:
    archive.add(folder)
script = 'cd / && tar xf - && folder=$1 && shift && julia "$@" >&2 && tar cf - "${{folder#/}}"'
command = [*{run}, "sh", "-c", script, "sh", str(folder), *sys.argv[1:]]
done = subprocess.run(command, input=held.getvalue(), stdout=subprocess.PIPE)
if done.returncode == 0:
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall("/", filter="data")
sys.exit(done.returncode)
"""


def write_julia(folder: Path, server: LabServer, base: str) -> None:
    """``julia`` in ``folder``: what it prints comes on the standard error. ``base`` is the repository of the base image
    that holds Julia."""
    (image, *_) = json.loads(docker(server, "image", "inspect", base))
    run = server.inside("docker", "run", "--rm", "--interactive", image["Id"])
    folder.mkdir()
    program = folder / "julia"
    program.write_text(_PROGRAM.format(python=sys.executable, run=run), encoding="utf-8")
    program.chmod(0o755)
