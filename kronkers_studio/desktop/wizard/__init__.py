"""The first-run wizard: from a folder to a live, charted model in one guided way."""
