"""The packages that were built of one version of a model."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import Action, CopyText, Kind
from kronkers_studio.desktop.localization import date_time, file_size, moment, number, tr
from kronkers_studio.desktop.offer_buttons import OfferButton
from kronkers_studio.desktop.offers.models import check_package, package_version
from kronkers_studio.desktop.package_words import platform_words, purpose_words
from kronkers_studio.desktop.row_menus import give_menu
from kronkers_studio.desktop.widgets.cards import clear
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.domain.models import ModelVersion, Package


class PackageList(QWidget):
    """Views: "none", "rows". ``wanted`` carries what a button or a menu asks for."""

    wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = ""
        self.table: Table[Package] = Table(tr("Packages of this version"), _columns())
        give_menu(self.table, package_actions, self.wanted.emit)
        self.views = Views({"none": _none, "rows": lambda: self.table})
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.views, 1)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)
        column.addLayout(self._buttons)

    def show_version(self, version: ModelVersion, packages: Sequence[Package]) -> None:
        """Show those of ``packages``, the newest first, that are of ``version``."""
        rows = [each for each in packages if each.version == version.version]
        self.table.content.show_rows(rows)
        self.views.show_view("rows" if rows else "none")
        if version.label != self._label:
            clear(self._buttons)
            for action in (package_version(version), check_package()):
                self._buttons.addWidget(OfferButton(action, self.wanted.emit))
            self._buttons.addStretch(1)
        self._label = version.label


def package_actions(package: Package) -> list[Action]:
    """What can be done with a package, from a list of such."""
    title = tr("Copy the digest of the package of {model} version {version}")
    words = title.format(model=package.model, version=package.version)
    return [Action(Kind.ACTION, words, CopyText(package.digest), "copy", tr("Copy its digest"))]


def _columns() -> list[Column[Package]]:
    return [
        Column(tr("For"), purpose_words, stretch=4, icon=lambda _row: "archive"),
        Column(tr("Built"), lambda row: moment(row.created), 100, muted=True, hint=lambda row: date_time(row.created)),
        Column(tr("Size"), lambda row: file_size(row.size), 90, right=True),
        Column(tr("Libraries"), lambda row: number(len(row.requirements)), 84, right=True, needs=560),
        Column(tr("Python"), lambda row: row.python_version, 80, needs=640),
        Column(
            tr("Signed"),
            lambda row: tr("Signed") if row.signature is not None else tr("Not signed"),
            110,
            pill=lambda row: "ok" if row.signature is not None else "warn",
        ),
        Column(
            tr("Digest"),
            lambda row: row.digest,
            stretch=3,
            middle=True,
            muted=True,
            code=True,
            needs=820,
            hint=lambda row: f"{row.digest}\n{platform_words(row.platform)}",
        ),
    ]


def _none() -> QWidget:
    return EmptyState(
        "archive",
        tr("No package of this version was built yet"),
        tr("A package holds the model with the exact libraries it needs. Putting it live builds one, too."),
    )
