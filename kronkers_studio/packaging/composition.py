"""A model version to an image: layers base < dependencies < server < model, the same bytes every time."""

from __future__ import annotations

import _compat_pickle
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, BinaryIO

from kronkers_studio.domain.errors import PackagingFailed
from kronkers_studio.domain.image_contract import RECORD_FOLDER, SERVICE_PORT, SERVICE_USER, image_name
from kronkers_studio.domain.models import CodeFile, Layer, ModelVersion, Package, Signature, Tensor, WeightsFile
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.recording import RECORD_FILES
from kronkers_studio.packaging.dependencies.locking import RECORDS_WITH, DependencyLock
from kronkers_studio.packaging.digests import digest_of
from kronkers_studio.packaging.images.bill_of_materials import bill_of_materials
from kronkers_studio.packaging.images.components import components_of
from kronkers_studio.packaging.images.image import BaseImage, ComposedImage, document, manifest_of
from kronkers_studio.packaging.images.language_bases import require_language_packages
from kronkers_studio.packaging.images.layers import DEPENDENCIES, MODEL, SERVER, TAR, dependency_layer, server_layer
from kronkers_studio.packaging.images.provenance import annotations_of, code_name, provenance_of
from kronkers_studio.packaging.layer_cache import LayerCache
from kronkers_studio.packaging.model_files.inspection import require_safe
from kronkers_studio.packaging.recorded_facts import FILE_NAMES, checked_model, is_pickle, names_code
from kronkers_studio.packaging.tar_stream import TarEntry, folders_of, stream_pieces, tar_stream

_MODEL_FORMAT = 1
_WEIGHTS = "weights"  # the folder that serving's manifest looks in
_STATISTICS = "statistics.json"  # which serving's feature_bins reads
_SECOND = 1_000_000_000  # in Docker's nanoseconds


def compose_package(
    model: ModelVersion,
    open_model: Callable[[], BinaryIO],
    lock: DependencyLock,
    *,
    platform: str,
    base: BaseImage | None,
    cache: LayerCache,
    open_weights: Callable[[str], BinaryIO] | None = None,
    open_code: Callable[[CodeFile], BinaryIO] | None = None,
    statistics: bytes | None = None,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> ComposedImage:
    """The image of ``model``. Without ``base`` it holds what runs on this computer; with it, all that a server needs.

    The model's bytes are streamed from ``open_model``, those of its files of weights by their names from
    ``open_weights`` and those of its own code from ``open_code``, once here and again whenever the layer is read; they
    are never kept on disk. ``statistics`` are the bins that its service counts what comes in into. The same arguments
    give the same digest, on another day and with an empty cache too.
    Raises ``PackagingFailed``, ``UnsupportedModel``, ``ForeignEntry``, ``Cancelled``.
    """
    require_safe(checked_model(model).facts, model.allowed, model.label)
    if base is not None and base.platform != platform:
        raise PackagingFailed(
            f"The base image is for {base.platform}, the package for {platform}.",
            next_step="Choose a base image of the servers' platform.",
        )
    python = model.facts.python_version
    _require_python_in(base, python)
    dependencies = dependency_layer(lock, platform, python, cache, progress, cancel)
    server = server_layer(python, cache, cancel)
    progress.step("Adding the model")
    records = any(each.partition("==")[0] == RECORDS_WITH for each in lock.requirements)
    model_layer, files, open_model_layer = _model_layer(
        model, _model_files(model, open_model, open_weights, open_code), cancel, statistics, records
    )
    layers = (*(base.layers if base else ()), dependencies, server, model_layer)
    name, created = image_name(model.name, model.version), _created(model)
    config = document(_config(model, platform, base, layers))
    progress.step("Listing what is in the package")
    software = components_of([layer for layer in layers if layer.role in ("base", "dependencies")], cache, cancel)
    require_language_packages(model.facts, software)
    sbom = bill_of_materials(lock, software, layers, platform, python)
    manifest = manifest_of(config, layers, annotations_of(model, created, base, lock.text, sbom))
    package = Package(
        digest=digest_of(manifest),
        model=model.name,
        version=model.version,
        platform=platform,
        python_version=python,
        base=base.reference if base else "",
        layers=layers,
        created=datetime.now(UTC),
        requirements=lock.requirements,
        lock=lock.text,
    )
    openers = {layer.digest: _from_cache(cache, layer.digest) for layer in layers}
    openers[model_layer.digest] = open_model_layer
    provenance = provenance_of(model, package, name, created, files)
    return ComposedImage(package, name, config, manifest, sbom, provenance, openers)


def _require_python_in(base: BaseImage | None, python: str) -> None:
    """Official Python images name their version: say now what would otherwise fail at the release."""
    named = dict(line.partition("=")[::2] for line in (base.environment if base else ())).get("PYTHON_VERSION", "")
    if named and ".".join(named.split(".")[:2]) != python:
        raise PackagingFailed(
            f"The base image has Python {named}, the model needs Python {python}.",
            next_step="Write {python} in the base image's name in the settings, where the version belongs.",
        )


def _from_cache(cache: LayerCache, digest: str) -> Callable[[], Iterator[bytes]]:
    return lambda: cache.read_blob(digest)


# the model layer
def _model_layer(
    model: ModelVersion,
    files: _ModelFiles,
    cancel: CancelToken,
    statistics: bytes | None = None,
    records: bool = False,
) -> tuple[Layer, list[str], Callable[[], Iterator[bytes]]]:
    """The layer with the model's files and model.json, the SHA-256 of the model's own file, of each of its weights and
    of its code, and a function that streams the layer again."""
    hashes = _hashes(files)
    layer_hash, length = hashlib.sha256(), 0
    for piece in tar_stream(_model_entries(model, files, hashes, statistics, records)):
        cancel.check()
        layer_hash.update(piece)
        length += len(piece)
    digest = f"sha256:{layer_hash.hexdigest()}"

    def again() -> Iterator[bytes]:
        seen = hashlib.sha256()
        for piece in tar_stream(_model_entries(model, files, _hashes(files), statistics, records)):
            seen.update(piece)
            yield piece
        if f"sha256:{seen.hexdigest()}" != digest:
            raise PackagingFailed("The model's bytes changed while it was packaged.", next_step="Package it again.")

    return Layer("model", digest, digest, length, TAR), [found.hexdigest() for found in hashes.values()], again


_ModelFiles = dict[str, tuple[int, Callable[[], BinaryIO]]]
"""By its name in the model's folder, a file's size and what opens it; the model's own first."""


def _model_files(
    model: ModelVersion,
    open_model: Callable[[], BinaryIO],
    open_weights: Callable[[str], BinaryIO] | None,
    open_code: Callable[[CodeFile], BinaryIO] | None,
) -> _ModelFiles:
    own = FILE_NAMES[model.facts.framework][model.facts.file_format]
    files: _ModelFiles = {own: (model.size or _measured(open_model), open_model)}
    for weights in model.facts.weights:
        if open_weights is None:
            raise PackagingFailed(f"The weights of {model.name} are not there.", next_step="Package it again.")
        files[f"{_WEIGHTS}/{weights.name}"] = (weights.size, partial(open_weights, weights.name))
    for code in model.facts.code:
        if open_code is None:
            raise PackagingFailed(f"The code of {model.name} is not there.", next_step="Package it again.")
        files[code_name(code)] = (code.size, partial(open_code, code))
    return files


def _hashes(files: _ModelFiles) -> dict[str, Any]:
    """A hash for each of ``files``, of nothing yet."""
    return {name: hashlib.sha256() for name in files}


def _model_entries(
    model: ModelVersion,
    files: _ModelFiles,
    hashes: Mapping[str, Any],
    statistics: bytes | None,
    records: bool = False,
) -> Iterator[TarEntry]:
    """The files first: model.json, which names their ``hashes``, is written when they have passed by."""
    yield from folders_of([f"{MODEL}/{name}" for name in files])
    for name, (size, open_file) in files.items():
        yield TarEntry(f"{MODEL}/{name}", size, partial(_hashed, open_file, hashes[name]))
    own, *others = [found.hexdigest() for found in hashes.values()]
    described = describe_model(model, own, others)
    if statistics is not None:
        described["statistics"] = hashlib.sha256(statistics).hexdigest()
        yield TarEntry.document(f"{MODEL}/{_STATISTICS}", statistics)
    yield TarEntry.document(f"{MODEL}/model.json", document(described))
    if records:
        yield from _record_files()


def _record_files() -> Iterator[TarEntry]:
    """The files that the service may keep recorded rows in: a volume in their place begins with them."""
    folder = RECORD_FOLDER.strip("/")
    yield TarEntry(folder)
    for number in range(RECORD_FILES):
        yield TarEntry(f"{folder}/rows-{number}", 0, tuple, owner=int(SERVICE_USER))


def _hashed(open_file: Callable[[], BinaryIO], hasher: Any) -> Iterator[bytes]:
    for piece in stream_pieces(open_file()):
        hasher.update(piece)
        yield piece


def _measured(open_model: Callable[[], BinaryIO]) -> int:
    return sum(len(piece) for piece in stream_pieces(open_model()))


def describe_model(model: ModelVersion, sha256: str, others: Sequence[str] = ()) -> dict[str, Any]:
    """What model.json says: the contract between packages and the server in them. ``sha256`` is of the model's file,
    ``others`` are those of its files of weights, then of its code."""
    facts = model.facts
    described = {
        "format": _MODEL_FORMAT,
        "name": model.name,
        "version": model.version,
        "framework": facts.framework.value,
        "framework_version": facts.framework_version,
        "file": FILE_NAMES[facts.framework][facts.file_format],
        "file_format": facts.file_format,
        "sha256": sha256,
        "signature": _signature(model.signature),
        "allowed_globals": _spellings(facts.globals)
        if is_pickle(facts)
        else list(facts.globals)
        if names_code(facts)
        else [],
    }
    if facts.packages:
        described["packages"] = list(facts.packages)
    if facts.weights:
        described["weights"] = _digested(facts.weights, others[: len(facts.weights)])
    if facts.code:
        described["code"] = _digested(facts.code, others[len(facts.weights) :])
    return described


def _digested(files: Sequence[WeightsFile | CodeFile], digests: Sequence[str]) -> list[dict[str, str]]:
    return [{"file": one.name, "sha256": digest} for one, digest in zip(files, digests, strict=True)]


def _signature(signature: Signature) -> dict[str, Any]:
    def tensor(one: Tensor) -> dict[str, Any]:
        described = {
            "name": one.name,
            "datatype": one.datatype.value,
            "shape": list(one.shape),
            "columns": list(one.columns),
        }
        more = {"any_rank": one.any_rank, "levels": list(one.levels)}
        return described | {key: value for key, value in more.items() if value}

    return {"inputs": list(map(tensor, signature.inputs)), "outputs": list(map(tensor, signature.outputs))}


def _spellings(names: tuple[str, ...]) -> list[str]:
    """``names`` and what Python 2 called them, as files of pickle protocol 2 do: the same things under other names."""
    found = set(names)
    for text in names:
        module, _, name = text.rpartition(".")
        old = _compat_pickle.REVERSE_NAME_MAPPING.get((module, name))
        if old is not None:
            found.add(".".join(old))
        if module in _compat_pickle.REVERSE_IMPORT_MAPPING:
            found.add(f"{_compat_pickle.REVERSE_IMPORT_MAPPING[module]}.{name}")
    return sorted(found)


# the image's configuration
def _created(model: ModelVersion) -> str:
    """When the version was registered: the image's only time."""
    return model.created.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _config(model: ModelVersion, platform: str, base: BaseImage | None, layers: tuple[Layer, ...]) -> dict[str, Any]:
    system, _, processor = platform.partition("/")
    created = _created(model)
    history = [*(base.history if base else ())]
    history += [
        {"created": created, "created_by": f"kronkers {layer.role}"} for layer in layers if layer.role != "base"
    ]
    described = {
        "created": created,
        "architecture": processor,
        "os": system,
        "config": _run_config(model, base, created),
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": history,
    }
    return {**described, "variant": base.variant} if base and base.variant else described


def _run_config(model: ModelVersion, base: BaseImage | None, created: str) -> dict[str, Any]:
    interpreter = f"python{model.facts.python_version}"
    own = {
        "HOME": "/tmp",  # noqa: S108 — the one place where the container may write
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": f"/{SERVER}:/{DEPENDENCIES}",
        "PYTHONUNBUFFERED": "1",
    }
    kept = [line for line in (base.environment if base else ()) if line.partition("=")[0] not in own]
    return {
        "User": f"{SERVICE_USER}:{SERVICE_USER}",
        "ExposedPorts": {f"{SERVICE_PORT}/tcp": {}},
        "Env": [*kept, *(f"{name}={value}" for name, value in own.items())],
        "Entrypoint": [
            *(interpreter, "-m", "kronkers_studio.serving", "--model", f"/{MODEL}"),
            *("--host", "0.0.0.0", "--port", str(SERVICE_PORT)),  # noqa: S104 — inside the container
        ],
        "WorkingDir": "/",
        "StopSignal": "SIGTERM",
        "Labels": {
            "org.opencontainers.image.title": model.name,
            "org.opencontainers.image.version": str(model.version),
            "org.opencontainers.image.created": created,
            "org.opencontainers.image.description": model.description or f"{model.name}, version {model.version}",
            "org.opencontainers.image.revision": model.source.commit,
            "org.opencontainers.image.base.name": base.reference if base else "",
            "io.kronkers.model": model.name,
            "io.kronkers.model.version": str(model.version),
            "io.kronkers.model.framework": f"{model.facts.framework.value} {model.facts.framework_version}".strip(),
        },
        "Healthcheck": {
            "Test": ["CMD", interpreter, "-I", "-S", "-c", _PROBE],
            "Interval": 10 * _SECOND,
            "Timeout": 5 * _SECOND,
            "StartPeriod": 60 * _SECOND,
            "StartInterval": 1 * _SECOND,
            "Retries": 3,
        },
    }


_PROBE = (
    "import socket,sys;"
    f"s=socket.create_connection(('127.0.0.1',{SERVICE_PORT}),4);"
    "s.sendall(b'GET /v2/health/ready HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n');"
    "sys.exit(b' 200 ' not in s.recv(32))"
)
