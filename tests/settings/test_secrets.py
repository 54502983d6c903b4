"""The system's keyring, as it comes and goes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.lab.secret_service import SecretService

PROGRAM = """
import os, sys
from kronkers_studio.domain.errors import KeyUnavailable
from kronkers_studio.settings.secrets import Secret, delete_secret, get_secret, set_secret
later = {name: os.environ.pop(name) for name in ("DBUS_SESSION_BUS_ADDRESS",)}
try:
    get_secret("x")
    raise SystemExit("there was a keyring")
except KeyUnavailable:
    pass
os.environ.update(later)
set_secret("x", Secret("y"))
assert get_secret("x").reveal() == "y"
delete_secret("x")
assert get_secret("x") is None
"""


@pytest.mark.secret_service
def test_a_keyring_that_was_missing_is_looked_for_again(secret_service: SecretService) -> None:
    """Whoever starts or installs one as told goes on without starting the program again."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_KEYRING_BACKEND"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment | secret_service.environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_no_keyring_by_choice_stays_so() -> None:
    program = """
from kronkers_studio.domain.errors import KeyUnavailable
from kronkers_studio.settings.secrets import get_secret
for _ in range(2):
    try:
        get_secret("x")
        raise SystemExit("there was a keyring")
    except KeyUnavailable:
        pass
"""
    environment = os.environ | {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
