"""The keys of the SSH agent of this computer (OpenSSH's or Pageant), which never leave it: it signs for us.

Where to find the agent on each system is paramiko's knowledge; what is said to it (draft-miller-ssh-agent) is ours, so
that keys of any type can be used, also ones that paramiko cannot read, and one that cannot sign harms no other.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import paramiko.agent

from kronkers_studio.deployment.signing import CannotSign, Signer, string, take_string

_REQUEST_IDENTITIES, _IDENTITIES = 11, 12
_SIGN_REQUEST, _SIGNATURE = 13, 14
_FLAGS = {"rsa-sha2-256": 2, "rsa-sha2-512": 4}
_MOST_BYTES = 256 * 1024  # no agent takes longer messages
_LIST_SECONDS = 10.0
_SIGN_SECONDS = 60.0
"""A person may have to confirm, or to touch a security key."""


class _AgentFailure(Exception):
    """The agent is gone, silent, or says what it should not."""


@dataclass(frozen=True)
class AgentKey(Signer):
    """A key that the agent has."""

    agent: _Agent
    comment: str

    @property
    def words(self) -> str:
        return f"the agent's key “{self.comment or self.type}”"

    def sign(self, data: bytes, algorithm: str) -> bytes:
        flags = _FLAGS.get(algorithm.removesuffix("-cert-v01@openssh.com"), 0)
        request = bytes([_SIGN_REQUEST]) + string(self.blob) + string(data) + struct.pack(">I", flags)
        try:
            kind, answer = self.agent.ask(request, _SIGN_SECONDS)
            if kind != _SIGNATURE:
                raise CannotSign("the agent did not sign with it")
            return take_string(answer)[0]
        except (_AgentFailure, OSError, ValueError) as problem:
            raise CannotSign("the agent did not sign with it") from problem


class _Agent:
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def keys(self) -> list[AgentKey]:
        kind, rest = self.ask(bytes([_REQUEST_IDENTITIES]), _LIST_SECONDS)
        if kind != _IDENTITIES or len(rest) < 4:
            return []
        (count,), rest = struct.unpack(">I", rest[:4]), rest[4:]
        found = []
        for _ in range(min(count, 1000)):
            blob, rest = take_string(rest)
            comment, rest = take_string(rest)
            words = "".join(c for c in comment.decode("utf-8", "replace") if c.isprintable())[:100]
            found.append(AgentKey(take_string(blob)[0].decode("ascii", "replace"), blob, self, words))
        return found

    def ask(self, request: bytes, timeout: float) -> tuple[int, bytes]:
        """The kind and the rest of the agent's answer. Raises ``_AgentFailure`` or ``OSError``."""
        if hasattr(self._stream, "settimeout"):  # Pageant and the pipe of Windows have none
            self._stream.settimeout(timeout)
        self._stream.send(struct.pack(">I", len(request)) + request)
        (length,) = struct.unpack(">I", self._receive(4))
        if not 0 < length <= _MOST_BYTES:
            raise _AgentFailure("an answer of no sensible length")
        answer = self._receive(length)
        return answer[0], answer[1:]

    def _receive(self, length: int) -> bytes:
        received = b""
        while len(received) < length:
            piece = self._stream.recv(length - len(received))
            if not piece:
                raise _AgentFailure("the agent hung up")
            received += piece
        return received

    def close(self) -> None:
        self._stream.close()


@contextlib.contextmanager
def agent_keys(where: str = "") -> Iterator[list[AgentKey]]:
    """The agent's keys, to be used while the context lasts; none without an agent or with one that does not work.

    ``where`` is the agent's socket, "" for the usual agent, "none" for none at all.
    """
    try:
        stream = _connect(where)
    except (OSError, paramiko.SSHException):
        stream = None
    if stream is None:
        yield []
        return
    agent = _Agent(stream)
    try:
        try:
            keys = agent.keys()
        except (_AgentFailure, OSError, ValueError):  # something else answers where the agent should
            keys = []
        yield keys
    finally:
        agent.close()


def _connect(where: str) -> Any:
    """A stream to the agent; None where there is none."""
    if where == "none":
        return None
    if not where or sys.platform == "win32":  # there, agents are found by their own names
        return paramiko.agent.get_agent_connection()
    stream = socket.socket(socket.AF_UNIX)
    try:
        stream.connect(where)
    except BaseException:
        stream.close()
        raise
    return stream
