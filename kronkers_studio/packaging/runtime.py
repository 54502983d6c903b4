"""A package's own layers unpacked, to run on this computer without any engine."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO

from kronkers_studio.domain.errors import PackagingFailed
from kronkers_studio.domain.models import Layer, ModelVersion
from kronkers_studio.domain.naming import ANYTHING, WINDOWS, name_problem
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.packaging.dependencies.locking import OLDEST_PYTHON
from kronkers_studio.packaging.dependencies.uv_program import any_python, find_python
from kronkers_studio.packaging.digests import parse_digest
from kronkers_studio.packaging.images.image import ComposedImage
from kronkers_studio.packaging.images.layers import DEPENDENCIES, MODEL, SERVER, decompress
from kronkers_studio.packaging.images.unpacked_layers import unpacked_layer
from kronkers_studio.packaging.layer_cache import LayerCache
from kronkers_studio.packaging.platforms import this_platform
from kronkers_studio.packaging.tar_stream import open_stream

_BUFFER = 1 << 18
_LARGEST_LAYER = 32 << 30
_RULES = WINDOWS if os.name == "nt" else ANYTHING
_PREFIXES = {"dependencies": DEPENDENCIES, "server": SERVER, "model": MODEL}


@dataclass(frozen=True, slots=True)
class RuntimeFolder:
    """What it takes to start the service: ``python -m kronkers_studio.serving --model model`` with ``python_path``."""

    python: Path
    python_path: tuple[Path, ...]
    model: Path


def runnable_here(model: ModelVersion, progress: Progress = SILENT) -> ModelVersion:
    """``model`` as it can be packaged for this computer: unchanged when the Python it was made with is here; otherwise,
    and that is noted, for a Python that is. The libraries stay at the model's versions, which is what matters to it.

    Raises ``PackagingFailed`` when there is no Python at all.
    """
    made_with = model.facts.python_version
    if find_python(made_with) is not None:
        return model
    here = any_python(OLDEST_PYTHON)
    if here is None:
        raise _no_python(model.name, made_with)
    progress.note(f"{model.name} was made with Python {made_with}; on this computer it runs with Python {here}.")
    return replace(model, facts=replace(model.facts, python_version=here))


def unpack_runtime(
    image: ComposedImage, directory: Path, cache: LayerCache, *, cancel: CancelToken = NEVER
) -> RuntimeFolder:
    """Make ``image`` ready to run here: the public layers unpacked once into ``cache`` and proven at each use, the
    model into ``directory``, readable by this user only.

    Raises ``PackagingFailed`` when it is for another platform, or no interpreter of its Python version is here;
    ``Cancelled``.
    """
    package = image.package
    if package.platform != this_platform():
        raise PackagingFailed(
            f"This package is for {package.platform}; this computer is {this_platform()}.",
            next_step="Package the model for this computer.",
        )
    python = find_python(package.python_version)
    if python is None:
        raise _no_python(package.model, package.python_version)
    own = {layer.role: layer for layer in package.layers if layer.role in _PREFIXES}
    server, dependencies = (_public(image, own[role], cache, cancel) for role in ("server", "dependencies"))
    return RuntimeFolder(python, (server, dependencies), _unpack_model(image, own["model"], directory, cancel))


def _public(image: ComposedImage, layer: Layer, cache: LayerCache, cancel: CancelToken) -> Path:
    fill = partial(_unpack, image, layer, cancel=cancel)
    return unpacked_layer(cache, parse_digest(layer.diff_id), _PREFIXES[layer.role], fill, cancel=cancel)


def _no_python(model: str, version: str) -> PackagingFailed:
    return PackagingFailed(
        f"{model} was made with Python {version}, which is not on this computer.",
        next_step=f"Install Python {version} (from python.org, or with `uv python install {version}`), "
        "or release the model to a server.",
    )


def _unpack_model(image: ComposedImage, layer: Layer, directory: Path, cancel: CancelToken) -> Path:
    target = directory / "model"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True, mode=0o700)
    for private in (directory, target):
        private.chmod(0o700)
    try:
        _unpack(image, layer, target, cancel)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return target


def _unpack(image: ComposedImage, layer: Layer, folder: Path, cancel: CancelToken = NEVER) -> None:
    """Write the layer's files, without their prefix, below ``folder``."""
    prefix = _PREFIXES[layer.role] + "/"
    private = layer.role == "model"  # as large as its owner likes, and not for other eyes
    pieces = image.open_layer(layer)
    made: set[Path] = set()
    written = 0
    with open_stream(decompress(pieces) if layer.media_type.endswith("gzip") else pieces) as archive:
        for member in archive:
            cancel.check()
            inside = member.name.removeprefix(prefix)
            if not member.isfile() or inside == member.name:
                continue
            written += member.size
            if written > _LARGEST_LAYER and not private:
                raise _not_ours(layer, f"{written} bytes")
            target = _below(folder, inside)
            if target.parent not in made:
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                made.add(target.parent)
            content = archive.extractfile(member)
            if content is not None:
                try:
                    _write(content, target, 0o600 if private else 0o444)
                except FileExistsError:  # also under a name that this disk takes for the same
                    raise _not_ours(layer, f"{member.name} twice") from None
    for _ in pieces:  # to its end, where the layer's hash is checked
        pass


def _not_ours(layer: Layer, why: str) -> PackagingFailed:
    return PackagingFailed(
        "A layer holds what no layer of ours does.", next_step="Package again.", details=f"{layer.digest}: {why}"
    )


def _write(content: IO[bytes], target: Path, mode: int) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    with os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(content, file, _BUFFER)


def _below(folder: Path, name: str) -> Path:
    parts = name.split("/")
    if any(part in ("", ".", "..") or ":" in part or "\\" in part or name_problem(part, _RULES) for part in parts):
        raise PackagingFailed(
            "A layer holds a file name that does not belong there.", next_step="Package again.", details=name
        )
    return folder.joinpath(*parts)
