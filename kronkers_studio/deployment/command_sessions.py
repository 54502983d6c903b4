"""One command in a channel of its own: what it says is read to the end, within bounds of time and size."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import paramiko

from kronkers_studio.deployment.streams import StreamlocalTransport, ask_for_terminal, send_all, start_command

MOST_OUTPUT = 8_000_000


class TooMuch(Exception):
    """A command's output does not end."""


class TooLong(Exception):
    """A command does not end, on a server that is alive."""


class Patience:
    """How long an answer is waited for: ``silence`` seconds in which nothing is heard of the server at all, and
    ``longest`` seconds altogether."""

    def __init__(self, transport: StreamlocalTransport, silence: float, longest: float) -> None:
        self._transport = transport
        self.silence = silence
        self.longest = max(silence, longest)
        self._begun = self._asked = time.monotonic()

    def check(self) -> None:
        """Raise ``TimeoutError`` when the server is taken for dead, ``TooLong`` when it took too long; ask it for a
        sign of life before the first."""
        now = time.monotonic()
        silent = now - max(self._begun, self._transport.heard)
        if silent > self.silence:
            raise TimeoutError
        if now - self._begun > self.longest:
            raise TooLong
        if min(silent, now - self._asked) > self.silence / 4:
            self._asked = now
            self._transport.ask_for_a_sign()


@dataclass(frozen=True, slots=True)
class Heard:
    """What a command said that was answered (``output`` is None when it was ended because it went on asking), and how
    often it asked."""

    output: bytes | None
    error: bytes
    asked: int


class CommandSession:
    """Raises what ``patience`` raises, ``TooMuch``, and what paramiko raises when the connection is lost."""

    def __init__(self, channel: paramiko.Channel, patience: Patience) -> None:
        self._channel = channel
        self._patience = patience
        self._on_terminal = False

    def start(self, line: str, *, terminal: bool = False) -> None:
        """Have the account's shell run ``line``."""
        self._on_terminal = terminal
        self._channel.settimeout(self._patience.silence)
        if terminal:
            ask_for_terminal(self._channel)
        start_command(self._channel, line)

    def feed(self, input: bytes) -> None:
        """Give the command its input, all of it. Without input there is no end of it either: that would cross the
        command's own end, and sshd drop the connection."""
        send_all(self._channel, input)
        self._channel.shutdown_write()

    def read_both(self) -> tuple[bytes, bytes]:
        """Output and errors to their end."""
        pieces: tuple[list[bytes], list[bytes]] = ([], [])
        self._read(lambda piece, which: pieces[which].append(piece) or True)  # type: ignore[func-returns-value]
        return b"".join(pieces[0]), b"".join(pieces[1])

    def read_answering(self, prompt: bytes, answer: bytes | None) -> Heard:
        """As ``read_both``; ``answer`` is sent when ``prompt`` appears, and the end of the input with it: later, it
        might cross the command's own end. Without an answer, and when asked again, no more is read."""
        pieces = (bytearray(), bytearray())
        asked = 0

        def hear(piece: bytes, which: int) -> bool:
            nonlocal asked
            said = pieces[which]
            fresh = max(0, len(said) - len(prompt) + 1)  # a prompt may come in two pieces
            said.extend(piece)
            count = said.count(prompt, fresh)
            if count:
                asked += count
                if answer is None or asked > 1:
                    return False
                send_all(self._channel, answer)
                if not self._on_terminal:
                    self._channel.shutdown_write()
            return True

        complete = self._read(hear)
        return Heard(bytes(pieces[0]) if complete else None, bytes(pieces[1]), asked)

    def _read(self, hear: Callable[[bytes, int], bool]) -> bool:
        """Give each piece of the output (0) and of the errors (1) to ``hear`` as it comes, until that wants no more;
        whether all was read."""
        channel = self._channel
        total = 0
        news = threading.Event()
        channel.in_buffer.set_event(news)
        channel.in_stderr_buffer.set_event(news)
        while True:
            ended = channel.eof_received or channel.closed  # before looking: what came by then is there
            for which, there, receive in (
                (0, channel.recv_ready, channel.recv),
                (1, channel.recv_stderr_ready, channel.recv_stderr),
            ):
                while there():
                    piece = receive(1 << 16)
                    total += len(piece)
                    if total > MOST_OUTPUT:
                        raise TooMuch
                    if not hear(piece, which):
                        return False
            if ended:
                return True
            self._patience.check()
            news.wait(0.02)  # reading one of the two may have cleared the other's news
