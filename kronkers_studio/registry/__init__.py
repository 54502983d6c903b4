"""Objects, packs, trees, commits, projects, the journal, and the register of models, packages, servers and releases.

From the top: ``workspace`` opens it all, ``versions`` are branches, tags and differences, ``search`` and ``merging``
work on what ``content_store`` keeps and gives; ``importing``, ``restoring`` and ``maintenance`` do that on ``metadata``
and ``trees``, and all of it lies in ``store``. Imports point down (a contract in pyproject.toml).

Opening a workspace loads little; what works on content and metadata is loaded at its first use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kronkers_studio.registry.content_store import ContentStore
    from kronkers_studio.registry.importing.importer import StoreOutcome
    from kronkers_studio.registry.metadata.ledger import Ledger
    from kronkers_studio.registry.workspace import Workspace, create_workspace, open_workspace, rebuild_workspace

__all__ = [
    "ContentStore",
    "Ledger",
    "StoreOutcome",
    "Workspace",
    "create_workspace",
    "open_workspace",
    "rebuild_workspace",
]

_LOADED_LATER = {
    "ContentStore": "content_store",
    "Ledger": "metadata.ledger",
    "StoreOutcome": "importing.importer",
    "Workspace": "workspace",
    "create_workspace": "workspace",
    "open_workspace": "workspace",
    "rebuild_workspace": "workspace",
}


def __getattr__(name: str) -> Any:
    if name not in _LOADED_LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LOADED_LATER[name]}"), name)
