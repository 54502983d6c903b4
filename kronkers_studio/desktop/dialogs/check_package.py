"""Check a package, in a file or a registry: whether it is what was packaged, and who signed it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.dialogs.image_registry import way_to_registry
from kronkers_studio.desktop.localization import file_size, number, tr
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.panels.step_list import StepList
from kronkers_studio.desktop.widgets.cards import clear
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fact_grid import Fact, fact_grid
from kronkers_studio.desktop.widgets.fields import Field, FileField, LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.desktop.work.tasks import Task
from kronkers_studio.domain.errors import Cancelled, StudioError
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.signers import VerifiedImage

_FILE, _REGISTRY = "file", "registry"
_NOTHING, _WORK, _FOUND = "nothing", "work", "found"
_RESULT_HEIGHT = 150  # pixels: so that nothing moves when it is there


class CheckPackageDialog(Dialog):
    """Views of what came of it: "nothing" yet, "work", "found"."""

    def __init__(self, parent: QWidget | None, studio: Studio, where: str = "") -> None:
        """``where`` is a file, or a name in a registry, that is likeliest meant."""
        sentence = tr("Is it what was packaged, to the last byte, and who signed it?")
        super().__init__(parent, tr("Check a package"), sentence, width=560)
        self._studio = studio
        self.task: Task | None = None
        self.kind = FilterPills([(_FILE, tr("In a file")), (_REGISTRY, tr("In a registry"))], tr("Where it is"))
        row = QHBoxLayout()
        row.addWidget(self.kind)
        row.addStretch(1)
        self.content.addLayout(row)
        self.file = FileField(tr("File"), title=tr("Choose the package"), placeholder=tr("churn-3.oci.tar"))
        self.reference = LineField(
            tr("Registry and name"), placeholder=tr("registry.example.org/team/churn:3"), on_return=self.check
        )
        self.file.line.returnPressed.connect(self.check)
        bytes_words = tr("Every byte of it is read and compared.")
        asked = tr("Its documents are read and compared; the layers are only asked for: who pulls them compares them.")
        places = Views(
            {
                _FILE: lambda: Field(tr("File"), self.file, bytes_words),
                _REGISTRY: lambda: Field(tr("Registry and name"), self.reference, asked),
            }
        )
        self.content.addWidget(places)
        self.steps = StepList()
        self.views = Views({_NOTHING: QWidget, _WORK: lambda: self.steps, _FOUND: self._found})
        self.views.setMinimumHeight(_RESULT_HEIGHT)
        self.views.show_view(_NOTHING)
        self.content.addWidget(self.views, 1)
        self.close_button = self.add_button(tr("Close"), self.cancel)
        self.go = self.add_button(tr("Check it"), self.check, "primary")
        self.kind.chosen.connect(places.show_view)
        self.kind.chosen.connect(lambda _key: self._show_buttons())
        for field in (self.file.line, self.reference):
            field.textChanged.connect(lambda _text: self._show_buttons())
        is_file = not where or where.lower().endswith(".tar") or Path(where).is_absolute()
        (self.file.line if is_file else self.reference).setText(where)
        self.kind.choose(_FILE if is_file else _REGISTRY)
        (self.file.line if is_file else self.reference).setFocus()

    @property
    def wanted(self) -> str:
        """The file or the name that is to be checked; "" for none yet."""
        return (self.file.line if self.kind.key == _FILE else self.reference).text().strip()

    def check(self) -> None:
        """Check what is named."""
        session, wanted = self._studio.session, self.wanted
        if session is None or not self.go.isEnabled():
            return
        in_file = self.kind.key == _FILE

        def work(progress: Progress, cancel: CancelToken) -> VerifiedImage:
            from kronkers_studio.workflows.packaged_files import verify_package, verify_pushed

            if in_file:
                return verify_package(session, Path(wanted), progress=progress, cancel=cancel)
            return verify_pushed(session, wanted, progress=progress, cancel=cancel)

        self.notice.clear()
        title = tr("Checking {package}").format(package=wanted.rsplit("/", 1)[-1])
        self.task = self._studio.do(title, work, done=self.show_found, failed=self._failed, owner=self)
        self.steps.watch(self.task)
        self.views.show_view(_WORK)
        self._show_buttons()

    def cancel(self) -> None:
        """Stop checking; when nothing is checked, close."""
        if self.task is not None and not self.task.state.ended:
            self.task.cancel()
        else:
            self.reject()

    def show_found(self, found: VerifiedImage) -> None:
        """Say who signed it, and what it is."""
        self.task = None
        self.views.show_view(_FOUND)
        self.verdict.setText(
            tr("It is all as it was packaged, and signed by {signer}.").format(signer=tr(found.signer))
        )
        clear(self._facts)
        self._facts.addWidget(fact_grid(_facts(found)))
        self._show_buttons()

    def _failed(self, error: StudioError) -> None:
        self.task = None
        self.views.show_view(_NOTHING)
        self._show_buttons()
        if not isinstance(error, Cancelled):
            self.notice.show_error(error, way_to_registry(self, self._studio, error, self.notice.clear))

    def _show_buttons(self) -> None:
        busy = self.task is not None and not self.task.state.ended
        self.close_button.setText(tr("Cancel") if busy else tr("Close"))
        self.go.setEnabled(bool(self.wanted) and not busy)

    def _found(self) -> QWidget:
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(IconLabel("done", "ok", 20))
        self.verdict = label("", "strong", wrap=True)
        row.addWidget(self.verdict, 1)
        column.addLayout(row)
        self._facts = QVBoxLayout()
        column.addLayout(self._facts)
        column.addStretch(1)
        return whole


def _facts(found: VerifiedImage) -> list[Fact]:
    return [
        (tr("Model"), tr("{model} version {version}").format(model=found.model, version=found.version), ""),
        (tr("Key"), found.fingerprint, found.fingerprint),
        (tr("Digest"), found.digest, found.digest),
        (tr("Lists"), tr("{n} pieces of software").format(n=number(found.components)), ""),
        (tr("Read"), file_size(found.bytes_read), ""),
    ]
