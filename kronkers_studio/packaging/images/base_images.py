"""What all sources of base images share: from an image's configuration to a ``BaseImage``, and finding it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from kronkers_studio.domain.errors import BaseImageUnavailable
from kronkers_studio.domain.models import Layer
from kronkers_studio.packaging.images.image import BaseImage
from kronkers_studio.packaging.images.image_documents import ImageConfig
from kronkers_studio.packaging.layer_cache import LayerCache, key_of, recalled_layer


def base_of(config: ImageConfig, layers: Sequence[Layer], source: str) -> BaseImage:
    """The base with this image configuration and these layers, whose diff ids the configuration must confirm.

    Raises ``BaseImageUnavailable`` when they do not belong together.
    """
    if len(config.diff_ids) != len(layers):
        raise _incomplete(source, "layers and configuration differ in number")
    for layer, diff_id in zip(layers, config.diff_ids, strict=True):
        if layer.diff_id not in ("", diff_id):
            raise _incomplete(source, f"a layer is not {diff_id}")
    return BaseImage(
        reference=f"{source}@sha256:{key_of(config.diff_ids)}" if "@" not in source else source,
        platform=config.platform,
        layers=tuple(
            replace(layer, role="base", diff_id=diff_id) for layer, diff_id in zip(layers, config.diff_ids, strict=True)
        ),
        environment=config.environment,
        variant=config.variant,
        history=_history(config.history, len(layers)),
    )


def known_base(key: str, platform: str, cache: LayerCache) -> BaseImage | None:
    """The base kept under ``key`` for ``platform``, when all of its layers are still in ``cache``.

    What was kept is looked at as closely as what a registry sends: None when it is anything but a base.
    """
    fact = cache.recall("bases", f"{key} {platform}")
    if fact is None:
        return None
    found = fact.get("layers")
    layers = [recalled_layer(layer) for layer in found] if isinstance(found, list) else []
    reference, variant, environment = fact.get("reference"), fact.get("variant"), fact.get("environment")
    if fact.get("key") != key:  # kept before keys were, so that nobody could ask for it anew
        return None
    if not (layers and isinstance(reference, str) and isinstance(variant, str) and isinstance(environment, list)):
        return None
    if fact.get("platform") != platform or not all(isinstance(line, str) for line in environment):
        return None
    present = tuple(layer for layer in layers if layer is not None and cache.has(layer.digest, layer.size))
    if len(present) != len(layers):
        return None
    history = fact.get("history")
    lines = [line for line in history if isinstance(line, dict)] if isinstance(history, list) else []
    return BaseImage(reference, platform, present, tuple(environment), variant, _history(lines, len(present)))


def kept_base(key: str, base: BaseImage, cache: LayerCache) -> BaseImage:
    """``base``, which ``known_base`` gives from now on."""
    cache.remember("bases", f"{key} {base.platform}", {**asdict(base), "key": key})
    return base


def kept_bases(cache: LayerCache) -> list[tuple[str, BaseImage]]:
    """Every base that ``known_base`` gives, with its key."""
    found = []
    for fact in cache.recall_all("bases"):
        key, platform = fact.get("key"), fact.get("platform")
        base = known_base(key, platform, cache) if isinstance(key, str) and isinstance(platform, str) else None
        if isinstance(key, str) and base is not None:
            found.append((key, base))
    return found


def _history(lines: Sequence[Mapping[str, Any]], layers: int) -> tuple[Mapping[str, Any], ...]:
    """The base's lines of history; one for each layer when it has none that fit."""
    if sum(not line.get("empty_layer") for line in lines) != layers:
        return tuple({"created_by": "base image"} for _ in range(layers))
    return tuple(lines)


def _incomplete(source: str, why: str) -> BaseImageUnavailable:
    return BaseImageUnavailable(
        f"The base image from {source} is damaged or incomplete.",
        next_step="Get it again from where it came.",
        details=why,
    )
