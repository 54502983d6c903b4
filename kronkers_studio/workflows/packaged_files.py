"""Packages in files and registries, built before or by another workspace: verified, and taken for a release."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from kronkers_studio.domain.errors import InvalidInput, PackagingFailed
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.signers import VerifiedImage
from kronkers_studio.settings.paths import from_home
from kronkers_studio.workflows.models import open_code, open_model, open_weights
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.signers import require_signature

if TYPE_CHECKING:
    from kronkers_studio.packaging import ComposedImage

_CHUNK = 1 << 20


def packaged_elsewhere(
    session: Session, model: ModelVersion, file: Path, *, progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> ComposedImage:
    """The package of ``model`` in the archive ``file``, whole, signed, and with the very files of that version in it.

    Raises ``PackagingFailed``, ``SignatureRefused``, ``InvalidInput`` when it is another's, ``UnsupportedModel`` when
    its file names what nobody allowed in this workspace, ``Cancelled``.
    """
    from kronkers_studio.packaging import code_name, holds_files, image_from_archive, require_safe

    require_safe(model.facts, model.allowed, model.label)
    file = from_home(file).absolute()
    image, _ = image_from_archive(file, progress=progress, cancel=cancel)
    require_signature(session, image)
    package = image.package
    if (package.model, package.version) != (model.name, model.version):
        raise InvalidInput(
            f"{file.name} holds {package.model}:{package.version}, not {model.label}.",
            next_step="Name the version that it holds, or another file.",
        )
    own = _sha256(open_model(session, model), cancel)
    beside = {each.name: partial(open_weights, session, model, each.name) for each in model.facts.weights}
    beside |= {code_name(each): partial(open_code, session, model, each) for each in model.facts.code}
    if not holds_files(image, own, {name: _sha256(opened, cancel) for name, opened in beside.items()}):
        raise InvalidInput(
            f"The model in {file.name} is another than {model.label} of this workspace.",
            next_step="Register its file here, or package the version here.",
        )
    return image


def verify_package(
    session: Session, file: Path, *, progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> VerifiedImage:
    """Who signed the package in the archive ``file``, every byte of which is what it is said to be.

    Raises ``PackagingFailed`` for a damaged one, ``SignatureRefused``, ``Cancelled``.
    """
    from kronkers_studio.packaging import image_from_archive, verified

    image, count = image_from_archive(from_home(file).absolute(), progress=progress, cancel=cancel)
    return verified(image, require_signature(session, image), count)


def verify_pushed(
    session: Session, reference: str, *, progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> VerifiedImage:
    """Who signed the package that a registry has as ``reference``, all documents of which are what they are said to be,
    and all layers of which are there; their bytes are compared by whoever pulls them.

    Raises ``PackagingFailed`` (``BaseImageUnavailable``), ``SignatureRefused``, ``InvalidInput``, ``Cancelled``.
    """
    from kronkers_studio.packaging import parse_reference, verified
    from kronkers_studio.packaging.registries.registry_images import image_from_registry
    from kronkers_studio.workflows.image_registries import access_to

    credentials, ca_file = access_to(parse_reference(reference).host, session.settings)
    image, count = image_from_registry(
        reference, credentials=credentials, ca_file=ca_file, progress=progress, cancel=cancel
    )
    return verified(image, require_signature(session, image), count)


def _sha256(open_file: Callable[[], BinaryIO], cancel: CancelToken) -> str:
    hasher = hashlib.sha256()
    with open_file() as stream:
        while piece := stream.read(_CHUNK):
            cancel.check()
            hasher.update(piece)
    return hasher.hexdigest()


def require_platform(image: ComposedImage, platform: str) -> None:
    """Raises ``PackagingFailed`` when ``image`` is for another platform than a server's."""
    if image.package.platform != platform:
        raise PackagingFailed(
            f"The package is for {image.package.platform}, the server is {platform}.",
            next_step="Package the model for that platform, or choose another server.",
        )
