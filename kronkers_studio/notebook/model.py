"""One version of a model, as a notebook has it in hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from kronkers_studio.domain.models import ModelVersion, Package
from kronkers_studio.domain.references import format_content
from kronkers_studio.domain.releases import THIS_COMPUTER, Release
from kronkers_studio.notebook.display import shown_as_html

if TYPE_CHECKING:
    import pandas as pd


class Verbs(Protocol):
    """What a workspace does with a model; ``Workspace`` does."""

    def package(self, model: str, *, progress: bool = False) -> Package: ...

    def release(self, model: str, to: str = THIS_COMPUTER, *, progress: bool = False) -> Release: ...

    def alias(self, model: str, alias: str) -> Model: ...

    def predict(self, model: str, rows: Any, *, place: str = THIS_COMPUTER) -> pd.DataFrame: ...


class Model:
    """A registered version, as it was when it was asked for. ``Workspace.model`` and ``register`` give it."""

    def __init__(self, workspace: Verbs, version: ModelVersion) -> None:
        self._workspace = workspace
        self.facts = version
        """All that is known of the version."""

    @property
    def name(self) -> str:
        return self.facts.name

    @property
    def version(self) -> int:
        return self.facts.version

    @property
    def label(self) -> str:
        """``wine:3``"""
        return self.facts.label

    @property
    def metrics(self) -> Mapping[str, float]:
        """What was measured when it was made, by name."""
        return dict(self.facts.metrics)

    @property
    def source(self) -> str:
        """Its file, as ``PROJECT@VERSION:PATH``."""
        return str(self.facts.source)

    def package(self, *, progress: bool = False) -> Package:
        """Build its package for this computer, or find the one that was built; see ``Workspace.package``."""
        return self._workspace.package(self.label, progress=progress)

    def release(self, to: str = THIS_COMPUTER, *, progress: bool = False) -> Release:
        """Put it live in the place ``to``; see ``Workspace.release``."""
        return self._workspace.release(self.label, to=to, progress=progress)

    def alias(self, name: str) -> Model:
        """Let ``name``, such as "champion", mean this version from now on. Raises ``InvalidInput``."""
        return self._workspace.alias(self.label, name)

    def predict(self, rows: Any, *, place: str = THIS_COMPUTER) -> pd.DataFrame:
        """What is live of this model answers ``rows``, which need not be this version; see ``Workspace.predict``."""
        return self._workspace.predict(self.name, rows, place=place)

    def __repr__(self) -> str:
        return f"<Model {self.label}>"

    def _repr_html_(self) -> str:
        facts = self.facts.facts
        data = self.facts.data
        return shown_as_html(
            self.label,
            {
                "Framework": f"{facts.framework.label} {facts.framework_version}".strip(),
                "From": self.source,
                "Trained on": format_content(data.project, data.commit[:12], data.path) if data else "",
                "Aliases": ", ".join(self.facts.aliases),
                **{name: f"{value:g}" for name, value in self.facts.metrics.items()},
            },
        )
