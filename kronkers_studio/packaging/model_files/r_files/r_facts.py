"""What is known of an R model from its file, and of its packages' versions from the files beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Framework, ModelFacts
from kronkers_studio.packaging.environment_hints import DEFAULT_PYTHON, decoded
from kronkers_studio.packaging.model_files.r_files.r_models import SERVED_CLASSES, model_of
from kronkers_studio.packaging.model_files.r_files.r_objects import SavedObject
from kronkers_studio.packaging.model_files.r_files.r_programs import misuse_in

_VERSION = re.compile(r"[0-9][0-9A-Za-z.-]{0,30}")
_DEPENDS = re.compile(r"([A-Za-z][A-Za-z0-9.]{0,60})\s*\(\s*==\s*([0-9][0-9.-]{0,30})\s*\)")
_LARGEST = 1 << 20


def inspect_r(name: str, saved: SavedObject, beside: Mapping[str, Callable[[], bytes]]) -> ModelFacts | None:
    """The facts of the model that was saved; None when its class is not one that is served. ``beside`` gives the small
    text files of its folder.

    Raises ``UnsupportedModel`` for what R would run as soon as it is read, and for models without what answers rows.
    """
    if saved.value is None:
        return None
    misuse = misuse_in(saved.value)
    if misuse:
        raise UnsupportedModel(
            f"{name} {misuse}. Models hold no such thing, so the file is refused.",
            next_step="Do not open it in R. Ask where it comes from.",
        )
    model = model_of(name, saved.value)
    if model is None:
        return None
    return ModelFacts(
        framework=Framework.R,
        framework_version=saved.version,
        file_format="rds",
        estimator=model.called,
        python_version=DEFAULT_PYTHON,  # of the base image, whose part the service's front is
        signature=model.signature,
        packages=(_pinned(model.package, beside),) if model.package else (),
    )


def served_classes() -> str:
    """The classes that are served, as the end of a sentence."""
    return ", ".join(SERVED_CLASSES)


def _pinned(package: str, beside: Mapping[str, Callable[[], bytes]]) -> str:
    """The package at the version that renv.lock or DESCRIPTION say, else without one."""
    texts = {name.lower(): decoded(read) for name, read in beside.items() if name.lower() in _EVIDENCE}
    for name, versions in _EVIDENCE.items():
        version = versions(texts.get(name, "")[:_LARGEST]).get(package, "")
        if _VERSION.fullmatch(version):
            return f"{package}=={version}"
    return package


def _of_renv(text: str) -> Mapping[str, str]:
    try:
        packages = json.loads(text).get("Packages", {}) if text else {}
        return {str(name): str(each["Version"]) for name, each in packages.items()}
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        return {}


def _of_description(text: str) -> Mapping[str, str]:
    return dict(_DEPENDS.findall(text))


_EVIDENCE: Mapping[str, Callable[[str], Mapping[str, str]]] = {
    "renv.lock": _of_renv,
    "description": _of_description,
}
"""What says the versions of packages, by the names of files, in the order of trust."""
