"""What is kept between packages, and what goes from one computer's cache to another's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """Something in the cache. ``kind`` is "base", "dependencies", "server" or "wheel"; ``size`` in bytes, as stored;
    ``present`` says whether its bytes are here, or only what is known of it."""

    kind: str
    name: str
    size: int
    digest: str = ""
    present: bool = True


@dataclass(frozen=True, slots=True)
class CacheTransfer:
    """What an archive of a cache holds: ``parts`` blobs of ``size`` bytes together, of which ``new`` were not here
    before it was read, and ``facts`` about them. ``digest`` is the SHA-256 of the whole file, for people to compare;
    ``signer`` who signed it, "" when nobody did or that was not asked."""

    file: str
    parts: int
    size: int
    facts: int
    digest: str
    new: int = 0
    signer: str = ""
