"""The platform's image on a lab's server, built from our Dockerfile once and kept beside the lab's other images."""

from __future__ import annotations

import hashlib
from pathlib import Path

from kronkers_studio.deployment.image_builds import build_image
from kronkers_studio.deployment.images import export_image
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.settings.paths import resource
from tests.lab.base_image import cache_folder
from tests.lab.servers import LabServer
from tests.packaging.containers import docker

NAME = "kronkers/platform:latest"


def platform_image(server: LabServer, connection: Connection, debian: Path, proxy: str) -> str:
    """The image's id on the engine of ``server``."""
    dockerfile = (resource("platform") / "Dockerfile").read_bytes()
    kept = cache_folder() / f"platform-{hashlib.sha256(dockerfile).hexdigest()[:12]}.tar"
    if kept.exists():
        docker(server, "load", pieces=[kept.read_bytes()])
    else:
        docker(server, "load", pieces=[debian.read_bytes()])
        build_image(connection, dockerfile, NAME, arguments=dict.fromkeys(("http_proxy", "https_proxy"), proxy))
        draft = kept.with_suffix(f".{server.name}-{server.lab.folder.name}.draft")
        with draft.open("wb") as file:
            for piece in export_image(connection, NAME):
                file.write(piece)
        draft.replace(kept)
    return server.root(f"docker image inspect --format '{{{{.Id}}}}' {NAME}").strip()
