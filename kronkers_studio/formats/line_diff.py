"""Which lines of two texts belong together, and what two sides made of the lines of a third.

Lines that occur once in both texts are matched first, in the longest order they share (patience diff, Bram Cohen); the
short stretches between them by the standard library's matcher. A long stretch without any such line counts as changed
as a whole, so the time stays near proportional to the texts' length.
"""

from __future__ import annotations

import bisect
import difflib
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

_WORTH_MATCHING = 200_000
"""The most pairs of lines that are compared with each other in one stretch."""


class Block(NamedTuple):
    """Lines ``start`` to ``end`` of the one text in place of which the other has ``other_start`` to ``other_end``."""

    start: int
    end: int
    other_start: int
    other_end: int


class LineConflict(NamedTuple):
    """Lines of ours, from 0, that both sides changed differently."""

    start: int
    end: int


def changed_blocks(one: Sequence[str], other: Sequence[str]) -> list[Block]:
    """What has to be replaced in ``one`` to get ``other``, in order; the blocks do not touch."""
    numbers: dict[str, int] = {}
    left = [numbers.setdefault(line, len(numbers)) for line in one]
    right = [numbers.setdefault(line, len(numbers)) for line in other]
    blocks: list[Block] = []
    waiting = [Block(0, len(left), 0, len(right))]
    while waiting:
        block = _trimmed(waiting.pop(), left, right)
        if block.start == block.end or block.other_start == block.other_end:
            blocks += [block] if block.start < block.end or block.other_start < block.other_end else []
        elif anchors := _anchors(block, left, right):
            waiting += reversed(_between(block, anchors))
        else:
            blocks += _matched_by_force(block, left, right)
    return _joined(blocks)


def merged_lines(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> list[str] | LineConflict:
    """``base`` with what both sides changed in it, or the first place where they changed the same or adjacent lines."""
    changes = sorted(
        [(block, True) for block in changed_blocks(base, ours)]
        + [(block, False) for block in changed_blocks(base, theirs)],
        key=lambda change: change[0][:2],
    )
    merged: list[str] = []
    position = at = 0
    while at < len(changes):
        start, end = changes[at][0][:2]
        group = at
        while group < len(changes) and changes[group][0].start <= end:
            end = max(end, changes[group][0].end)
            group += 1
        mine = _span([block for block, is_ours in changes[at:group] if is_ours], start, end)
        other = _span([block for block, is_ours in changes[at:group] if not is_ours], start, end)
        merged += base[position:start]
        if mine is None and other is not None:
            merged += theirs[other]
        elif mine is not None and (other is None or ours[mine] == theirs[other]):
            merged += ours[mine]
        elif mine is not None:
            return LineConflict(mine.start, mine.stop)
        position, at = end, group
    return merged + list(base[position:])


def _span(blocks: list[Block], start: int, end: int) -> slice | None:
    """The lines of the other text that stand for base's ``start`` to ``end``; None when it changed none of them."""
    if not blocks:
        return None
    first, last = blocks[0], blocks[-1]
    return slice(first.other_start - (first.start - start), last.other_end + (end - last.end))


def _trimmed(block: Block, left: list[int], right: list[int]) -> Block:
    """``block`` without the equal lines at its start and end."""
    start, end, other_start, other_end = block
    while start < end and other_start < other_end and left[start] == right[other_start]:
        start, other_start = start + 1, other_start + 1
    while start < end and other_start < other_end and left[end - 1] == right[other_end - 1]:
        end, other_end = end - 1, other_end - 1
    return Block(start, end, other_start, other_end)


def _anchors(block: Block, left: list[int], right: list[int]) -> list[tuple[int, int]]:
    """Pairs of positions of lines that occur once on each side, in the longest sequence that rises on both."""
    counts = Counter(left[block.start : block.end])
    other_counts = Counter(right[block.other_start : block.other_end])
    where = {right[n]: n for n in range(block.other_start, block.other_end) if other_counts[right[n]] == 1}
    pairs = [(n, where[left[n]]) for n in range(block.start, block.end) if counts[left[n]] == 1 and left[n] in where]
    ends: list[int] = []  # the smallest last position of a rising sequence of each length
    last: list[int] = []  # and which pair that is
    before: list[int] = []
    for number, (_, position) in enumerate(pairs):
        length = bisect.bisect_left(ends, position)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [position]
        last[length : length + 1] = [number]
    chosen: list[tuple[int, int]] = []
    number = last[-1] if last else -1
    while number >= 0:
        chosen.append(pairs[number])
        number = before[number]
    return chosen[::-1]


def _between(block: Block, anchors: list[tuple[int, int]]) -> list[Block]:
    stretches = []
    start, other_start = block.start, block.other_start
    for position, other in [*anchors, (block.end, block.other_end)]:
        if start < position or other_start < other:
            stretches.append(Block(start, position, other_start, other))
        start, other_start = position + 1, other + 1
    return stretches


def _matched_by_force(block: Block, left: list[int], right: list[int]) -> list[Block]:
    if (block.end - block.start) * (block.other_end - block.other_start) > _WORTH_MATCHING:
        return [block]
    matcher = difflib.SequenceMatcher(
        None, left[block.start : block.end], right[block.other_start : block.other_end], autojunk=False
    )
    return [
        Block(block.start + i1, block.start + i2, block.other_start + j1, block.other_start + j2)
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    ]


def _joined(blocks: list[Block]) -> list[Block]:
    """In order, with those that touch made one."""
    joined: list[Block] = []
    for block in sorted(blocks):
        if joined and joined[-1].end == block.start and joined[-1].other_end == block.other_start:
            before = joined.pop()
            joined.append(Block(before.start, block.end, before.other_start, block.other_end))
        else:
            joined.append(block)
    return joined
