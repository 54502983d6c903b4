"""What people say of one version of a model: its description, its tags and its card, read and changed in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.card_text import heading, is_cut, rich_text
from kronkers_studio.desktop.localization import number, tr
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.fields import Field, LineField, TextBox
from kronkers_studio.desktop.widgets.flow import FlowRow
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.desktop.widgets.rich_view import RichView
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.views import Views, scrolling
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import DescriptionChanged, StudioError
from kronkers_studio.domain.models import LONGEST_TEXT, ModelCard, ModelVersion
from kronkers_studio.domain.progress import CancelToken, Progress

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

Done = Callable[[ModelVersion], object]
_TEXT_HEIGHT = 84  # pixels: four lines
_MOST_TAGS_SHOWN = 24
_MOST_SHOWN, _LINES_SHOWN = 4_000, 120  # characters and lines of a text: laying out more would hold up the window
_READABLE = 860  # pixels of a line of text at most


def _nothing_more(_version: ModelVersion) -> None:
    """What was done is shown by whoever hears of the change."""


class ModelCardPanel(QWidget):
    """Views: "read", "nothing", "edit". ``told`` carries a sentence and what takes back what it is about; ``failed`` an
    error."""

    told = Signal(str, object)
    failed = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._version: ModelVersion | None = None
        self._tags: tuple[str, ...] | None = None
        self._drafts: dict[str, tuple[str, ModelCard]] = {}  # by the label of the version that they are about
        self._begun: dict[str, ModelVersion] = {}  # by the same, what it was when somebody began to change it
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(12)
        self.tags = FlowRow()
        self.tag = LineField(tr("New tag"), placeholder=tr("Add a tag, e.g. approved"), on_return=self.add_tag)
        self.tag.setFixedWidth(190)
        self.tag_button = Button(tr("Add"), self.add_tag, name=tr("Add the tag"))
        self.edit_button = Button(tr("Edit"), self.edit, icon="document", name=tr("Edit what is said of it"))
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.tags, 1)
        row.addWidget(self.tag)
        row.addWidget(self.tag_button)
        row.addWidget(self.edit_button)
        whole.addLayout(row)
        self.views = Views({"read": self._read, "nothing": self._nothing, "edit": self._edit})
        whole.addWidget(self.views, 1)

    def show_version(self, version: ModelVersion) -> None:
        """Show what is said of ``version``; what is being typed about it is kept."""
        same = self._version is not None and self._version.label == version.label
        if not same:
            self._keep_draft()
        self._version = version
        if not same:
            self.tag.clear()
        self._show_tags(version)
        if version.label in self._drafts:
            self._show_entries(*self._drafts.pop(version.label))
        elif not (same and self.views.shown == "edit"):
            self._show_card(version)

    def edit(self) -> None:
        """Change what is said."""
        version = self._version
        if version is not None:
            self._begun[version.label] = version
            self._show_entries(version.description, version.card)
            self.description.setFocus()

    def _show_entries(self, description: str, card: ModelCard) -> None:
        """With that in them."""
        self.views.show_view("edit")
        self.edit_button.setVisible(False)
        self.description.setText(description)
        for name, box in self.texts.items():
            box.show_text(getattr(card, name))
        self._busy(False)

    def _keep_draft(self) -> None:
        """What is being written of a version is there again when that version is."""
        version = self._version
        if version is not None and self.views.shown == "edit":
            typed = self._typed()
            if typed != (version.description, version.card):
                self._drafts[version.label] = typed

    def _typed(self) -> tuple[str, ModelCard]:
        card = ModelCard(**{name: box.toPlainText().strip() for name, box in self.texts.items()})
        return self.description.text().strip(), card

    def leave(self) -> None:
        """Leave what was said as it is."""
        if self._version is not None:
            self._begun.pop(self._version.label, None)
            self._show_card(self._version)
            self.edit_button.setFocus()

    def save(self) -> None:
        """Record what was typed."""
        version = self._version
        if version is None or not self.save_button.isEnabled():
            return
        description, card = self._typed()
        begun = self._begun.get(version.label, version)
        self._busy(True)

        def done(saved: ModelVersion) -> None:
            self._version = saved if self._version is not None and self._version.label == saved.label else self._version
            self.leave()
            if (saved.description, saved.card) != (begun.description, begun.card):
                words = tr("What is said of version {version} was changed.").format(version=saved.version)
                self.told.emit(words, lambda: self._describe(saved, begun.description, begun.card, before=saved))

        def failed(error: StudioError) -> None:
            if isinstance(error, DescriptionChanged):
                self._begun.pop(version.label, None)  # told once: who saves again means it
                words = tr("Save again to replace it, or cancel to see it first. What you wrote is still here.")
                error = DescriptionChanged(error.message, next_step=words)
            self._failed(error)

        self._describe(begun, description, card, done, failed, before=self._begun.get(version.label))

    def add_tag(self) -> None:
        """Add the tag that was typed."""
        version, tag = self._version, self.tag.text().strip()
        if version is None or not tag:
            return

        def done(_saved: ModelVersion) -> None:
            self.tag.clear()

        self._tag(version, [tag], [], done)

    def remove_tag(self, tag: str) -> None:
        """Take ``tag`` away; it can be brought back."""
        version = self._version
        if version is None:
            return

        def done(saved: ModelVersion) -> None:
            words = tr("The tag “{tag}” was taken away.").format(tag=tag)
            self.told.emit(words, lambda: self._tag(saved, [tag], []))
            self.tag.setFocus()

        self._tag(version, [], [tag], done)

    def _describe(
        self,
        version: ModelVersion,
        description: str,
        card: ModelCard,
        done: Done = _nothing_more,
        failed: Callable[[StudioError], object] | None = None,
        *,
        before: ModelVersion | None,
    ) -> None:
        def work(session: Session) -> ModelVersion:
            from kronkers_studio.workflows.model_versions import describe_model

            wanted = (version.name, version.version, None)
            return describe_model(session, wanted, description=description, card=card, before=before)

        self._do(tr("Describing {model}").format(model=version.label), work, done, failed)

    def _tag(
        self, version: ModelVersion, add: Sequence[str], remove: Sequence[str], done: Done = _nothing_more
    ) -> None:
        def work(session: Session) -> ModelVersion:
            from kronkers_studio.workflows.model_versions import describe_model

            return describe_model(session, (version.name, version.version, None), add_tags=add, remove_tags=remove)

        self._do(tr("Tagging {model}").format(model=version.label), work, done)

    def _do(
        self,
        title: str,
        work: Callable[[Session], ModelVersion],
        done: Done,
        failed: Callable[[StudioError], object] | None = None,
    ) -> None:
        session = self._studio.session
        if session is None:
            return

        def run(_progress: Progress, _cancel: CancelToken) -> ModelVersion:
            return work(session)

        self._studio.do(
            title,
            run,
            changes=("models",),
            done=done,
            failed=failed or self._failed,
            owner=self,
            resource="models",
            cancellable=False,
        )

    def _failed(self, error: StudioError) -> None:
        self._busy(False)
        self.failed.emit(error)

    def _busy(self, busy: bool) -> None:
        if "edit" in self.views.made:
            self.save_button.setEnabled(not busy)

    # Views

    def _show_tags(self, version: ModelVersion) -> None:
        if version.tags == self._tags:
            return  # the keyboard may be in them
        self._tags = version.tags
        shown: list[QWidget] = [_Tag(tag, self) for tag in version.tags[:_MOST_TAGS_SHOWN]]
        more = len(version.tags) - _MOST_TAGS_SHOWN
        if not version.tags or more > 0:
            words = tr("and {n} more").format(n=number(more)) if more > 0 else tr("No tags yet")
            shown.append(label(words, "muted"))
        self.tags.show_things(shown)

    def _show_card(self, version: ModelVersion) -> None:
        said = [*filter(None, (version.description, *(text for _, text in _parts(version.card))))]
        self.views.show_view("read" if said else "nothing")
        self.edit_button.setVisible(bool(said))
        if not said:
            return
        bounds = {"most": _MOST_SHOWN, "lines": _LINES_SHOWN}
        texts = [version.description, *(text for _, text in _parts(version.card))]
        made = rich_text(version.description, **bounds)
        made += "".join(heading(name) + rich_text(text, **bounds) for name, text in _parts(version.card) if text)
        self.text.show_text(made)
        self._cut.setVisible(any(is_cut(text, **bounds) for text in texts))

    def _read(self) -> QWidget:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self.text = RichView(tr("What is said of it"))
        self.text.setMaximumWidth(_READABLE)
        column.addWidget(self.text, 1)
        self._cut = label(tr("Of long texts the beginning is shown; “Edit” has all of them."), "caption", wrap=True)
        self._cut.setVisible(False)
        column.addWidget(self._cut)
        return holder

    def _nothing(self) -> QWidget:
        return EmptyState(
            "document",
            tr("Nothing is said of this version yet"),
            tr("Say what it is for, what it was made from and what it must not be used for."),
            tr("Write it"),
            self.edit,
        )

    def _edit(self) -> QWidget:
        inner = QWidget()
        inner.setMaximumWidth(_READABLE)
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 10, 0)
        column.setSpacing(12)
        self.description = LineField(tr("Description"), on_return=self.save)
        column.addWidget(Field(tr("Description"), self.description, tr("One line, shown beside the model's name.")))
        self.texts = {
            "intended_use": _entry(column, tr("What it is for")),
            "data": _entry(column, tr("Data it was made from")),
            "metrics": _entry(column, tr("How its quality was measured")),
            "limits": _entry(column, tr("What it must not be used for")),
        }
        column.addStretch(1)
        holder = QWidget()
        whole = QVBoxLayout(holder)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(10)
        whole.addWidget(scrolling(inner, tr("What is said of it, to be changed")), 1)
        row = QHBoxLayout()
        row.setSpacing(8)
        marks = tr("**bold**, *slanted*, # heading, - point. What was said before is kept in the version's history.")
        row.addWidget(label(marks, "caption", wrap=True), 1)
        row.addWidget(Button(tr("Cancel"), self.leave, name=tr("Leave it as it was")))
        self.save_button = Button(tr("Save"), self.save, name=tr("Save what is said of it"))
        row.addWidget(self.save_button)
        whole.addLayout(row)
        return holder


class _Tag(QWidget):
    """A tag, and the button that takes it away."""

    def __init__(self, tag: str, panel: ModelCardPanel) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(Pill(tag, "plain"))
        name = tr("Take away the tag “{tag}”").format(tag=tag)
        row.addWidget(Button("", lambda: panel.remove_tag(tag), kind="icon", icon="close", name=name))


def _parts(card: ModelCard) -> Iterator[tuple[str, str]]:
    yield tr("What it is for"), card.intended_use
    yield tr("Data it was made from"), card.data
    yield tr("How its quality was measured"), card.metrics
    yield tr("What it must not be used for"), card.limits


def _entry(column: QVBoxLayout, caption: str) -> TextBox:
    box = TextBox(caption, LONGEST_TEXT)
    box.setFixedHeight(_TEXT_HEIGHT)
    field = Field(caption, box)
    words = tr("What was pasted is too long: {n} characters. At most {most} have room here.")
    box.refused.connect(lambda amount: field.show_problem(words.format(n=number(amount), most=number(LONGEST_TEXT))))
    box.textChanged.connect(lambda: field.show_problem(""))
    column.addWidget(field)
    return box
