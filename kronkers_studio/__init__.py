"""Kronkers Studio: from a OneDrive folder to a monitored model service on your own servers."""

__version__ = "0.1.0"
