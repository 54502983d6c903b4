"""Secrets in the operating system's keyring, and nowhere else.

There is no plaintext fallback: without a usable keyring the caller is told so and asks the person instead.
"""

from __future__ import annotations

from weakref import WeakSet

from kronkers_studio.domain.errors import KeyUnavailable

_SERVICE = "Kronkers Studio"


_alive: WeakSet[Secret] = WeakSet()


def secrets_in_use() -> list[str]:
    """What every ``Secret`` that there is now holds, the longest first: no more of them are kept than are needed."""
    return sorted({secret.reveal() for secret in list(_alive)}, key=len, reverse=True)


class Secret:
    """A secret that does not show itself: ``repr`` and formatting give ``***``; ``reveal()`` gives the text."""

    __slots__ = ("__weakref__", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        _alive.add(self)

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._text)


def get_secret(name: str) -> Secret | None:
    """The secret called ``name``, or None when there is none. Raises ``KeyUnavailable`` without a usable keyring."""
    import keyring
    import keyring.errors

    _look_again()
    try:
        text = keyring.get_password(_SERVICE, name)
    except keyring.errors.KeyringError as error:
        raise _unavailable(error) from None
    return None if text is None else Secret(text)


def set_secret(name: str, secret: Secret) -> None:
    """Keep ``secret`` under ``name``. Raises ``KeyUnavailable`` without a usable keyring."""
    import keyring
    import keyring.errors

    _look_again()
    try:
        keyring.set_password(_SERVICE, name, secret.reveal())
    except keyring.errors.KeyringError as error:
        raise _unavailable(error) from None


def delete_secret(name: str) -> None:
    """Forget the secret called ``name``; no error when there is none."""
    import keyring
    import keyring.errors

    _look_again()
    try:
        keyring.delete_password(_SERVICE, name)
    except keyring.errors.PasswordDeleteError:
        pass
    except keyring.errors.KeyringError as error:
        raise _unavailable(error) from None


def _look_again() -> None:
    """Take the system's keyring that was missing when it was first asked for: the library looks only once, and people
    install or start one because they were told that there is none. What they chose themselves stays."""
    import keyring.backend
    import keyring.backends.fail
    import keyring.core

    if not isinstance(keyring.get_keyring(), keyring.backends.fail.Keyring):
        return
    if keyring.core.load_env() is not None or keyring.core.load_config() is not None:
        return
    usable = [kind for kind in keyring.backend.KeyringBackend.get_viable_backends() if kind.priority >= 1]
    if usable:
        keyring.set_keyring(max(usable, key=keyring.backend.by_priority)())


def _unavailable(error: Exception) -> KeyUnavailable:
    from keyring.errors import KeyringLocked

    locked = isinstance(error, KeyringLocked)
    return KeyUnavailable(
        "This computer's password store (keyring) is locked."
        if locked
        else "This computer has no password store (keyring) that can be used.",
        next_step="Unlock it and try again." if locked else "Use a passphrase or a key file instead.",
        details=type(error).__name__,
    )
