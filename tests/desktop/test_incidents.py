"""What goes wrong is told once, together with what goes wrong with it, and its end once."""

from __future__ import annotations

from dataclasses import replace

from kronkers_studio.desktop.incidents import Incidents, Problem

_ONE = Problem("one stopped", over="one runs again")
_TWO = Problem("two stopped", over="two runs again")
_TASK = Problem("a task failed")


def _run(incidents: Incidents, *states: tuple[float, dict[str, Problem]]) -> list[tuple[float, bool, list[str]]]:
    """(when, whether it is an end, titles) of all that is told, looked at twice a second."""
    said: list[tuple[float, bool, list[str]]] = []
    now: dict[str, Problem] = {}
    end = states[-1][0]
    waiting = list(states)
    for half in range(round(end * 2) + 1):
        while waiting and waiting[0][0] * 2 <= half:
            now = waiting.pop(0)[1]
        said += [(half / 2, told.over, [each.title for each in told.problems]) for told in incidents.see(now, half / 2)]
    return said


def test_a_problem_is_told_once_when_it_lasts_and_its_end_once() -> None:
    said = _run(Incidents(), (0, {}), (10, {"one": _ONE}), (200, {}), (400, {}))
    assert said == [(15.0, False, ["one stopped"]), (215.0, True, ["one stopped"])]


def test_what_lasts_a_moment_is_not_told_and_neither_is_its_end() -> None:
    assert _run(Incidents(), (0, {"one": _ONE}), (4, {}), (100, {})) == []


def test_what_begins_together_is_told_together() -> None:
    """Seen to fail with each told by itself."""
    said = _run(Incidents(), (0, {"one": _ONE}), (3, {"one": _ONE, "two": _TWO}), (60, {}))
    assert said == [(5.0, False, ["one stopped", "two stopped"])]


def test_what_follows_soon_waits_for_the_next_message() -> None:
    many = {f"{number}": Problem(f"{number} stopped") for number in range(10)}
    states = [(number * 3.0, dict(list(many.items())[: number + 1])) for number in range(10)]
    said = _run(Incidents(), *states, (120, many))
    assert len(said) == 2
    assert sum(len(titles) for *_, titles in said) == 10


def test_one_that_comes_and_goes_is_one_incident() -> None:
    """Seen to fail with the time between two ends and beginnings left out."""
    flapping = [(at * 8.0, {"one": _ONE} if at % 2 == 0 else {}) for at in range(40)]
    said = _run(Incidents(), *flapping, (320, {}), (400, {}))
    assert said == [(5.0, False, ["one stopped"]), (327.0, True, ["one stopped"])]


def test_one_that_is_back_after_its_end_was_told_is_told_again_after_ten_minutes_at_the_earliest() -> None:
    said = _run(Incidents(), (0, {"one": _ONE}), (20, {}), (60, {"one": _ONE}), (700, {"one": _ONE}))
    assert [(at, over) for at, over, _ in said] == [(5.0, False), (35.0, True), (605.0, False)]


def test_the_end_of_what_is_no_state_is_not_told() -> None:
    assert _run(Incidents(), (0, {"task": _TASK}), (20, {}), (100, {})) == [(5.0, False, ["a task failed"])]


def test_what_everybody_knew_before_is_no_news_and_neither_is_its_end() -> None:
    incidents = Incidents()
    incidents.accept(["one"])
    said = _run(incidents, (0, {"one": _ONE}), (50, {}), (700, {"one": _ONE}), (720, {"one": _ONE}))
    assert said == [(705.0, False, ["one stopped"])]


def test_what_is_part_of_another_is_told_only_once_it_is_not_any_more() -> None:
    covered = replace(_ONE, covered=True)
    said = _run(Incidents(), (0, {"one": covered, "two": _TWO}), (60, {"one": _ONE}), (100, {"one": _ONE}))
    assert said == [(5.0, False, ["two stopped"]), (60.0, False, ["one stopped"]), (75.0, True, ["two stopped"])]


def test_one_that_ends_while_another_goes_on_is_told_by_itself() -> None:
    said = _run(Incidents(), (0, {"one": _ONE, "two": _TWO}), (40, {"two": _TWO}), (100, {"two": _TWO}))
    assert said[1:] == [(55.0, True, ["one stopped"])]
