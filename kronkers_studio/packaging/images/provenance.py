"""Where an image comes from: which model version of which commit, by whom, on which base, of which libraries.

It is told twice: as annotations of the image's manifest, and as an in-toto statement with SLSA's predicate. Nothing in
either comes from a clock, this computer or who packages: the version's own author and time are told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kronkers_studio import __version__
from kronkers_studio.domain.models import CodeFile, ModelVersion, Package
from kronkers_studio.domain.stated_signatures import written_tensor
from kronkers_studio.packaging.digests import NotADigest, digest_of, parse_digest
from kronkers_studio.packaging.images.image import BaseImage, document

PROVENANCE_TYPE: Final = "application/vnd.in-toto+json"
MODEL: Final = "model"
"""What the model's own file is called in the statement."""
SBOM_ANNOTATION: Final = "io.kronkers.sbom.digest"

_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://slsa.dev/provenance/v1"
_BUILD_TYPE = "urn:kronkers:package:1"
_BUILDER = "urn:kronkers:kronkers-studio"
_OCI = "org.opencontainers.image"


def annotations_of(
    model: ModelVersion, created: str, base: BaseImage | None, lock_text: str, sbom: bytes
) -> dict[str, str]:
    """What the manifest of the image says of itself."""
    told = {
        f"{_OCI}.title": model.name,
        f"{_OCI}.version": str(model.version),
        f"{_OCI}.created": created,
        f"{_OCI}.authors": _plain(model.author),
        f"{_OCI}.revision": model.source.commit,
        "io.kronkers.source": _source(model),
        "io.kronkers.lock.digest": digest_of(lock_text.encode("utf-8")),
        "io.kronkers.program.version": __version__,
        SBOM_ANNOTATION: digest_of(sbom),
    }
    if base is not None:
        told[f"{_OCI}.base.name"], told[f"{_OCI}.base.digest"] = _base(base.reference)
    return {name: value for name, value in told.items() if value}


def provenance_of(model: ModelVersion, package: Package, name: str, created: str, files: Sequence[str]) -> bytes:
    """The statement about the image ``name`` of ``package``. ``files`` are the SHA-256 of the model's own file, of each
    of its weights and of its code."""
    own, *others = files
    beside = [*(one.name for one in model.facts.weights), *map(code_name, model.facts.code)]
    used: list[dict[str, Any]] = [
        {"name": MODEL, "uri": f"kronkers:{_source(model)}", "digest": {"sha256": own}},
        *(
            {"name": weights_name(name), "digest": {"sha256": digest}}
            for name, digest in zip(beside, others, strict=True)
        ),
        {"name": "lock", "digest": _digests(digest_of(package.lock.encode("utf-8")))},
    ]
    if package.base:
        base, digest = _base(package.base)
        used.append({"name": "base", "uri": base, "digest": _digests(digest)})
    return document(
        {
            "_type": _STATEMENT,
            "subject": [{"name": name, "digest": _digests(package.digest)}],
            "predicateType": _PREDICATE,
            "predicate": {
                "buildDefinition": {
                    "buildType": _BUILD_TYPE,
                    "externalParameters": {
                        "model": model.name,
                        "version": model.version,
                        "author": _plain(model.author),
                        "created": created,
                        "platform": package.platform,
                        "python": package.python_version,
                        **_allowed(model),
                        **_stated(model),
                    },
                    "resolvedDependencies": used,
                },
                "runDetails": {"builder": {"id": _BUILDER, "version": {"kronkers-studio": __version__}}},
            },
        }
    )


def weights_name(file: str) -> str:
    """What a file of weights is called in the statement, by its name beside the model's."""
    return f"{MODEL}/{_plain(file)}"


def code_name(file: CodeFile) -> str:
    """The name beside the model's file that a file of its own code has in packages."""
    return f"code/{file.name}"


def _allowed(model: ModelVersion) -> dict[str, list[str]]:
    """What a person let the model's file name, beside what is on the list; none for most models."""
    return {"allowedGlobals": sorted(model.allowed)} if model.allowed else {}


def _stated(model: ModelVersion) -> dict[str, Any]:
    """What a person says that the model takes and gives; nothing where its file or what lay beside it says it."""
    if model.stated is None:
        return {}
    said = model.stated.signature
    inputs, outputs = (list(map(written_tensor, side)) for side in (said.inputs, said.outputs))
    return {"statedSignature": {"inputs": inputs, "outputs": outputs, "author": _plain(model.stated.author)}}


def _source(model: ModelVersion) -> str:
    return _plain(f"{model.source.project}@{model.source.commit}:{model.source.path}")


def _plain(text: str) -> str:
    """``text`` with what is no character spelled out: files may have names of any bytes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _base(reference: str) -> tuple[str, str]:
    """The base's name and its digest, "" for either that it does not have."""
    name, _, digest = reference.rpartition("@")
    try:
        return name, parse_digest(digest)
    except NotADigest:
        return reference, ""


def _digests(digest: str) -> Mapping[str, str]:
    return {"sha256": digest.removeprefix("sha256:")} if digest else {}
