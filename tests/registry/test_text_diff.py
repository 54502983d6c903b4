"""Texts are compared and merged by lines, quickly also when they are long."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kronkers_studio.formats.line_diff import Block, changed_blocks, merged_lines
from kronkers_studio.formats.text_diff import diff_texts, merge_texts
from kronkers_studio.formats.text_encoding import read_text
from tests.counted_work import lines_run

lines = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "", "x y"]), max_size=30)


def apply(blocks: Sequence[Block], one: list[str], other: list[str]) -> list[str]:
    result: list[str] = []
    position = 0
    for start, end, other_start, other_end in blocks:
        result += one[position:start] + other[other_start:other_end]
        position = end
    return result + one[position:]


@given(lines, lines)
@settings(max_examples=150, deadline=None)
def test_the_blocks_made_to_one_text_give_the_other(one: list[str], other: list[str]) -> None:
    """Seen to fail with ``_trimmed`` comparing the last line with the last but one."""
    blocks = changed_blocks(one, other)
    assert apply(blocks, one, other) == other
    assert changed_blocks(one, one) == []
    for before, after in itertools.pairwise(blocks):
        assert before.end < after.start or before.other_end < after.other_start


@given(lines, lines)
@settings(max_examples=100, deadline=None)
def test_merging_with_an_unchanged_side_gives_the_other(base: list[str], changed: list[str]) -> None:
    assert merged_lines(base, changed, base) == changed
    assert merged_lines(base, base, changed) == changed
    assert merged_lines(base, changed, changed) == changed


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_changes_to_lines_far_apart_are_merged_and_to_the_same_lines_are_not(data: st.DataObject) -> None:
    """Against the plain model: each side replaces lines of its own by index."""
    base = [f"line {n}" for n in range(data.draw(st.integers(1, 20)))]
    ours_changes = data.draw(st.sets(st.integers(0, len(base) - 1), max_size=4))
    theirs_changes = data.draw(st.sets(st.integers(0, len(base) - 1), max_size=4))
    ours = [f"ours {n}" if n in ours_changes else line for n, line in enumerate(base)]
    theirs = [f"theirs {n}" if n in theirs_changes else line for n, line in enumerate(base)]
    merged = merged_lines(base, ours, theirs)
    touching = any(abs(a - b) <= 1 for a in ours_changes for b in theirs_changes)
    if touching:
        assert not isinstance(merged, list)
    else:
        assert merged == [
            ours[n] if n in ours_changes else theirs[n] if n in theirs_changes else base[n] for n in range(len(base))
        ]


def test_a_difference_shows_the_changed_lines_with_some_around_them() -> None:
    old = "".join(f"line {n}\n" for n in range(1, 41))
    new = old.replace("line 5\n", "line five\n").replace("line 30\n", "")
    difference = diff_texts("a.txt", old.encode(), new.encode())
    assert difference is not None and difference.complete and difference.notes == ()
    assert (difference.lines_added, difference.lines_removed) == (1, 2)
    assert (difference.old_lines, difference.new_lines) == (40, 39)
    first, second = difference.hunks
    assert first.lines == (" line 2", " line 3", " line 4", "-line 5", "+line five", " line 6", " line 7", " line 8")
    assert (first.old_start, first.new_start) == (2, 2)
    assert (second.old_start, second.new_start) == (27, 27) and "-line 30" in second.lines


def test_what_lines_do_not_show_is_noted() -> None:
    old, new = "grün\r\nrot\r\n".encode("cp1252"), "grün\nrot".encode()
    difference = diff_texts("a.txt", old, new)
    assert difference is not None and difference.hunks == () and bool(difference)
    assert difference.notes == (
        "The encoding was Windows-1252 and is UTF-8.",
        "The line ends were Windows and are Unix.",
        "The last line no longer ends.",
    )


def test_hunks_are_bounded_and_counts_are_not() -> None:
    old = "".join(f"{n}\n" for n in range(10_000)).encode()
    new = "".join(f"new {n}\n" for n in range(10_000)).encode()
    difference = diff_texts("a.txt", old, new, most_lines=100)
    assert difference is not None and not difference.complete
    assert sum(len(hunk.lines) for hunk in difference.hunks) == 100
    assert (difference.lines_added, difference.lines_removed) == (10_000, 10_000)


@pytest.mark.parametrize("data", [b"\x00\x01binary", bytes(range(256)), b"\x89PNG\r\n\x1a\n\x00", b"\xff\xfea"])
def test_what_is_no_text_is_not_compared_as_one(data: bytes) -> None:
    assert read_text(data) is None
    assert diff_texts("a", data, b"text") is None
    assert merge_texts(b"text", data, b"text two") == "It is not a text."


def test_merged_texts_keep_their_encoding_and_line_ends() -> None:
    base = "\ufeffeins\r\nzwei\r\ndrei\r\nvier\r\nfünf\r\n".encode("utf-16-le")
    ours = "\ufeffEINS\r\nzwei\r\ndrei\r\nvier\r\nfünf\r\n".encode("utf-16-le")
    theirs = "\ufeffeins\r\nzwei\r\ndrei\r\nvier\r\nfünf!\r\n".encode("utf-16-le")
    assert merge_texts(base, ours, theirs) == "\ufeffEINS\r\nzwei\r\ndrei\r\nvier\r\nfünf!\r\n".encode("utf-16-le")
    assert merge_texts(b"a\nb\nc\n", b"a\nX\nc\n", b"a\nY\nc\n") == "Both sides changed line 2."


@pytest.mark.slow
def test_long_texts_are_compared_in_a_few_steps_for_each_line() -> None:
    """Seen to fail with each line looked for among all."""
    chance = random.Random(1)  # the same text every time
    old = [f"{chance.randrange(10**6)},north,{n % 50}" for n in range(200_000)]
    new = list(old)
    for _ in range(100):
        new[chance.randrange(len(new))] = "changed"
        del new[chance.randrange(len(new))]
    repeated = ["same", "lines"] * 50_000
    for title, one, other, made in (
        ("200,000 lines, 200 changes", old, new, range(100, 201)),
        ("200,000 other lines", old, [line + "x" for line in old], [200_000]),
        ("100,000 lines of two kinds", repeated, [*repeated[::-1], "end"], range(1, 100_002)),
    ):
        before, after = "\n".join(one).encode(), "\n".join(other).encode()
        assert lines_run(lambda: diff_texts("a", before, after)) < 60 * len(one)  # noqa: B023  # called at once
        started = time.perf_counter()
        difference = diff_texts("a", before, after)
        assert difference is not None
        assert difference.lines_removed in made
        assert difference.lines_added - difference.lines_removed == len(other) - len(one)
        print(f"\ntext diff, {title}: {time.perf_counter() - started:.2f} s")  # the figure
