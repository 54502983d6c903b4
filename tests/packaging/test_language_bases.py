"""The base images of R and Julia: kept one for each, found by their language, and by no registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from kronkers_studio.domain.models import Framework, Layer
from kronkers_studio.packaging import (
    BaseImage,
    LayerCache,
    keep_language_base,
    kept_from_registries,
    language_base,
    language_bases,
)
from kronkers_studio.packaging.cache_facts import FACT_CHECKS
from kronkers_studio.packaging.digests import digest_of
from kronkers_studio.packaging.images.layers import TAR_GZIP
from kronkers_studio.packaging.layer_cache import key_of

PLATFORM = "linux/amd64"


@pytest.fixture
def cache(tmp_path: Path) -> LayerCache:
    return LayerCache(tmp_path)


def base(cache: LayerCache, content: bytes) -> BaseImage:
    digest = digest_of(content)
    with cache.draft() as draft:
        draft.write_bytes(content)
        cache.adopt(draft, digest)
    layer = Layer("base", digest, digest, len(content), TAR_GZIP)
    history = ({"created_by": "docker build"},)
    return BaseImage(f"engine@{digest}", PLATFORM, (layer,), ("PATH=/bin",), history=history)


def test_the_last_one_of_a_language_is_its_base(cache: LayerCache) -> None:
    assert language_base(Framework.R, PLATFORM, cache) is None
    for content in (b"first", b"second"):
        kept = keep_language_base(Framework.R, base(cache, content), cache)
        assert language_base(Framework.R, PLATFORM, cache) == kept
        assert kept.reference == f"kronkers/base-r@{digest_of(content)}"
    assert language_base(Framework.JULIA, PLATFORM, cache) is None
    assert language_base(Framework.R, "linux/arm64", cache) is None
    assert language_bases(cache) == [(Framework.R, kept)]


def test_no_registry_is_asked_for_it(cache: LayerCache) -> None:
    """Seen to fail without the look at the name's host."""
    keep_language_base(Framework.R, base(cache, b"image"), cache)
    assert kept_from_registries(cache) == []


def test_it_travels_with_the_cache(cache: LayerCache) -> None:
    keep_language_base(Framework.R, base(cache, b"image"), cache)
    (fact,) = cache.recall_all("bases")
    assert FACT_CHECKS["bases"](key_of(f"{fact['key']} {PLATFORM}"), dict(fact))
