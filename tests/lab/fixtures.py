"""The lab as pytest fixtures; a plugin that tests/conftest.py registers.

A test that uses one of them is marked ``lab`` (or ``secret_service``). Where the lab cannot start, such a test is
skipped with the reason; with ``KRONKERS_LAB=required`` in the environment, as in continuous integration, it fails.
Each process of pytest-xdist has a lab of its own.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.lab.base_image import CannotMake, base_archive, debian_archive
from tests.lab.package_proxy import proxy_for_packages
from tests.lab.secret_service import SecretService, SecretServiceUnavailable
from tests.lab.servers import Lab, LabServer, LabUnavailable

_MARKED_BY = {
    "lab": "lab",
    "lab_server": "lab",
    "other_server": "lab",
    "base_image_archive": "lab",
    "debian_image_archive": "lab",
    "package_proxy": "lab",
    "haproxy": "lab",
    "secret_service": "secret_service",
}


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The lab of this test run; ``lab.server()`` adds a server to it."""
    try:
        lab = Lab.start()
    except LabUnavailable as problem:
        pytest.skip(f"lab: {problem}")
    try:
        yield lab
    finally:
        lab.stop()


@pytest.fixture(scope="session")
def lab_server(lab: Lab) -> LabServer:
    """A server with a Docker engine, shared by all tests: leave it as it was."""
    return _server(lab)


@pytest.fixture
def other_server(lab: Lab) -> Iterator[LabServer]:
    """A server without an engine for one test, to be broken at will."""
    server = _server(lab, engine=False)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def base_image_archive() -> Path:
    """The base image with Python 3.11 as an archive file (OCI layout and `docker save` in one)."""
    try:
        return base_archive()
    except CannotMake as problem:
        pytest.skip(f"lab: no base image: {problem}")


@pytest.fixture(scope="session")
def debian_image_archive() -> Path:
    """The image that Dockerfiles begin with, as an archive file."""
    try:
        return debian_archive()
    except CannotMake as problem:
        pytest.skip(f"lab: no Debian image: {problem}")


@pytest.fixture(scope="session")
def package_proxy(lab: Lab) -> Iterator[str]:
    """The address of a proxy on this machine through which the lab's servers, which have no way out, reach the sources
    of Debian's packages."""
    with proxy_for_packages(lab.gateway) as address:
        yield address


@pytest.fixture
def secret_service(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SecretService]:
    """A real Secret Service with an empty, unlocked keyring; `keyring` in this process uses it."""
    try:
        service = SecretService.start(tmp_path_factory.mktemp("secrets"))
    except SecretServiceUnavailable as problem:
        pytest.skip(f"secret service: {problem}")
    try:
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        with service.used_by_keyring():
            yield service
    finally:
        service.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            marker = _MARKED_BY.get(fixture)
            if marker and item.get_closest_marker(marker) is None:
                item.add_marker(marker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    needs_lab = item.get_closest_marker("lab") or item.get_closest_marker("secret_service")
    if (
        report.skipped
        and needs_lab
        and not hasattr(report, "wasxfail")
        and os.environ.get("KRONKERS_LAB") == "required"
    ):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"KRONKERS_LAB=required, and this test was skipped: {reason}"
    return report


def _server(lab: Lab, *, engine: bool = True) -> LabServer:
    try:
        return lab.server(engine=engine)
    except LabUnavailable as problem:
        pytest.skip(f"lab: {problem}")
