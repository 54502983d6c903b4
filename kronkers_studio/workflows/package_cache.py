"""The user's cache of base images, libraries and layers: what is in it, and taking it to another computer."""

from __future__ import annotations

from pathlib import Path

from kronkers_studio.domain.package_cache import CacheEntry, CacheTransfer
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.settings.configuration import load_settings
from kronkers_studio.settings.paths import from_home


def list_cached() -> list[CacheEntry]:
    """What packages are built from, as far as it is on this computer; no model is ever among it."""
    from kronkers_studio.packaging.cache_archive import list_cache
    from kronkers_studio.packaging.layer_cache import users_layer_cache

    return list_cache(users_layer_cache())


def export_cached(
    file: Path, *, wheels: bool = True, progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> CacheTransfer:
    """Write the cache to ``file``, with the libraries of everything that was packaged unless ``wheels`` is False.

    Raises ``PackagingFailed``, ``Cancelled``; what was there before stays then.
    """
    from kronkers_studio.packaging.cache_archive import export_cache
    from kronkers_studio.packaging.images.archives import require_place
    from kronkers_studio.packaging.layer_cache import users_layer_cache

    file = from_home(file).absolute()
    require_place(file)
    offline = load_settings().offline
    return export_cache(users_layer_cache(), file, wheels=wheels, offline=offline, progress=progress, cancel=cancel)


def import_cached(file: Path, *, progress: Progress = SILENT, cancel: CancelToken = NEVER) -> CacheTransfer:
    """Take in what ``export_cached`` wrote, here or elsewhere: what is here already stays as it is.

    Raises ``PackagingFailed`` for a file that is none or is damaged, ``Cancelled``.
    """
    from kronkers_studio.packaging.cache_archive import import_cache
    from kronkers_studio.packaging.layer_cache import users_layer_cache

    return import_cache(users_layer_cache(), from_home(file).absolute(), progress=progress, cancel=cancel)
