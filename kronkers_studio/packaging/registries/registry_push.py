"""Putting a package into an image registry, by the OCI distribution protocol: only what the registry lacks.

What is there already is asked for by its digest; what another repository of the registry has is taken from there. What
refers to the package (what is in it, where it comes from, its signature) is there before its tag is: whoever finds the
tag finds them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kronkers_studio.domain.errors import (
    BaseImageUnavailable,
    InvalidInput,
    PushFailed,
    RegistryLoginRefused,
    RegistryUntrusted,
)
from kronkers_studio.domain.models import PushedImage
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.packaging.digests import Digest, digest_of, parse_digest
from kronkers_studio.packaging.images.image import INDEX_TYPE, MANIFEST_TYPE, ComposedImage, document
from kronkers_studio.packaging.images.image_documents import LARGEST_DOCUMENT, NotAnImage, json_object
from kronkers_studio.packaging.images.referrers import EMPTY, referrers_of, referrers_tag
from kronkers_studio.packaging.layer_cache import LayerCache
from kronkers_studio.packaging.registries.blob_upload import CREATED, Blob, BlobUpload, Unwelcome
from kronkers_studio.packaging.registries.image_references import ImageReference, parse_reference

if TYPE_CHECKING:
    from kronkers_studio.packaging.registries.registry_http import RegistryHttp
    from kronkers_studio.packaging.registries.registry_login import RegistryCredentials

_PUSHED = "pushed"


def push_image(
    image: ComposedImage,
    reference: str,
    cache: LayerCache,
    *,
    credentials: RegistryCredentials | None = None,
    ca_file: Path | None = None,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> PushedImage:
    """Put ``image`` into a registry as ``reference`` ("registry.example/team/churn:3"; the tag may be left out).

    What was sent before a break is not sent again. Raises ``PushFailed`` (``RegistryLoginRefused``,
    ``RegistryUntrusted``) in plain words, ``PackagingFailed`` when a layer turns out damaged, ``InvalidInput`` for what
    cannot be an image's name, ``Cancelled``.
    """
    from kronkers_studio.packaging.registries.registry_http import RegistryHttp
    from kronkers_studio.packaging.registries.registry_problems import LineBroken

    wanted = push_target(reference, image.package.version)
    sources = _sources(image, wanted, cache)
    try:
        with RegistryHttp(wanted, credentials, ca_file, cancel) as http:
            http.scope = _scope(wanted, sources.values())
            push = _Push(http, wanted, cache, sources, progress, cancel)
            progress.step(f"Pushing {image.name} to {wanted.host}", sum(layer.size for layer in image.layers), "bytes")
            try:
                push.all_of(image)
            except Unwelcome:
                if not push.trusting:
                    raise
                push.trusting = False  # what was there once is not any more: ask for everything
                push.all_of(image)
            return PushedImage(str(wanted), image.package.digest, push.uploaded, push.mounted, http.bytes_sent)
    except LineBroken as broken:
        raise _failed(wanted, broken.problem) from None
    except Unwelcome as refusal:
        raise _refused(wanted, refusal.status, credentials) from None
    except (RegistryLoginRefused, RegistryUntrusted):
        raise
    except BaseImageUnavailable as problem:
        raise _failed(wanted, problem) from None


def push_target(reference: str, version: int) -> ImageReference:
    """What a push to ``reference`` means; its tag is the model's version unless it has one. Raises ``InvalidInput``."""
    text = reference.strip().removeprefix("https://")
    tagged = ":" in text.rpartition("/")[2]
    wanted = parse_reference(text if tagged else f"{text}:{version}")
    if wanted.digest:
        raise InvalidInput(
            "What is pushed has its own digest: a name with another one is none for it.",
            next_step="Write registry/repository, or registry/repository:tag.",
        )
    return wanted


class _Push:
    """One push into the repository of ``wanted``; ``sources`` are the repositories of the registry that have a blob.

    While ``trusting``, what was brought into the repository before is not asked for.
    """

    def __init__(
        self,
        http: RegistryHttp,
        wanted: ImageReference,
        cache: LayerCache,
        sources: Mapping[str, str],
        progress: Progress,
        cancel: CancelToken,
    ) -> None:
        self.uploaded = self.mounted = 0
        self.trusting = True
        self._http, self._wanted, self._cache = http, wanted, cache
        self._sources, self._progress = sources, progress
        self._brought: set[Digest] = set()
        self._upload = BlobUpload(http, wanted, cache, progress, cancel)

    def all_of(self, image: ComposedImage) -> None:
        """Everything of ``image``, its tag last."""
        self._brought.clear()
        referrers = referrers_of(image)
        if not self.present(image.package.digest):
            for layer in image.layers:
                self.bring(Blob(parse_digest(layer.digest), layer.size, partial(image.open_layer, layer)))
            self.bring(_small(image.config), new=True)
        for referrer in referrers:
            if not self.present(referrer.digest):
                for content in referrer.blobs:
                    self.bring(_small(content), new=content not in (EMPTY, image.sbom))
                self.put(referrer.digest, referrer.manifest, MANIFEST_TYPE)
        self.list_referrers(image.package.digest, [referrer.descriptor for referrer in referrers])
        self.put(self._wanted.tag, image.manifest, MANIFEST_TYPE)

    def present(self, digest: str) -> bool:
        """Whether the repository has the manifest, and so all that it lists."""
        return self._upload.present(parse_digest(digest), "manifests")

    def bring(self, blob: Blob, *, new: bool = False) -> None:
        """See that the repository has ``blob``, which it is not asked for first when it is ``new``."""
        if blob.digest in self._brought:
            return
        self._brought.add(blob.digest)
        known = self.trusting and self._sources.get(blob.digest) == self._wanted.repository
        if known or (not new and self._upload.present(blob.digest)):
            self._progress.advance(blob.size)
        elif self._upload.run(blob, self._elsewhere(blob.digest)):
            self.uploaded += 1
        else:
            self.mounted += 1
            self._progress.advance(blob.size)
        self._cache.remember(_PUSHED, f"{self._wanted.host} {blob.digest}", {"repository": self._wanted.repository})

    def _elsewhere(self, digest: Digest) -> str:
        source = self._sources.get(digest, "")
        return source if source != self._wanted.repository else ""

    def put(self, name: str, manifest: bytes, media_type: str) -> None:
        """Put a manifest or an index under a tag or its digest."""
        from kronkers_studio.packaging.registries.registry_problems import LineBroken

        url = f"{self._wanted.api}/manifests/{name}"
        try:
            answer = self._http.exchange("PUT", url, {"Content-Type": media_type}, manifest)
        except LineBroken:  # an old connection may have ended meanwhile; the same again changes nothing
            answer = self._http.exchange("PUT", url, {"Content-Type": media_type}, manifest)
        answer.close()
        if answer.status_code != CREATED:
            raise Unwelcome(answer.status_code)

    def list_referrers(self, digest: str, descriptors: Sequence[Mapping[str, Any]]) -> None:
        """Add ``descriptors`` to the index of what refers to the image, under the tag that is made of its digest."""
        tag = referrers_tag(digest)
        known = self._listed(tag)
        own = {each["digest"] for each in descriptors}
        others = [each for each in known if each.get("digest") not in own]
        if len(others) + len(own) == len(known):
            return
        entries = [*others, *map(dict, descriptors)]
        index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries}
        self.put(tag, document(index), INDEX_TYPE)

    def _listed(self, tag: str) -> list[dict[str, Any]]:
        """What the index under ``tag`` lists; nothing when there is none."""
        url = f"{self._wanted.api}/manifests/{tag}"
        with self._http.exchange("HEAD", url, {"Accept": INDEX_TYPE}) as answer:
            if answer.status_code != 200:
                return []
        with contextlib.suppress(NotAnImage):
            found = json_object(self._http.read(url, LARGEST_DOCUMENT, {"Accept": INDEX_TYPE})).get("manifests")
            if isinstance(found, list):
                return [each for each in found if isinstance(each, dict)]
        return []


def _small(content: bytes) -> Blob:
    return Blob(digest_of(content), len(content), lambda: iter((content,)))


def _sources(image: ComposedImage, wanted: ImageReference, cache: LayerCache) -> dict[str, str]:
    """In which repository of the registry each blob was last known to be: one pushed to before, or the base's own."""
    found: dict[str, str] = {}
    base = _base_repository(image, wanted)
    wherever = {layer.digest: base if layer.role == "base" else "" for layer in image.layers}
    small = (image.config, *(content for referrer in referrers_of(image) for content in referrer.blobs))
    for digest, otherwise in (wherever | {digest_of(content): "" for content in small}).items():
        known = (cache.recall(_PUSHED, f"{wanted.host} {digest}") or {}).get("repository")
        source = known if isinstance(known, str) and known else otherwise
        if source and _is_repository(wanted.host, source):
            found[digest] = source
    return found


def _base_repository(image: ComposedImage, wanted: ImageReference) -> str:
    """The base image's repository, if it is one of the same registry."""
    with contextlib.suppress(InvalidInput):
        base = parse_reference(image.package.base)
        if base.host == wanted.host:
            return base.repository
    return ""


def _is_repository(host: str, name: str) -> bool:
    with contextlib.suppress(InvalidInput):
        return parse_reference(f"{host}/{name}").repository == name
    return False


def _scope(wanted: ImageReference, sources: Iterable[str]) -> tuple[str, ...]:
    """What a token is asked for: to read and write there, and to read where layers are taken from."""
    others = sorted(set(sources) - {wanted.repository})
    return (f"repository:{wanted.repository}:pull,push", *(f"repository:{each}:pull" for each in others))


def _failed(wanted: ImageReference, problem: BaseImageUnavailable) -> PushFailed:
    return PushFailed(
        problem.message,
        next_step=f"Push again: what {wanted.host} has already is not sent again.",
        details=problem.details,
    )


def _refused(wanted: ImageReference, status: int, credentials: RegistryCredentials | None) -> PushFailed:
    if status in (401, 403):
        who = f"“{credentials.user}”" if credentials else "anybody"
        problem = PushFailed(
            f"{wanted.host} does not let {who} write to {wanted.repository}.",
            next_step="Log in to the registry as somebody who may.",
        )
        problem.image_registry = wanted.host
        problem.command = f"`kronkers image-registry login {wanted.host} --user NAME` logs in."
        return problem
    if status in (413, 507):
        return PushFailed(
            f"{wanted.host} has no room for the package, or takes none so large.",
            next_step="Ask whoever runs the registry.",
        )
    return PushFailed(
        f"{wanted.host} refused the package: it answered {status}.",
        next_step="Check the repository's name; some registries want it to be made first.",
    )
