"""Everything that is known of one version of a model, a part at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.panels.about_version import AboutVersion
from kronkers_studio.desktop.panels.lineage_list import LineageList
from kronkers_studio.desktop.panels.model_card import ModelCardPanel
from kronkers_studio.desktop.panels.package_list import PackageList
from kronkers_studio.desktop.panels.version_comparison import VersionComparison
from kronkers_studio.desktop.panels.version_profile import VersionProfile
from kronkers_studio.desktop.panels.version_quality import VersionQuality
from kronkers_studio.desktop.panels.version_tests import VersionTests
from kronkers_studio.desktop.widgets.cards import Card
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.models import ModelVersion, Package
from kronkers_studio.domain.releases import Release


@dataclass(frozen=True, slots=True)
class Book:
    """What is known of ``model``: its versions, the newest first, what is or should be running of them, their packages,
    the newest version of each other model, and when the states were recorded that versions come from."""

    model: str
    versions: Sequence[ModelVersion]
    running: Sequence[Release] = ()
    packages: Sequence[Package] = ()
    others: Sequence[ModelVersion] = ()
    recorded: Mapping[str, datetime] = field(default_factory=dict)


class VersionSections(Card):
    """Views: "about", "card", "quality", "features", "tests", "compare", "lineage", "packages"; each is made when it is
    first looked at.

    wanted          where a button leads
    told(words, undo)   something was done; ``undo`` takes it back, or is None
    failed(error)   something could not be done or read
    rows_wanted(left, right)   two versions are to be asked the same rows
    """

    wanted = Signal(object)
    told = Signal(str, object)
    failed = Signal(object)
    rows_wanted = Signal(object, object)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(tr("Version"), parent)
        self._studio = studio
        self._book: Book | None = None
        self._version: ModelVersion | None = None
        self._current: set[str] = set()
        self._pills = FilterPills(_sections(), tr("What is shown of the version"))
        self.add_to_head(self._pills)
        self.views = Views(
            {
                "about": lambda: self.about,
                "card": lambda: self.card,
                "quality": lambda: self.quality,
                "features": lambda: self.features,
                "tests": lambda: self.tests,
                "compare": lambda: self.comparison,
                "lineage": lambda: self.lineage,
                "packages": lambda: self.packages,
            }
        )
        self.body.addWidget(self.views, 1)
        self._pills.chosen.connect(self._show)

    def show_version(self, book: Book, version: ModelVersion) -> None:
        """Show ``version``, which is one of ``book``."""
        self._book, self._version = book, version
        self._current.clear()
        self.set_heading(tr("Version {version}").format(version=version.version))
        self._show(self.key)

    @property
    def key(self) -> str:
        """The part that is shown."""
        return self._pills.key

    def choose(self, key: str) -> None:
        """Show that part."""
        self._pills.choose(key)

    def select(self, key: str) -> None:
        """Let that part be the one to be shown; nothing happens for one that is not known."""
        self._pills.select(key)

    # The parts

    @cached_property
    def about(self) -> AboutVersion:
        made = AboutVersion(self._studio)
        made.wanted.connect(self.wanted)
        made.told.connect(self.told)
        made.failed.connect(self.failed)
        return made

    @cached_property
    def card(self) -> ModelCardPanel:
        made = ModelCardPanel(self._studio)
        made.told.connect(self.told)
        made.failed.connect(self.failed)
        return made

    @cached_property
    def quality(self) -> VersionQuality:
        made = VersionQuality(self._studio)
        made.told.connect(self.told)
        made.failed.connect(self.failed)
        return made

    @cached_property
    def features(self) -> VersionProfile:
        made = VersionProfile(self._studio)
        made.told.connect(self.told)
        made.failed.connect(self.failed)
        return made

    @cached_property
    def tests(self) -> VersionTests:
        made = VersionTests(self._studio)
        made.told.connect(self.told)
        made.failed.connect(self.failed)
        return made

    @cached_property
    def comparison(self) -> VersionComparison:
        made = VersionComparison(self._studio)
        made.rows_wanted.connect(self.rows_wanted)
        made.failed.connect(self.failed)
        return made

    @cached_property
    def lineage(self) -> LineageList:
        made = LineageList(self._studio)
        made.wanted.connect(self.wanted)
        made.failed.connect(self.failed)
        return made

    @cached_property
    def packages(self) -> PackageList:
        made = PackageList()
        made.wanted.connect(self.wanted)
        return made

    def _show(self, key: str) -> None:
        book, version = self._book, self._version
        if book is None or version is None:
            return
        self.views.show_view(key)
        if key in self._current:
            return
        self._current.add(key)
        match key:
            case "about":
                self.about.show_version(version, book.recorded.get(version.source.commit))
            case "card":
                self.card.show_version(version)
            case "quality":
                self.quality.show_version(version, book.versions)
            case "features":
                self.features.show_version(version)
            case "tests":
                self.tests.show_version(version)
            case "compare":
                self.comparison.show_version(version, book.versions, book.others)
            case "lineage":
                self.lineage.show_version(version)
            case "packages":
                self.packages.show_version(version, book.packages)


def _sections() -> list[tuple[str, str]]:
    return [
        ("about", tr("What it is")),
        ("card", tr("Card and tags")),
        ("quality", tr("Quality")),
        ("features", tr("Features")),
        ("tests", tr("Tests")),
        ("compare", tr("Compare")),
        ("lineage", tr("Where it comes from")),
        ("packages", tr("Packages")),
    ]
