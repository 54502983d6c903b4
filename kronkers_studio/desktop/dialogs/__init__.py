"""Dialogs: where a decision or a login is needed, to look something up, or for a bug."""
