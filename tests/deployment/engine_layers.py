"""The layers that an engine has, asked through the product's own connection."""

from __future__ import annotations

from kronkers_studio.deployment.engine import engine_errors, open_engine
from kronkers_studio.deployment.ssh import Connection


def present_layers(connection: Connection) -> set[str]:
    """The diff ids of all layers of all images."""
    engine = open_engine(connection)
    with engine_errors(connection, "listing its images"):
        found = [engine.inspect_image(image["Id"]) for image in engine.images()]
        return {layer for image in found for layer in image.get("RootFS", {}).get("Layers") or []}
