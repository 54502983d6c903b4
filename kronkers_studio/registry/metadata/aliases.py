"""The aliases of model versions: which versions they point at now."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from sqlcipher3 import dbapi2

from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.storage.stored_text import from_stored, to_stored

_OF_MODELS = (
    "SELECT model, alias, version FROM aliases WHERE model IN (SELECT value FROM json_each(?)) ORDER BY model, alias"
)


def with_aliases(connection: dbapi2.Connection, found: Iterable[ModelVersion]) -> list[ModelVersion]:
    """``found`` with the aliases that point at them now, not those they were registered with. Raises
    ``StoreDamaged``."""
    versions = list(found)
    now: dict[tuple[str, int], tuple[str, ...]] = {}
    names = json.dumps([to_stored(name) for name in sorted({version.name for version in versions})])
    for model, alias, number in connection.execute(_OF_MODELS, (names,)):
        key = (from_stored(model), number)
        now[key] = (*now.get(key, ()), from_stored(alias))
    return [replace(version, aliases=now.get((version.name, version.version), ())) for version in versions]
