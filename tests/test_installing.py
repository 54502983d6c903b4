"""What `uv sync` finds in the lock for the systems that people have: wheels for everything, or no promise of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import uv

ROOT = Path(__file__).resolve().parents[1]
PROMISED = {
    "aarch64-apple-darwin": "13.0",
    "x86_64-pc-windows-msvc": "",
    "x86_64-manylinux_2_34": "",
    "aarch64-manylinux_2_39": "",
}


def sync(platform: str, folder: Path, macos: str = "", *options: str) -> subprocess.CompletedProcess[str]:
    """What would be installed there from the lock alone, nothing built."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment |= {"UV_PROJECT_ENVIRONMENT": str(folder / "venv"), "UV_NO_BUILD": "1", "UV_OFFLINE": "1"}
    environment |= {"MACOSX_DEPLOYMENT_TARGET": macos} if macos else {}
    command = [uv.find_uv_bin(), "sync", "--frozen", "--dry-run", "--no-install-project", "--python", sys.executable]
    return subprocess.run(
        [*command, "--python-platform", platform, *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("platform", PROMISED)
def test_the_studio_installs_without_a_compiler(platform: str, tmp_path: Path) -> None:
    done = sync(platform, tmp_path, PROMISED[platform])

    assert done.returncode == 0, done.stderr
    assert "onnxruntime" not in done.stderr  # what only the tests need is not installed


@pytest.mark.parametrize(("platform", "macos"), {**PROMISED, "aarch64-apple-darwin": "14.0"}.items())
def test_so_does_what_the_tests_need(platform: str, macos: str, tmp_path: Path) -> None:
    done = sync(platform, tmp_path, macos, "--group", "serving")

    assert done.returncode == 0, done.stderr
    assert "onnxruntime" in done.stderr


@pytest.mark.parametrize("platform", ["x86_64-apple-darwin", "aarch64-pc-windows-msvc"])
def test_where_wheels_are_missing_the_readme_says_so(platform: str, tmp_path: Path) -> None:
    """Fails when they are published again: then the README promises more."""
    done = sync(platform, tmp_path)

    assert done.returncode != 0
    assert "cryptography" in done.stderr
    assert "cryptography" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_lock_is_that_of_the_project() -> None:
    done = subprocess.run(
        [uv.find_uv_bin(), "lock", "--check", "--offline"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="the window's libraries are the system's own on Linux only")
def test_a_library_that_qts_plugin_lacks_is_named(tmp_path: Path) -> None:
    """Seen to fail when only one of them is looked for."""
    for name, said in {
        "ldd": "echo 'libxcb-icccm.so.4 => not found'",
        "apt-get": "exit 1",
        "id": "echo 1000",
        "sudo": "exit 1",
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{said}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    command = ["bash", str(ROOT / "installers" / "qt-libraries.sh")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert "libxcb-icccm.so.4" in done.stderr and "sudo apt-get install" in done.stderr
    (tmp_path / "ldd").write_text("#!/bin/sh\necho 'libxcb.so.1 => /usr/lib/libxcb.so.1'\n", encoding="utf-8")
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stderr == ""
