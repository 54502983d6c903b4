"""What all sources of base images share: from an image's configuration to a ``BaseImage``, and finding it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from kronkers_studio.domain.errors import BaseImageUnavailable
from kronkers_studio.domain.models import Layer
from kronkers_studio.packaging.cache import LayerCache, key_of
from kronkers_studio.packaging.image import BaseImage

_HISTORY = ("created", "created_by", "author", "comment", "empty_layer")


def base_of(config: Mapping[str, Any], layers: Sequence[Layer], source: str) -> BaseImage:
    """The base with this image configuration and these layers, whose diff ids the configuration must confirm.

    Raises ``BaseImageUnavailable`` when they do not belong together.
    """
    rootfs = config.get("rootfs")
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, Mapping) else None
    if not isinstance(diff_ids, list) or len(diff_ids) != len(layers):
        raise _incomplete(source, "layers and configuration differ in number")
    for layer, diff_id in zip(layers, diff_ids, strict=True):
        if layer.diff_id not in ("", diff_id):
            raise _incomplete(source, f"a layer is not {diff_id}")
    run = config.get("config") or {}
    return BaseImage(
        reference=f"{source}@sha256:{key_of(diff_ids)}" if "@" not in source else source,
        platform=f"{config.get('os', 'linux')}/{config.get('architecture', '')}",
        layers=tuple(
            replace(layer, role="base", diff_id=str(diff_id)) for layer, diff_id in zip(layers, diff_ids, strict=True)
        ),
        environment=tuple(str(line) for line in run.get("Env") or ()),
        variant=str(config.get("variant") or ""),
        history=tuple(_history(config.get("history") or (), len(layers))),
    )


def known_base(key: str, platform: str, cache: LayerCache) -> BaseImage | None:
    """The base kept under ``key`` for ``platform``, when all of its layers are still in ``cache``."""
    fact = cache.recall("bases", f"{key} {platform}")
    if fact is None:
        return None
    layers = tuple(Layer(**layer) for layer in fact.pop("layers"))
    if not all(cache.has(layer.digest, layer.size) for layer in layers):
        return None
    environment, history = tuple(fact.pop("environment")), tuple(fact.pop("history"))
    return BaseImage(**fact, layers=layers, environment=environment, history=history)


def kept_base(key: str, base: BaseImage, cache: LayerCache) -> BaseImage:
    """``base``, which ``known_base`` gives from now on."""
    cache.remember("bases", f"{key} {base.platform}", asdict(base))
    return base


def _history(lines: Sequence[Any], layers: int) -> list[dict[str, Any]]:
    """The base's lines of history; one for each layer when it has none that fit."""
    found = [{name: line[name] for name in _HISTORY if name in line} for line in lines if isinstance(line, Mapping)]
    if sum(not line.get("empty_layer") for line in found) != layers:
        return [{"created_by": "base image"} for _ in range(layers)]
    return found


def _incomplete(source: str, why: str) -> BaseImageUnavailable:
    return BaseImageUnavailable(
        f"The base image from {source} is damaged or incomplete.",
        next_step="Get it again from where it came.",
        details=why,
    )
