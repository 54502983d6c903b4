"""Records: what is given out is exactly what was named."""

from __future__ import annotations

import pytest

from kronkers_studio.domain.errors import StoreDamaged
from kronkers_studio.registry import Workspace
from kronkers_studio.registry.store.records import HEADER_SIZE, ObjectType, read_header


@pytest.mark.parametrize("other", [b"something else" * 100, b"short", b"", bytes(5000)])
def test_content_that_does_not_fit_its_name_is_never_given_out(workspace: Workspace, other: bytes) -> None:
    """Sealed with the right key, as by a fault of memory between naming and sealing: the cipher has nothing against it.
    Seen to fail without the comparison of names."""
    sealer = workspace.store.sealer
    for type, named in ((ObjectType.CHUNK, b"what was named"), (ObjectType.TREE, other)):
        raw = b"".join(sealer.seal(ObjectType.CHUNK, sealer.name(type, named), other).parts)
        header, body = read_header(raw[:HEADER_SIZE]), raw[HEADER_SIZE:]
        with pytest.raises(StoreDamaged, match="does not fit its name"):
            sealer.open(header, body)
        with pytest.raises(StoreDamaged, match="does not fit its name"):
            sealer.open_all([(header, body)])
