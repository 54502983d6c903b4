"""Documents of PMML from their file to a container on a real engine, and their answers there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.servers import LabServer
from tests.packaging.containers import asked, composed_of_file, running

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(900)]

_FILES = Path(__file__).with_name("files")


@pytest.fixture(params=["forest", "xgboost-regression"])
def document(request: pytest.FixtureRequest, lab_server: LabServer, base_image_archive: Path) -> Iterator[str]:
    """A document, whose service is running."""
    with running(lab_server, composed_of_file(_FILES / f"{request.param}.pmml", base_image_archive), "marked"):
        yield request.param


def test_a_document_answers_in_its_container_as_the_model_that_it_was_written_of(
    document: str, lab_server: LabServer
) -> None:
    case = json.loads((_FILES / "cases.json").read_text(encoding="utf-8"))[document]
    rows = [dict(zip(case["columns"], row, strict=True)) for row in case["rows"]]

    found = asked(lab_server, "marked", "/predict", {"rows": rows})

    if not case["classes"]:
        assert found["outputs"] == pytest.approx(case["label"], rel=1e-6)
        return
    assert found["outputs"] == case["label"]
    for shares, expected in zip(found["probabilities"], case["probabilities"], strict=True):
        assert [shares[name] for name in case["classes"]] == pytest.approx(expected, abs=1e-6)
