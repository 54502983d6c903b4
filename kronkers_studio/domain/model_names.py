"""Names of models, made from those of files, and which model a file is likely to be another version of."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kronkers_studio.domain.naming import is_model_name

_LIKE_A_VERSION = re.compile(r"[vr]?[0-9][0-9._-]*")
_STATES = frozenset(
    {"best", "copy", "current", "draft", "final", "last", "latest", "new", "old", "retrained", "updated"}
)
"""What people write behind a file's name to tell one state of it from another."""


def suggest_name(path: str) -> str:
    """A valid model name made from a file's path: ``Marketing/Churn/model.joblib`` → ``churn-model``."""
    parts = path.rsplit("/", 2)
    stem = parts[-1].rsplit(".", 1)[0]
    if stem.lower() in ("model", "final", "best") and len(parts) > 1:
        stem = f"{parts[-2]}-{stem}"
    name = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:63] or "model"
    return name if is_model_name(name) else f"{name}-model"


def is_like_a_version(text: str) -> bool:
    """Whether it would be taken for the number of a version: 3, v3, r3, 1.2, 2026-11."""
    return _LIKE_A_VERSION.fullmatch(text) is not None


def without_version(name: str) -> str:
    """``name`` without what people add to it to tell one state from another: ``churn-v2-final`` → ``churn``."""
    words = name.split("-")
    while len(words) > 1 and (is_like_a_version(words[-1]) or words[-1] in _STATES):
        words.pop()
    return "-".join(words)


def model_continued_by(name: str, models: Sequence[str]) -> str:
    """Which of ``models``, the newest first, a file with this suggested name is likely to be the next version of; ""
    when none is."""
    if name in models:
        return name
    return next((model for model in models if without_version(model) == without_version(name)), "")
