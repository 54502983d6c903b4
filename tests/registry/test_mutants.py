"""The tests of the store's protections fail when a protection is taken away, and only then.

Each mutant of mutants/sitecustomize.py breaks one of them in every process of a run of tests.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_HERE = Path(__file__).parent
_TOP = _HERE.parents[1]
_POWER = "test_power_loss.py::test_a_power_cut_loses_nothing_acknowledged"
_POWER_BESIDE = "test_power_loss.py::test_a_power_cut_beside_changes_and_cleaning_up_loses_nothing"
_FAULTS = "test_faults.py::test_kills_and_failures_at_some_flushes_of_an_import_lose_nothing"
_FLIPS = "test_flips.py::test_sixty_flipped_bytes_are_all_found_and_never_given_out"
_COMES_BACK = (
    "../workflows/test_migrating.py"
    "::test_a_file_that_gave_way_to_something_else_and_came_back_is_looked_up_in_the_store"
)
_FAIL: dict[str, tuple[str, ...]] = {
    "no_pack_flush": (f"{_POWER}[0]", f"{_POWER}[5]", f"{_POWER_BESIDE}[0]"),
    "no_journal_flush": (f"{_POWER_BESIDE}[0]", f"{_POWER_BESIDE}[2]"),
    "synchronous_normal": (f"{_POWER}[0]", f"{_POWER}[5]", f"{_POWER_BESIDE}[0]"),
    "no_grace": (
        "test_cleaning.py::test_what_is_young_is_never_freed",
        "test_cleaning.py::test_a_killed_migration_goes_on_after_a_cleaning_up",
        "test_cleaning.py::test_a_branch_moved_by_mistake_can_be_moved_back_within_the_grace_period",
    ),
    "packs_deleted_before_the_index_moves_on": (
        "test_cleaning.py::test_a_kill_at_any_flush_or_deletion_loses_nothing_and_the_next_run_finishes[4]",
    ),
    "journal_not_settled": (
        "test_rebuild.py::test_a_version_never_acknowledged_does_not_come_back_once_its_content_was_cleaned_up",
        "test_rebuild.py::test_nothing_is_cleaned_up_in_a_database_that_is_older_than_the_journal",
    ),
    "generation_not_renewed": (
        "test_cleaning.py::test_a_migration_that_shares_what_is_being_freed_is_told_and_loses_nothing",
    ),
    "commit_does_not_look": (
        "test_cleaning.py::test_a_migration_that_shares_what_is_being_freed_is_told_and_loses_nothing",
        "test_cleaning.py::test_what_was_stored_before_a_cleaning_up_and_a_restart_is_not_taken_to_be_there",
    ),
    "known_before_durable": (
        "test_durability.py::test_packs_are_flushed_before_the_index_and_both_before_the_acknowledgement",
        "test_durability.py::test_a_file_is_not_acknowledged_before_the_twin_that_brings_its_content",
        f"{_POWER}[0]",
    ),
    "twins_not_waited_for": (
        "test_durability.py::test_a_file_is_not_acknowledged_before_the_twin_that_brings_its_content",
    ),
    "leftovers_thrown_away": (
        "test_durability.py::test_records_that_the_index_does_not_know_are_kept_and_torn_ones_cut_off",
    ),
    "content_not_compared_with_its_name": (
        "test_records.py::test_content_that_does_not_fit_its_name_is_never_given_out",
    ),
    "nothing_verified_when_read": (
        _FLIPS,
        "test_content.py::test_damaged_files_are_named_and_all_others_restored",
        "test_check.py::test_damaged_bytes_are_never_given_out_as_good",
    ),
    "restore_trusts_sizes": ("test_content.py::test_a_file_that_is_there_already_is_never_overwritten",),
    "drafts_of_a_killed_writer_left": (
        "../workflows/test_restoring_process.py::test_what_a_killed_process_had_to_do_is_done_here[large.bin]",
    ),
    "merge_does_not_look": (
        "test_merge.py::test_a_merge_whose_outcome_is_cleaned_up_meanwhile_is_refused_and_loses_nothing",
    ),
    "cleaning_up_looks_once": ("test_cleaning.py::test_versions_used_again_while_they_are_marked_are_not_forgotten",),
    "known_files_not_looked_up": ("test_content.py::test_known_files_are_not_read_unless_the_store_lost_them",),
    "nothing_forgotten_of_files_that_are_gone": (f"{_COMES_BACK}[link]",),
    "known_trees_outlive_cleaning_up": ("test_known_trees.py::test_trees_that_were_cleaned_up_are_made_again",),
    "files_not_at_rest_trusted": (
        "../migration/test_stat_cache.py::test_a_second_write_within_the_same_tick_is_not_missed",
    ),
    "changes_while_reading_unnoticed": (
        "../migration/test_source.py::test_a_file_rewritten_in_place_at_the_same_length_is_reported",
    ),
    "failed_flush_not_told": (f"{_FAULTS}[fsync,fdatasync:error=EIO:when={{}}]",),
}
_PASS = (
    "test_content.py::test_a_restored_folder_is_the_folder_that_was_brought_in",
    "test_cleaning.py::test_a_workspace_in_use_has_nothing_to_free",
    "test_cleaning.py::test_a_removed_project_is_gone_and_comes_back_as_it_was",
)
"""A mutant that breaks these as well is caught by anything, and so says nothing of the tests above."""

pytestmark = [
    pytest.mark.lab,
    pytest.mark.safety,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        not sys.platform.startswith("linux")
        or os.geteuid() != 0
        or not all(map(shutil.which, ("mkfs.ext4", "strace"))),
        reason="runs tests that cut the power: needs root on Linux, mkfs.ext4 and strace",
    ),
]


def _outcomes(tests: tuple[str, ...], place: Path, mutant: str = "") -> dict[str, int]:
    """How many of ``tests`` passed, failed and so on, run in a process of their own."""
    environment = {**os.environ, "PYTHONPATH": str(_HERE / "mutants"), "STORE_MUTANT": mutant}
    if not mutant:
        del environment["STORE_MUTANT"]
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider", f"--basetemp={place}"]
    done = subprocess.run(
        [*command, *(str(_HERE / test) for test in tests)],
        cwd=_TOP,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr  # anything else: no tests, or none that could run
    last = done.stdout.strip().splitlines()[-1]
    return {what: int(count) for count, what in re.findall(r"(\d+) (passed|failed|error|skipped)", last)}


@pytest.mark.parametrize("mutant", _FAIL)
def test_a_protection_that_is_taken_away_is_missed(mutant: str, tmp_path: Path) -> None:
    """One test at the least notices: that a power cut is noticed every time is likely, not certain."""
    outcomes = _outcomes(_FAIL[mutant], tmp_path / "run", mutant)
    assert outcomes.get("failed", 0) >= 1 and not outcomes.keys() & {"error", "skipped"}, outcomes
    assert _outcomes(_PASS, tmp_path / "harmless", mutant) == {"passed": len(_PASS)}


def test_all_of_them_pass_when_nothing_is_taken_away(tmp_path: Path) -> None:
    tests = tuple(dict.fromkeys(test for each in _FAIL.values() for test in each))
    assert _outcomes(tests, tmp_path / "run").keys() == {"passed"}


def test_each_mutant_has_its_tests() -> None:
    source = (_HERE / "mutants" / "sitecustomize.py").read_text(encoding="utf-8")
    listed = re.search(r"MUTANTS.*?\((.*?)\n\)", source, re.DOTALL)
    assert listed is not None and re.findall(r"\w+", listed[1]) == list(_FAIL)
