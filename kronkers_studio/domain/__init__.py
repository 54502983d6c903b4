"""The words of Kronkers Studio as frozen dataclasses; standard library only.

workspace         one folder with the encrypted object store and the metadata database: the local versioned registry
project           a named line of versioned content in a workspace, with branches and tags
object            immutable bytes in the store, named by a keyed BLAKE3 hash: chunks of files, trees, commits
tree / commit     a folder's content / an immutable snapshot of a project with parents, author, time and message
model, version    a registered name / version 1, 2, 3 … of it: commit + path + framework + signature + metrics + lineage
alias             a movable name on a model version (``champion``, ``candidate``)
package           the OCI image built from one model version, named by its digest
server            an on-premises host reached over SSH
release           one model version running in one place, numbered r1, r2 …; rollback makes an earlier release live
series, window    one metric over time / a range of it
journal           the append-only, hash-chained list of every change to the metadata

All times are timezone-aware UTC ``datetime`` objects or, where named ``*_ns``, integer nanoseconds since the epoch.
Paths inside a project are relative, use ``/`` on every system, and hold undecodable bytes as surrogate escapes.
"""
