"""What a model is registered with, and how versions are listed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.domain.references import parse_content

_TRAINING_DATA = "training-data.parquet"
MODEL_COLUMNS = ("model", "version", "framework", "aliases", "created", "size", "source")


def model_row(version: ModelVersion) -> tuple[Any, ...]:
    framework = f"{version.facts.framework.label} {version.facts.framework_version}".strip()
    aliases = ", ".join(version.aliases)
    return (
        *(version.name, version.version, framework, aliases),
        *(version.created, version.size, str(version.source)),
    )


def training_data(data: Any, place: str) -> tuple[ContentRef | None, dict[str, bytes]]:
    """Where the data is that a model was trained on, and the file of a frame that is to be saved beside the model."""
    import pandas as pd

    from kronkers_studio.domain.paths import join, parent
    from kronkers_studio.notebook.table_writing import table_bytes

    if data is None:
        return None, {}
    if isinstance(data, str):
        return parse_content(data), {}
    frame, path = data if isinstance(data, tuple) and len(data) == 2 else (data, join(parent(place), _TRAINING_DATA))
    if not isinstance(frame, pd.DataFrame) or not isinstance(path, str):
        raise InvalidInput(
            "Training data is a file of a project or a frame.",
            next_step='Give data="PROJECT:PATH", data=frame, or data=(frame, "folder/train.parquet").',
        )
    return None, {path.strip("/"): table_bytes(frame, path)}


def measured(metrics: Mapping[str, float] | None) -> dict[str, float]:
    try:
        return {str(name): float(value) for name, value in (metrics or {}).items()}
    except (AttributeError, TypeError, ValueError):
        raise InvalidInput(
            "A metric is a number.", next_step='Write for instance metrics={"accuracy": 0.93}.'
        ) from None
