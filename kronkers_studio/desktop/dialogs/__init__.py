"""Dialogs: only where a decision is needed, or for a bug."""
