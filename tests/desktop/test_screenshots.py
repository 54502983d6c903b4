"""The pictures that are judged by eye can be made: every page, empty, full and failed, and what lies behind buttons."""

from __future__ import annotations

from pathlib import Path

import pytest

from kronkers_studio.desktop import screenshots


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_pictures_are_made(tmp_path: Path) -> None:
    assert screenshots.main([str(tmp_path), "1"]) == 0
    made = {file.name for file in tmp_path.glob("*.png")}
    for page in screenshots.PAGES:
        for theme in ("light", "dark"):
            assert {f"{page}-{kind}-1440-{theme}-100.png" for kind in ("empty", "full")} <= made
    assert {f"home-failed-{width}-dark-100.png" for width in (1024, 1440, 2560)} <= made
    assert {name for name in made if name.startswith("dialog-")} >= {"dialog-put-live-dark-100.png"}
