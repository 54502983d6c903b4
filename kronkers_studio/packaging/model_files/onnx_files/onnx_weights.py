"""The files beside an ONNX model that hold its weights: named inside its folder, there, and as long as is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import WeightsFile
from kronkers_studio.domain.naming import WINDOWS, folded, name_problem
from kronkers_studio.domain.printable import printable

_MOST_FILES = 10_000
_ONE_FILE = "Save it as one file: onnx.save(model, file, save_as_external_data=False)."

SizeBeside = Callable[[str], int | None]
"""How many bytes the file of that name in the model's folder has; None when there is none."""


def no_files(_name: str) -> int | None:
    """There is nothing beside the model."""
    return None


def weights_files(name: str, tensors: Iterable[Any], size_beside: SizeBeside) -> tuple[WeightsFile, ...]:
    """The files that hold the ``tensors`` of the model called ``name`` which its own does not.

    Raises ``UnsupportedModel`` for a file that is not in the model's folder, or is too short.
    """
    sizes: dict[str, int] = {}
    for tensor in tensors:
        if tensor.external_data:
            told = {entry.key: entry.value for entry in tensor.external_data}
            location = told.get("location", "")
            if location not in sizes:
                sizes[location] = _size(name, location, size_beside)
            _require_inside(name, location, told, sizes[location])
    if len(sizes) > _MOST_FILES or len({folded(location) for location in sizes}) < len(sizes):
        raise UnsupportedModel(
            f"{name} keeps its weights in files that not every system can hold.", next_step=_ONE_FILE
        )
    return tuple(WeightsFile(location, size) for location, size in sorted(sizes.items()))


def is_weights_name(location: str) -> bool:
    """Whether ``location`` names a file in the folder that it is looked for in, or below, on every system."""
    return bool(location) and all(
        part not in ("", ".", "..") and not name_problem(part, WINDOWS) for part in location.split("/")
    )


def _size(name: str, location: str, size_beside: SizeBeside) -> int:
    shown = printable(location[:80])
    if not is_weights_name(location):
        raise UnsupportedModel(
            f"{name} wants weights from “{shown}”, which is no file of its own folder: refused.", next_step=_ONE_FILE
        )
    size = size_beside(location)
    if size is None:
        raise UnsupportedModel(
            f"{name} keeps its weights in separate files, and {shown} is not beside it.",
            next_step=f"Bring in {shown}, too, in the model's folder. {_ONE_FILE}",
        )
    return size


def _require_inside(name: str, location: str, told: dict[str, str], size: int) -> None:
    offset, length = told.get("offset") or "0", told.get("length") or "0"
    fits = all(number.isascii() and number.isdigit() and len(number) < 19 for number in (offset, length))
    if not fits or int(offset) + int(length) > size:
        raise UnsupportedModel(
            f"{printable(location[:80])} is shorter than {name} says: it is not complete, or another model's.",
            next_step="Copy both again from where they were made.",
        )
