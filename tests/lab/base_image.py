"""The base image of packages, made from Debian packages because no image can be pulled here.

It is an OCI layout and a `docker save` archive in one tar, so that both an image reader and `docker load` take it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "python:3.11-slim"
"""Named as on a public registry, so that ordinary settings work unchanged."""

DEBIAN_NAME = "debian:bookworm-slim"

_SUITE = "bookworm"  # Python 3.11
_PACKAGES = ("ca-certificates", "libgomp1", "libpython3-stdlib", "libstdc++6", "python3-minimal")
_LEFT_OUT = (
    "/usr/share/doc/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/man/*",
    "/usr/share/zoneinfo/*",
)
_MADE = "2026-01-01T00:00:00Z"


class CannotMake(Exception):
    """The base image cannot be made on this machine; the text says why."""


def cache_folder() -> Path:
    """Where the lab keeps what is slow to make: ``$KRONKERS_TEST_CACHE`` or ``.lab-cache`` in the checkout."""
    given = os.environ.get("KRONKERS_TEST_CACHE")
    return Path(given).absolute() if given else Path(__file__).resolve().parents[2] / ".lab-cache"


def base_archive() -> Path:
    """The archive of the base image; made on first use (under a minute), then taken from the cache."""
    return _archive("python-base", NAME, _PACKAGES, _LEFT_OUT)


def debian_archive() -> Path:
    """The archive of the image that Dockerfiles begin with, which installs packages as this machine does."""
    return _archive("debian", DEBIAN_NAME, ("ca-certificates",), _LEFT_OUT[:4])


def _archive(title: str, name: str, packages: tuple[str, ...], left_out: tuple[str, ...]) -> Path:
    recipe = hashlib.sha256(repr((_SUITE, packages, left_out, 1)).encode()).hexdigest()[:12]
    archive = cache_folder() / f"{title}-{recipe}.tar"
    if archive.exists():
        return archive
    if shutil.which("mmdebstrap") is None:
        raise CannotMake("mmdebstrap is not installed")
    with _locked(cache_folder() / "base.lock"):
        if not archive.exists():  # nobody else made it meanwhile
            with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
                draft = Path(folder) / archive.name
                _write_archive(_make_root(Path(folder), packages, left_out), draft, name)
                draft.replace(archive)
    return archive


def _make_root(folder: Path, packages: tuple[str, ...], left_out: tuple[str, ...]) -> Path:
    root = folder / "root.tar"
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}"]
    command += [f"--dpkgopt=path-exclude={pattern}" for pattern in left_out]
    made = subprocess.run(
        [*command, _SUITE, str(root)],
        env={**os.environ, "TMPDIR": str(folder), "SOURCE_DATE_EPOCH": "1767225600"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise CannotMake(f"mmdebstrap failed: {made.stderr.strip().splitlines()[-1:]}")
    return root


def _write_archive(root: Path, archive: Path, name: str) -> None:
    """Pack the root file system as the only layer of an image."""
    layer = root.with_suffix(".gz")
    with root.open("rb") as plain, layer.open("wb") as file, gzip.GzipFile("", "wb", 1, file, mtime=0) as packed:
        shutil.copyfileobj(plain, packed, 1 << 20)
    config = _json(
        {
            "architecture": _architecture(),
            "os": "linux",
            "created": _MADE,
            "config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], "Cmd": ["sh"]},
            "rootfs": {"type": "layers", "diff_ids": [_file_digest(root)]},
            "history": [{"created": _MADE, "created_by": f"mmdebstrap {_SUITE}"}],
        }
    )
    layer_entry = {
        "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
        "digest": _file_digest(layer),
        "size": layer.stat().st_size,
    }
    config_entry = {"mediaType": "application/vnd.oci.image.config.v1+json", **_described(config)}
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config_entry,
            "layers": [layer_entry],
        }
    )
    index = {
        "schemaVersion": 2,
        "manifests": [
            {
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                **_described(manifest),
                "annotations": {"org.opencontainers.image.ref.name": name},
            }
        ],
    }
    saved = [
        {
            "Config": _blob(str(config_entry["digest"])),
            "RepoTags": [name],
            "Layers": [_blob(str(layer_entry["digest"]))],
        }
    ]
    with tarfile.open(archive, "w") as tar:
        _add(tar, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add(tar, "index.json", _json(index))
        _add(tar, "manifest.json", _json(saved))
        _add(tar, _blob(str(config_entry["digest"])), config)
        _add(tar, _blob(_described(manifest)["digest"]), manifest)
        tar.add(layer, _blob(str(layer_entry["digest"])))


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


def _json(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _described(content: bytes) -> dict[str, object]:
    return {"digest": "sha256:" + hashlib.sha256(content).hexdigest(), "size": len(content)}


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def _blob(digest: object) -> str:
    return "blobs/" + str(digest).replace(":", "/")


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    import fcntl  # not on Windows, where tests must be collected all the same

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
