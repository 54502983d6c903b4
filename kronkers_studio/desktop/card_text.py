"""What people write of a model, with the little Markdown that they use, as rich text that can do nothing.

Only what is written here becomes a tag; everything else is shown as it was typed. Images are never asked for, HTML is
text, and of a link its words and its address are shown, as nothing here opens one.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from kronkers_studio.domain.models import LONGEST_TEXT
from kronkers_studio.domain.printable import printable

_HEADING = re.compile(r"#{1,6}[ \t]+(\S.{0,400})")
_POINT = re.compile(r"[ \t]{0,8}[-*+•][ \t]+(\S.*)")
_NUMBERED = re.compile(r"[ \t]{0,8}(\d{1,4})[.)][ \t]+(\S.*)")
_QUOTED = re.compile(r"(`[^`\n]{1,400}`)")
_LINK = re.compile(r"!?\[([^][\n]{0,400})\]\(([^()\s]{1,400})\)")
_BOLD = re.compile(r"\*\*(\S(?:[^*\n]{0,400}\S)?)\*\*")
_SLANTED = re.compile(r"(?<![\w*])[*_](\S(?:[^*_\n]{0,400}\S)?)[*_](?![\w*])")
_FENCE = "```"


def rich_text(text: str, *, most: int = LONGEST_TEXT, lines: int = LONGEST_TEXT) -> str:
    """``text`` as rich text; of what has more than ``most`` characters or so many ``lines`` the beginning, with "…"."""
    shown = printable(text[:most], lines=True).splitlines()[:lines]
    if is_cut(text, most=most, lines=lines):
        shown[-1:] = [f"{''.join(shown[-1:])} …"]
    return "".join(_blocks(shown))


def is_cut(text: str, *, most: int, lines: int) -> bool:
    """Whether ``rich_text`` shows only the beginning of ``text``."""
    return len(text) > most or len(text.splitlines()) > lines


def heading(words: str) -> str:
    """A heading above one of several texts."""
    return f'<p style="margin-top:10px; margin-bottom:2px">{_heavy(html.escape(printable(words)))}</p>'


def _blocks(lines: list[str]) -> Iterator[str]:
    paragraph: list[str] = []
    fenced: list[str] | None = None
    for line in [*lines, ""]:
        if line.strip().startswith(_FENCE):
            yield from _paragraph(paragraph)
            if fenced is not None:
                yield _code(fenced)
            fenced = [] if fenced is None else None
        elif fenced is not None:
            fenced.append(line)
        elif special := _special(line):
            yield from _paragraph(paragraph)
            yield special
        elif line.strip():
            paragraph.append(_words(line))
        else:
            yield from _paragraph(paragraph)
    yield from _paragraph(paragraph)
    if fenced:
        yield _code(fenced)


def _special(line: str) -> str:
    """A heading or a point of a list; "" for any other line."""
    if heading := _HEADING.fullmatch(line.strip()):
        return f'<p style="margin-top:6px; margin-bottom:2px">{_heavy(_words(heading[1]))}</p>'
    mark, words = "•", ""
    if point := _POINT.fullmatch(line):
        words = point[1]
    elif numbered := _NUMBERED.fullmatch(line):
        mark, words = f"{numbered[1]}.", numbered[2]
    return f'<p style="margin:1px 0 1px 14px">{mark} {_words(words)}</p>' if words else ""


def _paragraph(lines: list[str]) -> Iterator[str]:
    """As it was typed, line by line; then ``lines`` are empty."""
    if lines:
        yield f'<p style="margin-top:2px; margin-bottom:6px">{"<br>".join(lines)}</p>'
        lines.clear()


def _code(lines: list[str]) -> str:
    kept = "<br>".join(html.escape(line).replace(" ", "&nbsp;") for line in lines)
    return f'<p style="margin:2px 0 6px 0"><code>{kept}</code></p>'


def _words(line: str) -> str:
    """The line's own marks as tags; what is between backticks stays as it is."""
    parts = _QUOTED.split(line.strip())
    return "".join(
        f"<code>{html.escape(part[1:-1])}</code>" if at % 2 else _marked(html.escape(part))
        for at, part in enumerate(parts)
    )


def _marked(escaped: str) -> str:
    shown = _LINK.sub(_link, escaped)
    return _SLANTED.sub(r"<i>\1</i>", _BOLD.sub(_heavy(r"\1"), shown))


def _heavy(words: str) -> str:
    """In the heaviest weight that the window's font has: a heavier one would be smeared."""
    return f'<b style="font-weight:600">{words}</b>'


def _link(found: re.Match[str]) -> str:
    words, address = found[1].strip(), found[2]
    return f"{words} ({address})" if words and words != address else address
