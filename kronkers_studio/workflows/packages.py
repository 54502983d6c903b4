"""Build the image of a model version, without Docker."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.changes import PackageBuilt
from kronkers_studio.domain.errors import BaseImageUnavailable, InvalidInput, PackagingFailed
from kronkers_studio.domain.models import ModelVersion, Package, PushedImage
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.settings.paths import from_home
from kronkers_studio.workflows.allowances import require_still_fitting
from kronkers_studio.workflows.dependencies import as_chosen, last_choice
from kronkers_studio.workflows.feature_profiles import packaged_bins
from kronkers_studio.workflows.language_bases import LANGUAGES, kept_language_base
from kronkers_studio.workflows.models import open_code, open_model, open_weights
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.signers import require_verified, signed

if TYPE_CHECKING:
    from kronkers_studio.deployment.ssh import Connection
    from kronkers_studio.packaging import BaseImage, ComposedImage, LayerCache
    from kronkers_studio.settings.configuration import Settings


_NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class PackageResult:
    """``reused`` says that the same package had been built before."""

    package: Package
    reused: bool
    file: Path | None = None


def package_model(
    session: Session,
    name: str,
    version: int | None = None,
    alias: str | None = None,
    *,
    output: Path | None = None,
    base: str = "",
    platform: str = "",
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> PackageResult:
    """Build the package of a model version.

    Without ``output``: dependencies, server and model for this computer, kept for releases. With ``output``: the whole
    image for ``platform`` on the base named by ``base`` (both "" as in the settings), written as an OCI archive.
    Raises ``InvalidInput`` for a ``base`` or ``platform`` without ``output``, ``PackagingFailed``, ``Cancelled``.
    """
    if base and output is None:
        raise InvalidInput(
            "A base image is only part of a package that is written to a file.",
            next_step="Name the file with --output, or leave the base image out.",
        )
    if platform and output is None:
        raise InvalidInput(
            "A package that is kept here is for this computer.",
            next_step="Name a file with --output, or leave the platform out.",
        )
    model = session.workspace.ledger.model_version(name, version, alias)
    if output is None:
        image = compose_for_this_computer(session, model, progress=progress, cancel=cancel)
        return PackageResult(image.package, reused=not record_package(session, image.package))

    from kronkers_studio.packaging import require_place, write_oci_archive

    output = from_home(output).absolute()
    require_place(output)
    platform = platform or session.settings.package_platform
    image = compose_for_servers(session, model, platform=platform, base=base, progress=progress, cancel=cancel)
    write_oci_archive(image, output, progress=progress, cancel=cancel)
    return PackageResult(image.package, reused=not record_package(session, image.package), file=output)


def list_packages(session: Session, name: str) -> list[Package]:
    """Every package that was built of a model's versions, newest first."""
    return session.workspace.ledger.packages(name)


def push_package(
    session: Session,
    name: str,
    version: int | None = None,
    alias: str | None = None,
    *,
    reference: str,
    base: str = "",
    platform: str = "",
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> PushedImage:
    """Build the whole image of a model version and put it into a registry as ``reference``, with what is in it, where
    it comes from and its signature beside it; only what the registry lacks is sent.

    The registry's login and CA file are those that base images from it are got with. Raises ``InvalidInput``,
    ``PackagingFailed`` (``PushFailed``), ``SignatureRefused``, ``Cancelled``.
    """
    from kronkers_studio.packaging import push_image, push_target, users_layer_cache
    from kronkers_studio.workflows.image_registries import access_to

    model = session.workspace.ledger.model_version(name, version, alias)
    target = push_target(reference, model.version)
    platform = platform or session.settings.package_platform
    image = compose_for_servers(session, model, platform=platform, base=base, progress=progress, cancel=cancel)
    require_verified(session, image, progress=progress, cancel=cancel)
    record_package(session, image.package)
    credentials, ca_file = access_to(target.host, session.settings)
    return push_image(
        image,
        str(target),
        users_layer_cache(),
        credentials=credentials,
        ca_file=ca_file,
        progress=progress,
        cancel=cancel,
    )


def compose_for_this_computer(
    session: Session,
    model: ModelVersion,
    *,
    records: bool = False,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> ComposedImage:
    """The layers that run here as a process; no base. With ``records`` it can record rows. Raises ``PackagingFailed``
    for a model that runs in a container only."""
    from kronkers_studio.packaging import runnable_here, this_platform

    if model.facts.framework in LANGUAGES:
        language = model.facts.framework.label
        raise PackagingFailed(
            f"Models of {language} run in a container, where nothing that is in their file can harm anything.",
            next_step="Release it to a server, or package it into a file (--output) or into a registry (--push).",
        )

    here = runnable_here(as_chosen(model), progress)
    return _compose(session, here, this_platform(), None, progress, cancel, records=records)


def compose_for_servers(
    session: Session,
    model: ModelVersion,
    *,
    platform: str,
    base: str = "",
    connection: Connection | None = None,
    records: bool = False,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> ComposedImage:
    """The whole image. ``connection`` is to the server whose engine an ``engine:NAME`` base comes from. With
    ``records`` it can record rows."""
    model = as_chosen(model)
    progress.step("Getting the base image")
    if not base and model.facts.framework in LANGUAGES:
        found = kept_language_base(model.facts.framework, platform)
    else:
        found = _base_image(
            session.settings,
            base or session.settings.base_image,
            model.facts.python_version,
            platform,
            connection,
            progress,
            cancel,
        )
    return _compose(session, model, platform, found, progress, cancel, records=records)


def record_package(session: Session, package: Package) -> bool:
    """Write ``package`` into the journal unless it is there, signed as it is; True when it was new."""
    known = [each for each in _known(session, package) if each.digest == package.digest]
    if not any(each.signature == package.signature for each in known):
        session.workspace.ledger.record(PackageBuilt(package), author=session.author)
    return not known


def require_recording(image: ComposedImage) -> None:
    """Raise ``InvalidInput`` for a package that was built before, without what it takes to record rows."""
    from kronkers_studio.packaging.dependencies.locking import RECORDS_WITH

    if f"pkg:pypi/{RECORDS_WITH}@".encode() not in image.sbom:
        label = f"{image.package.model}:{image.package.version}"
        raise InvalidInput(
            f"This package of {label} cannot record rows: it was built without {RECORDS_WITH}, which encrypts them.",
            next_step=f"Add it (`kronkers model dependencies {label} --add {RECORDS_WITH}`) and package again; or "
            "release it without --packaged, or without recording.",
        )


def require_releasable(
    session: Session, image: ComposedImage, *, progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> ComposedImage:
    """``image`` with the signature that the journal has of it, verified, as all of its parts: before any of it leaves.

    Raises ``SignatureRefused``, ``PackagingFailed``, ``Cancelled``.
    """
    recorded = (each for each in _known(session, image.package) if each.digest == image.package.digest)
    signature = next((each.signature for each in recorded if each.signature is not None), image.signature)
    image = replace(image, package=replace(image.package, signature=signature))
    require_verified(session, image, progress=progress, cancel=cancel)
    return image


def _known(session: Session, package: Package) -> list[Package]:
    return session.workspace.ledger.packages(package.model, package.version)


def _compose(
    session: Session,
    model: ModelVersion,
    platform: str,
    base: BaseImage | None,
    progress: Progress,
    cancel: CancelToken,
    *,
    records: bool = False,
) -> ComposedImage:
    from kronkers_studio.packaging import compose_package, lock_dependencies, require_safe, users_layer_cache

    require_safe(model.facts, model.allowed, model.label)  # before libraries are looked for
    cache = users_layer_cache()
    if model.allowances:
        progress.step(f"Looking at what was allowed: {', '.join(sorted(model.allowed)[:_NAMES_SHOWN])}")
        require_still_fitting(session, model)
    progress.step("Finding what the model needs")
    lock = lock_dependencies(
        model.facts,
        platform,
        chosen=model.dependencies.requirements if model.dependencies else (),
        earlier=_earlier_lock(session, model, platform),
        records=records,
        offline=session.settings.offline,
        cache=cache,
        progress=progress,
        cancel=cancel,
    )
    image = compose_package(
        model,
        open_model(session, model),
        lock,
        open_weights=partial(open_weights, session, model),
        open_code=partial(open_code, session, model),
        statistics=packaged_bins(session, model),
        platform=platform,
        base=base,
        cache=cache,
        progress=progress,
        cancel=cancel,
    )
    return signed(session, image)


def _earlier_lock(session: Session, model: ModelVersion, platform: str) -> str:
    """The lock of the newest package of this version: what was put live once is put live again the same, until
    somebody chooses other libraries."""
    target = (platform, model.facts.python_version)
    since = last_choice(session, model)
    known = session.workspace.ledger.packages(model.name, model.version)
    fitting = (p for p in known if p.lock and (p.platform, p.python_version) == target)
    return next((p.lock for p in fitting if since is None or p.created > since), "")


def _base_image(
    settings: Settings,
    base: str,
    python_version: str,
    platform: str,
    connection: Connection | None,
    progress: Progress,
    cancel: CancelToken,
) -> BaseImage:
    from kronkers_studio.packaging import (
        BaseKind,
        base_from_archive,
        base_from_engine,
        parse_base,
        users_layer_cache,
    )

    cache = users_layer_cache()
    kind, name = parse_base(base, python_version)
    if kind is BaseKind.ARCHIVE:
        return base_from_archive(from_home(Path(name)), platform, cache, progress=progress, cancel=cancel)
    if kind is BaseKind.REGISTRY:
        return _from_registry(settings, name, platform, cache, progress, cancel)
    if connection is None:
        raise BaseImageUnavailable(
            f"The base image “{base}” lies on a server's engine, and no server is involved here.",
            next_step="Name an archive file or a registry image as the base.",
        )
    from kronkers_studio.deployment.images import export_image

    return base_from_engine(export_image(connection, name), cache, platform=platform, progress=progress, cancel=cancel)


def _from_registry(
    settings: Settings, name: str, platform: str, cache: LayerCache, progress: Progress, cancel: CancelToken
) -> BaseImage:
    """What was fetched before needs neither the registry nor what it is logged in to with."""
    from kronkers_studio.packaging import base_from_registry, kept_from_registry, parse_reference
    from kronkers_studio.workflows.image_registries import access_to

    kept = kept_from_registry(name, platform, cache)
    if kept is not None:
        return kept
    if settings.offline:
        raise BaseImageUnavailable(
            f"The base image {name} was not downloaded for {platform} before, and the studio is set to work offline.",
            next_step="Package once with a network; after that it works without one.",
        )
    credentials, ca_file = access_to(parse_reference(name).host, settings)
    return base_from_registry(
        name, platform, cache, credentials=credentials, ca_file=ca_file, progress=progress, cancel=cancel
    )
