"""``python -m kronkers_studio.serving``: serve one model folder over HTTP."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import NoReturn

from kronkers_studio.serving.cores import available_cores
from kronkers_studio.serving.logs import start_logging
from kronkers_studio.serving.problems import CannotStart

_LIBRARY_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_SECRET_VARIABLE = "KRONKERS_SECRET_FILE"  # noqa: S105 — a variable's name
_WORKERS_VARIABLE = "KRONKERS_WORKERS"
_MOST_WORKERS = 64
_LOG_VARIABLE = "KRONKERS_REQUEST_LOG"
_RECORD_VARIABLE = "KRONKERS_RECORD_ROWS"
_RECORD_KEY_VARIABLE = "KRONKERS_RECORD_KEY"
_RECORD_MOST_VARIABLE = "KRONKERS_RECORD_MOST"
_RECORD_FOLDER = Path("/opt/kronkers/rows")  # in a container, where a volume is mounted


def main() -> int:
    """The exit code: 0 after an orderly stop, 1 when the model is refused, 2 for wrong usage."""
    arguments = _arguments()
    start_logging(arguments.log_file)
    threads = available_cores()
    for name in _LIBRARY_THREADS:  # read when the libraries are imported, so before everything else
        os.environ.setdefault(name, str(threads))
    try:
        _serve(arguments, threads)
    except CannotStart as refusal:
        logging.getLogger(__name__).critical(str(refusal))
        return 1
    return 0


def _serve(arguments: argparse.Namespace, threads: int) -> None:
    from kronkers_studio.serving.http.app import Limits
    from kronkers_studio.serving.server import Options, RecordingOptions, serve

    recording = None
    if arguments.record_rows:
        recording = RecordingOptions(
            share=arguments.record_rows,
            public_key=arguments.record_key,
            folder=arguments.record_folder,
            most_rows=arguments.record_most,
            most_bytes=arguments.record_bytes,
        )
    serve(
        Options(
            model=arguments.model,
            host=arguments.host,
            port=arguments.port,
            listen_fd=arguments.listen_fd,
            secret_file=arguments.secret_file,
            ready_file=arguments.ready_file,
            stop_file=arguments.stop_file,
            mute=arguments.log_file is not None,
            threads=threads,
            workers=arguments.workers,
            request_log=arguments.request_log,
            recording=recording,
            limits=Limits(arguments.most_rows, arguments.most_bytes, arguments.most_waiting),
        )
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="kronkers_studio.serving", description="Serve one model over HTTP.")
    parser.add_argument("--model", type=Path, required=True, help="the folder with model.json and the model file")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=0, help="the port to listen on; 0 takes a free one")
    parser.add_argument("--listen-fd", type=int, metavar="N", help="an inherited socket that listens, in their place")
    parser.add_argument(
        "--secret-file",
        type=Path,
        default=os.environ.get(_SECRET_VARIABLE) or None,
        help=f"the release's secret, 64 hexadecimal digits; by default what {_SECRET_VARIABLE} names",
    )
    parser.add_argument("--ready-file", type=Path, help='written as {"port", "pid"} once requests are taken')
    parser.add_argument("--stop-file", type=Path, help="stop in order once this file exists, or its folder no more")
    parser.add_argument("--log-file", type=Path, help="log here, within 2 MiB, instead of to stderr")
    parser.add_argument("--most-rows", type=int, default=10_000, help="the most rows in one request")
    parser.add_argument("--most-bytes", type=int, default=16 << 20, help="the largest body of a request, in bytes")
    parser.add_argument("--most-waiting", type=int, default=64, help="requests worked on at once; more get 429")
    parser.add_argument(
        "--workers",
        type=_workers,
        default=os.environ.get(_WORKERS_VARIABLE) or "auto",
        metavar="N",
        help="processes for the model beside this one; 0 for none, auto for one for each processor where the model "
        f"gains by it (R, Julia, PMML, own code), by default what {_WORKERS_VARIABLE} says",
    )
    parser.add_argument(
        "--request-log",
        type=_share,
        default=os.environ.get(_LOG_VARIABLE) or 0.0,
        metavar="SHARE",
        help=f"log this share of requests (1: each, 0: none), by default what {_LOG_VARIABLE} says",
    )
    _add_recording(parser)
    return parser.parse_args()


def _workers(text: str) -> int | None:
    if text == "auto":
        return None
    found = int(text)
    if not 0 <= found <= _MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"processes are a number from 0 to {_MOST_WORKERS}, or auto")
    return found


def _add_recording(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--record-rows",
        type=_share,
        default=os.environ.get(_RECORD_VARIABLE) or 0.0,
        metavar="SHARE",
        help=f"keep the rows of this share of requests, sealed; by default what {_RECORD_VARIABLE} says",
    )
    parser.add_argument(
        "--record-key",
        default=os.environ.get(_RECORD_KEY_VARIABLE) or "",
        metavar="HEX",
        help=f"the public key that they are sealed for; by default what {_RECORD_KEY_VARIABLE} says",
    )
    parser.add_argument("--record-folder", type=Path, default=_RECORD_FOLDER, help="where they are kept")
    parser.add_argument(
        "--record-most",
        type=int,
        default=os.environ.get(_RECORD_MOST_VARIABLE) or 100_000,
        metavar="ROWS",
        help=f"the most rows that are kept, the newest; by default what {_RECORD_MOST_VARIABLE} says",
    )
    parser.add_argument("--record-bytes", type=int, default=64 << 20, help="the most bytes that they take")


def _share(text: str) -> float:
    found = float(text)
    if not 0 <= found <= 1:
        raise argparse.ArgumentTypeError("a share is a number from 0 to 1")
    return found


def _leave(code: int) -> NoReturn:
    """End the process now. What the model still computes is not waited for, as it would be at the end of Python:
    whoever stops a service kills it after ten seconds or so."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    _leave(main())
