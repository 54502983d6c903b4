"""A lab by hand: ``python -m tests.lab [NUMBER OF SERVERS]`` runs until Ctrl-C, ``… down`` clears leftovers."""

from __future__ import annotations

import signal
import sys

from tests.lab.servers import PASSWORD, USER, Lab, LabUnavailable, remove_leftovers


def main(arguments: list[str]) -> int:
    if arguments == ["down"]:
        removed = remove_leftovers()
        print(f"Removed what {len(removed)} labs left." if removed else "Nothing is left over.")
        return 0
    try:
        lab = Lab.start()
    except LabUnavailable as problem:
        print(f"No lab here: {problem}")
        return 1
    try:
        for _ in range(int(arguments[0]) if arguments else 1):
            server = lab.server()
            print(f"{server.name}: ssh -i {lab.key('plain')} {USER}@{server.host}   (password: {PASSWORD})")
        print("Ctrl-C stops the lab.", flush=True)
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        lab.stop()
    return 0


sys.exit(main(sys.argv[1:]))
