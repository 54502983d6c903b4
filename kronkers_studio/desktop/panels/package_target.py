"""Where a package is to go: kept here, a file, an image registry, or a server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QStandardPaths, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.destinations import PutLive
from kronkers_studio.desktop.language_words import container_words
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.package_words import PLATFORMS, estimate_words, platform_words
from kronkers_studio.desktop.panels.language_base import LanguageBasePanel
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.fields import ComboBox, Field, LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.domain.models import Framework, ModelVersion

if TYPE_CHECKING:
    from kronkers_studio.workflows.package_plans import PackagePlan, PackageTarget

_HERE, _FILE, _REGISTRY, _SERVER = "here", "file", "registry", "server"


class TargetPanel(QWidget):
    """``changed`` when another place was chosen, or what it needs was typed; ``entered`` when Enter was pressed."""

    changed = Signal()
    entered = Signal()

    def __init__(self, version: ModelVersion, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._version = version
        self._plan: PackagePlan | None = None
        self._framework = version.facts.framework
        self._here_too = not self._framework.in_container_only
        self.where = ComboBox(tr("Where to"), _places((), here=self._here_too))
        self.file = LineField(tr("File"), text=str(_usual_file(version)), on_return=self.entered.emit)
        self.reference = LineField(
            tr("Registry and name"),
            placeholder=tr("registry.example.org/team/{model}").format(model=version.name),
            on_return=self.entered.emit,
        )
        self._reference = Field(tr("Registry and name"), self.reference, _tag_words())
        self.base = LineField(tr("Base image"), on_return=self.entered.emit)
        self.platform = ComboBox(tr("Runs on"), [(platform_words(each), each) for each in PLATFORMS])
        self._server = label("", "muted", wrap=True)
        self.estimate = label("", "text", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        why = "" if self._here_too else container_words(self._framework)
        column.addWidget(Field(tr("Where to"), self.where, why))
        self.views = Views({_HERE: self._here, _FILE: self._file, _REGISTRY: self._registry, _SERVER: self._to_server})
        column.addWidget(self.views)
        self._platform = Field(tr("Runs on"), self.platform)
        self._base = Field(tr("Base image, for administrators"), self.base)
        beside = QHBoxLayout()
        beside.setSpacing(12)
        beside.addWidget(self._platform, 1, Qt.AlignmentFlag.AlignTop)
        beside.addWidget(self._base, 1, Qt.AlignmentFlag.AlignTop)
        column.addLayout(beside)
        self.missing_base = LanguageBasePanel(self._framework)
        self.missing_base.setVisible(False)
        column.addWidget(self.missing_base)
        column.addWidget(self.estimate)
        column.addStretch(1)
        self.where.currentIndexChanged.connect(self._show_place)
        self.platform.currentIndexChanged.connect(self._show_place)
        self.base.textChanged.connect(lambda _text: self._show_place())
        for field in (self.file, self.reference):
            field.textChanged.connect(lambda _text: self.changed.emit())
        self._show_place()

    def show_plan(self, plan: PackagePlan) -> None:
        """Offer the servers and registries that are known, and say how large it will be."""
        self._plan = plan
        self.where.set_choices(_places(plan.servers, here=self._here_too))
        self.base.setPlaceholderText(plan.base)
        every = dict.fromkeys([*PLATFORMS, plan.platform])
        self.platform.set_choices([(platform_words(each), each) for each in every])
        self.platform.choose(plan.platform)
        usual = tr("Empty for the usual one of the settings.")
        if not self._here_too:
            usual = tr("Empty for the one that was built with {language}.").format(language=self._framework.label)
        self._base.show_help(usual)
        hosts = ", ".join(plan.registries[:3])
        known = tr("Known here: {hosts}.").format(hosts=hosts) if hosts else ""
        self._reference.show_help(" ".join(filter(None, (_tag_words(), known))))
        self._show_place()

    @property
    def target(self) -> PackageTarget | PutLive | None:
        """Where it is to go; a server gets it by being put live there. None while something is missing."""
        return None if self._lacks_base else self._chosen

    @property
    def _chosen(self) -> PackageTarget | PutLive | None:
        from kronkers_studio.workflows.package_plans import InFile, InRegistry, KeptHere

        base, platform = self.base.text().strip(), str(self.platform.value or "")
        match self.where.value:
            case "file":
                path = self.file.text().strip()
                return InFile(Path(path), base, platform) if path else None
            case "registry":
                reference = self.reference.text().strip()
                return InRegistry(reference, base, platform) if reference else None
            case ("server", str(name)):
                return PutLive(self._version.name, self._version.version, name)
        return KeptHere()

    @property
    def _lacks_base(self) -> bool:
        """Whether a base image with the model's language is missing. For which platform a server needs it is only known
        there: any will do until then."""
        plan = self._plan
        if plan is None or plan.language_bases is None:
            return False
        if isinstance(self.where.value, tuple):
            return not plan.language_bases
        return not self.base.text().strip() and self.platform.value not in plan.language_bases

    def _show_place(self) -> None:
        value = self.where.value
        kind = value[0] if isinstance(value, tuple) else str(value)
        self.views.show_view(kind)
        whole = kind in (_FILE, _REGISTRY)
        self._platform.setVisible(whole)
        self._base.setVisible(whole)
        if isinstance(value, tuple):
            words = tr(
                "What {server} has of it already is not sent again. It goes live there once it has answered a test."
            )
            self._server.setText(words.format(server=value[1]))
        plan = self._plan
        lacks = plan is not None and self._lacks_base
        if plan is not None and lacks:
            self.missing_base.show_missing(str(self.platform.value), plan.servers)
        self.missing_base.setVisible(lacks)
        self.estimate.setVisible(not lacks)
        self.estimate.setText(self._estimate(plan, whole=kind != _HERE))
        self.changed.emit()

    def _estimate(self, plan: PackagePlan | None, *, whole: bool) -> str:
        if plan is None:
            return tr("Estimating its size …")
        usual = self.platform.value == plan.platform and not self.base.text().strip()
        return estimate_words(plan.size if usual else replace(plan.size, base=None), whole=whole)

    # Views

    def _here(self) -> QWidget:
        words = tr("It is kept in the workspace. Putting it live on this computer then takes a second or two.")
        if self._framework in (Framework.KERAS, Framework.PYTORCH):  # whose libraries take long to load
            words = tr("It is kept in the workspace. Putting it live on this computer then takes some seconds.")
        return label(words, "muted", wrap=True)

    def _file(self) -> QWidget:
        row = QWidget()
        inside = QHBoxLayout(row)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(8)
        inside.addWidget(self.file, 1)
        inside.addWidget(Button(tr("Browse …"), self._browse, name=tr("Browse for the file")))
        row.setFocusProxy(self.file)
        help_text = tr("An OCI archive: Docker, Podman and registries take it, and “Check a package …” verifies it.")
        return Field(tr("File"), row, help_text)

    def _registry(self) -> QWidget:
        return self._reference

    def _to_server(self) -> QWidget:
        return self._server

    def _browse(self) -> None:
        title = tr("Save the package")
        dialog = QFileDialog(self.window(), title, self.file.text(), tr("Packages (*.tar)"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("tar")
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)  # asked before anything is built, however it is named
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.file.setText)
        dialog.open()


def _tag_words() -> str:
    return tr("Without a tag it gets the version's number. Only what the registry lacks is sent.")


def _places(servers: tuple[str, ...], *, here: bool) -> list[tuple[str, object]]:
    return [
        *([(tr("This computer, ready to be put live"), _HERE)] if here else []),
        (tr("A file"), _FILE),
        (tr("An image registry"), _REGISTRY),
        *((tr("{server}, put live there").format(server=name), (_SERVER, name)) for name in servers),
    ]


def _usual_file(version: ModelVersion) -> Path:
    places = QStandardPaths.standardLocations(QStandardPaths.StandardLocation.DocumentsLocation)
    folder = Path(places[0]) if places else Path.home()
    return folder / f"{version.name}-{version.version}.oci.tar"
