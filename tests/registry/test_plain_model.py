"""A workspace and a plain model of it live through the same random life, and never differ.

Bringing in, branching, merging, moving back, removing, bringing back, emptying, cleaning up, rebuilding, restoring,
and dying in the middle; after each step every branch of the workspace holds exactly what the model says.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import tempfile
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kronkers_studio.domain.changes import BranchMoved
from kronkers_studio.domain.content import EntryKind, SourceItem
from kronkers_studio.domain.differences import Choice, MergeConflicts
from kronkers_studio.domain.errors import AlreadyExists, ContentCleanedUp, NotFound
from kronkers_studio.domain.maintenance import TrashKind
from kronkers_studio.registry import StoreOutcome, Workspace, open_workspace, rebuild_workspace
from kronkers_studio.registry.importing.memory_source import MemorySource
from kronkers_studio.registry.store import packs as packs_module
from kronkers_studio.storage import files as files_module
from kronkers_studio.storage.keys import Unlock

Files = dict[str, bytes]
Branches = dict[str, Files]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children")

PROJECTS, BRANCHES = ("a", "b"), ("main", "try")
projects, branches = st.sampled_from(PROJECTS), st.sampled_from(BRANCHES)
# few paths and contents, so that versions share, clash and come back
contents = st.integers(0, 7).map(lambda seed: random.Random(seed).randbytes(seed * 1500))
folders = st.dictionaries(st.sampled_from(["1.bin", "2.bin", "in/3.bin", "in/4.bin"]), contents, max_size=4)
deaths = st.integers(1, 14)


def items(files: Files) -> list[SourceItem]:
    return [SourceItem(path, EntryKind.FILE, len(content), 5) for path, content in files.items()]


class Life(RuleBasedStateMachine):
    template: tuple[Path, Path]

    @initialize()
    def begin(self) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="kronkers-life-"))
        self.directory = Path(shutil.copytree(self.template[0], self.place / "workspace"))
        self.workspace = self._open()
        self.model: dict[str, Branches] = {}
        self.trash: dict[str, tuple[TrashKind, str, str, Branches]] = {}
        self.known: dict[str, tuple[str, Files]] = {}  # commits that were heads: project and files
        self.pending: tuple[str, Files, StoreOutcome] | None = None
        self.interrupted: list[tuple[int, str, str, Files]] = []  # entries of the journal then; where, and what

    def teardown(self) -> None:
        if hasattr(self, "place"):
            report = self.workspace.content.check(read_data=True)
            self.workspace.close()
            shutil.rmtree(self.place)
            assert report.problems == ()

    # ---- what happens ----

    @rule(project=projects, branch=branches, files=folders)
    def bring_in(self, project: str, branch: str, files: Files) -> None:
        self._bring_in(project, branch, files)
        self.model.setdefault(project, {})[branch] = files
        self._remember(project, branch)

    @rule(project=projects, files=folders)
    def store(self, project: str, files: Files) -> None:
        """A migration that has not come to its commit yet."""
        outcome = self.workspace.content.store_items(items(files), MemorySource(files))
        self.pending = (project, files, outcome)

    @precondition(lambda self: self.pending is not None)
    @rule()
    def commit_what_was_stored(self) -> None:
        assert self.pending is not None
        project, files, outcome = self.pending
        self.pending = None
        try:
            self._commit(project, "main", outcome)
        except ContentCleanedUp:  # loud, and running it again reads what is missing
            self._bring_in(project, "main", files)
        self.model.setdefault(project, {})["main"] = files
        self._remember(project, "main")

    @rule(project=projects)
    def branch_off(self, project: str) -> None:
        with contextlib.suppress(NotFound, AlreadyExists):
            self.workspace.versions.create_branch(project, "try", "main", author="ann")
            self.model[project]["try"] = self.model[project]["main"]
            self._remember(project, "try")

    @rule(project=projects)
    def merge(self, project: str) -> None:
        """What merging makes is held elsewhere; here each file must be one side's, and stay."""
        mine = self.model.get(project, {})
        if not {"main", "try"} <= mine.keys():
            return
        merging = self.workspace.versions.merging
        try:
            merging.merge(project, "try", "main", {}, author="ann")
        except MergeConflicts as conflicts:
            decided = {conflict.path: Choice.OURS for conflict in conflicts.plan.conflicts}
            merging.merge(project, "try", "main", decided, author="ann")
        merged = self._read(project, "main")
        for path, content in merged.items():
            assert content in (mine["main"].get(path), mine["try"].get(path))
        mine["main"] = merged
        self._remember(project, "main")

    @precondition(lambda self: self.known)
    @rule(data=st.data(), branch=branches)
    def move_back(self, data: st.DataObject, branch: str) -> None:
        """A branch is moved to any version there ever was, if it is still there."""
        id = list(self.known)[data.draw(st.integers(0, len(self.known) - 1))]  # in the order they came: ids are random
        project, files = self.known[id]
        if branch in self.model.get(project, {}):
            head = self.workspace.content.resolve(project, branch).id
            try:
                self.workspace.ledger.record(BranchMoved(project, branch, id, head), author="ann")
            except NotFound:
                del self.known[id]
            else:
                self.model[project][branch] = files

    @rule(project=projects)
    def remove_project(self, project: str) -> None:
        with contextlib.suppress(NotFound):
            item = self.workspace.trash.put(TrashKind.PROJECT, project, "", author="ann")
            self.trash[item.id] = (TrashKind.PROJECT, project, "", self.model.pop(project))

    @rule(project=projects, branch=branches)
    def remove_branch(self, project: str, branch: str) -> None:
        with contextlib.suppress(NotFound):
            item = self.workspace.trash.put(TrashKind.BRANCH, project, branch, author="ann")
            self.trash[item.id] = (TrashKind.BRANCH, project, branch, {branch: self.model[project].pop(branch)})

    @precondition(lambda self: self.trash)
    @rule(data=st.data())
    def bring_back(self, data: st.DataObject) -> None:
        id = list(self.trash)[data.draw(st.integers(0, len(self.trash) - 1))]
        kind, project, _name, saved = self.trash[id]
        try:
            self.workspace.trash.restore(id, author="ann")
        except AlreadyExists:
            assert saved.keys() & self.model[project].keys()
        except NotFound:
            assert kind is TrashKind.BRANCH and project not in self.model
        else:
            self.model.setdefault(project, {}).update(saved)
            del self.trash[id]

    @rule()
    def empty_the_trash(self) -> None:
        assert {item.id for item in self.workspace.trash.empty(author="ann")} == self.trash.keys()
        self.trash.clear()

    @rule(days=st.sampled_from([0, 15]))
    def clean_up(self, days: int) -> None:
        self.workspace.clean_up(author="ann", clock=lambda: datetime.now(UTC) + timedelta(days=days))

    @rule(lost=st.booleans())
    def rebuild(self, lost: bool) -> None:
        entries = self._entries()
        self.workspace.close()
        if lost:
            (self.directory / "metadata.db").unlink()
        assert rebuild_workspace(self.directory, Unlock(key_file=self.template[1])).problems == ()
        self.workspace = self._open()
        since = [each for each in self.interrupted if each[0] == entries]  # nothing was recorded after these
        any(self._accept(*each[1:]) for each in since)  # the last step of one of them may be made up for

    @rule(project=projects, branch=branches)
    def restore(self, project: str, branch: str) -> None:
        if branch in self.model.get(project, {}):
            target = self.place / "out"
            self.workspace.content.restore(project, branch, target)
            found = {
                path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()
            }
            shutil.rmtree(target)
            assert found == self.model[project][branch]

    # ---- death ----

    @rule(project=projects, branch=branches, files=folders, death=deaths)
    def die_bringing_in(self, project: str, branch: str, files: Files, death: int) -> None:
        self._die(lambda: self._bring_in(project, branch, files), death)
        if not self._accept(project, branch, files):
            self.interrupted.append((self._entries(), project, branch, files))

    @rule(death=deaths)
    def die_cleaning_up(self, death: int) -> None:
        self._die(lambda: self.clean_up(15), death)

    # ---- what must hold ----

    @invariant()
    def the_workspace_is_what_the_model_says(self) -> None:
        if not hasattr(self, "workspace"):
            return
        assert [project.name for project in self.workspace.content.projects()] == sorted(self.model)
        for project, mine in self.model.items():
            assert {branch.name for branch in self.workspace.versions.branches(project)} == mine.keys()
            for branch, files in mine.items():
                assert self._read(project, branch) == files, (project, branch)
        assert self.workspace.content.check().problems == ()

    # ---- how ----

    def _open(self) -> Workspace:
        return open_workspace(self.directory, Unlock(key_file=self.template[1]))

    def _bring_in(self, project: str, branch: str, files: Files) -> None:
        outcome = self.workspace.content.store_items(items(files), MemorySource(files))
        self._commit(project, branch, outcome)

    def _commit(self, project: str, branch: str, outcome: StoreOutcome) -> None:
        self.workspace.content.commit(
            project, branch, outcome.stored, message="", author="ann", generation=outcome.generation
        )

    def _read(self, project: str, branch: str) -> Files:
        content = self.workspace.content
        entries = content.walk(project, branch)
        return {entry.path: content.read(entry) for entry in entries if entry.kind is EntryKind.FILE}

    def _entries(self) -> int:
        """How many changes the database knows of."""
        return max((entry.number for entry in self.workspace.ledger.entries(limit=100_000)), default=0)

    def _accept(self, project: str, branch: str, files: Files) -> bool:
        """Let the model have what was brought in by a process that died, if the workspace has it; all or nothing."""
        with contextlib.suppress(NotFound):
            if self._read(project, branch) == files:
                self.model.setdefault(project, {})[branch] = files
                return True
        return False

    def _remember(self, project: str, branch: str) -> None:
        self.known[self.workspace.content.resolve(project, branch).id] = (project, self.model[project][branch])

    def _die(self, work: Callable[[], None], death: int) -> None:
        """Do ``work`` in a child that is killed at the ``death``-th flush or deletion, if it comes to that."""
        self.workspace.close()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # this process may have threads; the child needs none
            child = os.fork()
        if child == 0:
            status = 1
            try:
                _arm(death)
                self.workspace = self._open()
                work()
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        self.workspace = self._open()


def _arm(death: int) -> None:
    """Make this process die at its ``death``-th flush or deletion."""
    left = death
    flush, unlink = files_module.flush_file, Path.unlink

    def step() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def dying_flush(descriptor: int) -> None:
        step()
        flush(descriptor)
        step()

    def dying_unlink(path: Path, missing_ok: bool = False) -> None:
        step()
        unlink(path, missing_ok)
        step()

    files_module.flush_file = dying_flush
    packs_module.flush_file = dying_flush  # type: ignore[attr-defined]  # as it imports it
    Path.unlink = dying_unlink  # type: ignore[method-assign,assignment]


def _live(template: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, *, lives: int, steps: int) -> None:
    monkeypatch.setattr(packs_module, "PACK_TARGET", 12_000)
    monkeypatch.setattr(Life, "template", template, raising=False)
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=lives,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


def test_short_random_lives_agree_with_the_plain_model(
    empty_workspace: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _live(empty_workspace, monkeypatch, lives=4, steps=12)


@pytest.mark.safety
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("quarter", range(4))  # for workers side by side: it is the longest of the slow tests
def test_long_random_lives_agree_with_the_plain_model(
    empty_workspace: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, quarter: int
) -> None:
    """Seen to fail without the index's generation."""
    _live(empty_workspace, monkeypatch, lives=15, steps=40)
