"""What a model takes and answers, said by a person where its file does not say it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import date_time, tr
from kronkers_studio.desktop.model_words import answers_words, takes_words
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import ComboBox, LineField
from kronkers_studio.desktop.widgets.hints import set_hint
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.views import WrappedContent, scrolling
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import InvalidInput, StudioError
from kronkers_studio.domain.models import Datatype, ModelVersion, Signature, Tensor
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.stated_signatures import checked_tensor, parse_shape, stated, written_shape

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_SIZE = (760, 520)
_SINGLE = "[]"  # the lengths of a single value, which has none
_TYPE_WIDTH = 190  # pixels of what a tensor holds
_MOST_ROWS = 40  # inputs or outputs that can be said here; more at a command line


class StateSignatureDialog(Dialog):
    """``told`` carries what was said as a sentence, and how to take it back."""

    told = Signal(str, object)

    def __init__(self, parent: QWidget | None, studio: Studio, version: ModelVersion) -> None:
        title = tr("What {model} version {version} takes and answers")
        sentence = tr(
            "Its file does not say it; who trained it knows. Then rows can be sent, and what does not fit is refused."
        )
        super().__init__(parent, title.format(model=version.name, version=version.version), sentence, width=640)
        self.resize(*_SIZE)
        self._studio, self._version = studio, version
        inner = WrappedContent()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(8)
        known = version.signature
        self.inputs = [_TensorRow(each, tr("none, e.g. age, income")) for each in known.inputs[:_MOST_ROWS]]
        self.outputs = [_TensorRow(each, tr("none, e.g. cat, dog")) for each in known.outputs[:_MOST_ROWS]]
        for heading, rows in ((tr("It takes"), self.inputs), (tr("It answers"), self.outputs)):
            column.addWidget(label(heading, "strong"))
            column.addWidget(_grid(rows, heading))
        more = sum(max(0, len(side) - _MOST_ROWS) for side in (known.inputs, known.outputs))
        if more:
            words = tr("{n} more can be said at a command line: kronkers model signature {model} --input …")
            column.addWidget(label(words.format(n=more, model=version.label), "caption", wrap=True))
        help_text = tr(
            "Lengths: of each axis, with commas between them; -1 for any, which the first mostly is, for the number of "
            "rows. A row of four numbers is -1, 4; a picture -1, 3, 224, 224. Left empty, it stays open. "
            "Names are those of columns or classes, of the last axis; a unit may stand in them."
        )
        column.addWidget(label(help_text, "caption", wrap=True))
        column.addStretch(1)
        self.content.addWidget(scrolling(inner, self.windowTitle()), 1)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.words = label("", "medium", wrap=True)
        self.example = Button(
            tr("From an example …"), self._ask_example, hint=tr("A table, a request, or arrays (.npy, .npz)")
        )
        row.addWidget(self.words, 1)
        row.addWidget(self.example)
        self.content.addLayout(row)
        said = version.stated
        by = tr("Said by {author}, {time}. It counts from the next package on.")
        now = by.format(author=said.author, time=date_time(said.at)) if said is not None else ""
        self.content.addWidget(
            label(now or tr("It counts from the next package on. What is live stays so."), "caption")
        )
        self.add_cancel()
        self.back_button = self.add_button(tr("As the file says"), self.take_back)
        set_hint(self.back_button, tr("Forget what was said"))
        self.back_button.setVisible(said is not None)
        self.go = self.add_button(tr("Save"), self.save, "primary")
        for each in (*self.inputs, *self.outputs):
            each.connect(self._show_words)
        self._show_words()
        if self.inputs:
            self.inputs[0].shape.setFocus()

    def save(self) -> None:
        """Record what is said; the dialog closes when that is done."""
        try:
            said = self._said()
        except InvalidInput as problem:
            self.notice.show_error(problem)
            return
        if said == self._version.signature:
            self.accept()
            return
        self._state(said, tr("What {model} takes is said now.").format(model=self._version.label))

    def take_back(self) -> None:
        """Forget what was said."""
        words = tr("What was said of {model} is taken back.").format(model=self._version.label)
        self._state(None, words)

    def show_example(self, inputs: Sequence[Tensor]) -> None:
        """Fill in what an example tells of the inputs."""
        by_name = {tensor.name: tensor for tensor in inputs}
        same = all(row.tensor_name in by_name for row in self.inputs)
        if len(inputs) != len(self.inputs):
            amounts = {"found": len(inputs), "wanted": len(self.inputs)}
            words = tr("The example has {found} inputs, and the model {wanted}.").format(**amounts)
            self.notice.say(words, tr("Choose another one, or fill it in by hand."), "warn")
            return
        self.notice.clear()
        for row, tensor in zip(self.inputs, inputs, strict=True):
            row.show_tensor(by_name[row.tensor_name] if same else tensor)
        self._show_words()

    def _said(self) -> Signature:
        """What the fields say. Raises ``InvalidInput``."""
        known = self._version.signature
        inputs = [*(row.tensor() for row in self.inputs), *known.inputs[_MOST_ROWS:]]
        outputs = [*(row.tensor() for row in self.outputs), *known.outputs[_MOST_ROWS:]]
        return stated(known, inputs, outputs, self._version.label)

    def _show_words(self) -> None:
        try:
            said = self._said()
        except InvalidInput as problem:
            self.words.setText(problem.message)
            return
        takes, answers = takes_words(said), answers_words(said)
        self.words.setText(tr("Takes {values}; answers {answers}.").format(values=takes, answers=answers))

    def _state(self, said: Signature | None, words: str) -> None:
        if self._studio.session is None or not self.go.isEnabled():
            return
        before = self._version

        def done(now: ModelVersion) -> None:
            former = before.stated.signature if before.stated is not None else None
            self.told.emit(words, lambda: _say(self._studio, now, former))
            self.accept()

        def failed(error: StudioError) -> None:
            self.go.setEnabled(True)
            self.notice.show_error(error)

        self.go.setEnabled(False)
        _say(self._studio, before, said, done, failed, self)

    def _ask_example(self) -> None:
        dialog = QFileDialog(self, tr("An example of what it takes"), str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda path: self.read_example(Path(path)))
        dialog.open()

    def read_example(self, file: Path) -> None:
        """Fill in what ``file`` is an example of."""
        known = self._version.signature

        def work(session: Session) -> tuple[Tensor, ...]:
            from kronkers_studio.workflows.example_inputs import inputs_of_example

            return inputs_of_example(session, file, known)

        self._studio.read(work, self.show_example, owner=self, failed=self.notice.show_error)


class _TensorRow:
    """The fields of one input or output."""

    def __init__(self, tensor: Tensor, names: str) -> None:
        """``names`` are an example of columns."""
        self.tensor_name = tensor.name
        called = {"name": tensor.name}
        self.name = LineField(tr("Name of {name}").format(**called))
        self.datatype = ComboBox(tr("Type of {name}").format(**called), _types())
        self.datatype.setMaximumWidth(_TYPE_WIDTH)
        self.shape = LineField(tr("Lengths of {name}").format(**called), placeholder=tr("open, e.g. -1, 4"))
        self.columns = LineField(tr("Names in {name}").format(**called), placeholder=names)
        self.show_tensor(tensor)

    def show_tensor(self, tensor: Tensor) -> None:
        """Have it in the fields."""
        self.name.setText(printable(tensor.name))
        self.datatype.choose(tensor.datatype)
        shape = written_shape(tensor.shape).replace(",", ", ") or _SINGLE
        self.shape.setText("" if tensor.any_rank else shape)
        self.columns.setText(printable(", ".join(tensor.columns)))

    def tensor(self) -> Tensor:
        """What the fields say. Raises ``InvalidInput``."""
        datatype = self.datatype.value
        assert isinstance(datatype, Datatype)  # noqa: S101
        name, text = self.name.text().strip(), self.shape.text().strip()
        columns = tuple(part.strip() for part in self.columns.text().split(",")) if self.columns.text().strip() else ()
        if not text and not columns:
            return checked_tensor(Tensor(name, datatype, (-1,), any_rank=True))
        shape = () if text == _SINGLE else parse_shape(text) if text else (-1, len(columns))
        return checked_tensor(Tensor(name, datatype, shape, columns))

    def connect(self, changed: Callable[[], object]) -> None:
        for field in (self.name, self.shape, self.columns):
            field.textChanged.connect(lambda _text: changed())
        self.datatype.currentIndexChanged.connect(lambda _index: changed())


def _grid(rows: Sequence[_TensorRow], name: str) -> QWidget:
    holder = QWidget()
    holder.setAccessibleName(name)
    grid = QGridLayout(holder)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(8)
    grid.setVerticalSpacing(6)
    for column, words in enumerate((tr("Name"), tr("Holds"), tr("Lengths"), tr("Names"))):
        grid.addWidget(label(words, "caption"), 0, column)
    for at, row in enumerate(rows, 1):
        for column, field in enumerate((row.name, row.datatype, row.shape, row.columns)):
            grid.addWidget(field, at, column)
    for column, stretch in enumerate((3, 0, 4, 6)):
        grid.setColumnStretch(column, stretch)
    return holder


def _types() -> list[tuple[str, object]]:
    """What a tensor may hold, the most frequent first; PyTorch knows no texts."""
    words = {
        Datatype.FP32: tr("Numbers (FP32)"),
        Datatype.FP64: tr("Numbers, finer (FP64)"),
        Datatype.INT64: tr("Whole numbers (INT64)"),
        Datatype.BOOL: tr("Yes or no (BOOL)"),
    }
    others = [each for each in Datatype if each not in words and each is not Datatype.BYTES]
    return [*((text, each) for each, text in words.items()), *((each.value, each) for each in others)]


def _say(
    studio: Studio,
    version: ModelVersion,
    said: Signature | None,
    done: Callable[[ModelVersion], object] | None = None,
    failed: Callable[[StudioError], object] | None = None,
    owner: QWidget | None = None,
) -> None:
    """Record that ``version`` takes and gives what is ``said``, or what was found with None, while nobody else said
    something meanwhile."""
    session = studio.session
    if session is None:
        return
    inputs, outputs = (said.inputs, said.outputs) if said is not None else ((), ())

    def work(_progress: Progress, _cancel: CancelToken) -> ModelVersion:
        from kronkers_studio.workflows.stated_signatures import state_signature

        model = (version.name, version.version, None)
        return state_signature(session, model, inputs=inputs, outputs=outputs, reset=True, before=version)

    studio.do(
        tr("Saying what {model} takes").format(model=version.label),
        work,
        changes=("models",),
        done=done,
        failed=failed,
        owner=owner,
        resource="models",
        cancellable=False,
    )
