"""Objects, packs, trees, commits, projects, the journal, and the register of models, packages, servers and releases."""

from kronkers_studio.registry.content import ContentStore
from kronkers_studio.registry.importing import StoreOutcome
from kronkers_studio.registry.ledger import Ledger
from kronkers_studio.registry.workspace import Workspace, create_workspace, open_workspace

__all__ = ["ContentStore", "Ledger", "StoreOutcome", "Workspace", "create_workspace", "open_workspace"]
