"""Where HAProxy is not installed, these tests cannot run; where the lab is required, it must be."""

from __future__ import annotations

import pytest

from tests.deployment.gateway.local_gateway import missing


@pytest.fixture
def haproxy() -> None:
    lacking = missing()
    if lacking:
        pytest.skip(f"not installed: {', '.join(lacking)} (tests/lab/install.sh installs them)")
