"""The image that gateways run from: built once on a server's engine, kept on this computer, sent to any server."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from kronkers_studio.domain.errors import BaseImageUnavailable
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.servers import Server
from kronkers_studio.settings.paths import cache_folder, resource
from kronkers_studio.workflows.language_bases import checked_proxy
from kronkers_studio.workflows.session import Session

_ID = re.compile(r"sha256:[0-9a-f]{64}")
_LARGEST_NOTE = 4096


@dataclass(frozen=True, slots=True)
class PlatformImage:
    """The image ``id`` for ``platform`` ("linux/amd64"), as the file ``archive`` of ``size`` bytes."""

    id: str
    platform: str
    archive: Path
    size: int


def build_platform_image(
    session: Session, server: str, *, proxy: str = "", progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> PlatformImage:
    """Build the image on the server's engine, and keep it on this computer for all servers of its kind.

    ``proxy`` is what the build reaches Debian's packages through. Raises ``ServerError`` with the build's last lines.
    """
    from kronkers_studio.deployment.checks import server_platform
    from kronkers_studio.deployment.image_builds import build_image
    from kronkers_studio.deployment.images import export_image
    from kronkers_studio.deployment.platform_images import image_id

    arguments = dict.fromkeys(("http_proxy", "https_proxy"), checked_proxy(proxy)) if proxy else {}
    connection = session.connection(session.workspace.ledger.server(server))
    platform = server_platform(connection)
    build_image(connection, _dockerfile(), _name(), arguments=arguments, progress=progress, cancel=cancel)
    id = image_id(connection, _name())
    archive = _archive(platform)
    archive.parent.mkdir(parents=True, exist_ok=True)
    progress.step("Keeping the gateway's image on this computer")
    descriptor, draft = tempfile.mkstemp(dir=archive.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in export_image(connection, _name()):
                cancel.check()
                file.write(piece)
        size = Path(draft).stat().st_size
        _note(platform).unlink(missing_ok=True)  # never a note about another archive
        Path(draft).replace(archive)
        _note(platform).write_text(json.dumps({"id": id, "size": size}), encoding="utf-8")
    finally:
        Path(draft).unlink(missing_ok=True)
    return PlatformImage(id, platform, archive, size)


def bring_platform_image(
    session: Session, server: Server, *, proxy: str = "", progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> str:
    """Make sure that the server's engine has the image; its id. The one kept here is sent; where there is none for the
    server's kind, it is built on the server itself."""
    from kronkers_studio.deployment.checks import server_platform
    from kronkers_studio.deployment.platform_images import load_saved_image

    connection = session.connection(server)
    kept = kept_platform_image(server_platform(connection))
    if kept is None:
        return build_platform_image(session, server.name, proxy=proxy, progress=progress, cancel=cancel).id
    load_saved_image(connection, kept.archive, kept.id, progress=progress, cancel=cancel)
    return kept.id


def kept_platform_image(platform: str) -> PlatformImage | None:
    """The one for ``platform`` that this version's Dockerfile made, if it is on this computer."""
    archive = _archive(platform)
    try:
        with _note(platform).open(encoding="utf-8") as file:
            note = json.loads(file.read(_LARGEST_NOTE))
        size = archive.stat().st_size
    except (OSError, ValueError):
        return None
    if not isinstance(note, dict) or note.get("size") != size or not _ID.fullmatch(str(note.get("id"))):
        return None
    return PlatformImage(str(note["id"]), platform, archive, size)


def _dockerfile() -> bytes:
    try:
        return (resource("platform") / "Dockerfile").read_bytes()
    except FileNotFoundError:
        raise BaseImageUnavailable(
            "The recipe of the gateway's image is not among the program's files.", next_step="Install it again."
        ) from None


def _name() -> str:
    return f"kronkers/platform:{hashlib.sha256(_dockerfile()).hexdigest()[:12]}"


def _archive(platform: str) -> Path:
    return cache_folder() / "platform" / f"{_name().rpartition(':')[2]}-{platform.replace('/', '-')}.tar"


def _note(platform: str) -> Path:
    return _archive(platform).with_suffix(".json")
