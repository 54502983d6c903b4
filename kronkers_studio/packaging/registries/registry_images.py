"""A package as a registry has it: its documents and its signature. Its layers stay there, and are only asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.errors import BaseImageUnavailable, PackagingFailed
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.packaging.digests import Digest, digest_of
from kronkers_studio.packaging.images.image import INDEX_TYPE, MANIFEST_TYPE, ComposedImage
from kronkers_studio.packaging.images.image_documents import LARGEST_DOCUMENT, Descriptor, NotAnImage
from kronkers_studio.packaging.images.referrers import referrers_tag
from kronkers_studio.packaging.images.signed_images import signed_image
from kronkers_studio.packaging.registries.image_references import ImageReference, parse_reference

if TYPE_CHECKING:
    from kronkers_studio.packaging.registries.registry_http import RegistryHttp
    from kronkers_studio.packaging.registries.registry_login import RegistryCredentials

_FOUND = 200


@dataclass(slots=True)
class _Documents:
    """What the registry sends, each compared with the digest that it was asked for by."""

    http: RegistryHttp
    wanted: ImageReference
    count: int = 0

    def manifest(self, wanted: Descriptor) -> bytes:
        return self._read(f"manifests/{wanted.digest}", wanted, {"Accept": MANIFEST_TYPE})

    def blob(self, wanted: Descriptor) -> bytes:
        return self._read(f"blobs/{wanted.digest}", wanted, {})

    def named(self, name: str, kind: str) -> bytes:
        """The manifest or index under a tag."""
        data = self.http.read(f"{self.wanted.api}/manifests/{name}", LARGEST_DOCUMENT, {"Accept": kind})
        self.count += len(data)
        return data

    def has(self, path: str, kind: str = "") -> bool:
        headers = {"Accept": kind} if kind else {}
        with self.http.exchange("HEAD", f"{self.wanted.api}/{path}", headers) as answer:
            return answer.status_code == _FOUND

    def _read(self, path: str, wanted: Descriptor, headers: dict[str, str]) -> bytes:
        if wanted.size > LARGEST_DOCUMENT:
            raise NotAnImage(f"{wanted.digest} is too large")
        data = self.http.read(f"{self.wanted.api}/{path}", wanted.size, headers)
        if digest_of(data) != wanted.digest:
            raise NotAnImage(f"{wanted.digest} is damaged")
        self.count += len(data)
        return data


def image_from_registry(
    reference: str,
    *,
    credentials: RegistryCredentials | None = None,
    ca_file: Path | None = None,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> tuple[ComposedImage, int]:
    """The package that a registry has as ``reference``, with what refers to it; and how many bytes were read.

    All of its layers are there; their bytes are not fetched: whoever pulls them compares them with their digests. Who
    signed it is still to be asked. Raises ``PackagingFailed`` (``BaseImageUnavailable`` when the registry cannot be
    reached or refuses) when it is none, ``InvalidInput`` for what cannot be an image's name, ``Cancelled``.
    """
    from kronkers_studio.packaging.registries.registry_http import RegistryHttp
    from kronkers_studio.packaging.registries.registry_problems import LineBroken

    wanted = parse_reference(reference)
    try:
        with RegistryHttp(wanted, credentials, ca_file, cancel) as http:
            progress.step(f"Asking {wanted.host} for {wanted.repository}")
            documents = _Documents(http, wanted)
            manifest = documents.named(wanted.digest or wanted.tag, MANIFEST_TYPE)
            if wanted.digest and digest_of(manifest) != wanted.digest:
                raise NotAnImage("another manifest than was asked for")
            tag = referrers_tag(digest_of(manifest))
            listed = documents.has(f"manifests/{tag}", INDEX_TYPE)
            referrers = documents.named(tag, INDEX_TYPE) if listed else None
            image = signed_image(manifest, referrers, documents, _stay_there)
            for layer in image.layers:
                cancel.check()
                if not documents.has(f"blobs/{layer.digest}"):
                    raise NotAnImage(f"the layer {layer.digest} is missing")
    except LineBroken as broken:
        raise broken.problem from None
    except NotAnImage as error:
        raise PackagingFailed(
            f"{wanted} is not a whole package of Kronkers Studio.",
            next_step="Push it again with `kronkers package --push`.",
            details=str(error),
        ) from None
    return image, documents.count


def _stay_there(digest: Digest) -> Iterator[bytes]:
    raise BaseImageUnavailable(
        "The layers of a package in a registry stay there.",
        next_step="Pull it with an engine, or write it to a file with `kronkers package --output`.",
        details=digest,
    )
