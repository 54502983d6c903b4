"""What software an image is made of, as a CycloneDX document: the server, the locked libraries, the base's packages.

The document depends on nothing but the lock and the layers: no clock, no machine, no user; and not on the model, so
that a registry that has it from one version needs it for no other. Which model there is, the provenance tells.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from packaging.utils import canonicalize_name

from kronkers_studio import __version__
from kronkers_studio.domain.models import Layer
from kronkers_studio.packaging.dependencies.locking import DependencyLock
from kronkers_studio.packaging.digests import digest_of
from kronkers_studio.packaging.images.components import Component
from kronkers_studio.packaging.images.image import document

SBOM_TYPE: Final = "application/vnd.cyclonedx+json"

_SPECIFICATION = "1.6"
_LOCKED = re.compile(r"(?m)^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==([^\s\\;]+)((?:[^\n]*\\\n *--hash=\S+)*)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def bill_of_materials(
    lock: DependencyLock, components: Iterable[Component], layers: Iterable[Layer], platform: str, python: str
) -> bytes:
    """The CycloneDX JSON of an image that holds what is in ``lock`` and ``components``, in ``layers``."""
    hashes: dict[tuple[str, str], list[str]]
    hashes = {(canonicalize_name(n), v): _HASH.findall(rest) for n, v, rest in _LOCKED.findall(lock.text)}
    listed = {each["bom-ref"]: each for each in (_software(one, hashes) for one in components)}
    for (library, version), found in hashes.items():  # what is locked is listed, whatever its layer says of it
        each = _software(Component("pypi", library, version), {(library, version): found})
        listed.setdefault(each["bom-ref"], each)
    content = {
        "bomFormat": "CycloneDX",
        "specVersion": _SPECIFICATION,
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "kronkers-studio", "version": __version__}]},
            "component": {"type": "container", "bom-ref": "image", "name": "kronkers model service"},
            "properties": [
                {"name": "io.kronkers.platform", "value": platform},
                {"name": "io.kronkers.python", "value": python},
            ],
        },
        "components": [_server(layers), *(listed[ref] for ref in sorted(listed))],
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, digest_of(document(content)))
    return document({**content, "serialNumber": serial.urn})


def listed_components(sbom: Mapping[str, Any]) -> int:
    """How many pieces of software a bill of materials lists."""
    found = sbom.get("components")
    return len(found) if isinstance(found, list) else 0


def _server(layers: Iterable[Layer]) -> dict[str, Any]:
    """The program that serves the model: its version is this program's, its hash that of its layer."""
    own = next(layer for layer in layers if layer.role == "server")
    return {
        "type": "application",
        "bom-ref": "server",
        "name": "kronkers-studio-serving",
        "version": __version__,
        "hashes": [_sha256(own.diff_id.removeprefix("sha256:"))],
    }


def _software(one: Component, hashes: Mapping[tuple[str, str], list[str]]) -> dict[str, Any]:
    purl = _purl(one)
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl,
        "name": one.name,
        "version": one.version,
        "purl": purl,
    }
    if one.licence:
        found["licenses"] = [{"expression": one.licence} if one.is_expression else {"license": {"name": one.licence}}]
    known = hashes.get((canonicalize_name(one.name), one.version), []) if one.kind == "pypi" else []
    if len(known) == 1:
        found["hashes"] = [_sha256(known[0])]
    elif known:  # locks of earlier versions name every file that was published: which one it was, they do not say
        published = {"type": "distribution", "url": purl, "hashes": [_sha256(each) for each in sorted(known)]}
        found["externalReferences"] = [published]
    return found


def _purl(one: Component) -> str:
    """The package URL (purl) of ``one``."""
    if one.kind == "pypi":
        return f"pkg:pypi/{quote(canonicalize_name(one.name), safe='')}@{quote(one.version, safe='')}"
    told = {"arch": one.processor, "distro": one.system}
    qualifiers = urlencode({name: value for name, value in sorted(told.items()) if value})
    system = quote(one.system.partition("-")[0] or "debian", safe="")
    where = f"pkg:deb/{system}/{quote(one.name.lower(), safe='')}@{quote(one.version, safe='')}"
    return f"{where}?{qualifiers}" if qualifiers else where


def _sha256(content: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": content}
