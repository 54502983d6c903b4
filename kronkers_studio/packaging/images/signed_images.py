"""Images that were packaged elsewhere: from their documents to a ``ComposedImage`` that can be verified and released.

Whoever made them may lie: documents are looked at before use, and nothing of such an image is to be believed before
``require_signed`` has said who signed it. The signature covers the manifest, and so all that is read here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from kronkers_studio.domain.errors import ForeignEntry
from kronkers_studio.domain.image_contract import image_name
from kronkers_studio.domain.models import Layer, Package
from kronkers_studio.domain.naming import checked_model_name
from kronkers_studio.domain.signers import PackageSignature, Signer, VerifiedImage
from kronkers_studio.packaging.digests import Digest, digest_of, parse_digest
from kronkers_studio.packaging.images.bill_of_materials import SBOM_TYPE, listed_components
from kronkers_studio.packaging.images.image import ComposedImage
from kronkers_studio.packaging.images.image_documents import (
    Descriptor,
    NotAnImage,
    image_config,
    index_entries,
    json_object,
    manifest_config,
    manifest_layers,
)
from kronkers_studio.packaging.images.provenance import MODEL, PROVENANCE_TYPE, weights_name
from kronkers_studio.packaging.images.referrers import KEY_ANNOTATION, SIGNATURE_ANNOTATION, SIGNATURE_TYPE
from kronkers_studio.packaging.recorded_facts import checked_python

_MODEL_LABEL = "io.kronkers.model"
_CREATED_BY = re.compile(r"kronkers (dependencies|server|model)")
_MOST_REFERRERS = 64
_HEX = re.compile(r"[0-9a-f]{64}")


class Documents(Protocol):
    """Where the documents of an image come from: small, and of the digest that they are asked for by. Both raise
    ``NotAnImage`` for those that are missing."""

    def manifest(self, wanted: Descriptor) -> bytes: ...

    def blob(self, wanted: Descriptor) -> bytes: ...


def signed_image(
    manifest: bytes,
    referrers: bytes | None,
    documents: Documents,
    open_blob: Callable[[Digest], Iterator[bytes]],
) -> ComposedImage:
    """The image with that ``manifest``, and with what the index ``referrers`` lists of it.

    ``open_blob`` gives the bytes of a layer. Raises ``NotAnImage`` for an image that is none of ours.
    """
    described = json_object(manifest)
    config = documents.blob(manifest_config(described))
    package = _package(manifest, described, json_object(config))
    beside = _beside(referrers, documents)
    contents = {artifact: content for artifact, content, _ in beside}
    sbom, provenance = contents.get(SBOM_TYPE, b""), contents.get(PROVENANCE_TYPE, b"")
    signature = next((_signature(notes, sbom, provenance) for kind, _, notes in beside if kind == SIGNATURE_TYPE), None)
    openers = {layer.digest: _opener(open_blob, parse_digest(layer.digest)) for layer in package.layers}
    name = image_name(package.model, package.version)
    return ComposedImage(replace(package, signature=signature), name, config, manifest, sbom, provenance, openers)


def verified(image: ComposedImage, signer: Signer, bytes_read: int) -> VerifiedImage:
    """What is to be told of ``image``, which ``signer`` signed."""
    return VerifiedImage(
        image=image.name,
        digest=image.package.digest,
        model=image.package.model,
        version=image.package.version,
        signer=signer.name,
        fingerprint=signer.fingerprint,
        components=listed_components(json_object(image.sbom)),
        bytes_read=bytes_read,
    )


def holds_files(image: ComposedImage, own: str, weights: Mapping[str, str]) -> bool:
    """Whether the model in ``image`` is, as its provenance tells, of the file with the SHA-256 ``own``, and of the
    ``weights``, by their names beside it, with theirs."""
    expected = {MODEL: own, **{weights_name(name): digest for name, digest in weights.items()}}
    try:
        used = json_object(image.provenance)["predicate"]["buildDefinition"]["resolvedDependencies"]
        found = {each["name"]: each["digest"].get("sha256") for each in used}
    except (NotAnImage, KeyError, TypeError, AttributeError):
        return False
    return expected == {
        name: digest for name, digest in found.items() if name == MODEL or str(name).startswith(weights_name(""))
    }


def _opener(open_blob: Callable[[Digest], Iterator[bytes]], digest: Digest) -> Callable[[], Iterator[bytes]]:
    return lambda: open_blob(digest)


def _package(manifest: bytes, described: Mapping[str, Any], config: Mapping[str, Any]) -> Package:
    """The package that the image's own documents tell of."""
    run = config.get("config")
    labels = run.get("Labels") if isinstance(run, dict) else None
    entry = run.get("Entrypoint") if isinstance(run, dict) else None
    if not isinstance(labels, dict) or not isinstance(entry, list) or not entry:
        raise NotAnImage("no labels, or no program")
    known = image_config(config)
    try:
        model, version = checked_model_name(str(labels.get(_MODEL_LABEL))), int(labels[f"{_MODEL_LABEL}.version"])
        python = checked_python(str(entry[0]).removeprefix("python"))
        created = datetime.fromisoformat(str(config.get("created"))).astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError, ForeignEntry) as error:
        raise NotAnImage(f"{type(error).__name__} in its labels") from None
    annotations = described.get("annotations")
    base = annotations if isinstance(annotations, dict) else {}
    name, digest = (str(base.get(f"org.opencontainers.image.base.{part}", "")) for part in ("name", "digest"))
    return Package(
        digest=digest_of(manifest),
        model=model,
        version=version,
        platform=known.platform,
        python_version=python,
        base=f"{name}@{digest}" if digest else name,
        layers=tuple(_layers(manifest_layers(described), known.diff_ids, known.history)),
        created=created,
    )


def _layers(
    stored: list[Descriptor], diff_ids: tuple[Digest, ...], history: tuple[Mapping[str, Any], ...]
) -> Iterator[Layer]:
    lines = [str(line.get("created_by", "")) for line in history if not line.get("empty_layer")]
    if not len(stored) == len(diff_ids) == len(lines):
        raise NotAnImage("layers, their diff ids and the history differ in number")
    for found, diff_id, line in zip(stored, diff_ids, lines, strict=True):
        own = _CREATED_BY.fullmatch(line)
        yield Layer(own[1] if own else "base", found.digest, diff_id, found.size, found.media_type)


def _beside(referrers: bytes | None, documents: Documents) -> list[tuple[str, bytes, Mapping[str, Any]]]:
    """Kind, content and annotations of what the index lists."""
    if referrers is None:
        return []
    entries = index_entries(json_object(referrers))
    if len(entries) > _MOST_REFERRERS:
        raise NotAnImage(f"{len(entries)} referrers")
    found: list[tuple[str, bytes, Mapping[str, Any]]] = []
    for entry in entries:
        manifest = json_object(documents.manifest(entry))
        kind, layers = manifest.get("artifactType"), manifest.get("layers")
        if kind not in (SBOM_TYPE, PROVENANCE_TYPE, SIGNATURE_TYPE):  # somebody else's
            continue
        if not isinstance(layers, list) or len(layers) != 1 or not isinstance(layers[0], dict):
            raise NotAnImage(f"a {kind} of no single part")
        notes = layers[0].get("annotations")
        content = documents.blob(manifest_layers(manifest)[0])
        found.append((str(kind), content, notes if isinstance(notes, dict) else {}))
    return found


def _signature(notes: Mapping[str, Any], sbom: bytes, provenance: bytes) -> PackageSignature:
    key, text = notes.get(KEY_ANNOTATION), notes.get(SIGNATURE_ANNOTATION)
    if not isinstance(key, str) or not _HEX.fullmatch(key) or not isinstance(text, str):
        raise NotAnImage("a signature of no known kind")
    try:
        signature = base64.b64decode(text, validate=True).hex()
    except (binascii.Error, ValueError):
        raise NotAnImage("a signature that is none") from None
    return PackageSignature(key, signature, digest_of(sbom), digest_of(provenance))
