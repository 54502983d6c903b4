"""A program that releases a model, to be killed: ``python -m tests.workflows.releasing_process WORKSPACE NAME PLACE``.

It says "begun" when the workspace is open.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kronkers_studio.workflows.releases import release_model
from kronkers_studio.workflows.session import open_workspace


def main(workspace: str, name: str, place: str) -> None:
    with open_workspace(Path(workspace)) as session:
        print("begun", flush=True)
        release_model(session, name, to=place)


if __name__ == "__main__":
    main(*sys.argv[1:])
