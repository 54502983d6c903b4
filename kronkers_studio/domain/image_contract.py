"""What packages and servers agree on about an image: who makes one and who runs one know no more of each other."""

from __future__ import annotations

SERVICE_PORT = 8080
"""The port that the serving program listens on, inside."""

SERVICE_USER = "65532"
"""The user that services run as, and their group: nobody on any server."""

RECORD_FOLDER = "/opt/kronkers/rows"
"""Where a service keeps recorded rows, inside: files that it may write into, in a folder where it can make none."""

_SHORT_DIGEST = 12


def image_name(model: str, version: int) -> str:
    """What an archive calls a package's image: ``kronkers/<model>:<version>``.

    A dot or an underscore of the model's name is a hyphen: an image's name may not have them everywhere.
    """
    name = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in model.lower()).strip("-")
    return f"kronkers/{name or 'model'}:{version}"


def image_tag(model: str, version: int, digest: str) -> str:
    """What a package's image is called on engines besides: its ``image_name``, a hyphen and the short digest."""
    return f"{image_name(model, version)}-{digest.removeprefix('sha256:')[:_SHORT_DIGEST]}"


def image_name_of(tag: str) -> str:
    """The ``image_name`` of the image that has the ``image_tag``."""
    return tag.rpartition("-")[0]
