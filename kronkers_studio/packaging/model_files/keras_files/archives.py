"""Archives as Keras 3 saves models: their metadata, configuration and weights.

What they mean: https://keras.io/guides/serialization_and_saving/
"""

from __future__ import annotations

import json
from typing import Any, BinaryIO

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Framework, ModelFacts
from kronkers_studio.packaging.byte_reader import Damaged, TooMuch
from kronkers_studio.packaging.environment_hints import DEFAULT_PYTHON, Surroundings, is_version
from kronkers_studio.packaging.model_files.keras_files.configurations import require_listed
from kronkers_studio.packaging.model_files.keras_files.signatures import signature_of
from kronkers_studio.packaging.model_files.zip_members import ZipMembers

_METADATA, _CONFIGURATION, _WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_LARGEST_METADATA = 1 << 16
_LARGEST_CONFIGURATION = 16 << 20


def inspect_keras(name: str, stream: BinaryIO, surroundings: Surroundings) -> ModelFacts:
    """What the Keras model in ``stream`` says of itself. Raises ``UnsupportedModel``, also for what it names that could
    run a program, or that needs more than Keras."""
    try:
        archive = ZipMembers(stream)
        metadata = _json(archive, _METADATA, _LARGEST_METADATA)
        configuration = _json(archive, _CONFIGURATION, _LARGEST_CONFIGURATION)
        others = [part for part in archive.names if part not in (_METADATA, _CONFIGURATION, _WEIGHTS)]
    except (Damaged, TooMuch) as reason:
        raise UnsupportedModel(
            f"{name} cannot be read: {reason}.", next_step="Copy it again from where it was made."
        ) from None
    version = _version(name, metadata)
    require_listed(name, configuration)
    _require_weights(name, archive.names, others)
    named = {"python_version": surroundings.python, "requirements": surroundings.pins}
    return ModelFacts(
        framework=Framework.KERAS,
        framework_version=version,
        file_format="keras",
        estimator=f"keras.{configuration['class_name']}",
        python_version=surroundings.python or DEFAULT_PYTHON,
        requirements=tuple(f"{project}=={pinned}" for project, pinned in sorted(surroundings.pins.items())),
        signature=signature_of(name, configuration),
        assumed=tuple(fact for fact, found in named.items() if not found),
    )


def _json(archive: ZipMembers, part: str, largest: int) -> dict[str, Any]:
    try:
        found = json.loads(archive.read(part, largest))
    except (ValueError, RecursionError):
        raise Damaged(f"its part {part} is no JSON") from None
    if not isinstance(found, dict):
        raise Damaged(f"its part {part} is no JSON object")
    return found


def _version(name: str, metadata: dict[str, Any]) -> str:
    version = metadata.get("keras_version")
    if not isinstance(version, str) or len(version) > 40 or not is_version(version) or not version.startswith("3."):
        raise UnsupportedModel(
            f"{name} was not saved by Keras 3: not supported yet. It would need Keras 2, which is part of TensorFlow "
            "up to 2.15, in the service.",
            next_step="Open it with Keras 3 where that can be done, and save it again: model.save('model.keras').",
        )
    return version


def _require_weights(name: str, parts: tuple[str, ...], others: list[str]) -> None:
    """The weights are there, and nothing else but folders: what layers keep as files needs TensorFlow."""
    if _WEIGHTS not in parts or any(not part.endswith("/") for part in others):
        raise UnsupportedModel(
            f"{name} keeps its weights in parts, or vocabularies as files: not supported yet.",
            next_step="Save it again without preprocessing of text, in one file: model.save('model.keras').",
        )
