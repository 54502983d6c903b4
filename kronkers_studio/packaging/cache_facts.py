"""The facts of a cache that another computer can use, looked at before they are believed to be any.

What belongs to one computer alone (which blobs were read today, what went to which registry) is not among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.models import Layer
from kronkers_studio.packaging.dependencies.wheels import recalled_wheel
from kronkers_studio.packaging.digests import Digest, parse_digest
from kronkers_studio.packaging.images.base_images import known_base
from kronkers_studio.packaging.images.components import components_key, recalled_components
from kronkers_studio.packaging.layer_cache import LayerCache, key_of, recalled_layer
from kronkers_studio.packaging.recorded_facts import is_lock
from kronkers_studio.packaging.registries.image_references import parse_reference

_Named = list[tuple[Digest, int]]


def _layer(_stem: str, fact: dict[str, Any]) -> _Named | None:
    found = recalled_layer(fact)
    return _of_layers([found]) if found is not None and found.role in ("dependencies", "server") else None


def _lock(_stem: str, fact: dict[str, Any]) -> _Named | None:
    text, notes = fact.get("text"), fact.get("notes")
    if set(fact) != {"text", "notes"} or not isinstance(text, str) or not isinstance(notes, list):
        return None
    return [] if is_lock(text) and text and all(isinstance(note, str) for note in notes) else None


def _base(stem: str, fact: dict[str, Any]) -> _Named | None:
    """Only what an image's name meant: files of archives have other names elsewhere."""
    key, platform, listed = fact.get("key"), fact.get("platform"), fact.get("layers")
    if not isinstance(key, str) or not isinstance(platform, str) or not isinstance(listed, list):
        return None
    try:
        parse_reference(key)
    except InvalidInput:
        return None
    layers = [recalled_layer(each) for each in listed]
    if stem != key_of(f"{key} {platform}") or known_base(key, platform, _One(stem, fact)) is None:
        return None
    return _of_layers(layers)


def _components(stem: str, fact: dict[str, Any]) -> _Named | None:
    """Of one version of the program another may have no use: it reads the layer again."""
    key = key_of(components_key(str(fact.get("digest"))))
    return [] if recalled_components(fact) is not None and stem == key else None


def _wheel(stem: str, fact: dict[str, Any]) -> _Named | None:
    found = recalled_wheel(fact)
    return [(found.digest, found.size)] if found is not None and stem == key_of(found.digest) else None


def _of_layers(layers: Iterable[Layer | None]) -> _Named:
    return [(parse_digest(layer.digest), layer.size) for layer in layers if layer is not None]


class _One(LayerCache):
    """A cache that knows one fact, and has every blob: what a fact says is looked at by those who use it."""

    def __init__(self, stem: str, fact: dict[str, Any]) -> None:
        super().__init__(Path())
        self._stem, self._value = stem, fact

    def recall(self, kind: str, key: str) -> dict[str, Any] | None:
        return self._value if key_of(key) == self._stem else None

    def has(self, digest: str, size: int) -> bool:
        return True


FACT_CHECKS: Mapping[str, Callable[[str, dict[str, Any]], _Named | None]] = {
    "bases": _base,
    "components": _components,
    "layers": _layer,
    "locks": _lock,
    "wheels": _wheel,
}
"""Of each kind of fact that travels: the blobs that one names, with their sizes; None for what is no such fact."""
