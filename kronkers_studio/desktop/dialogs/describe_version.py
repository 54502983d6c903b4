"""Say what a model version is for, and add what was measured of it: its card, its tags, its quality."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import figure, number, tr
from kronkers_studio.desktop.model_words import parse_quality
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import Field, LineField, TextBox
from kronkers_studio.desktop.widgets.views import scrolling
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import InvalidInput, StudioError
from kronkers_studio.domain.models import LONGEST_TEXT, ModelCard, ModelVersion
from kronkers_studio.domain.progress import CancelToken, Progress

if TYPE_CHECKING:
    from collections.abc import Mapping

_SIZE = (620, 640)
_TEXT_HEIGHT = 64  # pixels: three lines


class DescribeVersionDialog(Dialog):
    """Everything said here can be changed later; what was said before is kept in the version's history."""

    def __init__(self, parent: QWidget | None, studio: Studio, version: ModelVersion) -> None:
        words = {"model": version.name, "version": version.version}
        sentence = tr("For everybody who uses it. What was said before is kept in its history.")
        super().__init__(parent, tr("Describe {model} version {version}").format(**words), sentence, width=520)
        self.resize(*_SIZE)
        self._studio, self._version = studio, version
        card = version.card
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 10, 0)
        column.setSpacing(12)
        self.description = LineField(tr("Description"), text=version.description)
        column.addWidget(Field(tr("Description"), self.description))
        self.tags = LineField(tr("Tags"), text=", ".join(version.tags), placeholder=tr("finance, approved"))
        self._tags = Field(tr("Tags"), self.tags, tr("Words that it is found by, with commas between them."))
        column.addWidget(self._tags)
        self.quality = LineField(tr("Quality"), placeholder=tr("accuracy 0.91, auc 0.88"))
        self._quality = Field(tr("Add to its quality, or correct it"), self.quality, _known_quality(version.metrics))
        column.addWidget(self._quality)
        self.texts = {
            "intended_use": _text(column, tr("What it is for"), card.intended_use),
            "data": _text(column, tr("Data it was made from"), card.data),
            "metrics": _text(column, tr("How its quality was measured"), card.metrics),
            "limits": _text(column, tr("What it must not be used for"), card.limits),
        }
        column.addStretch(1)
        self.content.addWidget(scrolling(inner, tr("What is said of it")), 1)
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Save"), self.save, "primary")
        for field in (self.description, self.tags, self.quality):
            field.returnPressed.connect(self.save)
        self.description.setFocus()

    def save(self) -> None:
        """Record what was changed; the dialog closes when that is done."""
        session, version = self._studio.session, self._version
        if session is None or not self.go.isEnabled():
            return
        try:
            measured = parse_quality(self.quality.text())
        except InvalidInput as problem:
            self._quality.show_problem(f"{problem.message} {problem.next_step}")
            self.quality.setFocus()
            return
        card = ModelCard(**{name: text.toPlainText().strip() for name, text in self.texts.items()})
        description = self.description.text().strip()
        tags = tuple(dict.fromkeys(filter(None, (tag.strip() for tag in self.tags.text().split(",")))))

        def work(_progress: Progress, _cancel: CancelToken) -> ModelVersion:
            from kronkers_studio.workflows.model_versions import add_metrics, describe_model

            model = (version.name, version.version, None)
            described = describe_model(
                session,
                model,
                description=description,
                card=card,
                add_tags=tags,
                remove_tags=[tag for tag in version.tags if tag not in tags],
            )
            return add_metrics(session, model, measured) if measured else described

        self.go.setEnabled(False)
        self._studio.do(
            tr("Describing {model}").format(model=version.label),
            work,
            changes=("models",),
            done=lambda _version: self.accept(),
            failed=self._failed,
            owner=self,
            resource="models",
            cancellable=False,
        )

    def _failed(self, error: StudioError) -> None:
        self.go.setEnabled(True)
        self.notice.show_error(error)


def _text(column: QVBoxLayout, caption: str, text: str) -> TextBox:
    box = TextBox(caption, LONGEST_TEXT, text)
    box.setFixedHeight(_TEXT_HEIGHT)
    field = Field(caption, box)
    words = tr("What was pasted is too long: {n} characters. At most {most} have room here.")
    box.refused.connect(lambda amount: field.show_problem(words.format(n=number(amount), most=number(LONGEST_TEXT))))
    box.textChanged.connect(lambda: field.show_problem(""))
    column.addWidget(field)
    return box


def _known_quality(metrics: Mapping[str, float]) -> str:
    if not metrics:
        return tr("Nothing was measured yet.")
    known = ", ".join(f"{name} {figure(value)}" for name, value in metrics.items())
    return tr("Known so far: {figures}").format(figures=known)
