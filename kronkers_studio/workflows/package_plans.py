"""A package before it is built: whether it may be, how large it will be, and where it can go; then built to there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kronkers_studio.domain.errors import CodeNotAllowed, InvalidInput, UnsupportedModel
from kronkers_studio.domain.models import ModelVersion, Package, PushedImage
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.signers import Signer
from kronkers_studio.workflows.dependencies import Reference
from kronkers_studio.workflows.image_registries import list_registries
from kronkers_studio.workflows.language_bases import list_language_bases
from kronkers_studio.workflows.packages import package_model, push_package
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.signers import list_signers


@dataclass(frozen=True, slots=True)
class SizeEstimate:
    """Bytes that the parts of a package will take: ``model`` is known; ``libraries`` and ``base`` are None where
    nothing alike was built or fetched here before. ``like`` ("churn:2") is what ``libraries`` was taken from."""

    model: int
    libraries: int | None = None
    base: int | None = None
    like: str = ""


@dataclass(frozen=True, slots=True)
class PackagePlan:
    """``refusal`` and ``next_step`` say why ``model`` cannot be packaged, and are "" when it can. ``base`` and
    ``platform`` are what servers get by the settings; ``registries`` hosts and ``servers`` names that are known.
    ``language_bases`` are the platforms for which a base image with the model's language is kept; None for a model that
    needs none of its own. ``allowable``: somebody may allow what it is refused for."""

    model: ModelVersion
    size: SizeEstimate
    base: str
    platform: str
    registries: tuple[str, ...]
    servers: tuple[str, ...]
    refusal: str = ""
    next_step: str = ""
    language_bases: tuple[str, ...] | None = None
    allowable: bool = False


@dataclass(frozen=True, slots=True)
class KeptHere:
    """The package stays in the workspace, for releases on this computer."""


@dataclass(frozen=True, slots=True)
class InFile:
    """The whole image is written to ``path`` as an OCI archive; ``base`` and ``platform`` "" are the settings'."""

    path: Path
    base: str = ""
    platform: str = ""


@dataclass(frozen=True, slots=True)
class InRegistry:
    """The whole image is pushed as ``reference``; ``base`` and ``platform`` "" are the settings'."""

    reference: str
    base: str = ""
    platform: str = ""


PackageTarget = KeptHere | InFile | InRegistry


@dataclass(frozen=True, slots=True)
class Packaged:
    """What was built, and who signed it. ``reused`` says that the same package had been built before; ``file`` or
    ``pushed`` where it went."""

    package: Package
    signer: Signer
    reused: bool = False
    file: Path | None = None
    pushed: PushedImage | None = None


def plan_package(session: Session, model: Reference) -> PackagePlan:
    """What can be known of the package of a version before it is built; nothing is fetched. Raises ``NotFound``."""
    from kronkers_studio.packaging import require_safe

    version = session.workspace.ledger.model_version(*model)
    refusal = next_step = ""
    allowable = False
    try:
        require_safe(version.facts, version.allowed, version.label)
    except UnsupportedModel as reason:
        refusal, next_step, allowable = reason.message, reason.next_step, isinstance(reason, CodeNotAllowed)
    settings = session.settings
    base, base_size = _base(session, version)
    return PackagePlan(
        version,
        _estimate(session, version, base_size),
        base,
        settings.package_platform,
        tuple(each.host for each in list_registries(settings)),
        tuple(each.name for each in session.workspace.ledger.servers()),
        refusal,
        next_step,
        _language_bases(version),
        allowable,
    )


def carry_out(
    session: Session,
    model: ModelVersion,
    target: PackageTarget,
    *,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> Packaged:
    """Build the package of ``model`` to where it is to go. Raises as ``package_model`` and ``push_package`` do."""
    own = list_signers(session)[0]
    match target:
        case InRegistry(reference, base, platform):
            pushed = push_package(
                session,
                model.name,
                model.version,
                reference=reference,
                base=base,
                platform=platform,
                progress=progress,
                cancel=cancel,
            )
            known = session.workspace.ledger.packages(model.name, model.version)
            package = next(each for each in known if each.digest == pushed.digest)
            return Packaged(package, own, pushed=pushed)
        case InFile(path, base, platform):
            result = package_model(
                session,
                model.name,
                model.version,
                output=path,
                base=base,
                platform=platform,
                progress=progress,
                cancel=cancel,
            )
            return Packaged(result.package, own, result.reused, result.file)
        case KeptHere():
            result = package_model(session, model.name, model.version, progress=progress, cancel=cancel)
            return Packaged(result.package, own, result.reused)


def _estimate(session: Session, version: ModelVersion, base: int | None) -> SizeEstimate:
    weights = sum(each.size for each in version.facts.weights)
    alike = _most_alike(session, version)
    libraries = None if alike is None else _of(alike, "dependencies", "server")
    like = "" if alike is None else f"{alike.model}:{alike.version}"
    return SizeEstimate(version.size + weights, libraries, base, like)


def _most_alike(session: Session, version: ModelVersion) -> Package | None:
    """A package whose libraries will be about as large: of the version itself, of another of the model, else of one of
    its framework."""
    frameworks = {each.label: each.facts.framework for each in session.workspace.ledger.model_versions()}
    built = [
        each
        for each in session.workspace.ledger.packages()
        if frameworks.get(f"{each.model}:{each.version}") is version.facts.framework
    ]

    def distance(package: Package) -> int:
        same_model = package.model == version.name
        return 0 if same_model and package.version == version.version else 1 if same_model else 2

    return min(built, key=distance, default=None)


def _base(session: Session, version: ModelVersion) -> tuple[str, int | None]:
    """What the base image is for ``version`` by the settings, or that of its language, and its bytes where it is here;
    ("", None) when there is none of its language yet."""
    from kronkers_studio.packaging import BaseKind, kept_from_registry, language_base, parse_base, users_layer_cache

    settings = session.settings
    if version.facts.framework.in_container_only:
        own = language_base(version.facts.framework, settings.package_platform, users_layer_cache())
        return ("", None) if own is None else (own.reference, sum(layer.size for layer in own.layers))
    python = version.dependencies.python_version if version.dependencies is not None else ""
    try:
        kind, name = parse_base(settings.base_image, python or version.facts.python_version)
        if kind is not BaseKind.REGISTRY:
            return name, None
        kept = kept_from_registry(name, settings.package_platform, users_layer_cache())
    except InvalidInput:  # what the settings name is no image; packaging will say so
        return settings.base_image, None
    return name, None if kept is None else sum(layer.size for layer in kept.layers)


def _language_bases(version: ModelVersion) -> tuple[str, ...] | None:
    if not version.facts.framework.in_container_only:
        return None
    language = version.facts.framework.value
    return tuple(each.platform for each in list_language_bases() if each.language == language)


def _of(package: Package, *roles: str) -> int:
    return sum(layer.size for layer in package.layers if layer.role in roles)
