"""What a release is told of its service: what cannot be is refused before anything of it is built."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.models import ContentRef, Framework, ModelFacts, ModelVersion
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState
from kronkers_studio.workflows.release_options import release_options
from tests.cli.shell import Shell

_NOW = datetime(2026, 12, 1, tzinfo=UTC)


def _options(place: str, framework: Framework = Framework.SKLEARN, **asked: Any) -> dict[str, Any]:
    facts = ModelFacts(framework, "1", "joblib")
    model = ModelVersion("wine", 1, ContentRef("sample", "c0ffee" * 10, "model"), facts, _NOW, "ada")
    return release_options(model, place, **{"request_log": 0.0, "processes": None, **asked})


def _kept(**endpoint: Any) -> int | None:
    live = Release("wine", "factory", 1, 1, "sha256:abc", ReleaseState.LIVE, _NOW, _NOW, endpoint=endpoint)
    return replace(live, endpoint={**live.endpoint, "port": 1}).processes


def test_what_is_asked_for_is_kept_with_the_release() -> None:
    assert _options("factory") == {}
    assert _options("factory", request_log=0.5, processes=2) == {"request_log": 0.5, "processes": 2}
    assert _options("factory", processes=0) == {"processes": 0}
    assert _options(THIS_COMPUTER, processes=0) == {"processes": 0}
    assert [_kept(processes=count) for count in (2, 0, 65, -1, True, "2")] == [2, 0, None, None, None, None]
    assert _kept() is None


@pytest.mark.parametrize(
    ("place", "framework", "processes", "said"),
    [
        (THIS_COMPUTER, Framework.PMML, 2, "On this computer a model is kept from starting processes"),
        ("factory", Framework.R, 0, "Models of R always run in processes of their own"),
        ("factory", Framework.SKLEARN, 65, "from 0 to 64 processes"),
        ("factory", Framework.SKLEARN, -1, "from 0 to 64 processes"),
    ],
)
def test_what_cannot_be_is_refused(place: str, framework: Framework, processes: int, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        _options(place, framework, processes=processes)


@pytest.mark.parametrize("processes", ["-1", "two", "²", "99999"])
def test_the_command_takes_a_number_or_auto(processes: str, tmp_path: Path) -> None:
    ended = Shell(tmp_path).run("release", "wine", "--to", "factory", f"--processes={processes}", expect=2)
    assert "is no number of processes" in ended.err
