"""The base images of services with R or Julia models: built on a server's engine, or brought as an archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.errors import BaseImageUnavailable, InvalidInput
from kronkers_studio.domain.models import Framework
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.settings.paths import from_home, resource
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.packaging import BaseImage

_LARGEST_DOCKERFILE = 256 * 1024
LANGUAGES = tuple(each for each in Framework if each.in_container_only)
"""Those whose models stand on a base image of their own."""


@dataclass(frozen=True, slots=True)
class LanguageBase:
    """The base image that packages with models of ``language`` stand on. ``size`` in bytes, as stored."""

    language: str
    platform: str
    reference: str
    size: int


def language_of(text: str) -> Framework:
    """The language that ``text`` means. Raises ``InvalidInput``."""
    found = next((each for each in LANGUAGES if each.value == text.lower()), None)
    if found is None:
        raise InvalidInput(
            f"“{text[:40]}” is no language that has a base image of its own.",
            next_step="Those are r and julia; models of Python stand on the base image of the settings.",
        )
    return found


def dockerfile_of(language: Framework) -> str:
    """What the base image of the language is built from, unless another Dockerfile is given."""
    return (resource("bases") / language.value / "Dockerfile").read_text(encoding="utf-8")


def build_language_base(
    session: Session,
    language: Framework,
    server: str,
    *,
    dockerfile: Path | None = None,
    proxy: str = "",
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> LanguageBase:
    """Build the base image on the server's engine, from ours or another Dockerfile, and keep it for packages.

    ``proxy`` ("http://proxy.example:3128") is what the build reaches the network through. Raises ``NotFound``,
    ``InvalidInput``, ``ServerError`` with the build's last lines, ``ServerUnreachable``,
    ``Cancelled``.
    """
    from kronkers_studio.deployment.checks import server_platform
    from kronkers_studio.deployment.image_builds import build_image
    from kronkers_studio.deployment.images import export_image
    from kronkers_studio.packaging import base_from_engine, keep_language_base, users_layer_cache

    content = _read(dockerfile) if dockerfile is not None else dockerfile_of(language).encode()
    arguments = dict.fromkeys(("http_proxy", "https_proxy"), checked_proxy(proxy)) if proxy else {}
    connection = session.connection(session.workspace.ledger.server(server))
    platform = server_platform(connection)
    name = f"kronkers/base-{language.value}:latest"
    build_image(connection, content, name, arguments=arguments, progress=progress, cancel=cancel)
    cache = users_layer_cache()
    exported = export_image(connection, name)
    base = base_from_engine(exported, cache, platform=platform, progress=progress, cancel=cancel)
    return _described(language, keep_language_base(language, base, cache))


def bring_language_base(
    session: Session, language: Framework, archive: Path, *, progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> LanguageBase:
    """Keep the image in an archive (`docker save`, OCI layout) as the base for packages.

    Raises ``BaseImageUnavailable``, ``Cancelled``.
    """
    from kronkers_studio.packaging import base_from_archive, keep_language_base, users_layer_cache

    cache = users_layer_cache()
    platform = session.settings.package_platform
    base = base_from_archive(from_home(archive).absolute(), platform, cache, progress=progress, cancel=cancel)
    return _described(language, keep_language_base(language, base, cache))


def list_language_bases() -> list[LanguageBase]:
    """Those that are kept on this computer."""
    from kronkers_studio.packaging import language_bases, users_layer_cache

    return [_described(language, base) for language, base in language_bases(users_layer_cache())]


def kept_language_base(language: Framework, platform: str) -> BaseImage:
    """The base image of the language for ``platform``. Raises ``BaseImageUnavailable`` when there is none yet."""
    from kronkers_studio.packaging import language_base, users_layer_cache

    found = language_base(language, platform, users_layer_cache())
    if found is None:
        raise BaseImageUnavailable(
            f"There is no base image with {language.label} for {platform} on this computer.",
            next_step=f"Build it once on a server, or bring it as an archive (docs/r-and-julia.md): "
            f"`kronkers base build {language.value} --on SERVER`.",
        )
    return found


def _described(language: Framework, base: BaseImage) -> LanguageBase:
    return LanguageBase(language.value, base.platform, base.reference, sum(layer.size for layer in base.layers))


def _read(dockerfile: Path) -> bytes:
    try:
        with from_home(dockerfile).open("rb") as file:
            content = file.read(_LARGEST_DOCKERFILE + 1)
    except OSError as error:
        raise InvalidInput(
            f"{dockerfile} cannot be read: {error.strerror}.", next_step="Name a Dockerfile on this computer."
        ) from None
    if len(content) > _LARGEST_DOCKERFILE:
        raise InvalidInput(f"{dockerfile} is larger than any Dockerfile.")
    return content


def checked_proxy(proxy: str) -> str:
    """``proxy``, when it is the address of one. Raises ``InvalidInput``."""
    if not proxy.isascii() or not proxy.isprintable() or not proxy.startswith(("http://", "https://")) or "@" in proxy:
        raise InvalidInput(
            f"“{proxy[:100]}” is not the address of a proxy.",
            next_step="Write it as http://proxy.example:3128, without a password.",
        )
    return proxy
