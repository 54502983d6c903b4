"""What `kronkers model history` tells: every kind of change that concerns a version, in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kronkers_studio.cli.model_history import told_change
from kronkers_studio.domain.changes import AliasMoved, Change, ModelRegistered, ModelTestSetChosen, ReleaseRecorded
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.storage.json_form import to_text
from kronkers_studio.workflows.session import open_workspace
from tests.cli.shell import Shell
from tests.registry.test_journal import NOW, a_story


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """With a workspace in which every kind of change was made."""
    shell = Shell(tmp_path)
    shell.init()
    with open_workspace(shell.workspace, key_file=shell.key_file) as session:
        session.workspace.ledger.record(*a_story(), author="ann")
    return shell


def _of_the_model(change: Change) -> bool:
    """Whether a change names the model of the story, whichever kind it is; releases have a list of their own."""
    return '"churn"' in to_text(change) and not isinstance(change, ReleaseRecorded)


def test_every_change_that_names_a_model_is_in_its_history_with_words(shell: Shell) -> None:
    """A kind that comes new fails here: nobody has to think of it. Seen to fail with the words for a profile, and with
    the place of a run's model in its document, taken away."""
    expected = [change for change in a_story() if _of_the_model(change)]
    entries = shell.json("model", "history", "churn:1")
    assert [entry["kind"] for entry in entries] == [type(change).__name__ for change in expected]
    for change in expected:
        what, words = told_change(change, {})
        assert what != type(change).__name__, "it has no words"
        assert words or isinstance(change, ModelRegistered), what
    shown = shell.run("model", "history", "churn:1").out
    assert len(shown.splitlines()) == 1 + len(expected)
    for words in (
        "champion names version 1 from now on",
        "candidate names no version any more",
        "p:churn.tests.yaml",
        "linux/amd64, 1",
        "features.Ratio, features.Sum: ours",
    ):
        assert words in shown


def test_what_befell_the_model_before_a_version_was_registered_is_no_part_of_its_history(shell: Shell) -> None:
    """Nor is what befell other versions; that an alias went to another one is. Seen to fail with all of the model's."""
    with open_workspace(shell.workspace, key_file=shell.key_file) as session:
        ledger = session.workspace.ledger
        second = replace(ledger.model_version("churn", 1), version=2, aliases=())
        ledger.record(
            ModelRegistered(second),
            AliasMoved("churn", "champion", 2),
            ModelTestSetChosen("churn", ContentRef("p", "", "other.yaml"), NOW, "bob"),
            author="eve",
        )
    kinds = [entry["kind"] for entry in shell.json("model", "history", "churn:2")]
    assert kinds == ["ModelRegistered", "AliasMoved", "ModelTestSetChosen"]
    assert "champion names version 2 from now on" in shell.run("model", "history", "churn:1").out
