"""Commits as objects."""

from __future__ import annotations

import json
from typing import Any

from kronkers_studio.domain.content import Commit
from kronkers_studio.domain.errors import StoreDamaged
from kronkers_studio.registry.store.object_store import ObjectStore
from kronkers_studio.registry.store.object_writer import ObjectWriter
from kronkers_studio.registry.store.records import ObjectType
from kronkers_studio.storage.json_form import canonical, from_json, object_id, to_json

_COMMIT_MAGIC = b"KCOMMIT\x01"


def write_commit(commit: Commit, source: str, store: ObjectStore, writer: ObjectWriter) -> str:
    """Append ``commit`` (its id is not looked at) as an object; its id."""
    document = {**to_json(commit), "source": source}
    del document["id"]
    data = _COMMIT_MAGIC + canonical(document).encode("ascii")
    id = store.sealer.name(ObjectType.COMMIT, data)
    writer.append([store.sealer.seal(ObjectType.COMMIT, id, data)])
    return id.hex()


def read_commit(id: str, store: ObjectStore) -> Commit:
    """The commit as its object has it. Raises ``StoreDamaged``."""
    data = store.read(object_id(id), ObjectType.COMMIT)
    try:
        if not data.startswith(_COMMIT_MAGIC):
            raise ValueError("it is of an unknown version")
        document: dict[str, Any] = json.loads(data[len(_COMMIT_MAGIC) :])
        document.pop("source")
        return from_json(Commit, {**document, "id": id})
    except (ValueError, KeyError) as error:
        raise StoreDamaged(f"Commit {id[:12]} cannot be read.", details=str(error)) from None
