"""A model version and a release, as small as they may be, for tests of widgets."""

from __future__ import annotations

from datetime import UTC, datetime

from kronkers_studio.domain.models import (
    ContentRef,
    Datatype,
    Framework,
    ModelFacts,
    ModelVersion,
    Signature,
    Tensor,
)
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def a_version(number: int = 1, *, columns: tuple[str, ...] = ("alcohol", "hue"), name: str = "wine") -> ModelVersion:
    signature = Signature(
        inputs=(Tensor("input", Datatype.FP64, (-1, len(columns) or 2), columns),),
        outputs=(Tensor("label", Datatype.BYTES, (-1,)),),
    )
    facts = ModelFacts(Framework.SKLEARN, "1.9.1", "joblib", "sklearn.pipeline.Pipeline", signature=signature)
    source = ContentRef("Team", "0" * 64, "model/wine.joblib")
    return ModelVersion(name, number, source, facts, NOON, "ada", size=77_000, metrics={"accuracy": 0.972})


def a_release(
    number: int = 1,
    *,
    version: int = 1,
    state: ReleaseState = ReleaseState.LIVE,
    place: str = THIS_COMPUTER,
    message: str = "",
) -> Release:
    return Release("wine", place, number, version, "sha256:0", state, NOON, NOON, "ada", message=message)
