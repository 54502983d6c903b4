"""What one version of a model is: how it was made, what it takes and answers, where it is from, its libraries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import Action, Kind
from kronkers_studio.desktop.destinations import ShowContent
from kronkers_studio.desktop.language_words import base_words
from kronkers_studio.desktop.localization import counted, date_time, file_size, path_words, tr
from kronkers_studio.desktop.model_words import assumed_words, kind_words, made_words, tensor_hint, value_words
from kronkers_studio.desktop.offer_buttons import OfferButton
from kronkers_studio.desktop.offers.models import code_of, libraries_of, signature_of
from kronkers_studio.desktop.safety_words import safety_words
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import clear
from kronkers_studio.desktop.widgets.fact_grid import Fact, fact_grid
from kronkers_studio.desktop.widgets.fields import LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.views import WrappedContent, scrolling
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.model_rows import why_no_rows
from kronkers_studio.domain.models import Framework, ModelVersion, Tensor
from kronkers_studio.domain.paths import parent as folder_of
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.stated_signatures import NOTHING_TOLD, is_untold, notes_of

_COLUMNS_SHOWN, _TENSORS_SHOWN, _LIBRARIES_SHOWN = 60, 40, 60
_GAP = 28  # pixels between the two halves


class AboutVersion(QWidget):
    """``wanted`` carries where a button leads; ``told`` a sentence and how to take back what it is about, ``failed`` an
    error."""

    wanted = Signal(object)
    told = Signal(str, object)
    failed = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._version: ModelVersion | None = None
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(10)
        inner = WrappedContent()
        halves = QHBoxLayout(inner)
        halves.setContentsMargins(0, 0, 8, 0)
        halves.setSpacing(_GAP)
        self._left, self._right, first = QVBoxLayout(), QVBoxLayout(), QVBoxLayout()
        first.addLayout(self._left)
        for half, holder in ((self._left, first), (self._right, self._right)):
            half.setSpacing(8)
            halves.addLayout(holder, 1)
        whole.addWidget(scrolling(inner, tr("What it is")), 1)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.alias = LineField(tr("Nickname"), placeholder=tr("Nickname, e.g. champion"), on_return=self.give_alias)
        self.alias.setMaximumWidth(280)
        self.alias_button = Button(
            tr("Name it"),
            self.give_alias,
            hint=tr("A nickname (alias) moves from version to version: programs that ask for it get the new one"),
        )
        row.addWidget(self.alias, 1)
        row.addWidget(self.alias_button)
        row.addStretch(1)
        first.setSpacing(8)
        first.addSpacing(6)
        first.addWidget(label(tr("Nickname"), "strong"))
        first.addLayout(row)
        first.addStretch(1)

    def show_version(self, version: ModelVersion, recorded: datetime | None = None) -> None:
        """Show ``version``; ``recorded`` is when the state of the folder was recorded that it comes from."""
        if self._version is None or self._version.label != version.label:
            self.alias.clear()
        self._version = version
        clear(self._left)
        clear(self._right)
        facts = version.facts
        self._section(
            self._left,
            tr("How it was made"),
            [
                (tr("Kind"), kind_words(facts), facts.estimator),
                (tr("Made with"), made_words(facts), ""),
                (tr("Kind of file"), facts.file_format, ""),
                *_runs_on(version),
                (tr("Size"), _size(version), ""),
            ],
        )
        self._section(self._left, tr("Where it comes from"), _origin(version, recorded))
        show = OfferButton(_show_file(version), self.wanted.emit, icon=False)
        self._left.addWidget(show, 0, Qt.AlignmentFlag.AlignLeft)
        self._show_rows(version)
        self._show_code(version)
        self._show_libraries(version)
        self._right.addStretch(1)

    def _show_rows(self, version: ModelVersion) -> None:
        signature = version.signature
        reason = why_no_rows(signature)
        takes = tr("Takes whole tensors, no rows") if reason else tr("Takes, for each row")
        self._section(self._right, takes, _tensor_facts(signature.inputs))
        columns = [name for tensor in signature.inputs for name in tensor.columns]
        if columns:
            more = len(columns) - _COLUMNS_SHOWN
            words = ", ".join(columns[:_COLUMNS_SHOWN]) + (tr(" and {n} more").format(n=more) if more > 0 else "")
            head = counted(len(columns), tr("{n} column"), tr("{n} columns"))
            self._right.addWidget(label(f"{head}: {words}", "muted", wrap=True, selectable=True))
        self._section(self._right, tr("Answers"), _tensor_facts(signature.outputs))
        said = version.stated
        if said is not None:
            words = tr("As {author} said, {time}; the file does not say it.")
            words = words.format(author=said.author or tr("somebody"), time=date_time(said.at))
            self._right.addWidget(label(words, "caption", wrap=True))
        elif is_untold(version):
            self._right.addWidget(label(NOTHING_TOLD, "caption", wrap=True))
        self._offers(signature_of(version))

    def _show_libraries(self, version: ModelVersion) -> None:
        self._head(self._right, tr("Libraries of its service"))
        chosen = version.dependencies.requirements if version.dependencies is not None else ()
        named = version.facts.requirements[:_LIBRARIES_SHOWN]
        if chosen:
            words = tr("Chosen: {libraries}").format(libraries=", ".join(chosen))
            self._right.addWidget(label(words, "text", wrap=True, selectable=True))
        if named:
            words = tr("Versions named beside the model, taken of what it needs: {libraries}")
            words = words.format(libraries=", ".join(named))
            self._right.addWidget(label(words, "muted", wrap=True, selectable=True))
        if version.facts.assumed:
            self._right.addWidget(label(assumed_words(version.facts), "caption", wrap=True))
        if version.facts.framework.in_container_only:
            self._right.addWidget(label(base_words(version.facts), "text", wrap=True))
        for note in notes_of(version):
            if note == NOTHING_TOLD:  # said beside what it takes
                continue
            self._right.addWidget(label(note, "caption", wrap=True))
        self._offers(libraries_of(version))

    def _show_code(self, version: ModelVersion) -> None:
        """Of a file that asks for code on no list: that it does, who allowed it, and the way to change that."""
        if not version.facts.unsafe:
            return
        self._head(self._right, tr("Code that it asks for"))
        words = safety_words(version.facts, version.allowances)
        self._right.addWidget(label(words.looked_at, "text", wrap=True))
        names = ", ".join(words.names[:_COLUMNS_SHOWN])
        self._right.addWidget(label(names, "code", wrap=True, selectable=True))
        self._offers(code_of(version))

    def _offers(self, offers: Sequence[Action]) -> None:
        for offer in offers:
            button = OfferButton(offer, self.wanted.emit, icon=False)
            self._right.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)

    def _section(self, half: QVBoxLayout, heading: str, facts: list[Fact]) -> None:
        if facts:
            self._head(half, heading)
            half.addWidget(fact_grid(facts))

    def _head(self, half: QVBoxLayout, heading: str) -> None:
        if half.count():
            half.addSpacing(6)
        half.addWidget(label(heading, "strong"))

    def give_alias(self) -> None:
        """Let the nickname that was typed name this version."""
        version, session, alias = self._version, self._studio.session, self.alias.text().strip()
        if version is None or session is None or not alias:
            return

        def work(_progress: Progress, _cancel: CancelToken) -> ModelVersion:
            from kronkers_studio.workflows.models import set_alias

            return set_alias(session, version.name, version.version, alias)

        def done(_version: ModelVersion) -> None:
            self.alias.clear()
            words = tr("“{alias}” is version {version} of {model} now.")
            self.told.emit(words.format(alias=alias, version=version.version, model=version.name), None)

        def failed(error: StudioError) -> None:
            self.failed.emit(error)

        self._studio.do(
            tr("Naming {model} “{alias}”").format(model=version.label, alias=alias),
            work,
            changes=("models",),
            done=done,
            failed=failed,
            owner=self,
            resource="models",
            cancellable=False,
        )


def _runs_on(version: ModelVersion) -> list[Fact]:
    """Nothing for a model of another language: the Python in front of it is the base image's."""
    if version.facts.framework.in_container_only:
        return []
    return [(tr("Python"), _python(version), assumed_words(version.facts))]


def _python(version: ModelVersion) -> str:
    chosen = version.dependencies.python_version if version.dependencies is not None else ""
    found = version.facts.python_version
    if chosen and chosen != found:
        return tr("{chosen}, chosen; {found} was found").format(chosen=chosen, found=found)
    return tr("{version}, assumed").format(version=found) if "python_version" in version.facts.assumed else found


def _size(version: ModelVersion) -> str:
    weights = version.facts.weights
    if not weights:
        return file_size(version.size)
    whole = version.size + sum(each.size for each in weights)
    files = counted(len(weights), tr("{n} file of weights"), tr("{n} files of weights"))
    if version.facts.framework is Framework.JULIA:
        files = ", ".join(each.name for each in weights)
    return tr("{size}, with {files}").format(size=file_size(whole), files=files)


def _origin(version: ModelVersion, recorded: datetime | None) -> list[Fact]:
    source = version.source
    state = tr("From {time}").format(time=date_time(recorded)) if recorded is not None else "–"
    registered = tr("{time}, by {author}").format(time=date_time(version.created), author=version.author)
    facts = [
        (tr("File"), path_words(source.path), ""),
        (tr("Project"), source.project, ""),
        (tr("State"), state, tr("State {commit} of the project").format(commit=source.commit[:12])),
        (tr("Registered"), registered, ""),
    ]
    if version.data is not None:
        facts.append((tr("Trained on"), path_words(f"{version.data.project}/{version.data.path}"), ""))
    return facts


def _show_file(version: ModelVersion) -> Action:
    source = version.source
    title = tr("Show the file of {model} version {version}").format(model=version.name, version=version.version)
    name = source.path.rsplit("/", 1)[-1]
    act = ShowContent(source.project, folder_of(source.path), name)
    return Action(Kind.ACTION, title, act, "file", tr("Show the file"), path_words(source.path))


def _tensor_facts(tensors: tuple[Tensor, ...]) -> list[Fact]:
    return [(tensor.name, value_words(tensor), tensor_hint(tensor)) for tensor in tensors[:_TENSORS_SHOWN]]
