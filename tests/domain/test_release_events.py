"""What happened is told from the states that releases had, and nothing of it is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from kronkers_studio.domain.release_events import ReleaseEventKind, live_times, release_events
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState

_NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
_STARTING, _LIVE, _STANDBY = ReleaseState.STARTING, ReleaseState.LIVE, ReleaseState.STANDBY
_FAILED, _STOPPED = ReleaseState.FAILED, ReleaseState.STOPPED
Step = tuple[int, int, ReleaseState]
"""The minute, the number of the release and its state; its version is ten times its number."""


def _told(*steps: Step, lost: frozenset[int] = frozenset()) -> list[tuple[str, int, int | None]]:
    """What the steps tell, oldest first; those at the positions in ``lost`` ended by themselves."""
    changes = []
    for position, (minute, number, state) in enumerate(steps):
        at = _NOON + timedelta(minutes=minute)
        release = Release(
            "wine", THIS_COMPUTER, number, 10 * number, "sha256:0", state, _NOON, at, lost=position in lost
        )
        changes.append((at, "ada", release))
    return [(event.kind.value, event.version, event.replaced) for event in reversed(release_events(changes))]


def test_a_release_a_second_one_and_a_way_back() -> None:
    assert _told(
        (0, 1, _STARTING),
        (1, 1, _LIVE),
        (2, 2, _STARTING),
        (3, 2, _LIVE),
        (3, 1, _STANDBY),
        (4, 1, _STARTING),
        (5, 2, _STANDBY),
        (5, 1, _LIVE),
    ) == [("went live", 10, None), ("went live", 20, 10), ("rolled back", 10, 20)]


def test_the_same_in_either_order_of_one_change() -> None:
    there = ((0, 1, _LIVE), (1, 2, _LIVE), (1, 1, _STANDBY))
    back = ((0, 1, _LIVE), (1, 1, _STANDBY), (1, 2, _LIVE))
    assert _told(*there) == _told(*back) == [("went live", 10, None), ("went live", 20, 10)]


def test_what_is_stopped_and_started_again_is_said() -> None:
    assert _told((0, 1, _LIVE), (1, 1, _STANDBY), (2, 1, _STARTING), (3, 1, _LIVE)) == [
        ("went live", 10, None),
        ("stopped", 10, None),
        ("live again", 10, None),
    ]


def test_what_ended_by_itself_is_told_from_what_was_stopped() -> None:
    assert _told((0, 1, _LIVE), (1, 1, _STANDBY), (2, 1, _LIVE), lost=frozenset({1})) == [
        ("went live", 10, None),
        ("lost", 10, None),
        ("live again", 10, None),
    ]


def test_what_did_not_start_leaves_live_what_was() -> None:
    assert _told((0, 1, _LIVE), (1, 2, _STARTING), (2, 2, _FAILED), (3, 3, _LIVE), (3, 1, _STANDBY)) == [
        ("went live", 10, None),
        ("not started", 20, None),
        ("went live", 30, 10),
    ]


def test_a_failed_way_back_is_no_event_of_what_is_live() -> None:
    steps = ((0, 1, _LIVE), (1, 2, _LIVE), (1, 1, _STANDBY), (2, 1, _STARTING), (3, 1, _STANDBY))
    assert _told(*steps) == [("went live", 10, None), ("went live", 20, 10)]


def test_only_what_is_being_started_still_is_said_to_be() -> None:
    assert _told((0, 1, _STARTING)) == [("starting", 10, None)]
    assert _told((0, 1, _STARTING), (1, 1, _STOPPED)) == [("stopped", 10, None)]


def test_a_release_that_is_removed_later_is_no_event() -> None:
    steps = ((0, 1, _LIVE), (1, 2, _LIVE), (1, 1, _STANDBY), (5, 1, _STOPPED))
    assert _told(*steps) == [("went live", 10, None), ("went live", 20, 10)]


def _times(*steps: Step, lost: frozenset[int] = frozenset()) -> dict[int, tuple[float, float]]:
    """The minutes from which to which each release was live last."""
    changes = []
    for position, (minute, number, state) in enumerate(steps):
        at = _NOON + timedelta(minutes=minute)
        ended = position in lost
        changes.append((at, "", Release("wine", "lab", number, number, "", state, _NOON, at, lost=ended)))
    times = live_times(release_events(changes))
    return {
        number: ((start - _NOON).total_seconds() / 60, (end - _NOON).total_seconds() / 60)
        for number, (start, end) in times.items()
    }


def test_when_each_release_was_live_last_is_told_of_those_that_are_not_live_now() -> None:
    back = ((0, 1, _LIVE), (10, 2, _LIVE), (10, 1, _STANDBY), (30, 2, _STANDBY), (30, 1, _LIVE))
    assert _times(*back) == {2: (10, 30), 1: (0, 10)}
    assert _times(*back, (40, 1, _STANDBY)) == {2: (10, 30), 1: (30, 40)}
    assert _times((0, 1, _LIVE), (7, 1, _STANDBY), lost=frozenset({1})) == {1: (0, 7)}
    assert _times((0, 1, _LIVE), (5, 2, _STARTING), (6, 2, _STOPPED)) == {}, "another one that never was live ended"
    assert _times((0, 1, _LIVE), (5, 1, _STANDBY), (9, 2, _LIVE), (9, 1, _STOPPED)) == {1: (0, 5)}


_STEPS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4), st.sampled_from(ReleaseState)), max_size=30)


@given(_STEPS, st.frozensets(st.integers(0, 29)))
def test_any_history_is_told_in_the_order_it_was_recorded_in(steps: list[Step], lost: frozenset[int]) -> None:
    changes = []
    for position, (minute, number, state) in enumerate(sorted(steps, key=lambda step: step[0])):
        at = _NOON + timedelta(minutes=minute)
        release = Release("wine", "lab", number, number, "", state, _NOON, at, lost=position in lost)
        changes.append((at, "ada", release))
    told = release_events(changes)
    ended = [event.at for event in told if event.kind is not ReleaseEventKind.STARTING]
    assert ended == sorted(ended, reverse=True)
    assert len(told) <= len(steps) + 4
