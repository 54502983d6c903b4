"""What differs between two versions of a text, and merging three of them, line by line."""

from __future__ import annotations

from kronkers_studio.domain.differences import Hunk, TextDifference
from kronkers_studio.formats.line_diff import Block, LineConflict, changed_blocks, merged_lines
from kronkers_studio.formats.text_encoding import Text, read_text

_CONTEXT = 3
MOST_LINES = 5000
"""Lines in all hunks of a difference; what goes beyond is only counted."""


def diff_texts(path: str, old: bytes, new: bytes, *, most_lines: int = MOST_LINES) -> TextDifference | None:
    """What differs between two versions of the file ``path``; None when one of them is not a text."""
    before, after = read_text(old), read_text(new)
    if before is None or after is None:
        return None
    old_lines, new_lines = _lines(before.content), _lines(after.content)
    blocks = changed_blocks(old_lines, new_lines) if old_lines != new_lines else []
    hunks, complete = _hunks(blocks, old_lines, new_lines, most_lines)
    return TextDifference(
        path=path,
        old_lines=len(old_lines),
        new_lines=len(new_lines),
        lines_added=sum(block.other_end - block.other_start for block in blocks),
        lines_removed=sum(block.end - block.start for block in blocks),
        hunks=tuple(hunks),
        complete=complete,
        notes=_notes(before, after) if old != new else (),
    )


def merge_texts(base: bytes, ours: bytes, theirs: bytes) -> bytes | str:
    """``base`` with what both sides changed, byte for byte where lines are unchanged; else why that cannot be, as a
    sentence."""
    texts = [read_text(data) for data in (base, ours, theirs)]
    if None in texts:
        return "It is not a text."
    one, mine, other = (text for text in texts if text is not None)
    merged = merged_lines(*(text.content.splitlines(keepends=True) for text in (one, mine, other)))
    if isinstance(merged, LineConflict):
        first, last = merged.start + 1, max(merged.end, merged.start + 1)
        return f"Both sides changed line {first}." if first == last else f"Both sides changed lines {first} to {last}."
    form = other if (one.encoding, one.mark) == (mine.encoding, mine.mark) else mine  # who changed it decides
    try:
        return form.encode("".join(merged))
    except UnicodeEncodeError:
        return "The two sides are in encodings that do not go together."


def _lines(content: str) -> list[str]:
    """The lines without their ends; a last one without an end counts."""
    lines = content.replace("\r\n", "\n").split("\n")
    return lines[:-1] if not lines[-1] else lines


def _hunks(blocks: list[Block], old: list[str], new: list[str], most_lines: int) -> tuple[list[Hunk], bool]:
    """The blocks with lines around them, those that are close together in one; and whether that is all."""
    hunks: list[Hunk] = []
    at = lines = 0
    while at < len(blocks):
        group = at + 1
        while group < len(blocks) and blocks[group].start - blocks[group - 1].end <= 2 * _CONTEXT:
            group += 1
        hunk = _hunk(blocks[at:group], old, new, most_lines - lines)
        hunks.append(hunk)
        lines += len(hunk.lines)
        if lines >= most_lines:
            whole = sum(b.end - b.start + b.other_end - b.other_start for b in blocks)
            return hunks, whole == sum(line[0] != " " for h in hunks for line in h.lines)
        at = group
    return hunks, True


def _hunk(blocks: list[Block], old: list[str], new: list[str], most_lines: int) -> Hunk:
    start = max(0, blocks[0].start - _CONTEXT)
    other_start = blocks[0].other_start - (blocks[0].start - start)
    lines: list[str] = []
    position = start
    for block in blocks:
        lines += [" " + line for line in old[position : block.start]]
        lines += ["-" + line for line in old[block.start : block.end]]
        lines += ["+" + line for line in new[block.other_start : block.other_end]]
        position = block.end
    lines += [" " + line for line in old[position : position + _CONTEXT]]
    return Hunk(start + 1, other_start + 1, tuple(lines[:most_lines]))


def _notes(before: Text, after: Text) -> tuple[str, ...]:
    """What the lines do not show."""
    notes = []
    if before.title != after.title:
        notes.append(f"The encoding was {before.title} and is {after.title}.")
    ends, new_ends = _line_ends(before.content), _line_ends(after.content)
    if ends and new_ends and ends != new_ends:
        notes.append(f"The line ends were {ends} and are {new_ends}.")
    if before.content and after.content and before.content.endswith("\n") != after.content.endswith("\n"):
        notes.append("The last line now ends." if after.content.endswith("\n") else "The last line no longer ends.")
    return tuple(notes)


def _line_ends(content: str) -> str:
    windows = content.count("\r\n")
    unix = content.count("\n") - windows
    if windows and unix:
        return f"mixed ({windows} Windows, {unix} Unix)"
    return "Windows" if windows else "Unix" if unix else ""
