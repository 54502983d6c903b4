"""What software a layer holds: Python distributions by their dist-infos, Debian packages by dpkg's list of them.

A layer is read once, its findings are kept under its digest. Base layers come from elsewhere: whatever they hold is
read within bounds, and nothing of it is believed to be more than text.
"""

from __future__ import annotations

import email.parser
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import IO, Any, Final, cast

from kronkers_studio.domain.errors import PackagingFailed
from kronkers_studio.domain.models import Layer
from kronkers_studio.domain.progress import CancelToken
from kronkers_studio.packaging.images.image_documents import LARGEST_IMAGE
from kronkers_studio.packaging.images.layers import TAR_GZIP, decompress
from kronkers_studio.packaging.layer_cache import LayerCache
from kronkers_studio.packaging.tar_stream import open_stream

COMPONENTS_FORMAT: Final = 1
"""Part of the key: a change of what is read reads layers anew."""

_LARGEST_LIST = 64 << 20  # bytes of dpkg's list, or of one dist-info
_MOST_FILES = 2_000_000
_MOST_COMPONENTS = 50_000
_LONGEST_TEXT = 1000
_STATUS = "var/lib/dpkg/status"
_STATUS_PARTS = "var/lib/dpkg/status.d/"
_RELEASES = ("usr/lib/os-release", "etc/os-release")
_OSI = "License :: "
_ZSTD_WINDOW = 1 << 27


@dataclass(frozen=True, slots=True)
class Component:
    """One piece of software. ``kind`` is "pypi" or "deb"; ``licence`` an SPDX expression where ``is_expression``, else
    what it is called, "" when nothing says; ``processor`` Debian's word for what it was built for."""

    kind: str
    name: str
    version: str
    licence: str = ""
    is_expression: bool = False
    processor: str = ""
    system: str = ""  # "debian-12": what it was built for


def components_of(layers: Iterable[Layer], cache: LayerCache, cancel: CancelToken) -> tuple[Component, ...]:
    """What the ``layers``, from the bottom up, hold together, in a fixed order.

    Of dpkg's list only the uppermost counts: it replaces what lies below it. Raises ``PackagingFailed``, ``Cancelled``.
    """
    pypi: dict[str, Component] = {}
    debian: tuple[Component, ...] = ()
    for layer in layers:
        found = _components_in(layer, cache, cancel)
        pypi |= {each.name: each for each in found if each.kind == "pypi"}
        debian = tuple(each for each in found if each.kind == "deb") or debian
    return tuple(sorted((*pypi.values(), *debian), key=lambda each: (each.kind, each.name, each.version)))


def components_key(digest: str) -> str:
    """What is known of the layer with that digest is remembered under this key, as "components"."""
    return f"{COMPONENTS_FORMAT} {digest}"


def _components_in(layer: Layer, cache: LayerCache, cancel: CancelToken) -> tuple[Component, ...]:
    key = components_key(layer.digest)
    known = recalled_components(cache.recall("components", key))
    if known is not None:
        return known
    found = tuple(_read(layer, cache.read_blob(layer.digest), cancel))
    kept = [asdict(each) for each in found]
    cache.remember("components", key, {"components": kept, "digest": layer.digest})
    return found


def recalled_components(fact: Mapping[str, Any] | None) -> tuple[Component, ...] | None:
    """What was remembered of a layer; None when it is anything else."""
    listed = (fact or {}).get("components")
    if not isinstance(listed, list):
        return None
    kinds = {field.name: bool if field.type == "bool" else str for field in fields(Component)}
    found = []
    for each in listed:
        if not isinstance(each, dict) or set(each) != set(kinds):
            return None
        if not all(isinstance(each[name], kind) for name, kind in kinds.items()):
            return None
        found.append(Component(**each))
    return tuple(found)


def _read(layer: Layer, pieces: Iterator[bytes], cancel: CancelToken) -> list[Component]:
    python: list[Component] = []
    lists: dict[str, bytes] = {}
    unpacked = 0
    try:
        with open_stream(_plain(layer, pieces)) as archive:
            for number, member in enumerate(archive):
                cancel.check()
                unpacked += member.size
                if unpacked > LARGEST_IMAGE or number > _MOST_FILES or len(python) + len(lists) > _MOST_COMPONENTS:
                    raise _unreadable(layer, "more than any layer holds")
                name = member.name.removeprefix("./")
                wanted = name == _STATUS or name in _RELEASES or name.startswith(_STATUS_PARTS)
                if not member.isreg() or not (wanted or _is_metadata(name)):
                    continue
                content = _content(archive.extractfile(member))
                if wanted:
                    lists[name] = content
                else:
                    python += _distribution(content)
    except (tarfile.TarError, EOFError) as error:
        raise _unreadable(layer, f"{type(error).__name__}: {error}") from None
    for _ in pieces:  # to its end, where the layer's hash is checked
        pass
    return [*python, *_debian(lists)]


def _plain(layer: Layer, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The layer's tar, unpacked, in pieces of a bounded size, where ``open_stream`` would not do that, or slowly."""
    if layer.role == "dependencies" and layer.media_type == TAR_GZIP:
        yield from decompress(pieces)
        return
    if not layer.media_type.endswith("zstd"):
        yield from pieces
        return
    import zstandard

    from kronkers_studio.packaging.tar_stream import PieceReader

    try:
        source = cast(IO[bytes], PieceReader(pieces))  # it calls nothing but read()
        unpacker = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        reader = unpacker.stream_reader(source, read_across_frames=True)
        while piece := reader.read(1 << 20):
            yield piece
    except zstandard.ZstdError as error:
        raise tarfile.ReadError(f"it cannot be unpacked ({error})") from None


def _content(stream: IO[bytes] | None) -> bytes:
    data = stream.read(_LARGEST_LIST + 1) if stream is not None else b""
    if len(data) > _LARGEST_LIST:
        raise tarfile.ReadError("a list of packages without end")
    return data


def _is_metadata(name: str) -> bool:
    return name.endswith(".dist-info/METADATA")


def _distribution(metadata: bytes) -> list[Component]:
    """What a dist-info's METADATA says of its distribution."""
    found = email.parser.BytesHeaderParser().parsebytes(metadata.partition(b"\n\n")[0])
    name, version = _text(found["Name"]), _text(found["Version"])
    if not name or not version:
        return []
    expression = _text(found["License-Expression"])
    stated = _text(found["License"])
    classified = [
        str(line).rpartition(" :: ")[2] for line in found.get_all("Classifier", []) if str(line).startswith(_OSI)
    ]
    other = stated if stated and len(stated) <= 100 and stated.upper() != "UNKNOWN" else " and ".join(classified)
    return [Component("pypi", name, version, expression or _text(other), is_expression=bool(expression))]


def _debian(lists: Mapping[str, bytes]) -> list[Component]:
    """The packages of dpkg's list, or of the parts that images without dpkg have."""
    stated = [content for name, content in lists.items() if name not in _RELEASES]
    release = next((lists[name] for name in _RELEASES if lists.get(name)), b"")
    system = _system(release.decode("utf-8", "replace"))
    found = {}
    for content in stated:
        for paragraph in content.decode("utf-8", "replace").split("\n\n"):
            lines = dict(line.partition(":")[::2] for line in paragraph.splitlines() if line[:1].strip())
            name, version = _text(lines.get("Package")), _text(lines.get("Version"))
            state = _text(lines.get("Status")) or "installed"  # parts say none
            if name and version and state.endswith("installed"):
                each = Component("deb", name, version, processor=_text(lines.get("Architecture")), system=system)
                found[name, each.processor] = each
            if len(found) > _MOST_COMPONENTS:
                raise tarfile.ReadError("a list of packages without end")
    return list(found.values())


def _system(release: str) -> str:
    said = {name: value.strip("\"'") for name, _, value in (line.partition("=") for line in release.splitlines())}
    return _text("-".join(filter(None, (said.get("ID", ""), said.get("VERSION_ID", "")))))


def _text(value: object) -> str:
    """One line of text, not too long; "" for nothing."""
    text = " ".join(str(value).split()) if value is not None else ""
    return text[:_LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8")


def _unreadable(layer: Layer, why: str) -> PackagingFailed:
    return PackagingFailed(
        "A layer cannot be read, so what it holds cannot be listed.",
        next_step="Choose another base image, or package again.",
        details=f"{layer.digest}: {why}",
    )
