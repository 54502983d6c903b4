"""A program that opens model files without any fence and asks them to predict, each in a process of its own.

One job a line on standard input: {"file", "scratch", "row", "confined"}; for each, one line on standard output:
{"said", "status", "kilobytes", "seconds"}. The libraries are imported once, before the processes part.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import Any

_SECONDS = 8
MEMORY = 1 << 30


def _predict(file: str, row: str) -> str:
    import joblib
    import numpy as np

    with Path(file).open("rb") as stream:
        try:
            model = joblib.load(stream) if file.endswith(".joblib") else pickle.load(stream)
        except Exception as problem:
            return f"{type(problem).__name__}: {problem}"
    rows: list[Any] = [np.array([row], dtype=object)] if row else [np.zeros((1, 2)), np.array([""], dtype=object)]
    said = []
    for given in rows:
        try:
            said.append(repr(model.predict(given))[:2000])
        except Exception as problem:
            said.append(f"{type(problem).__name__}: {problem}"[:2000])
    return " | ".join(said)


def _child(job: dict[str, Any], answer: int) -> None:
    os.setsid()
    if job["confined"]:
        from kronkers_studio.confinement import Level, Policy, confine_process

        policy = Policy(
            readable=(Path(job["file"]),), writable=(Path(job["scratch"]),), memory=MEMORY, cpu_seconds=_SECONDS // 4
        )
        if confine_process(policy).level is not Level.FULL:
            os._exit(99)
    warnings.simplefilter("ignore")
    try:
        said = _predict(job["file"], job["row"])
    except MemoryError:
        said = "MemoryError"
    os.write(answer, said.encode("utf-8", "replace")[:4000])
    os._exit(0)


def _run(job: dict[str, Any]) -> dict[str, Any]:
    reading, answer = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        _child(job, answer)
    os.close(answer)
    status = used = None
    while status is None:
        done, code, used = os.wait4(child, os.WNOHANG)
        if done:
            status = os.waitstatus_to_exitcode(code)
        elif time.monotonic() - began > _SECONDS:
            os.killpg(child, signal.SIGKILL)
            status = os.waitstatus_to_exitcode(os.wait4(child, 0)[1])
        else:
            time.sleep(0.005)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what it started
    os.set_blocking(reading, False)
    try:
        said = os.read(reading, 8000)
    except BlockingIOError:
        said = b""
    os.close(reading)
    return {
        "said": said.decode("utf-8", "replace"),
        "status": status,
        "kilobytes": used.ru_maxrss if used is not None else 0,
        "seconds": time.monotonic() - began,
    }


def main() -> None:
    import scipy.optimize  # noqa: F401
    import sklearn.ensemble
    import sklearn.feature_extraction.text
    import sklearn.pipeline  # noqa: F401

    import kronkers_studio.confinement  # noqa: F401

    for line in sys.stdin:
        print(json.dumps(_run(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
