"""Typed settings, the platform's folders, secrets in the system's keyring, and the bundled resources."""
