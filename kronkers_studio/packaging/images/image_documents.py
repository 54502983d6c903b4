"""The JSON of images that come from elsewhere: registries, archives, engines. Whoever wrote it may lie.

What these functions return has the types, lengths and bounds that it is said to have; nothing of a document is used
without them. All raise ``NotAnImage``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from kronkers_studio.packaging.digests import Digest, NotADigest, parse_digest

LARGEST_DOCUMENT: Final = 8 * 1024 * 1024
"""Bytes of a manifest, an index or a configuration."""
LARGEST_IMAGE: Final = 32 * 1024**3
"""Bytes of all layers together, as they are stored."""

MOST_PARTS: Final = 500_000
"""Values of a document, or of all documents of an archive."""

_MOST_LAYERS = 127  # what engines can stack
_MOST_LINES = 4096  # of history or environment
_LONGEST_TEXT = 64 * 1024
_PLATFORM = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_MEDIA_TYPE = re.compile(r"[\w.+/-]{1,255}", re.ASCII)
_VARIABLE = re.compile(r"[^=\0]+=[^\0]*")
_HISTORY_TEXTS = ("created", "created_by", "author", "comment")


class NotAnImage(ValueError):
    """A document is not what it should be; the message says where, for the details of an error."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What one document says of another, or of a layer. ``platform`` ("linux/amd64") is "" when it says none."""

    digest: Digest
    size: int
    media_type: str
    platform: str


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """An image's configuration, as far as it matters here. ``history`` may be shorter or longer than the layers."""

    platform: str
    variant: str
    diff_ids: tuple[Digest, ...]
    environment: tuple[str, ...]
    history: tuple[Mapping[str, Any], ...]


def json_value(data: bytes) -> Any:
    """``data`` as JSON: strictly, and of a depth that can be worked on."""
    if parts_of(data) > MOST_PARTS:
        raise NotAnImage("far more parts than documents of images have")
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_no_number)
    except NotAnImage:
        raise
    except (ValueError, RecursionError) as error:
        raise NotAnImage(f"no JSON: {type(error).__name__}") from None


def parts_of(data: bytes) -> int:
    """At least as many values as the JSON in ``data`` has: each takes up to a hundred bytes of memory."""
    return sum(data.count(sign) for sign in (b"[", b"{", b","))


def json_object(data: bytes) -> dict[str, Any]:
    """``data`` as a JSON object."""
    return _object(json_value(data), "document")


def index_entries(document: Mapping[str, Any]) -> list[Descriptor]:
    """The manifests that an index lists."""
    return [_descriptor(entry, LARGEST_DOCUMENT) for entry in _list(document.get("manifests"), "manifests")]


def manifest_config(document: Mapping[str, Any]) -> Descriptor:
    """What a manifest says of its configuration."""
    return _descriptor(document.get("config"), LARGEST_DOCUMENT)


def manifest_layers(document: Mapping[str, Any]) -> list[Descriptor]:
    """What a manifest says of its layers, from the bottom up."""
    found = [_descriptor(entry, LARGEST_IMAGE) for entry in _list(document.get("layers"), "layers")]
    if not 0 < len(found) <= _MOST_LAYERS:
        raise NotAnImage(f"{len(found)} layers")
    if sum(layer.size for layer in found) > LARGEST_IMAGE:
        raise NotAnImage("layers larger than any base image")
    return found


def image_config(value: object) -> ImageConfig:
    """An image's configuration document."""
    document = _object(value, "configuration")
    run = _object(document.get("config") or {}, "config")
    rootfs = _object(document.get("rootfs"), "rootfs")
    try:
        diff_ids = tuple(parse_digest(found) for found in _list(rootfs.get("diff_ids"), "diff_ids"))
    except NotADigest as error:
        raise NotAnImage(f"diff_ids: {error}") from None
    environment = [_text(line, "Env") for line in _list(run.get("Env") or [], "Env")]
    if not all(_VARIABLE.fullmatch(line) for line in environment):
        raise NotAnImage("Env holds what is no variable")
    history = [_history(_object(line, "history")) for line in _list(document.get("history") or [], "history")]
    return ImageConfig(
        platform=_platform(document.get("os", "linux"), document.get("architecture")),
        variant=_text(document.get("variant") or "", "variant"),
        diff_ids=diff_ids,
        environment=tuple(environment),
        history=tuple(history),
    )


def saved_images(value: object) -> list[tuple[str, list[str]]]:
    """From the ``manifest.json`` that ``docker save`` writes: names of the configuration and of the layers, of each
    image. They are names of files in the archive."""
    found = []
    for entry in map(_entry_of_saved, _list(value, "manifest.json")):
        layers = [_text(name, "Layers") for name in _list(entry.get("Layers"), "Layers")]
        found.append((_text(entry.get("Config"), "Config"), layers))
    return found


def _entry_of_saved(value: object) -> Mapping[str, Any]:
    return _object(value, "manifest.json")


def _descriptor(value: object, largest: int) -> Descriptor:
    found = _object(value, "descriptor")
    size, media_type, platform = found.get("size"), found.get("mediaType"), found.get("platform") or {}
    try:
        digest = parse_digest(found.get("digest"))
    except NotADigest as error:
        raise NotAnImage(str(error)) from None
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= largest:
        raise NotAnImage(f"the size of {digest}: {size!r:.100}")
    if media_type is not None and not (isinstance(media_type, str) and _MEDIA_TYPE.fullmatch(media_type)):
        raise NotAnImage(f"the kind of {digest}: {media_type!r:.100}")
    platform = _object(platform, "platform")
    return Descriptor(digest, size, media_type or "", _platform(platform.get("os"), platform.get("architecture")))


def _platform(system: object, processor: object) -> str:
    """ "linux/amd64"; "" when either is missing, or is no word."""
    words = [word for word in (system, processor) if isinstance(word, str) and _PLATFORM.fullmatch(word)]
    return "/".join(words) if len(words) == 2 else ""


def _history(line: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {name: _text(line[name], name) for name in _HISTORY_TEXTS if line.get(name) is not None}
    return {**found, "empty_layer": True} if line.get("empty_layer") is True else found


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotAnImage(f"{what} is no object but {type(value).__name__}")
    return value


def _list(value: object, what: str) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) > _MOST_LINES:
        raise NotAnImage(f"{what} is no list, or a very long one")
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise NotAnImage(f"{what} holds what is no text, or a very long one")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair: JSON can hold it, no document of ours can
        raise NotAnImage(f"{what} holds what is no text") from None
    return value


def _no_number(text: str) -> NoReturn:
    raise NotAnImage(f"{text} is no number")
