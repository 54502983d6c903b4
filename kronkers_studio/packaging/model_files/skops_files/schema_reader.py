"""The description in a file of skops, read within bounds into the symbols that a pickle of the object would have."""

from __future__ import annotations

import json
from typing import Any, BinaryIO, Final

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.packaging.byte_reader import Damaged, TooMuch
from kronkers_studio.packaging.environment_hints import is_version
from kronkers_studio.packaging.model_files.pickles.pickle_reader import Findings
from kronkers_studio.packaging.model_files.pickles.pickle_symbols import Symbol
from kronkers_studio.packaging.model_files.skops_files.nodes import NodeReader
from kronkers_studio.packaging.model_files.zip_members import ZipMembers

SCHEMA: Final = "schema.json"
_PROTOCOLS: Final = (0, 1, 2)
_LARGEST_SCHEMA = 128 << 20  # a vocabulary of half a million words
_MOST_PARTS = 4_000_000
_LONGEST_VERSION = 40


class SkopsReader:
    """The object in the file ``name``. ``load()`` returns the root symbol and fills ``findings``; ``version`` is then
    the skops that saved it, "" when the file does not say.

    Raises ``Damaged``, ``TooMuch``, ``Forbidden``, and ``UnsupportedModel`` for a form that is newer than this.
    """

    def __init__(self, name: str, stream: BinaryIO, findings: Findings) -> None:
        self._name = name
        self._stream = stream
        self._findings = findings
        self.version = ""

    def load(self) -> Symbol:
        """The root symbol."""
        archive = ZipMembers(self._stream)
        schema = _parsed(archive.read(SCHEMA, _LARGEST_SCHEMA))
        protocol, version = schema.get("protocol"), schema.get("_skops_version")
        if type(protocol) is not int or protocol < 0:
            raise Damaged("it does not say in which form of skops's it is")
        if protocol not in _PROTOCOLS:
            raise UnsupportedModel(
                f"{self._name} is in a newer form of skops ({protocol}) than is known here: not supported yet.",
                next_step="Save it again with joblib.dump(model, file), or with skops 0.16.",
            )
        if isinstance(version, str) and len(version) <= _LONGEST_VERSION and is_version(version):
            self.version = version
        return NodeReader(archive, protocol, self._findings).symbol(schema)


def _parsed(data: bytes) -> dict[str, Any]:
    if sum(map(data.count, (b"{", b"[", b","))) > _MOST_PARTS:
        raise TooMuch("it describes more parts than any model has")
    try:
        found = json.loads(data, object_pairs_hook=_entries)
    except (ValueError, RecursionError):
        raise Damaged(f"its part {SCHEMA} is no JSON") from None
    if not isinstance(found, dict):
        raise Damaged(f"its part {SCHEMA} is no JSON object")
    return found


def _entries(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """skops itself loses entries of one name (1 and "1" in one dictionary), and other programs could take the other."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Damaged("it has two entries of one name")
    return found
