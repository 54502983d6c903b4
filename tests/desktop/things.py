"""A model version and a release, as small as they may be, for tests of widgets; and what a window has made."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from kronkers_studio.desktop.pages.page import Page
from kronkers_studio.desktop.panels.rebuild import MendingPanel
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.domain.allowances import Allowance
from kronkers_studio.domain.model_comparison import Aspect, ComparedValue, ModelComparison
from kronkers_studio.domain.models import (
    CodeFile,
    ContentRef,
    Datatype,
    Framework,
    Layer,
    ModelFacts,
    ModelVersion,
    Package,
    Signature,
    StatedSignature,
    Tensor,
)
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState
from kronkers_studio.workflows.models import FoundModel
from kronkers_studio.workflows.session import Session

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def a_version(number: int = 1, *, columns: tuple[str, ...] = ("alcohol", "hue"), name: str = "wine") -> ModelVersion:
    signature = Signature(
        inputs=(Tensor("input", Datatype.FP64, (-1, len(columns) or 2), columns),),
        outputs=(Tensor("label", Datatype.BYTES, (-1,)),),
    )
    facts = ModelFacts(Framework.SKLEARN, "1.9.1", "joblib", "sklearn.pipeline.Pipeline", signature=signature)
    source = ContentRef("Team", "0" * 64, "model/wine.joblib")
    return ModelVersion(name, number, source, facts, NOON, "ada", size=77_000, metrics={"accuracy": 0.972})


def a_version_with_code(of: ModelVersion, *allowed: str) -> ModelVersion:
    """``of`` with a file that asks for two classes of a person's own, of which ``allowed`` are."""
    code = (CodeFile("features.py", 900, "model"),)
    facts = replace(of.facts, unsafe=("features.Ratio", "features.doubled"), code=code)
    given = (Allowance(allowed, "our own features", NOON, "ada"),) if allowed else ()
    return replace(of, facts=facts, allowances=given)


def a_program(of: ModelVersion, *, said: bool = False) -> ModelVersion:
    """``of`` as a program of PyTorch's, whose file does not say what it takes; a person has ``said`` it."""
    names = (("image",), ("scores", "kind"))
    inputs, outputs = (tuple(Tensor(name, Datatype.FP32, (-1,), any_rank=True) for name in each) for each in names)
    facts = ModelFacts(Framework.PYTORCH, "", "torchscript", "Net", signature=Signature(inputs, outputs))
    image = Tensor("image", Datatype.FP32, (-1, 4), ("age", "income", "height", "weight"))
    stated = StatedSignature(Signature((image,), outputs), NOON, "ada")
    return replace(of, facts=facts, stated=stated if said else None)


def a_found_model(path: str = "model/wine_v2.joblib", *, name: str = "wine-v2") -> FoundModel:
    return FoundModel(ContentRef("Team", "0" * 64, path), 77_000, name, a_version().facts)


def a_package(version: int = 1, *, base: str = "") -> Package:
    layers = tuple(
        Layer(role, f"sha256:{role}", f"sha256:{role}", size, "application/vnd.oci.image.layer.v1.tar+gzip")
        for role, size in (("dependencies", 60_000_000), ("server", 40_000), ("model", 77_000))
    )
    requirements = ("numpy==2.4.6", "scikit-learn==1.9.1")
    return Package("sha256:0", "wine", version, "linux/amd64", "3.11", base, layers, NOON, requirements)


def compared(left: ModelVersion, right: ModelVersion) -> ModelComparison:
    """The two side by side, in what was measured and what they are made with."""
    was, now = left.metrics["accuracy"], right.metrics["accuracy"]
    values = (
        ComparedValue(Aspect.METRICS, "accuracy", str(was), str(now), now - was),
        ComparedValue(Aspect.FACTS, "framework", left.facts.framework_version, right.facts.framework_version),
    )
    return ModelComparison(left, right, True, values)


def a_release(
    number: int = 1,
    *,
    version: int = 1,
    state: ReleaseState = ReleaseState.LIVE,
    place: str = THIS_COMPUTER,
    message: str = "",
) -> Release:
    return Release("wine", place, number, version, "sha256:0", state, NOON, NOON, "ada", message=message)


def pages_made(window: MainWindow) -> list[str]:
    """The keys of the pages made so far."""
    return [page.key for page in window.findChildren(Page)]


def mending_panel(window: MainWindow) -> MendingPanel | None:
    """What offers to make the index again, if it is shown."""
    return next((panel for panel in window.gate.findChildren(MendingPanel) if not panel.isHidden()), None)


def stored_bytes(session: Session, project: str, ref: str, path: str) -> bytes:
    """A file as it is stored, verified."""
    content = session.workspace.content
    return content.read(content.find(project, ref, path))
