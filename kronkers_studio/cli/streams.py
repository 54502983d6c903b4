"""Standard output and error of a command: there, open, and able to take any text."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from typing import TextIO

from kronkers_studio.domain.errors import OutputUnwritable

_ERRORS = "kronkers-spelled"
_PLAIN = {"→": "->", "–": "-", "—": "-", "…": "...", "“": '"', "”": '"', "’": "'", "×": "x", "·": "*", "∞": "inf"}
"""How our own signs are written where a code page lacks them."""


def prepare_streams() -> None:
    """Let whatever is printed be printed: letters that the encoding lacks are spelled (``\\u0416``) and end nothing.

    Where a standard stream is closed its number goes to a file that takes everything: the next file opened would get
    it, and what programs started later print would be written into that.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
    codecs.register_error(_ERRORS, _spelled)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed, or a Windows program without a console
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115  # to the end
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)


def print_in_utf8() -> None:
    """Let standard output be UTF-8, as JSON is, whatever the terminal's encoding."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


def print_result(text: str) -> None:
    """Print on standard output, at once. Raises ``OutputUnwritable``, or ``BrokenPipeError`` when nobody reads it."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        give_up_output()
        raise
    except OSError as error:
        give_up_output()
        raise OutputUnwritable(
            f"The result cannot be written: {error.strerror or error}.",
            next_step="What the command did is kept; only what it had to say is lost. Send its output elsewhere.",
        ) from None


def print_note(text: str) -> None:
    """Print on standard error, if anything takes it."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


def give_up_output() -> None:
    """Let what is printed on standard output from now on, and what waits in its buffer, go nowhere: the interpreter
    would try once more at its end, and fail then."""
    old: TextIO = sys.stdout
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  # to the end
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(sys.stdout.fileno(), old.fileno())


def _spelled(error: UnicodeError) -> tuple[str | bytes, int]:
    """The error handler: our own signs by plain ones, other letters by their number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letter = error.object[error.start]
    if letter in _PLAIN:
        return _PLAIN[letter], error.start + 1
    spelled, _end = codecs.backslashreplace_errors(UnicodeEncodeError(error.encoding, letter, 0, 1, error.reason))
    return spelled, error.start + 1
