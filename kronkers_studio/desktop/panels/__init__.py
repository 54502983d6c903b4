"""Parts of pages that the guided way uses too: choosing a folder, what was found, what came of it, sending rows."""
