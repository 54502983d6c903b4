"""Breaks the protection of the store that ``STORE_MUTANT`` names, in every Python process that has this folder in its
path: Python imports a module of this name when it starts. So it is broken as well in the programs that the tests start,
kill and trace.

Run by test_mutants.py, or by hand: ``PYTHONPATH=tests/registry/mutants STORE_MUTANT=no_grace pytest tests/registry``.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any


def no_flush_of(folder: str) -> None:
    from kronkers_studio.registry.store import packs

    flush = packs.flush_file

    def changed(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().parent.name != folder:
            flush(descriptor)

    packs.flush_file = changed


def no_pack_flush() -> None:
    no_flush_of("packs")


def no_journal_flush() -> None:
    no_flush_of("journal")


def synchronous_normal() -> None:
    from kronkers_studio.storage.database import Database

    opened = Database.__init__

    def changed(self: Database, path: Path, key: bytes, *, durable: bool = True) -> None:
        opened(self, path, key, durable=False)

    Database.__init__ = changed  # type: ignore[method-assign]


def no_grace() -> None:
    from kronkers_studio.registry.maintenance.clean_up import CleanUp

    made = CleanUp.__init__

    def changed(self: CleanUp, *arguments: Any, **named: Any) -> None:
        made(self, *arguments, **{**named, "grace": timedelta(0)})

    CleanUp.__init__ = changed  # type: ignore[method-assign]


def packs_deleted_before_the_index_moves_on() -> None:
    from kronkers_studio.registry.maintenance.clean_up import CleanUp

    copy = CleanUp._copy

    def changed(self: CleanUp, numbers: list[int], used: set[bytes]) -> Any:
        copied = copy(self, numbers, used)
        for number in numbers:
            self._store.packs.remove(number)
        return copied

    CleanUp._copy = changed  # type: ignore[method-assign]


def journal_not_settled() -> None:
    from kronkers_studio.registry.metadata.journal import Journal

    Journal.settle = lambda self, connection: None  # type: ignore[method-assign]


def generation_not_renewed() -> None:
    from kronkers_studio.registry.store import object_index

    object_index.renew_generation = lambda connection: None


def commit_does_not_look() -> None:
    from kronkers_studio.registry.content_store import ContentStore

    ContentStore._expect = lambda self, stored, generation: None  # type: ignore[method-assign]


def known_before_durable() -> None:
    """The stat cache, among others, is told of files before they are on the disk."""
    from kronkers_studio.registry.importing.importer import Import

    write = Import._write

    def changed(self: Import, part: Any, writer: Any) -> None:
        write(self, part, writer)
        early, self._finished = self._finished, []
        self._stored.extend(early)
        self._on_durable(early)

    Import._write = changed  # type: ignore[method-assign]


def twins_not_waited_for() -> None:
    from kronkers_studio.registry.importing.importer import _Claims

    _Claims.are_written = lambda self, ids: True  # type: ignore[method-assign]


def leftovers_thrown_away() -> None:
    from kronkers_studio.registry.store import object_store

    def changed(leftovers: list[Any], store: Any, writer: Any) -> None:
        for leftover in leftovers:
            store.packs.cut(leftover.pack, leftover.keep)

    object_store.salvage = changed


def content_not_compared_with_its_name() -> None:
    from kronkers_studio.registry.store.records import Sealer

    Sealer._verify = lambda self, header, body: None  # type: ignore[method-assign]


def nothing_verified_when_read() -> None:
    """Neither the cipher's tag nor the name."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from kronkers_studio.registry.store import records

    class Unchecked:
        def __init__(self, key: bytes) -> None:
            self._key = key
            self.encrypt = AESGCM(key).encrypt

        def decrypt(self, nonce: bytes, sealed: bytes | memoryview, bound: bytes) -> bytes:
            counting = Cipher(algorithms.AES(self._key), modes.CTR(nonce + b"\0\0\0\2"))
            return counting.decryptor().update(sealed[:-16])

    records.AESGCM = Unchecked  # type: ignore[misc, assignment]
    content_not_compared_with_its_name()


def restore_trusts_sizes() -> None:
    from kronkers_studio.registry.restoring.restorer import Restore

    Restore._has_content = lambda self, path, entry: path.lstat().st_size == entry.size  # type: ignore[method-assign]


def merge_does_not_look() -> None:
    from kronkers_studio.registry.merging.merger import Merging

    commit = Merging._commit

    def changed(self: Merging, merge: Any, generation: int, author: str, message: str) -> Any:
        made = self._stored(merge.new_content)
        self._stored = lambda new_content: made  # type: ignore[method-assign]
        return commit(self, merge, self._store.index.generation(), author, message)

    Merging._commit = changed  # type: ignore[method-assign]


def cleaning_up_looks_once() -> None:
    from kronkers_studio.registry.maintenance.clean_up import CleanUp

    look = CleanUp._needed_commits

    def changed(self: CleanUp, connection: Any) -> set[str]:
        self._needed_commits = lambda connection: set()  # type: ignore[method-assign]
        return look(self, connection)

    CleanUp._needed_commits = changed  # type: ignore[method-assign]


def known_files_not_looked_up() -> None:
    from kronkers_studio.registry.importing.importer import Import

    lost = Import._lost

    def changed(self: Import, items: Any) -> Any:
        self._all_known = True
        return lost(self, items)

    Import._lost = changed  # type: ignore[method-assign]


def nothing_forgotten_of_files_that_are_gone() -> None:
    from kronkers_studio.migration.stat_cache import StatCache

    StatCache.forget_missing = lambda self, present: None  # type: ignore[method-assign]


def known_trees_outlive_cleaning_up() -> None:
    from kronkers_studio.registry.trees import tree_id_cache

    tree_id_cache._generation = lambda connection: 0


def files_not_at_rest_trusted() -> None:
    from kronkers_studio.migration import found_item

    found_item.CLOCK_TICK_NS = -(10**18)


def changes_while_reading_unnoticed() -> None:
    from kronkers_studio.migration.source import FolderSource

    FolderSource._verify = lambda self, name, path, before: None  # type: ignore[method-assign]


def failed_flush_not_told() -> None:
    from kronkers_studio.storage import files

    files._DISK_FAILURES.discard(errno.EIO)


def drafts_of_a_killed_writer_left() -> None:
    from kronkers_studio.registry.restoring import restorer

    restorer.remove_drafts = lambda folder, token: None


MUTANTS: Sequence[Callable[[], None]] = (
    no_pack_flush,
    no_journal_flush,
    synchronous_normal,
    no_grace,
    packs_deleted_before_the_index_moves_on,
    journal_not_settled,
    generation_not_renewed,
    commit_does_not_look,
    known_before_durable,
    twins_not_waited_for,
    leftovers_thrown_away,
    content_not_compared_with_its_name,
    nothing_verified_when_read,
    restore_trusts_sizes,
    drafts_of_a_killed_writer_left,
    merge_does_not_look,
    cleaning_up_looks_once,
    known_files_not_looked_up,
    nothing_forgotten_of_files_that_are_gone,
    known_trees_outlive_cleaning_up,
    files_not_at_rest_trusted,
    changes_while_reading_unnoticed,
    failed_flush_not_told,
)

if "STORE_MUTANT" in os.environ:
    {mutant.__name__: mutant for mutant in MUTANTS}[os.environ["STORE_MUTANT"]]()
