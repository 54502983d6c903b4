"""Objects, packs, trees, commits, projects, the journal, and the register of models, packages, servers and releases."""
