"""The printed recovery key: 160 random bits that a person can read out, type back, and be told of a typo.

Form: nine groups of four characters of Crockford's base 32 alphabet (no I, L, O or U): 32 characters of key, then 4 of
checksum (20 bits, so one typo in a million goes unnoticed here and is then found as a wrong key).
"""

from __future__ import annotations

import hashlib
import secrets

from kronkers_studio.domain.errors import WrongKey

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})
_KEY_BYTES = 20
_KEY_LETTERS = 32
_CHECK_LETTERS = 4
_GROUP = 4


def new_recovery_key() -> tuple[bytes, str]:
    """A new key and its printed form."""
    key = secrets.token_bytes(_KEY_BYTES)
    text = _letters(int.from_bytes(key, "big"), _KEY_LETTERS) + _checksum(key)
    return key, "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def read_recovery_key(text: str) -> bytes:
    """The key of a printed form, in any case and spacing. Raises ``WrongKey`` that says what is mistyped."""
    letters = "".join(text.split()).replace("-", "").upper().translate(_LOOKALIKES)
    unknown = sorted(set(letters) - set(_ALPHABET))
    if unknown:
        raise _typo(f"it holds {' '.join(unknown)}, which no recovery key has")
    if len(letters) != _KEY_LETTERS + _CHECK_LETTERS:
        raise _typo(f"it has {len(letters)} letters and digits instead of {_KEY_LETTERS + _CHECK_LETTERS}")
    number = 0
    for letter in letters[:_KEY_LETTERS]:
        number = number << 5 | _ALPHABET.index(letter)
    key = number.to_bytes(_KEY_BYTES, "big")
    if not secrets.compare_digest(_checksum(key), letters[_KEY_LETTERS:]):
        raise _typo("its checksum does not fit")
    return key


def _checksum(key: bytes) -> str:
    digest = hashlib.sha256(b"kronkers recovery key" + key).digest()
    return _letters(int.from_bytes(digest[:4], "big") >> 12, _CHECK_LETTERS)


def _letters(number: int, count: int) -> str:
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(count)))


def _typo(what: str) -> WrongKey:
    return WrongKey(
        f"The recovery key is mistyped: {what}.", next_step="Compare it with the printed one, group by group."
    )
