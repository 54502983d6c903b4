"""Names on other systems."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kronkers_studio.domain.errors import ForeignEntry
from kronkers_studio.domain.naming import (
    ANYTHING,
    WINDOWS,
    NameRules,
    checked_model_name,
    folded,
    name_problem,
    safe_name,
    safe_names,
    unportable,
)

ALL = [
    WINDOWS,
    ANYTHING,
    NameRules(unicode_only=True, ignores_case=True),
    NameRules(windows=True),
    NameRules(ignores_case=True),
]
any_name = (
    st.binary(min_size=1, max_size=300).map(os.fsdecode)
    | st.text(min_size=1, max_size=300)
    | st.sampled_from(["CON", "nul.txt", "com¹", "a.", "a ", "A", "a", "é", "e\u0301", "a%3A", "a:", "a (2)", "aux .x"])
).filter(lambda name: "/" not in name and "\0" not in name and name not in (".", ".."))


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("report.csv", "report.csv"),
        ("a:b.csv", "a%3Ab.csv"),
        ("line\nbreak", "line%0Abreak"),
        ("dot.", "dot%2E"),
        ("both. .", "both%2E%20%2E"),
        ("Con.txt", "Con_.txt"),
        ("com1", "com1_"),
        ("console.txt", "console.txt"),
        ("back\\slash", "back%5Cslash"),
        ("M\udcfcller.csv", "M%FCller.csv"),
    ],
)
def test_on_windows_a_name_becomes_one_that_says_what_it_was(name: str, there: str) -> None:
    assert safe_name(name, WINDOWS) == there
    assert unportable(name) == (name != there)


@given(any_name, st.sampled_from(ALL))
@settings(max_examples=300, deadline=None)
def test_every_name_gets_one_that_the_system_can_hold(name: str, rules: NameRules) -> None:
    safe = safe_name(name, rules)
    assert name_problem(safe, rules) == ""
    assert (safe == name) == (name_problem(name, rules) == "")
    assert "/" not in safe
    assert safe not in ("", ".", "..")


@given(st.lists(any_name, max_size=12, unique=True), st.sampled_from(ALL))
@settings(max_examples=300, deadline=None)
def test_the_names_of_one_folder_stay_apart_and_come_out_the_same_every_time(
    names: list[str], rules: NameRules
) -> None:
    given_names = safe_names(names, rules)
    there = [given_names.get(name, name) for name in names]
    assert len({folded(name) if rules.ignores_case else name for name in there}) == len(names)
    assert all(name_problem(name, rules) == "" for name in there)
    assert given_names == safe_names(list(reversed(names)), rules)


def test_who_can_keep_its_name_keeps_it() -> None:
    assert safe_names(["a:b", "a%3Ab"], WINDOWS) == {"a:b": "a%3Ab (2)"}
    assert safe_names(["Report.csv", "report.csv"], WINDOWS) == {"report.csv": "report (2).csv"}


def test_a_name_that_is_too_long_keeps_its_beginning_and_its_type() -> None:
    safe = safe_name("ü" * 200 + ".csv", ANYTHING)
    assert safe.startswith("üüü") and safe.endswith(".csv")
    assert len(os.fsencode(safe)) <= 255
    assert safe_name("ü" * 200 + ".csv", WINDOWS) == "ü" * 200 + ".csv"


@pytest.mark.parametrize("name", ["churn-score", "a", "wine_rf.2", "console", "nullable", "0", "x" * 63])
def test_what_models_are_called_is_taken(name: str) -> None:
    assert checked_model_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../../x", "/etc/passwd", "a/b", "a\\b", "C:\\x", "c:x", "-x", ".hidden", "_x", "a b", "a\n"),
        *("a\0", "A", "é", "x" * 64, "con", "nul", "nul.x", "com1", "lpt9.tar", "aux", "a:b", "a*", "٣", "a\u202eb"),
    ],
)
def test_what_no_model_is_called_is_refused_and_shown_safely(name: str) -> None:
    with pytest.raises(ForeignEntry) as failure:
        checked_model_name(name)
    assert failure.value.message.isprintable()
    assert len(failure.value.message) < 700
