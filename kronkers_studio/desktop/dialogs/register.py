"""Register a model that was found: under a name of its own, or as the next version of a model that is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.model_words import parse_quality, summary_words
from kronkers_studio.desktop.panels.table_field import TableField
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import ComboBox, Field, LineField
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import Cancelled, InvalidInput, StudioError
from kronkers_studio.domain.model_names import model_continued_by, without_version
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.naming import is_model_name
from kronkers_studio.domain.progress import CancelToken, Progress

if TYPE_CHECKING:
    from kronkers_studio.workflows.models import FoundModel

_NEW, _NEXT = "new", "next"


class RegisterDialog(Dialog):
    """``models`` are those registered already: the newest version of each, the one registered last first.

    registered(version)   it was registered, with what was said
    unprofiled(error)     it was, and yet no profile of its training data could be made
    """

    registered = Signal(ModelVersion)
    unprofiled = Signal(object)

    def __init__(
        self,
        parent: QWidget | None,
        studio: Studio,
        found: FoundModel,
        models: Mapping[str, int],
        *,
        next_of: str = "",
    ) -> None:
        """``next_of`` is the model that it is to become a version of, if that was said before."""
        what = summary_words(found.facts) if found.facts is not None else found.problem
        super().__init__(parent, tr("Register {file}").format(file=found.source.path.rsplit("/", 1)[-1]), what)
        self._studio, self._found, self._models = studio, found, models
        continued = next_of if next_of in models else model_continued_by(found.suggested_name, list(models))
        self.how = FilterPills(
            [(_NEXT, tr("Next version of a model")), (_NEW, tr("A new model"))], tr("What it becomes")
        )
        row = QHBoxLayout()
        row.addWidget(self.how)
        row.addStretch(1)
        self.content.addLayout(row)
        self.how.setVisible(bool(models))
        self.name = LineField(tr("Name"), text=_free_name(without_version(found.suggested_name), found, models))
        self._name = Field(tr("Name"), self.name, tr("Small letters, digits and hyphens, such as churn-score."))
        self.model = ComboBox(tr("Model"), [(_model_words(name, newest), name) for name, newest in models.items()])
        self.model.choose(continued)
        self._model = Field(tr("Model"), self.model, tr("Its earlier versions stay as they are."))
        views = Views({_NEW: lambda: self._name, _NEXT: lambda: self._model})
        self.content.addWidget(views)
        self.quality = LineField(tr("Quality"), placeholder=tr("accuracy 0.91, auc 0.88"))
        self._quality = Field(
            tr("Quality, if it was measured"), self.quality, tr("Shown beside each version, to compare them by.")
        )
        self.content.addWidget(self._quality)
        self.data = TableField(tr("Training data"), studio, found.source.project)
        self._data = Field(
            tr("Training data, if it is in a project"),
            self.data,
            tr("What its service is sent will be compared with it. No row is kept."),
        )
        self.content.addWidget(self._data)
        self.description = LineField(tr("Description"), placeholder=tr("Trained on the customers of 2026"))
        self.content.addWidget(Field(tr("Description, if you like"), self.description))
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Register"), self.register_model, "primary")
        self.how.chosen.connect(views.show_view)
        self.how.chosen.connect(lambda _key: self._check_name())
        self.name.textChanged.connect(lambda _text: self._check_name())
        self.quality.textChanged.connect(lambda _text: self._quality.show_problem(""))
        for field in (self.name, self.quality, self.description):
            field.returnPressed.connect(self.register_model)
        self.how.choose(_NEXT if continued else _NEW)
        views.show_view(self.how.key)
        self._check_name()
        (self.model if continued else self.name).setFocus()

    @property
    def chosen_name(self) -> str:
        """The name of the model that it becomes a version of."""
        return str(self.model.value) if self.how.key == _NEXT else self.name.text().strip()

    def register_model(self) -> None:
        """Register it; the dialog closes when that is done."""
        session, found, name = self._studio.session, self._found, self.chosen_name
        if session is None or not self.go.isEnabled():
            return
        try:
            metrics = parse_quality(self.quality.text())
        except InvalidInput as problem:
            self._quality.show_problem(f"{problem.message} {problem.next_step}")
            self.quality.setFocus()
            return
        description, data = self.description.text().strip(), self.data.table

        def work(progress: Progress, cancel: CancelToken) -> tuple[ModelVersion, StudioError | None]:
            from kronkers_studio.workflows.feature_profiles import profile_registered
            from kronkers_studio.workflows.models import register_model

            source = found.source
            version = register_model(
                session,
                source.project,
                source.path,
                ref=source.commit,
                name=name,
                description=description,
                metrics=metrics,
                data=data,
                progress=progress,
            )
            try:
                return version, profile_registered(session, version, data=data, progress=progress, cancel=cancel)
            except Cancelled as cancelled:  # the version is registered by now
                return version, cancelled

        self.go.setEnabled(False)
        self._studio.do(
            tr("Registering {name}").format(name=name),
            work,
            changes=("models",),
            done=self._done,
            failed=self._failed,
            owner=self,
            resource="models",
            cancellable=data is not None,  # registering takes a moment, looking at a large table does not
        )

    def _done(self, answer: tuple[ModelVersion, StudioError | None]) -> None:
        version, problem = answer
        self.registered.emit(version)
        if problem is not None:
            self.unprofiled.emit(_without_profile(version, problem))
        self.accept()

    def _failed(self, error: StudioError) -> None:
        self.go.setEnabled(True)
        self.notice.show_error(error)

    def _check_name(self) -> None:
        name = self.name.text().strip()
        problem = ""
        if self.how.key == _NEW and name and not is_model_name(name):
            problem = tr("Only small letters, digits, dots, hyphens and underscores, at most 63 of them.")
        elif self.how.key == _NEW and name in self._models:
            problem = tr("There is a model of that name. Choose “Next version of a model” to add to it.")
        self._name.show_problem(problem)
        self.go.setEnabled(self.how.key == _NEXT or (bool(name) and not problem))


def _without_profile(version: ModelVersion, problem: StudioError) -> StudioError:
    """Why there is no profile, of a version that is there all the same."""
    words = tr("{model} is registered, without a profile of its training data: {why}")
    if isinstance(problem, Cancelled):
        why, step = tr("it was cancelled."), tr("It can be made under Features, in the model's page.")
    else:
        why, step = problem.message, problem.next_step
    return StudioError(words.format(model=version.label, why=why), next_step=step, details=problem.details)


def _free_name(name: str, found: FoundModel, models: Mapping[str, int]) -> str:
    """A name that no model has, for one that is not to be a next version."""
    return next((each for each in (name, found.suggested_name) if each not in models), found.suggested_name)


def _model_words(name: str, newest: int) -> str:
    return tr("{model}, whose newest is version {number}").format(model=name, number=newest)


def newest_versions(versions: Sequence[ModelVersion]) -> dict[str, int]:
    """The number of each model's newest version; the model that was registered last comes first."""
    numbers: dict[str, int] = {}
    for version in sorted(versions, key=lambda version: version.created, reverse=True):
        numbers[version.name] = max(numbers.get(version.name, 0), version.version)
    return numbers
