"""Names of base images, as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from kronkers_studio.domain.errors import InvalidInput

_DEFAULT_HOST = "docker.io"
_DEFAULT_HOST_API = "registry-1.docker.io"
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
_REPOSITORY = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*"
_REFERENCE = re.compile(
    rf"(?:(?P<host>{_HOST})/)??(?P<repository>{_REPOSITORY})"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)


class BaseKind(StrEnum):
    REGISTRY = "registry"
    ARCHIVE = "archive"
    ENGINE = "engine"


@dataclass(frozen=True, slots=True)
class ImageReference:
    """An image in a registry. ``digest`` wins over ``tag`` when both are given."""

    host: str
    repository: str
    tag: str = "latest"
    digest: str = ""

    @property
    def api(self) -> str:
        """Where the registry's interface is."""
        return f"https://{_DEFAULT_HOST_API if self.host == _DEFAULT_HOST else self.host}/v2/{self.repository}"

    @property
    def name(self) -> str:
        """Host and repository, as in ``docker.io/library/python``."""
        return f"{self.host}/{self.repository}"

    def __str__(self) -> str:
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.tag}"


def parse_reference(text: str) -> ImageReference:
    """``python:3.11-slim``, ``registry.example:5000/team/base@sha256:…`` and the like.

    Raises ``InvalidInput`` for what cannot be an image's name.
    """
    matched = _REFERENCE.fullmatch(text.strip())
    if matched is None:
        raise InvalidInput(
            f"“{text}” is not the name of an image.", next_step="Write it as in docker.io/library/python:3.11-slim."
        )
    host, repository = matched["host"] or "", matched["repository"]
    if not host:
        first, slash, rest = repository.partition("/")
        if slash and ("." in first or first == "localhost"):
            host, repository = first, rest
    if not host or host in ("index.docker.io", _DEFAULT_HOST_API):
        host = _DEFAULT_HOST
    if host == _DEFAULT_HOST and "/" not in repository:
        repository = f"library/{repository}"
    return ImageReference(host, repository, matched["tag"] or "latest", matched["digest"] or "")


def registry_host(text: str) -> str:
    """The host of an image registry, with its port if it is not 443, as it is written before an image's name.

    Raises ``InvalidInput``.
    """
    host = text.strip().removeprefix("https://").rstrip("/")
    if re.fullmatch(_HOST, host, re.ASCII) is None:
        raise InvalidInput(
            f"“{text}” is not the address of an image registry.",
            next_step="Write it as it begins the image's name, as in registry.example.org:5000.",
        )
    host = host.lower()
    if not any(sign in host for sign in ".:") and host != "localhost":
        raise InvalidInput(
            f"“{text}” may be a computer, but an image {host}/… is one of {_DEFAULT_HOST}.",
            next_step=f"Write its domain or its port too, in images' names as well: {host}.example.org, {host}:443.",
        )
    return parse_reference(f"{host}/any").host


def parse_base(setting: str, python_version: str) -> tuple[BaseKind, str]:
    """What the setting ``base_image`` means for a model of this Python version: where to look, and for what.

    ``{python}`` stands for the version; ``engine:NAME`` for an image on a server's engine; a path that ends in .tar
    (or .tar.gz …) for an archive; everything else is an image in a registry.
    """
    text = setting.strip().replace("{python}", python_version)
    if text.startswith("engine:"):
        return BaseKind.ENGINE, text.removeprefix("engine:")
    if re.search(r"\.(?:tar(?:\.\w+)?|tgz)$", text, re.IGNORECASE):
        return BaseKind.ARCHIVE, text
    return BaseKind.REGISTRY, str(parse_reference(text))
