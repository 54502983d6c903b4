"""PyTorch's builds for processors: those on the common package index bring code for graphics cards, of some gigabytes.

PyTorch publishes the others on an index of its own, which uv knows. Where that cannot be reached, uv's own settings
count: an index or a folder of the company's that has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from kronkers_studio.domain.errors import PackagingFailed
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.packaging.dependencies.uv_program import DoesNotResolve, IndexUnavailable, run_uv
from kronkers_studio.packaging.dependencies.wheels import Wheel

_TORCH = re.compile(r"(?m)^torch(?:[=<>!~ ]|$)")
_FOR_PROCESSORS: Final = ("--torch-backend", "cpu")
_FOR_GRAPHICS_CARDS: Final = ("nvidia-", "triton")


def run_uv_for_processors(
    arguments: Sequence[str], wanted: str, *, folder: Path, offline: bool = False, cancel: CancelToken = NEVER
) -> str:
    """``run_uv``; when ``wanted``, the text of a list of libraries, asks for PyTorch, with its builds for processors
    first."""
    if _TORCH.search(wanted):
        try:
            return run_uv([*arguments, *_FOR_PROCESSORS], folder=folder, offline=offline, cancel=cancel)
        except (DoesNotResolve, IndexUnavailable):
            pass  # where PyTorch's index cannot be reached, another one may have them
    return run_uv(arguments, folder=folder, offline=offline, cancel=cancel)


def require_for_processors(wheels: Iterable[Wheel]) -> None:
    """Raise ``PackagingFailed`` when the build of PyTorch among ``wheels`` brings code for graphics cards."""
    if any(wheel.name.startswith(_FOR_GRAPHICS_CARDS) for wheel in wheels):
        raise PackagingFailed(
            "Only a build of PyTorch with code for graphics cards, of some gigabytes, could be found.",
            next_step="Let this computer reach PyTorch's own package index, or name a folder or an index with its "
            "builds for processors in uv's settings (UV_FIND_LINKS, UV_INDEX).",
        )
