"""What can sign for us at a log-in: the parts that a key in a file and a key in the agent have in common."""

from __future__ import annotations

import struct
from dataclasses import dataclass


class CannotSign(Exception):
    """The key is there but cannot be used now: the agent refuses, a security key was not touched."""


@dataclass(frozen=True)
class Signer:
    """A public key (or a certificate of one) whose private half is at hand. ``type`` and ``blob`` as SSH names and
    writes them (RFC 4253, section 6.6)."""

    type: str
    blob: bytes

    @property
    def words(self) -> str:
        """Its name for people."""
        raise NotImplementedError

    def sign(self, data: bytes, algorithm: str) -> bytes:
        """The signature of ``data`` in SSH's form. Raises ``CannotSign``."""
        raise NotImplementedError


def string(data: bytes) -> bytes:
    """``data`` as SSH writes a string (RFC 4251, section 5)."""
    return struct.pack(">I", len(data)) + data


def take_string(data: bytes) -> tuple[bytes, bytes]:
    """The string that ``data`` begins with, and the rest. Raises ``ValueError``."""
    if len(data) < 4:
        raise ValueError("no string")
    (length,) = struct.unpack(">I", data[:4])
    if length > len(data) - 4:
        raise ValueError("a string that is cut off")
    return data[4 : 4 + length], data[4 + length :]
