"""The base images of services in other languages than Python: one each for R and Julia, kept until another is chosen.

They are made by an engine, not fetched by a name, so they are kept under a name that no registry can have.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from kronkers_studio.domain.errors import PackagingFailed
from kronkers_studio.domain.models import Framework, ModelFacts
from kronkers_studio.packaging.images.base_images import kept_base, kept_bases, known_base
from kronkers_studio.packaging.images.components import Component
from kronkers_studio.packaging.images.image import BaseImage
from kronkers_studio.packaging.layer_cache import LayerCache

HOST = "language-bases.invalid"
"""Of the names that they are kept under; no registry can have it (RFC 2606)."""

LANGUAGES = tuple(each for each in Framework if each.in_container_only)
_ENGINE = "r-base-core"


def keep_language_base(language: Framework, base: BaseImage, cache: LayerCache) -> BaseImage:
    """``base`` as that of the language for its platform, in place of the one before."""
    named = replace(base, reference=f"kronkers/base-{language.value}@{base.reference.rpartition('@')[2]}")
    return kept_base(_key(language), named, cache)


def language_base(language: Framework, platform: str, cache: LayerCache) -> BaseImage | None:
    """The base of the language for ``platform``; None when there is none yet."""
    return known_base(_key(language), platform, cache)


def language_bases(cache: LayerCache) -> list[tuple[Framework, BaseImage]]:
    """All of them, each with its language."""
    kept = [(key, base) for key, base in kept_bases(cache) if key.startswith(f"{HOST}/")]
    return [(language, base) for language in LANGUAGES for key, base in kept if key == _key(language)]


def require_language_packages(facts: ModelFacts, components: Iterable[Component]) -> None:
    """Raise ``PackagingFailed`` when a base with Debian's R lacks the package of an R model. One that got its R in
    another way is not looked into: its service says what it lacks when it starts."""
    found = {each.name for each in components if each.kind == "deb"}
    if facts.framework is not Framework.R or _ENGINE not in found:
        return
    for package in facts.packages:
        name = package.partition("==")[0]
        wanted = f"r-cran-{name.lower()}"
        if wanted not in found:
            raise PackagingFailed(
                f"The base image has no R package {name}, which the model's class {facts.estimator} needs.",
                next_step=f"Add {wanted} to its Dockerfile (`kronkers base dockerfile r`), and build it again.",
            )


def _key(language: Framework) -> str:
    return f"{HOST}/{language.value}:latest"
