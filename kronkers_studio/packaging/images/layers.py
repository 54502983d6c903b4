"""The dependency and server layers: built once, then found in the cache by what went into them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import kronkers_studio
from kronkers_studio.domain.models import Layer
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.packaging.dependencies.locking import DependencyLock
from kronkers_studio.packaging.dependencies.torch_builds import run_uv_for_processors
from kronkers_studio.packaging.dependencies.uv_program import find_python
from kronkers_studio.packaging.dependencies.wheels import locked_digests, wheel_folder
from kronkers_studio.packaging.images.bytecode import compile_folder
from kronkers_studio.packaging.layer_cache import LayerCache, key_of, recalled_layer
from kronkers_studio.packaging.platforms import uv_platform
from kronkers_studio.packaging.tar_stream import TarEntry, folders_of, stream_pieces, tar_stream

DEPENDENCIES: Final = "opt/kronkers/dependencies"
SERVER: Final = "opt/kronkers/server"
MODEL: Final = "opt/kronkers/model"

TAR_GZIP: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
TAR: Final = "application/vnd.oci.image.layer.v1.tar"

_FORMAT = 1  # part of every key: a change of how layers are made makes them anew
_LARGEST_PIECE = 1 << 22
_INSTALL_RECORDS = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")


def dependency_layer(
    lock: DependencyLock, platform: str, python: str, cache: LayerCache, progress: Progress, cancel: CancelToken
) -> Layer:
    """The layer with everything in ``lock``, for Python ``python`` ("3.11") on ``platform``.

    With bytecode when an interpreter of that version is on this computer; without, and a note, otherwise.
    Raises ``PackagingFailed``, ``Cancelled``.
    """
    compiled, plain = (key_of(_FORMAT, lock.text, uv_platform(platform), python, c) for c in (True, False))
    known = _recall(cache, compiled)
    if known is not None:
        return known
    interpreter = find_python(python)
    if interpreter is None:
        progress.note(f"There is no Python {python} on this computer: the service will start a few seconds slower.")
        known = _recall(cache, plain)
        if known is not None:
            return known
    with cache.scratch() as scratch:
        folder = scratch / "dependencies"
        progress.step("Getting the model's libraries")
        _install(lock, platform, python, scratch, folder, cache, cancel)
        _trim(folder)
        add_openmp(folder)
        if interpreter is not None:
            progress.step("Compiling the libraries")
            compile_folder(folder, f"/{DEPENDENCIES}", interpreter, cancel)
        entries = list(_entries(folder, DEPENDENCIES))
        progress.step("Compressing the libraries", sum(entry.size for entry in entries), "bytes")
        layer = _store("dependencies", _told(entries, progress), cache, cancel)
    cache.remember("layers", compiled if interpreter else plain, _as_fact(layer))
    return layer


def server_layer(python: str, cache: LayerCache, cancel: CancelToken) -> Layer:
    """The layer with the program that serves the model, from this installation's own sources."""
    sources = _server_sources()
    digest = hashlib.sha256()
    for name, path in sources.items():
        digest.update(f"{name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    compiled, plain = (key_of(_FORMAT, digest.hexdigest(), python, c) for c in (True, False))
    known = _recall(cache, compiled)
    if known is not None:
        return known
    interpreter = find_python(python)
    known = _recall(cache, plain) if interpreter is None else None
    if known is not None:
        return known
    with cache.scratch() as scratch:
        folder = scratch / "server"
        for name, path in sources.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        if interpreter is not None:
            compile_folder(folder, f"/{SERVER}", interpreter, cancel)
        layer = _store("server", _entries(folder, SERVER), cache, cancel)
    cache.remember("layers", compiled if interpreter else plain, _as_fact(layer))
    return layer


def compress(pieces: Iterable[bytes], target: Path, cancel: CancelToken) -> tuple[str, str, int]:
    """Write ``pieces`` to ``target`` as gzip; (digest of what was written, digest of the pieces, bytes written)."""
    from isal import isal_zlib

    plain, stored, size = hashlib.sha256(), hashlib.sha256(), 0
    packer = isal_zlib.compressobj(level=1, wbits=31)
    with target.open("wb") as file:
        for piece in pieces:
            cancel.check()
            plain.update(piece)
            packed = packer.compress(piece)
            stored.update(packed)
            size += file.write(packed)
        packed = packer.flush()
        stored.update(packed)
        size += file.write(packed)
    return f"sha256:{stored.hexdigest()}", f"sha256:{plain.hexdigest()}", size


def decompress(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """What ``compress`` was given, in pieces of a bounded size. Only for layers that were made here: others may be
    compressed in several parts."""
    from isal import isal_zlib

    unpacker = isal_zlib.decompressobj(wbits=31)
    for piece in pieces:
        left = piece
        while left and (plain := unpacker.decompress(left, _LARGEST_PIECE)):
            yield plain
            left = unpacker.unconsumed_tail


def _server_sources() -> dict[str, Path]:
    """The server's files by their name in the layer. Only read, never imported: the server stands alone."""
    package = Path(kronkers_studio.__file__).resolve().parent
    rooms = ("estimators", "pmml", "serving")
    kinds = ("*.py", "*.R", "*.jl", "*.html")
    own = (file for room in rooms for kind in kinds for file in sorted((package / room).rglob(kind)))
    files = [package / "__init__.py", *own]
    return {f"kronkers_studio/{path.relative_to(package).as_posix()}": path for path in files}


def _install(
    lock: DependencyLock,
    platform: str,
    python: str,
    scratch: Path,
    folder: Path,
    cache: LayerCache,
    cancel: CancelToken,
) -> None:
    """Install what is locked into ``folder``: from wheels in ``cache`` when all of them are there."""
    (scratch / "lock.txt").write_text(lock.text, encoding="utf-8")
    runner = find_python(".".join(python_of_this_program()))
    with wheel_folder(cache, locked_digests(lock.text)) as wheels:
        run_uv_for_processors(
            [
                *("pip", "install", "--target", str(folder), "--requirements", "lock.txt", "--require-hashes"),
                *("--no-deps", "--only-binary", ":all:"),
                *("--python-version", python, "--python-platform", uv_platform(platform)),
                *(("--python", str(runner)) if runner else ()),
                *(("--no-index", "--find-links", str(wheels)) if wheels else ()),
            ],
            lock.text if wheels is None else "",
            folder=scratch,
            offline=wheels is not None,
            cancel=cancel,
        )


def python_of_this_program() -> tuple[str, str]:
    """Major and minor of the running interpreter."""
    import sys

    return str(sys.version_info[0]), str(sys.version_info[1])


def _trim(folder: Path) -> None:
    """Remove what a service never reads and what differs from one installation to the next."""
    for name in ("bin", "Scripts", "share/man", ".lock"):
        _remove(folder / name)
    for path in sorted(folder.rglob("*")):
        bytecode = path.name == "__pycache__" or path.suffix == ".pyc"
        record = path.parent.name.endswith(".dist-info") and path.name in _INSTALL_RECORDS
        test = path.parent.name in ("tests", "test") and _is_test(path)
        if bytecode or record or test:
            _remove(path)


def add_openmp(folder: Path) -> None:
    """For LightGBM on Linux, whose wheels take OpenMP from the system: the copy that another wheel brings, under the
    name that LightGBM asks for. Slim images have none; the model service loads this one first."""
    bundled = sorted(folder.glob("*.libs/libgomp-*.so*"))
    if not (bundled and (folder / "lightgbm" / "lib").is_dir()):
        return
    library = bundled[0].read_bytes()
    own = bundled[0].name.encode()  # a library is known by the name in it, not by its file's
    if library.count(own + b"\0") == 1:
        target = folder / "openmp" / "libgomp.so.1"
        target.parent.mkdir()
        target.write_bytes(library.replace(own + b"\0", b"libgomp.so.1".ljust(len(own) + 1, b"\0")))


def _is_test(path: Path) -> bool:
    """Whether ``path``, in a folder of tests, is one or its data. Other modules there are sometimes imported."""
    return path.is_dir() or path.name.startswith(("test_", "conftest.", "bench")) or path.suffix != ".py"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _entries(folder: Path, prefix: str) -> Iterator[TarEntry]:
    """All files below ``folder`` under ``prefix``, each folder before what is in it, in an order of their own."""
    files = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    folders = folders_of(f"{prefix}/{name}" for name, _ in files)
    yield from folders
    for name, path in files:
        yield TarEntry(f"{prefix}/{name}", path.stat().st_size, partial(_file_pieces, path))


def _told(entries: Iterable[TarEntry], progress: Progress) -> Iterator[TarEntry]:
    """``entries``, each of which is told of once it was read."""
    for entry in entries:
        yield entry
        progress.advance(entry.size)


def _file_pieces(path: Path) -> Iterator[bytes]:
    return stream_pieces(path.open("rb"))


def _store(role: str, entries: Iterable[TarEntry], cache: LayerCache, cancel: CancelToken) -> Layer:
    with cache.draft() as draft:
        digest, diff_id, size = compress(tar_stream(entries), draft, cancel)
        cache.adopt(draft, digest)
    return Layer(role, digest, diff_id, size, TAR_GZIP)


def _recall(cache: LayerCache, key: str) -> Layer | None:
    layer = recalled_layer(cache.recall("layers", key))
    return layer if layer is not None and cache.has(layer.digest, layer.size) else None


def _as_fact(layer: Layer) -> dict[str, str | int]:
    return {name: getattr(layer, name) for name in ("role", "digest", "diff_id", "size", "media_type")}
