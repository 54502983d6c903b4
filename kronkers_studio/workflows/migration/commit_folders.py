"""How what was brought in becomes commits: one, or several where conflict copies become earlier versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kronkers_studio.domain.content import Commit, SkippedItem, StoredItem
from kronkers_studio.domain.errors import NotFound
from kronkers_studio.domain.migration import FoldedVersion
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.migration.conflict_folding import Folding

_HISTORY_LOOKED_AT = 1000


@dataclass(slots=True)
class Recording:
    """Commits to a branch, on which nothing else may have come since ``base`` was its head ("" for no such branch).

    ``folder`` is where the content comes from, ``generation`` the store's in which all of it was there. Everything
    raises what ``ContentStore.commit`` does.
    """

    session: Session
    project: str
    branch: str
    base: str
    folder: str
    generation: int
    as_versions: int = 0  # conflict copies that are versions of another file, whether made now or before

    def record(
        self, stored: Sequence[StoredItem], message: str, skipped: tuple[SkippedItem, ...]
    ) -> tuple[Commit, bool]:
        """Make ``stored`` the branch's content; its head then, and whether that is new."""
        commit, changed = self.session.workspace.content.commit(
            self.project,
            self.branch,
            stored,
            message=message,
            author=self.session.author,
            skipped=skipped,
            source=self.folder,
            base=self.base,
            generation=self.generation,
        )
        self.base = commit.id
        return commit, changed

    def record_folded(
        self,
        stored: Sequence[StoredItem],
        copies: Mapping[str, str],
        message: str,
        skipped: tuple[SkippedItem, ...],
    ) -> tuple[Commit, bool, tuple[FoldedVersion, ...]]:
        """The same, the conflict ``copies`` (each with its original) being versions before the newest."""
        from kronkers_studio.migration.conflict_folding import fold_conflicts

        folding = fold_conflicts(stored, copies)
        if not folding.files:
            return *self.record(stored, message, skipped), ()
        self.as_versions = len(stored) - len(folding.newest)
        made: dict[tuple[str, str], FoldedVersion] = {}
        any_changed = False
        known = self._contents_in_history([file.path for file in folding.files])
        for step in folding.steps(known):
            about = f"Older versions, of copies that OneDrive made: {', '.join(sorted(step))}"
            commit, changed = self.record(_at_step(folding, step), about, skipped)
            any_changed = any_changed or changed
            made |= {(path, found.item.path): _folded(path, found, commit) for path, found in step.items()}
        commit, changed = self.record(folding.newest, message, skipped)
        if changed:
            newest = [(file.path, file.versions[-1]) for file in folding.files]
            newest = [(path, found) for path, found in newest if found.content not in known[path]]
            made |= {(path, found.item.path): _folded(path, found, commit) for path, found in newest}
        folded = sorted(made.values(), key=lambda version: (version.path, version.mtime_ns))
        return commit, changed or any_changed, tuple(folded)

    def _contents_in_history(self, paths: Sequence[str]) -> dict[str, set[tuple[bytes, ...]]]:
        """What the branch's history has of these files already: folding them again would record them twice."""
        content = self.session.workspace.content
        found: dict[str, set[tuple[bytes, ...]]] = {path: set() for path in paths}
        try:
            history = content.history(self.project, self.branch, limit=_HISTORY_LOOKED_AT)
        except NotFound:
            return found
        for commit in history:
            for path, contents in found.items():
                try:
                    contents.add(content.find(self.project, commit.id, path).content)
                except NotFound:  # it was not there yet
                    continue
        return found


def _at_step(folding: Folding, step: Mapping[str, StoredItem]) -> list[StoredItem]:
    """Everything as it is at a step: a folded file in the version of the step, else in its newest."""
    files = []
    for newest in folding.newest_files:
        earlier = step.get(newest.item.path)
        files.append(newest if earlier is None else replace(earlier, item=replace(earlier.item, path=newest.item.path)))
    return [*folding.rest, *files]


def _folded(path: str, found: StoredItem, commit: Commit) -> FoldedVersion:
    return FoldedVersion(path, found.item.path, found.item.mtime_ns, commit.id)
