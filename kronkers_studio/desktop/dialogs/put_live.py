"""Choose what to put live, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.language_words import container_words
from kronkers_studio.desktop.localization import moment, tr
from kronkers_studio.desktop.panels.recording_choice import RecordingChoice
from kronkers_studio.desktop.place_words import place_title, place_words, silent_words
from kronkers_studio.desktop.reachability import Reachability, ReachabilityOf, nothing_heard
from kronkers_studio.desktop.start_again import lost_of
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import ComboBox, Field
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.recording import Recording
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState


class PutLiveDialog(Dialog):
    """Says beforehand what will happen; ``on_go(model, version, place, recording)`` does it."""

    def __init__(
        self,
        parent: QWidget,
        versions: Sequence[ModelVersion],
        places: Sequence[str],
        releases: Sequence[Release],
        on_go: Callable[[str, int, str, Recording | None], object],
        heard_of: ReachabilityOf = nothing_heard,
    ) -> None:
        """``releases`` are all that are recorded, newest first; ``heard_of`` says whether what is live answers."""
        super().__init__(
            parent,
            tr("Put a version live"),
            tr("It goes live after it has answered a test. What is live now stays live until then."),
            width=480,
        )
        self._versions, self._releases, self._on_go, self._heard_of = versions, releases, on_go, heard_of
        names = list(dict.fromkeys(version.name for version in versions))
        self.model = ComboBox(tr("Model"), [(name, name) for name in names])
        self.version = ComboBox(tr("Version"))
        self.place = ComboBox(tr("Where"), [(place_title(place), place) for place in places])
        self.recording = RecordingChoice()
        self.plan = label("", "muted", wrap=True)
        self.content.addWidget(Field(tr("Model"), self.model))
        self.content.addWidget(Field(tr("Version"), self.version))
        self.content.addWidget(Field(tr("Where"), self.place))
        self.content.addWidget(self.recording)
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
        on_server = next((each for each in self.place.values if each != THIS_COMPUTER), None)
        if not place and on_server is not None and self._in_container_only:
            self.place.choose(on_server)
        if place:
            self.place.choose(place)

    def show_releases(self, releases: Sequence[Release]) -> None:
        """``releases`` are what is recorded by now."""
        self._releases = releases
        self._say_plan()

    @property
    def _chosen(self) -> ModelVersion | None:
        wanted = (self.model.value, self.version.value)
        return next((each for each in self._versions if (each.name, each.version) == wanted), None)

    @property
    def _in_container_only(self) -> bool:
        chosen = self._chosen
        return chosen is not None and chosen.facts.framework.in_container_only

    def _offer_versions(self) -> None:
        mine = [version for version in self._versions if version.name == self.model.value]
        self.version.set_choices([(_version_words(version), version.version) for version in mine])
        self.version.setCurrentIndex(0)
        self._say_plan()

    def _say_plan(self) -> None:
        model, version, place = str(self.model.value), self.version.value, str(self.place.value)
        here = [release for release in self._releases if (release.model, release.place) == (model, place)]
        words = " ".join(_what_is_there(model, place, here, version, self._heard_of(model, place)))
        chosen = self._chosen
        refused = chosen is not None and self._in_container_only and place == THIS_COMPUTER
        if chosen is not None and refused:
            only_here = self.place.count() == 1
            elsewhere = tr("Add a server on the page Servers first.") if only_here else tr("Choose a server.")
            words = f"{container_words(chosen.facts.framework)} {elsewhere}"
        elif place == THIS_COMPUTER:
            words += " " + tr("It runs as a process here, without Docker, and only this computer can reach it.")
        self.plan.setText(words)
        self.recording.show_target(chosen, place)
        self.go.setEnabled(not refused)

    def _go(self) -> None:
        version = self.version.value
        if isinstance(version, int) and self.go.isEnabled():
            self.accept()
            self._on_go(str(self.model.value), version, str(self.place.value), self.recording.recording)


def _what_is_there(
    model: str, place: str, releases: Sequence[Release], version: object, heard: Reachability
) -> Iterator[str]:
    """Sentences on what is there now of the model, and what becomes of it."""
    live = next((release for release in releases if release.state is ReleaseState.LIVE), None)
    lost = next(iter(lost_of(releases)), None)
    starting = next((release for release in releases if release.state is ReleaseState.STARTING), None)
    if live is not None and heard.silent:
        words = tr("Version {version} was put live there and {silent}.")
        yield words.format(version=live.version, silent=silent_words(heard))
    elif live is not None and live.version == version:
        yield tr("This very version is live there now; it is started anew.")
    elif live is not None:
        yield tr("Version {version} is live there now and is kept for a rollback.").format(version=live.version)
    elif lost is not None:
        words = tr("Version {version} was live there and has stopped ({time}). Nothing of {model} is live there now.")
        yield words.format(version=lost.version, time=moment(lost.changed), model=model)
    elif starting is None:
        yield tr("Nothing of {model} is live on {place} now.").format(model=model, place=place_words(place))
    if starting is not None:
        words = tr("Version {version} is being started there by {author}.")
        yield words.format(version=starting.version, author=starting.author or tr("somebody"))
    if live is not None and live.recording is not None:
        yield tr("The rows that it keeps stay with it: save them before, or go back to it later.")


def _version_words(version: ModelVersion) -> str:
    words = tr("Version {version}, {framework}").format(
        version=version.version, framework=f"{version.facts.framework.label} {version.facts.framework_version}".strip()
    )
    return f"{words} · {', '.join(version.aliases)}" if version.aliases else words
