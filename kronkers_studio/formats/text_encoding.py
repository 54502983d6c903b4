"""Recognising text, and reading it as what it is encoded in."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LOOKED_AT = 8192
_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1b\b")
_MOST_CONTROLS = 0.02


@dataclass(frozen=True, slots=True)
class Text:
    """A text with what is needed to write it in the same form again."""

    content: str
    encoding: str
    mark: bytes = b""  # the byte order mark it began with

    def encode(self, content: str) -> bytes:
        """``content`` in this text's form. Raises ``UnicodeEncodeError`` when its encoding has no such character."""
        return self.mark + content.encode(self.encoding)

    @property
    def title(self) -> str:
        """The form, for people."""
        names = {"cp1252": "Windows-1252", "utf-8": "UTF-8"}
        return names.get(self.encoding, self.encoding.upper()) + (" with a byte order mark" if self.mark else "")


def read_text(data: bytes) -> Text | None:
    """The text in ``data``: UTF-8, UTF-16 or UTF-32 with a byte order mark, else Windows-1252; None when it is none."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], encoding, mark)
    head = data[:_LOOKED_AT]
    if b"\0" in head:
        return None
    text = _decoded(data, "utf-8")
    if text is None and sum(byte in _CONTROL for byte in head) <= _MOST_CONTROLS * len(head):
        return _decoded(data, "cp1252")
    return text


def _decoded(data: bytes, encoding: str, mark: bytes = b"") -> Text | None:
    try:
        return Text(data.decode(encoding), encoding, mark)
    except UnicodeDecodeError:
        return None
