"""A cache that travels: everything that packaging needs in one file, for a computer that never sees the network.

The file is a tar: first a document that lists what follows and what is known of it (locks, which layer was made of
which lock, which base an image's name meant), then whose signature that document bears, then the blobs, each under its
digest. It is written and read as a stream. Digests prove that a file is whole, not that it is honest: whoever made it
chose which layer belongs to which lock. So it is taken when somebody whose signatures are accepted signed it, or when
the whole file is the one that was named by its SHA-256. A blob enters the cache when its digest is right, a fact when
it has the form of one and all that it names is there; what is in the cache already stays as it is.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
import stat
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

from kronkers_studio.domain.errors import PackagingFailed, SignatureRefused
from kronkers_studio.domain.package_cache import CacheEntry, CacheTransfer
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.signers import Signer
from kronkers_studio.packaging.archive_files import write_whole
from kronkers_studio.packaging.cache_facts import FACT_CHECKS
from kronkers_studio.packaging.cache_signature import signature_of, signer_of
from kronkers_studio.packaging.dependencies.wheel_download import fetch_wheels
from kronkers_studio.packaging.dependencies.wheels import Wheel, known_wheels, locked_digests
from kronkers_studio.packaging.digests import Digest, NotADigest, blob_name, digest_of, parse_digest
from kronkers_studio.packaging.images.base_images import kept_bases
from kronkers_studio.packaging.images.image import document
from kronkers_studio.packaging.images.image_documents import LARGEST_IMAGE, NotAnImage, json_object
from kronkers_studio.packaging.images.signatures import SigningKey
from kronkers_studio.packaging.layer_cache import LayerCache, recalled_layer
from kronkers_studio.packaging.recorded_facts import is_lock
from kronkers_studio.packaging.tar_stream import TarEntry, folders_of, open_stream, stream_pieces, tar_stream

_CONTENTS = "kronkers-cache.json"
_SIGNATURE = "kronkers-cache.signature.json"
_FORMAT = 1
_LARGEST_CONTENTS = 64 << 20
_LARGEST_SIGNATURE = 1 << 12
_MOST_BLOBS = 20_000
_CHUNK = 1 << 20
_STEM = re.compile(r"[0-9a-f]{64}")


@dataclass(slots=True)
class _Contents:
    """What an archive holds: sizes by digest, and facts by kind and by the name that the cache keeps them under."""

    blobs: dict[Digest, int] = field(default_factory=dict)
    facts: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    digest: str = ""  # of the document that lists all that

    @property
    def count(self) -> int:
        return sum(map(len, self.facts.values()))

    def add(self, kind: str, stem: str, fact: dict[str, Any], blobs: Iterable[tuple[Digest, int]]) -> None:
        self.facts.setdefault(kind, {})[stem] = fact
        self.blobs.update(blobs)


def list_cache(cache: LayerCache) -> list[CacheEntry]:
    """What is in ``cache``, the largest of each kind first."""
    bases = {f"{base.reference} ({base.platform})": base for _, base in kept_bases(cache)}
    found = [CacheEntry("base", name, sum(layer.size for layer in base.layers)) for name, base in bases.items()]
    for layer in filter(None, map(recalled_layer, cache.recall_all("layers"))):
        found.append(
            CacheEntry(layer.role, layer.digest, layer.size, layer.digest, cache.has(layer.digest, layer.size))
        )
    for wheel in known_wheels(cache).values():
        found.append(CacheEntry("wheel", wheel.file, wheel.size, wheel.digest, cache.has(wheel.digest, wheel.size)))
    return sorted(found, key=lambda each: (each.kind, -each.size, each.name))


def export_cache(
    cache: LayerCache,
    file: Path,
    *,
    key: SigningKey | None = None,
    wheels: bool = True,
    offline: bool = False,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> CacheTransfer:
    """Write ``cache`` to ``file`` (an existing one is replaced once the new one is complete), signed with ``key``.

    With ``wheels``, the libraries of all locks go with it, and those that are not here yet are downloaded: with them
    other models can be packaged there, too. Raises ``PackagingFailed``, also when ``offline`` and one would have to be
    downloaded; ``Cancelled``.
    """
    if wheels:
        fetch_wheels(_locked_wheels(cache), cache, progress, cancel, offline=offline)
    contents = _contents_of(cache)
    listed = {"format": _FORMAT, "facts": contents.facts, "blobs": contents.blobs}
    entries = [TarEntry.document(_CONTENTS, document(listed))]
    if key is not None:
        entries.append(TarEntry.document(_SIGNATURE, document(signature_of(digest_of(document(listed)), key))))
    entries += folders_of(map(blob_name, contents.blobs))
    entries += [
        TarEntry(blob_name(digest), size, partial(cache.read_blob, digest)) for digest, size in contents.blobs.items()
    ]
    size = sum(contents.blobs.values())
    progress.step(f"Writing {file.name}", size, "bytes")
    hasher = hashlib.sha256()
    write_whole(file, _hashed(tar_stream(entries), hasher), progress, cancel)
    return CacheTransfer(str(file), len(contents.blobs), size, contents.count, f"sha256:{hasher.hexdigest()}")


def import_cache(
    cache: LayerCache,
    file: Path,
    *,
    signers: Iterable[Signer] = (),
    expected: str = "",
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> CacheTransfer:
    """Take into ``cache`` what the archive ``file`` holds and ``cache`` lacks.

    One of ``signers`` must have signed it; with ``expected``, the SHA-256 of the whole file must be that instead.

    Whole blobs that were taken before it is cancelled, or before something wrong is found, stay; they are what their
    digests say. Raises ``SignatureRefused`` for the archive of somebody unknown or another than expected,
    ``PackagingFailed`` for a file that is no such archive or is damaged, ``Cancelled``.
    """
    signer: Signer | None = None
    hasher = hashlib.sha256()
    try:
        state = file.stat()
        if not stat.S_ISREG(state.st_mode):  # opening a pipe waits for a writer
            raise NotAnImage("no file")
        whole = state.st_size
        progress.step(f"Reading {file.name}", whole, "bytes")
        pieces = _hashed(_told(stream_pieces(file.open("rb")), progress, cancel), hasher)
        with open_stream(pieces) as archive:
            members = iter(archive)
            contents = _read_contents(archive, next(members, None))
            signature, members = _read_signature(archive, members)
            if not expected:
                signer = signer_of(file.name, signature, contents.digest, signers)
            if sum(contents.blobs.values()) > whole:
                raise NotAnImage("it lists more than it holds")
            _require_room(cache, contents)
            new = _take_blobs(archive, members, contents, cache, cancel)
        for _ in pieces:  # to its end: the hash is of the whole file
            pass
    except OSError as error:
        raise PackagingFailed(
            f"{file} cannot be read into the cache: {error.strerror or error}.",
            next_step="Choose a file that `kronkers cache export` wrote, or make room on the disk.",
        ) from None
    except (tarfile.TarError, EOFError, NotAnImage, NotADigest, RecursionError) as error:
        raise PackagingFailed(
            f"{file.name} is not a whole export of a cache.",
            next_step="Write it again with `kronkers cache export`, or bring it over again.",
            details=f"{type(error).__name__}: {error}",
        ) from None
    digest = f"sha256:{hasher.hexdigest()}"
    if expected and digest != expected:
        raise SignatureRefused(
            f"{file.name} is another file than the one that was named: its SHA-256 is {digest}.",
            next_step="Compare it with what `kronkers cache export` printed, and bring that file over again.",
        )
    for kind, facts in contents.facts.items():
        for stem, fact in facts.items():
            if cache.fact(kind, stem) is None:
                cache.keep_fact(kind, stem, fact)
    size, name = sum(contents.blobs.values()), signer.name if signer else ""
    return CacheTransfer(str(file), len(contents.blobs), size, contents.count, digest, new, name)


def _locked_wheels(cache: LayerCache) -> list[Wheel]:
    """What the locks in ``cache`` name, as far as it is known which files those are."""
    known = known_wheels(cache)
    texts = [fact.get("text") for fact in cache.recall_all("locks")]
    wanted = {digest for text in texts if isinstance(text, str) and is_lock(text) for digest in locked_digests(text)}
    return [known[digest] for digest in sorted(wanted) if digest in known]


def _contents_of(cache: LayerCache) -> _Contents:
    """What of ``cache`` another computer can use: all facts whose blobs are here, in an order of their own."""
    contents = _Contents()
    for kind, check in FACT_CHECKS.items():
        for stem, fact in sorted(cache.facts(kind).items()):
            named = check(stem, fact)
            if named is not None and all(cache.has(digest, size) for digest, size in named):
                contents.add(kind, stem, fact, named)
    return contents


def _read_contents(archive: tarfile.TarFile, first: tarfile.TarInfo | None) -> _Contents:
    """What the archive's first member lists. Facts of no known form, or about blobs that are not listed, are none."""
    content = archive.extractfile(first) if first is not None and first.isreg() else None
    if first is None or content is None or first.name != _CONTENTS or first.size > _LARGEST_CONTENTS:
        raise NotAnImage(f"it does not begin with {_CONTENTS}")
    text = content.read(_LARGEST_CONTENTS + 1)
    listed = json_object(text)
    if listed.get("format") != _FORMAT:
        raise NotAnImage("it is of another version of the program")
    contents = _Contents(digest=digest_of(text))
    for digest, size in _mapping(listed.get("blobs")).items():
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= LARGEST_IMAGE:
            raise NotAnImage("a size that no blob has")
        contents.blobs[parse_digest(digest)] = size
    if len(contents.blobs) > _MOST_BLOBS:
        raise NotAnImage("more blobs than any cache has")
    for kind, facts in _mapping(listed.get("facts")).items():
        check = FACT_CHECKS.get(kind)
        if check is None:
            raise NotAnImage(f"facts of an unknown kind: {kind!r:.100}")
        for stem, fact in _mapping(facts).items():
            named = check(stem, fact) if _STEM.fullmatch(stem) and isinstance(fact, dict) else None
            if named is None or any(contents.blobs.get(digest) != size for digest, size in named):
                raise NotAnImage(f"a fact of the kind {kind} that is none")
            contents.facts.setdefault(kind, {})[stem] = fact
    return contents


def _read_signature(
    archive: tarfile.TarFile, members: Iterator[tarfile.TarInfo]
) -> tuple[Mapping[str, Any] | None, Iterator[tarfile.TarInfo]]:
    """The signature, which comes next when there is one, and the members after it."""
    following = next(members, None)
    if following is None or following.name != _SIGNATURE:
        return None, itertools.chain([] if following is None else [following], members)
    content = archive.extractfile(following) if following.isreg() else None
    if content is None or following.size > _LARGEST_SIGNATURE:
        raise NotAnImage("a signature of another form")
    return json_object(content.read(_LARGEST_SIGNATURE + 1)), members


def _take_blobs(
    archive: tarfile.TarFile,
    members: Iterator[tarfile.TarInfo],
    contents: _Contents,
    cache: LayerCache,
    cancel: CancelToken,
) -> int:
    """Every listed blob, in the order of the archive; how many of them the cache did not have."""
    missing, new = dict(contents.blobs), 0
    for member in members:
        if member.isdir():
            continue
        digest = parse_digest(f"sha256:{member.name.removeprefix('blobs/sha256/')}")
        content = archive.extractfile(member) if member.isreg() and member.name == blob_name(digest) else None
        if content is None or missing.pop(digest, -1) != member.size:
            raise NotAnImage(f"{member.name!r:.100} is not listed, or of another size")
        known = cache.has(digest, member.size)
        with cache.draft() as draft:
            if _copy(content, None if known else draft, cancel) != digest:
                raise NotAnImage(f"{digest} is damaged")
            if not known:
                cache.adopt(draft, digest)
                new += 1
    if missing:
        raise NotAnImage(f"{len(missing)} blobs are missing")
    return new


def _copy(content: IO[bytes], target: Path | None, cancel: CancelToken) -> str:
    """The digest of ``content``, which is written to ``target`` if there is one."""
    hasher = hashlib.sha256()
    with Path(target or os.devnull).open("wb") as file:
        while piece := content.read(_CHUNK):
            cancel.check()
            hasher.update(piece)
            file.write(piece)
    return f"sha256:{hasher.hexdigest()}"


def _hashed(pieces: Iterator[bytes], hasher: Any) -> Iterator[bytes]:
    for piece in pieces:
        hasher.update(piece)
        yield piece


def _told(pieces: Iterator[bytes], progress: Progress, cancel: CancelToken) -> Iterator[bytes]:
    for piece in pieces:
        cancel.check()
        progress.advance(len(piece))
        yield piece


def _require_room(cache: LayerCache, contents: _Contents) -> None:
    needed = sum(size for digest, size in contents.blobs.items() if not cache.has(digest, size))
    folder = cache.directory
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise PackagingFailed(
            f"The cache needs {needed / 1e9:.1f} GB more, and {folder} has room for {free / 1e9:.1f} GB.",
            next_step="Make room on that disk, then import again.",
        )


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise NotAnImage("a list of another form")
    return value
