"""A package that was built: how large it is, who signed it, where it went, and what can be done with it next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import CopyText, ShowInFileManager
from kronkers_studio.desktop.destinations import PutLive, RunModelTests
from kronkers_studio.desktop.localization import counted, file_size, home_short, tr
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.package_words import platform_words
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import clear
from kronkers_studio.desktop.widgets.fact_grid import Fact, fact_grid
from kronkers_studio.desktop.widgets.flow import FlowRow
from kronkers_studio.desktop.widgets.labels import label

if TYPE_CHECKING:
    from kronkers_studio.workflows.package_plans import Packaged


class PackageResultPanel(QWidget):
    """``wanted`` carries what a button asks for; ``check_wanted`` the file or reference to be checked, and
    ``again_wanted`` that it is to go to another place, too."""

    wanted = Signal(object)
    check_wanted = Signal(str)
    again_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(12)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(IconLabel("done", "ok", 22))
        self.title = label("", "strong", wrap=True)
        row.addWidget(self.title, 1)
        whole.addLayout(row)
        self._facts = QVBoxLayout()
        whole.addLayout(self._facts)
        whole.addWidget(label(tr("What next?"), "strong"))
        self.next = FlowRow()
        whole.addWidget(self.next)
        whole.addStretch(1)

    def show_package(self, built: Packaged) -> None:
        """Show what was built."""
        package = built.package
        self.title.setText(_title(built))
        clear(self._facts)
        self._facts.addWidget(fact_grid(_facts(built)))
        live, digest = PutLive(package.model, package.version), CopyText(package.digest)
        tests = RunModelTests(f"{package.model}:{package.version}")
        buttons = [
            Button(tr("Put live …"), lambda: self.wanted.emit(live), icon="deploy"),
            Button(tr("Test it"), lambda: self.wanted.emit(tests), icon="check"),
            Button(tr("Copy the digest"), lambda: self.wanted.emit(digest), icon="copy"),
        ]
        if built.file is not None:
            folder = ShowInFileManager(built.file)
            buttons.append(Button(tr("Show the file"), lambda: self.wanted.emit(folder), icon="folder"))
        where = str(built.file) if built.file is not None else built.pushed.reference if built.pushed else ""
        if where:
            buttons.append(Button(tr("Check it …"), lambda: self.check_wanted.emit(where), icon="shield"))
        buttons.append(Button(tr("Another place …"), self.again_wanted.emit, icon="export"))
        self.next.show_things(buttons)


def _title(built: Packaged) -> str:
    package = built.package
    words = {"model": package.model, "version": package.version}
    if built.pushed is not None:
        return tr("{model} version {version} is in the registry.").format(**words)
    if built.file is not None:
        return tr("{model} version {version} is packaged in a file.").format(**words)
    if built.reused:
        return tr("{model} version {version} was packaged before, and is the same.").format(**words)
    return tr("{model} version {version} is packaged.").format(**words)


def _facts(built: Packaged) -> list[Fact]:
    package = built.package
    libraries = counted(len(package.requirements), tr("{n} library"), tr("{n} libraries"))
    signed = tr("by {signer} ({fingerprint})")
    facts = [
        (tr("Size"), file_size(package.size), ""),
        (tr("Runs on"), platform_words(package.platform), package.platform),
        (
            tr("Holds"),
            tr("Python {python}, {libraries}").format(python=package.python_version, libraries=libraries),
            "",
        ),
        (tr("Signed"), signed.format(signer=tr(built.signer.name), fingerprint=built.signer.fingerprint), ""),
        (tr("Digest"), package.digest, package.digest),
    ]
    if built.file is not None:
        facts.append((tr("File"), home_short(built.file), str(built.file)))
    if built.pushed is not None:
        sent = tr("{size} were sent, the rest was there").format(size=file_size(built.pushed.bytes_sent))
        facts += [(tr("Name"), built.pushed.reference, ""), (tr("Sent"), sent, "")]
    return facts
