"""Unpacked layers prove themselves before they are used; whatever is not the layer is made anew."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import PackagingFailed
from kronkers_studio.packaging import LayerCache
from kronkers_studio.packaging.digests import parse_digest
from kronkers_studio.packaging.images import unpacked_layers
from kronkers_studio.packaging.images.unpacked_layers import unpacked_layer
from kronkers_studio.packaging.tar_stream import TarEntry, folders_of, tar_stream
from tests.packaging.image_files import sha

PREFIX = "opt/kronkers/dependencies"
FILES = {
    "numpy/__init__.py": b"version = 2\n",
    "numpy/core/multiply.py": b"def multiply(a, b): ...\n",
    "numpy/core/__pycache__/multiply.cpython-311.pyc": b"\xcb\r\r\n" + bytes(64),
    "numpy.dist-info/METADATA": b"Name: numpy\n",
}
DIFF_ID = parse_digest(
    sha(
        b"".join(
            tar_stream(
                [
                    *folders_of(f"{PREFIX}/{name}" for name in FILES),
                    *(TarEntry.document(f"{PREFIX}/{name}", data) for name, data in sorted(FILES.items())),
                ]
            )
        )
    )
)


class Filler:
    """Writes the layer's files, as unpacking does, and counts how often."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files, self.times = files, 0

    def __call__(self, folder: Path) -> None:
        self.times += 1
        for name, data in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)


@pytest.fixture
def fill() -> Filler:
    return Filler(FILES)


@pytest.fixture
def cache(tmp_path: Path) -> LayerCache:
    return LayerCache(tmp_path / "cache")


def used(cache: LayerCache, fill: Filler) -> Path:
    return unpacked_layer(cache, DIFF_ID, PREFIX, fill)


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def writable(folder: Path) -> None:
    """As somebody makes it who may do all that the user may do."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o700)


def test_a_layer_is_unpacked_once_and_proven_at_each_use(
    cache: LayerCache, fill: Filler, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = used(cache, fill)
    monkeypatch.setattr(unpacked_layers, "_diff_id", None)  # the quick look is enough: whoever hashes now fails

    assert used(cache, fill) == first
    assert fill.times == 1
    assert content(first) == FILES
    assert not list((cache.directory / "drafts").iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_an_unpacked_layer_is_read_only_whatever_the_umask(cache: LayerCache, fill: Filler) -> None:
    before = os.umask(0)
    try:
        folder = used(cache, fill)
    finally:
        os.umask(before)

    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    assert all(not mode & 0o222 for mode in modes)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_dir()} == {0o555}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o555
    own = [cache.directory, *(path for path in cache.directory.iterdir() if path.is_dir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in own} == {0o700}


def extra_module(folder: Path) -> None:
    (folder / "sitecustomize.py").write_text("import os; os.system('true')\n")


def extra_module_deep(folder: Path) -> None:
    (folder / "numpy" / "core" / "multiply.so").write_bytes(b"\x7fELF")


def path_file(folder: Path) -> None:
    (folder / "evil.pth").write_text("import os\n")


def empty_folder(folder: Path) -> None:
    (folder / "scipy").mkdir()


def changed_byte(folder: Path) -> None:
    file = folder / "numpy" / "__init__.py"
    file.write_bytes(b"version = 3\n")


def changed_byte_with_its_time(folder: Path) -> None:
    file = folder / "numpy" / "core" / "__pycache__" / "multiply.cpython-311.pyc"
    before = file.stat()
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def another_file_with_its_time(folder: Path) -> None:
    file = folder / "numpy" / "__init__.py"
    before = file.stat()
    other = folder / "other"
    other.write_bytes(b"version = 3\n")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)


def removed_file(folder: Path) -> None:
    (folder / "numpy" / "core" / "multiply.py").unlink()


def removed_folder(folder: Path) -> None:
    shutil.rmtree(folder / "numpy" / "core")


def renamed_file(folder: Path) -> None:
    (folder / "numpy" / "core" / "multiply.py").rename(folder / "numpy" / "core" / "divide.py")


def link_for_a_file(folder: Path) -> None:
    file = folder / "numpy" / "__init__.py"
    other = folder.parent.parent / "same.py"
    other.write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(other)


def link_for_a_folder(folder: Path) -> None:
    other = folder.parent.parent / "same"
    shutil.copytree(folder / "numpy", other)
    shutil.rmtree(folder / "numpy")
    (folder / "numpy").symlink_to(other, target_is_directory=True)


def link_for_the_layer(folder: Path) -> None:
    other = folder.parent.parent / "same"
    folder.rename(other)
    folder.symlink_to(other, target_is_directory=True)


def file_for_the_layer(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("a file")


def folder_for_a_file(folder: Path) -> None:
    (folder / "numpy" / "__init__.py").unlink()
    (folder / "numpy" / "__init__.py").mkdir()


CHANGES: list[Callable[[Path], None]] = [
    *(extra_module, extra_module_deep, path_file, empty_folder, changed_byte, changed_byte_with_its_time),
    *(another_file_with_its_time, removed_file, removed_folder, renamed_file),
    *(link_for_a_file, link_for_a_folder, link_for_the_layer, file_for_the_layer, folder_for_a_file),
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_in_an_unpacked_layer_is_noticed_and_the_layer_made_anew(
    cache: LayerCache, fill: Filler, change: Callable[[Path], None]
) -> None:
    if os.name == "nt" and change.__name__.startswith(("link", "changed_byte_with", "another")):
        pytest.skip("links need a permission on Windows, and it tells no time of a change")
    folder = used(cache, fill)
    writable(folder)
    used(cache, fill)  # proven again, with these permissions taken away
    if stat.S_IMODE(folder.stat().st_mode) & 0o222:
        pytest.fail("the layer stayed writable")
    writable(folder)
    change(folder)

    again = used(cache, fill)

    assert fill.times == 2
    assert again == folder
    assert not again.is_symlink()
    assert content(again) == FILES
    assert not list((cache.directory / "drafts").iterdir())


@pytest.mark.skipif(os.name == "nt", reason="links need a permission there")
def test_what_a_planted_link_points_to_stays_as_it_is(cache: LayerCache, fill: Filler, tmp_path: Path) -> None:
    folder = used(cache, fill)
    home = tmp_path / "home"
    home.mkdir()
    (home / "key").write_text("private")
    (home / "key").chmod(0o640)
    home.chmod(0o750)
    writable(folder)
    (folder / "home").symlink_to(home, target_is_directory=True)
    (folder / "numpy" / "key").symlink_to(home / "key")

    used(cache, fill)

    assert (home / "key").read_text() == "private"
    assert stat.S_IMODE((home / "key").stat().st_mode) == 0o640
    assert stat.S_IMODE(home.stat().st_mode) == 0o750


def test_permissions_alone_are_mended_without_unpacking(cache: LayerCache, fill: Filler) -> None:
    """Backups and people change them; no byte has to be written again for that."""
    folder = used(cache, fill)
    writable(folder)

    used(cache, fill)

    assert fill.times == 1
    if os.name == "posix":
        assert not stat.S_IMODE((folder / "numpy" / "__init__.py").stat().st_mode) & 0o222


@pytest.mark.parametrize("hours", [25, -1])
def test_a_layer_is_proven_in_full_once_a_day(
    cache: LayerCache, fill: Filler, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """And when the clock was put back: what no file system tells is found then."""
    used(cache, fill)
    seen = []
    real = unpacked_layers._diff_id
    monkeypatch.setattr(unpacked_layers, "_diff_id", lambda *given: seen.append(1) or real(*given))
    later = time.time() + hours * 3600
    monkeypatch.setattr(time, "time", lambda: later)

    used(cache, fill)
    used(cache, fill)

    assert len(seen) == 1
    assert fill.times == 1


@pytest.mark.parametrize("proof", ["{}", "nonsense", '{"at": "now", "state": "x"}', '{"at": 1e999}', "[" * 100_000])
def test_a_proof_that_is_lost_or_damaged_is_made_again(cache: LayerCache, fill: Filler, proof: str) -> None:
    used(cache, fill)
    [file] = (cache.directory / "proofs").iterdir()
    file.write_text(proof)

    used(cache, fill)

    assert fill.times == 1


def test_a_layer_that_is_never_what_it_should_be_is_refused(cache: LayerCache) -> None:
    wrong = Filler({**FILES, "sitecustomize.py": b"import os\n"})

    with pytest.raises(PackagingFailed, match="not what it should be") as failure:
        used(cache, wrong)
    assert str(cache.directory) in failure.value.next_step


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="needs the right to become somebody else")
def test_who_is_not_root_can_unpack_mend_and_remove_too() -> None:
    """Root may write anywhere; nobody else moves or removes a folder that is read-only."""
    with tempfile.TemporaryDirectory() as place:
        os.chown(place, 65534, 65534)
        _as_nobody(place)


def _as_nobody(place: str) -> None:
    program = f"""
import os, sys
sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[2])]!r}
from pathlib import Path
from test_unpacked_layers import *
os.setgid(65534); os.setuid(65534)
cache, fill = LayerCache(Path({place!r})), Filler(FILES)
folder = used(cache, fill)
try:
    (folder / "x").write_text("x")
    raise SystemExit("a file can be written there")
except PermissionError:
    pass
writable(folder)
extra_module(folder)
used(cache, fill)
assert fill.times == 2
assert not list((cache.directory / "drafts").iterdir())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
