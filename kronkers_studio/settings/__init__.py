"""Typed settings, the platform's folders, secrets in the system's keyring, the log, and the bundled resources."""
