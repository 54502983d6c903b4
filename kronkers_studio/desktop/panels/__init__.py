"""Parts of pages, of which dialogs and the guided way use some too: what is chosen, found, live, or came of work."""
