"""Whether a model's file may use code that is on no list: what that means, who allowed what, and taking it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import counted, date_time, file_size, path_words, tr
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import Field, LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.views import WrappedContent, scrolling
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.allowances import LONGEST_REASON
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import CancelToken, Progress

if TYPE_CHECKING:
    from kronkers_studio.workflows.allowances import AllowanceQuestion
    from kronkers_studio.workflows.session import Session

_SIZE = (620, 560)
_MOST_NAMES = 200  # shown of what a file asks for


class AllowCodeDialog(Dialog):
    """``told`` carries what was done as a sentence, and how to take it back; None where that is not offered."""

    told = Signal(str, object)

    def __init__(self, parent: QWidget | None, studio: Studio, version: ModelVersion) -> None:
        title = tr("Code that {model} version {version} may use").format(model=version.name, version=version.version)
        sentence = tr("Its file asks for code that is on no list of what models need.")
        super().__init__(parent, title, sentence, width=560)
        self.resize(*_SIZE)
        self._studio, self._version = studio, version
        self._question: AllowanceQuestion | None = None
        inner = WrappedContent()
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(0, 0, 8, 0)
        self._column.setSpacing(8)
        self._show_names()
        self._show_allowed()
        self._column.addStretch(1)
        self.content.addWidget(scrolling(inner, title), 1)
        self.reason = LineField(tr("Reason"), placeholder=tr("Our own features, reviewed by Ann"), on_return=self.allow)
        self.reason.setMaxLength(LONGEST_REASON)
        self.reason_field = Field(tr("Why that code may run"), self.reason, self._reason_help())
        self.content.addWidget(self.reason_field)
        self.add_cancel()
        self.back_button = self.add_button(tr("Take it back"), self.take_back)
        self.go = self.add_button(tr("Allow"), self.allow, "danger")
        self.reason.textChanged.connect(lambda _text: self._show_buttons())
        self._show_buttons()
        self._read()

    def allow(self) -> None:
        """Allow all that the file asks for and is not allowed yet; the dialog closes when that is recorded."""
        session, question, reason = self._studio.session, self._question, self.reason.text().strip()
        if session is None or question is None or not self.go.isEnabled():
            return
        model = self._reference

        def work(_progress: Progress, _cancel: CancelToken) -> ModelVersion:
            from kronkers_studio.workflows.allowances import allow_globals

            return allow_globals(session, model, question.left, reason=reason)

        def done(_version: ModelVersion) -> None:
            words = tr("{model} may use that code from its next package on.").format(model=self._version.label)
            self.told.emit(words, self._undo(question.left))
            self.accept()

        self._do(tr("Allowing code of {model}").format(model=self._version.label), work, done)

    def take_back(self) -> None:
        """Allow nothing any more; the dialog closes when that is recorded."""
        session, model = self._studio.session, self._reference
        if session is None or not self._version.allowances or not self.back_button.isEnabled():
            return

        def work(_progress: Progress, _cancel: CancelToken) -> ModelVersion:
            from kronkers_studio.workflows.allowances import disallow_globals

            return disallow_globals(session, model)

        def done(_version: ModelVersion) -> None:
            words = tr("Taken back: {model} may use no code of its own. What is live stays so.")
            self.told.emit(words.format(model=self._version.label), None)
            self.accept()

        self._do(tr("Taking back what {model} may use").format(model=self._version.label), work, done)

    def show_question(self, question: AllowanceQuestion) -> None:
        """Show whether it may be allowed at all, and who would be written down for it."""
        self._question = question
        self.reason_field.show_help(self._reason_help(question.author))
        if question.refused:
            self.notice.say(question.refused, question.next_step, "warn")
        self._show_buttons()
        if self.reason_field.isVisible():
            self.reason.setFocus()

    @property
    def _reference(self) -> tuple[str, int | None, str | None]:
        return self._version.name, self._version.version, None

    def _show_names(self) -> None:
        version = self._version
        left = [name for name in version.facts.unsafe if name not in version.allowed]
        if not left:
            return
        self._column.addWidget(label(tr("It asks for"), "strong"))
        self._column.addWidget(label("\n".join(left[:_MOST_NAMES]), "code", wrap=True, selectable=True))
        code = version.facts.code
        if code:
            head = counted(
                len(code),
                tr("A file of the project has it, and travels with the model as it was then:"),
                tr("{n} files of the project have it, and travel with the model as they were then:"),
            )
            files = "\n".join(f"{path_words(each.path)}  ({file_size(each.size)})" for each in code[:_MOST_NAMES])
            self._column.addWidget(label(head, "text", wrap=True))
            self._column.addWidget(label(files, "code", wrap=True, selectable=True))
        self._column.addSpacing(6)
        self._column.addWidget(label(tr("What allowing it means"), "strong"))
        for sentence in _meaning():
            self._column.addWidget(label(sentence, "text", wrap=True))

    def _show_allowed(self) -> None:
        allowances = self._version.allowances
        if not allowances:
            return
        self._column.addSpacing(6)
        self._column.addWidget(label(tr("What was allowed so far"), "strong"))
        for each in allowances:
            words = tr("{author}, {time}: “{reason}”").format(
                author=each.author or tr("Somebody"), time=date_time(each.at), reason=each.reason
            )
            self._column.addWidget(label(words, "text", wrap=True, selectable=True))
            names = "\n".join(each.names[:_MOST_NAMES])
            self._column.addWidget(label(names, "code", wrap=True, selectable=True))
        self._column.addWidget(
            label(
                tr("What is taken back counts from the next package on. What is live stays so."), "caption", wrap=True
            )
        )

    def _reason_help(self, author: str = "") -> str:
        words = tr("Others will ask. It stands in the history with your name ({author}).")
        return words.format(author=author) if author else tr("Others will ask. It stands in the history.")

    def _show_buttons(self) -> None:
        version, question = self._version, self._question
        open_ones = not version.allowed.issuperset(version.facts.unsafe)
        may = open_ones and (question is None or not question.refused)
        self.reason_field.setVisible(may)
        self.go.setVisible(may)
        self.go.setEnabled(question is not None and bool(self.reason.text().strip()))
        self.back_button.setVisible(bool(version.allowances))
        self.back_button.setEnabled(True)

    def _do(
        self,
        title: str,
        work: Callable[[Progress, CancelToken], ModelVersion],
        done: Callable[[ModelVersion], object],
    ) -> None:
        def failed(error: StudioError) -> None:
            self._show_buttons()
            self.notice.show_error(error)

        self.go.setEnabled(False)
        self.back_button.setEnabled(False)
        self._studio.do(
            title,
            work,
            changes=("models",),
            done=done,
            failed=failed,
            owner=self,
            resource="models",
            cancellable=False,
        )

    def _undo(self, names: tuple[str, ...]) -> Callable[[], object]:
        """Takes back ``names``, also once the dialog is closed."""
        studio, model = self._studio, self._reference
        title = tr("Taking back what {model} may use").format(model=self._version.label)

        def undo() -> None:
            session = studio.session
            if session is None:
                return

            def work(_progress: Progress, _cancel: CancelToken) -> ModelVersion:
                from kronkers_studio.workflows.allowances import disallow_globals

                return disallow_globals(session, model, names)

            studio.do(title, work, changes=("models",), resource="models", cancellable=False)

        return undo

    def _read(self) -> None:
        model = self._reference

        def work(session: Session) -> AllowanceQuestion:
            from kronkers_studio.workflows.allowances import allowance_question

            return allowance_question(session, model)

        self._studio.read(work, self.show_question, owner=self, failed=self.notice.show_error)


def _meaning() -> tuple[str, ...]:
    return (
        tr("That code runs in the model's service when the model is loaded, and with each prediction."),
        tr(
            "Nobody has looked at it here. It stays in the container, or on this computer in a confined process, "
            "without the network and your files; but it sees every row that is sent, and can answer what it likes."
        ),
        tr("It counts for this version alone. Allow it only if you know that code and trust who wrote it."),
    )
