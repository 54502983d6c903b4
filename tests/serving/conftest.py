from __future__ import annotations

from collections.abc import Iterator

import pytest

from kronkers_studio.deployment.service_client import LoopbackClient
from tests.serving.model_folders import running, wine_folder


@pytest.fixture(scope="session")
def wine_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A live server of the wine classifier with small limits."""
    folder = wine_folder(tmp_path_factory.mktemp("wine"))
    with running(folder, "--most-rows", "50", "--most-bytes", "200000") as (port, _):
        yield port


@pytest.fixture
def wine(wine_port: int) -> Iterator[LoopbackClient]:
    client = LoopbackClient(wine_port)
    yield client
    client.close()
