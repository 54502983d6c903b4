"""Everything Qt: pages, table models, widgets, wizards, theme, the bridge from tasks to signals."""
