"""The tools compared: what each runs for each step, as data. Nothing is measured here.

All work on the same tree and keep their stores in a folder of their own. Each has its
defaults, but that borg compresses by zstd as restic does. Steps that a tool does not have are
missing from its ``steps``.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from benchmarks.measuring import Command


class Step(StrEnum):
    """What is measured, in the order in which it is done; between ``RESCAN`` and ``INCREMENTAL`` the tree is edited."""

    IMPORT = "import"
    RESCAN = "rescan"
    INCREMENTAL = "incremental"
    RESTORE = "restore"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool with an empty store, ready to be measured.

    ``ready`` is run first, and neither it nor ``before`` (what is done before a step) is measured. ``restored`` is
    where ``Step.RESTORE`` puts the tree, ``store`` the folder whose size counts.
    """

    name: str
    ready: Sequence[Command]
    steps: Mapping[Step, Sequence[Command]]
    store: Path
    restored: Path
    before: Mapping[Step, Callable[[], object]] = field(default_factory=dict)
    keeps_empty_folders: bool = True


def ours(tree: Path, folder: Path, _programs: Path) -> Tool:
    """The command line as installed beside this interpreter, the workspace opened by a key file."""
    program = shutil.which("kronkers", path=str(Path(sys.executable).parent)) or "kronkers"
    workspace = folder / "workspace"
    env = {
        "KRONKERS_WORKSPACE": str(workspace),
        "KRONKERS_KEY_FILE": str(folder / "key"),
        **_home(folder),
    }

    def kronkers(*words: str | Path) -> list[Command]:
        return [Command([program, *words], env=env)]

    migrate = kronkers("migrate", tree, "--project", "bench")
    return Tool(
        "kronkers",
        [Command([program, "init", "--key-file", folder / "key"], env=env)],
        {
            Step.IMPORT: migrate,
            Step.RESCAN: migrate,
            Step.INCREMENTAL: migrate,
            Step.RESTORE: kronkers("restore", "bench", folder / "restored"),
            Step.CHECK: kronkers("check", "--read-data"),
        },
        workspace,
        folder / "restored",
    )


def git(tree: Path, folder: Path, _programs: Path) -> Tool:
    """``git add`` and ``git commit`` with the repository outside the tree; nothing is packed in the background."""
    env = {
        **_home(folder),
        "GIT_CONFIG_GLOBAL": str(folder / "none"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "bench",
        "GIT_AUTHOR_EMAIL": "bench@localhost",
        "GIT_COMMITTER_NAME": "bench",
        "GIT_COMMITTER_EMAIL": "bench@localhost",
    }
    store, restored = folder / "repository", folder / "restored"
    restored.mkdir()

    def run(work_tree: Path, *words: str, fine: tuple[int, ...] = (0,)) -> Command:
        places = [f"--git-dir={store}", f"--work-tree={work_tree}"]
        return Command(["git", "-c", "gc.auto=0", *places, *words], cwd=work_tree, env=env, fine=fine)

    commit = [run(tree, "add", "-A"), run(tree, "commit", "-q", "-m", "bench", fine=(0, 1))]  # 1: nothing to commit
    return Tool(
        "git",
        [Command(["git", "init", "-q", "--bare", store], env=env)],
        {
            Step.IMPORT: commit,
            Step.RESCAN: commit,
            Step.INCREMENTAL: commit,
            Step.RESTORE: [run(restored, "checkout", "-q", "-f", "HEAD", "--", ".")],
            Step.CHECK: [run(tree, "fsck", "--full", "--no-progress")],
        },
        store,
        restored,
        keeps_empty_folders=False,
    )


def restic(tree: Path, folder: Path, _programs: Path) -> Tool:
    """The reference: it encrypts, chunks and packs as we do."""
    store, restored, password = folder / "repository", folder / "restored", folder / "password"
    password.write_text("bench\n", encoding="utf-8")
    env = {
        **_home(folder),
        "RESTIC_REPOSITORY": str(store),
        "RESTIC_PASSWORD_FILE": str(password),
        "RESTIC_CACHE_DIR": str(folder / "cache"),
    }

    def run(*words: str | Path, cwd: Path | None = None) -> list[Command]:
        return [Command(["restic", "--quiet", *words], env=env, cwd=cwd)]

    backup = run("backup", ".", cwd=tree)
    return Tool(
        "restic",
        run("init"),
        {
            Step.IMPORT: backup,
            Step.RESCAN: backup,
            Step.INCREMENTAL: backup,
            Step.RESTORE: run("restore", "latest", "--target", restored),
            Step.CHECK: run("check", "--read-data"),
        },
        store,
        restored,
    )


def borg(tree: Path, folder: Path, _programs: Path) -> Tool:
    """Encrypting, with zstd."""
    store, restored = folder / "repository", folder / "restored"
    restored.mkdir()
    env = {
        **_home(folder),
        "BORG_BASE_DIR": str(folder / "base"),
        "BORG_PASSPHRASE": "bench",
        "BORG_REPO": str(store),
    }

    def create(archive: str) -> list[Command]:
        return [Command(["borg", "create", "--compression", "zstd,3", f"::{archive}", "."], cwd=tree, env=env)]

    return Tool(
        "borg",
        [Command(["borg", "init", "--encryption", "repokey-blake2"], env=env)],
        {
            Step.IMPORT: create("one"),
            Step.RESCAN: create("two"),
            Step.INCREMENTAL: create("three"),
            Step.RESTORE: [Command(["borg", "extract", "::three"], cwd=restored, env=env)],
            Step.CHECK: [Command(["borg", "check", "--verify-data"], env=env)],
        },
        store,
        restored,
    )


def dvc(tree: Path, folder: Path, programs: Path) -> Tool:
    """``dvc add`` of the tree. It has no command that reads all it stored."""
    program = programs / "dvc" / ("Scripts/dvc.exe" if sys.platform == "win32" else "bin/dvc")
    project, other, store = tree.parent, folder / "other", folder / "store"
    other.mkdir()
    env = {**_home(folder), "DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(folder / "site")}

    def run(where: Path, *words: str | Path) -> Command:
        return Command([program, *words], cwd=where, env=env)

    def new_project(where: Path) -> list[Command]:
        return [
            run(where, "init", "-q", "-f", "--no-scm"),
            run(where, "config", "core.check_update", "false"),
            run(where, "cache", "dir", store),
        ]

    add = [run(project, "add", "-q", tree.name)]
    listing = f"{tree.name}.dvc"
    return Tool(
        "dvc",
        [*new_project(project), *new_project(other)],
        {
            Step.IMPORT: add,
            Step.RESCAN: add,
            Step.INCREMENTAL: add,
            Step.RESTORE: [run(other, "checkout", "-q")],
        },
        store,
        other / tree.name,
        {Step.RESTORE: lambda: shutil.copy(project / listing, other / listing)},
        keeps_empty_folders=False,
    )


TOOLS: Mapping[str, Callable[[Path, Path, Path], Tool]] = {
    "kronkers": ours,
    "restic": restic,
    "borg": borg,
    "git": git,
    "dvc": dvc,
}
"""Each makes its tool from the tree, an empty folder of its own, and the folder of programs installed for this."""

REFERENCE = "restic"


def _home(folder: Path) -> dict[str, str]:
    """A home of its own, so that nobody's settings and caches take part."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    names = ("HOME", "USERPROFILE", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
    return dict.fromkeys(names, str(home))
