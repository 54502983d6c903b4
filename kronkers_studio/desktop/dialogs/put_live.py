"""Choose what to put live, and where."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.dialogs.dialog import Dialog
from kronkers_studio.desktop.place_words import place_title, place_words
from kronkers_studio.desktop.text import tr
from kronkers_studio.desktop.widgets.fields import ComboBox, Field
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.releases import THIS_COMPUTER, Release


class PutLiveDialog(Dialog):
    """Says beforehand what will happen; ``on_go(model, version, place)`` does it."""

    def __init__(
        self,
        parent: QWidget,
        versions: Sequence[ModelVersion],
        places: Sequence[str],
        live: Sequence[Release],
        on_go: Callable[[str, int, str], object],
    ) -> None:
        super().__init__(
            parent,
            tr("Put a version live"),
            tr("It becomes live only once it answers. What is live before stays live until then."),
            width=480,
        )
        self._versions, self._live, self._on_go = versions, live, on_go
        names = list(dict.fromkeys(version.name for version in versions))
        self.model = ComboBox(tr("Model"), [(name, name) for name in names])
        self.version = ComboBox(tr("Version"))
        self.place = ComboBox(tr("Where"), [(place_title(place), place) for place in places])
        self.plan = label("", "muted", wrap=True)
        self.content.addWidget(Field(tr("Model"), self.model))
        self.content.addWidget(Field(tr("Version"), self.version))
        self.content.addWidget(Field(tr("Where"), self.place))
        self.content.addWidget(self.plan)
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Put live"), self._go, "primary")
        self.go.setDefault(True)
        self.model.currentIndexChanged.connect(self._offer_versions)
        self.version.currentIndexChanged.connect(self._say_plan)
        self.place.currentIndexChanged.connect(self._say_plan)
        self._offer_versions()

    def choose(self, model: str, version: int | None = None, place: str = "") -> None:
        """Start with these chosen."""
        self.model.choose(model)
        if version is not None:
            self.version.choose(version)
        if place:
            self.place.choose(place)

    def _offer_versions(self) -> None:
        mine = [version for version in self._versions if version.name == self.model.value]
        self.version.set_choices([(_version_words(version), version.version) for version in mine])
        self.version.setCurrentIndex(0)
        self._say_plan()

    def _say_plan(self) -> None:
        model, version, place = str(self.model.value), self.version.value, str(self.place.value)
        now = next((r for r in self._live if (r.model, r.place) == (model, place)), None)
        if now is None:
            words = tr("Nothing of {model} is live on {place} now.").format(model=model, place=place_words(place))
        elif now.version == version:
            words = tr("This very version is live there now; it is started anew.")
        else:
            words = tr("Version {version} is live there now and is kept for a rollback.").format(version=now.version)
        if place == THIS_COMPUTER:
            words += " " + tr("It runs as a process here, without Docker, and only this computer can reach it.")
        self.plan.setText(words)

    def _go(self) -> None:
        version = self.version.value
        if isinstance(version, int):
            self.accept()
            self._on_go(str(self.model.value), version, str(self.place.value))


def _version_words(version: ModelVersion) -> str:
    words = tr("Version {version}, {framework}").format(
        version=version.version, framework=f"{version.facts.framework.label} {version.facts.framework_version}".strip()
    )
    return f"{words} · {', '.join(version.aliases)}" if version.aliases else words
