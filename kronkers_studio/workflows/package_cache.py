"""The user's cache of base images, libraries and layers: what is in it, and taking it to another computer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.package_cache import CacheEntry, CacheTransfer
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.settings.configuration import load_settings
from kronkers_studio.settings.paths import from_home
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.signers import OWN, list_signers


def list_cached() -> list[CacheEntry]:
    """What packages are built from, as far as it is on this computer; no model is ever among it."""
    from kronkers_studio.packaging.cache_archive import list_cache
    from kronkers_studio.packaging.layer_cache import users_layer_cache

    return list_cache(users_layer_cache())


def export_cached(
    session: Session | None,
    file: Path,
    *,
    wheels: bool = True,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> CacheTransfer:
    """Write the cache to ``file``, signed by the workspace of ``session`` if there is one; with the libraries of
    everything that was packaged unless ``wheels`` is False.

    Raises ``PackagingFailed``, ``Cancelled``; what was there before stays then.
    """
    from kronkers_studio.packaging.archive_files import require_place
    from kronkers_studio.packaging.cache_archive import export_cache
    from kronkers_studio.packaging.images.signatures import SigningKey
    from kronkers_studio.packaging.layer_cache import users_layer_cache

    file = from_home(file).absolute()
    require_place(file)
    done = export_cache(
        users_layer_cache(),
        file,
        key=SigningKey(session.workspace.signing_key) if session else None,
        wheels=wheels,
        offline=load_settings().offline,
        progress=progress,
        cancel=cancel,
    )
    return replace(done, signer=OWN if session else "")


def import_cached(
    session: Session | None,
    file: Path,
    *,
    sha256: str = "",
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> CacheTransfer:
    """Take in what ``export_cached`` wrote, here or elsewhere: what is here already stays as it is.

    It must be signed by somebody whose signatures the workspace of ``session`` accepts; or the SHA-256 of the whole
    file must be ``sha256``, as the export printed it, which needs no workspace.

    Raises ``SignatureRefused``, ``InvalidInput`` when ``sha256`` is none, ``PackagingFailed`` for a file that is no
    export or is damaged, ``Cancelled``.
    """
    from kronkers_studio.packaging.cache_archive import import_cache
    from kronkers_studio.packaging.layer_cache import users_layer_cache

    return import_cache(
        users_layer_cache(),
        from_home(file).absolute(),
        signers=list_signers(session) if session else (),
        expected=_digest(sha256) if sha256 else "",
        progress=progress,
        cancel=cancel,
    )


def _digest(text: str) -> str:
    """A SHA-256 as people copy it, with or without what it is called."""
    from kronkers_studio.packaging.digests import NotADigest, parse_digest

    digits = text.strip().lower().removeprefix("sha256:")
    try:
        return parse_digest(f"sha256:{digits}")
    except NotADigest:
        raise InvalidInput(
            f"“{printable(text[:80])}” is no SHA-256, which has 64 of the digits 0 to 9 and a to f.",
            next_step="Copy it from what `kronkers cache export` printed.",
        ) from None
