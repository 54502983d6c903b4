"""An open workspace, as a notebook has it in hand."""

from __future__ import annotations

import builtins
import os
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.models import Package
from kronkers_studio.domain.references import parse_content, parse_model, parse_model_version
from kronkers_studio.domain.releases import THIS_COMPUTER, Release
from kronkers_studio.domain.series import Metric
from kronkers_studio.notebook.calls import Calls
from kronkers_studio.notebook.display import shown_as_html
from kronkers_studio.notebook.model import Model
from kronkers_studio.notebook.project import Project
from kronkers_studio.notebook.registration import MODEL_COLUMNS, measured, model_row, training_data
from kronkers_studio.notebook.series import begin_of, metric_called, series_frame

if TYPE_CHECKING:
    import pandas as pd


_POINTS = 1200


def open(  # what is written is ks.open()
    path: str | os.PathLike[str] | None = None,
    *,
    passphrase: str | Callable[[], str] | None = None,
    key_file: str | os.PathLike[str] | None = None,
) -> Workspace:
    """Open the workspace in the folder ``path``, else the one that ``KRONKERS_WORKSPACE`` or the settings name.

    It opens with ``passphrase`` or ``key_file``, else as the command does: with ``KRONKERS_PASSPHRASE``,
    ``KRONKERS_KEY_FILE`` or ``KRONKERS_RECOVERY_KEY``, its key file, or the system's keyring. ``passphrase`` may be a
    function such as ``getpass.getpass``, which is asked only when nothing else opens it.

    Windows, commands and other notebooks may have it open, too: all read, one writes at a time. Raises
    ``WorkspaceError`` (none there), ``WrongKey``, ``KeyUnavailable``, ``IndexDamaged`` or ``StoreDamaged``.
    """
    from kronkers_studio.workflows.opening import open_chosen

    return Workspace(Calls(open_chosen(path, passphrase=passphrase, key_file=key_file)))


class Workspace:
    """An open workspace; a context manager. Thread-safe. ``ws["analytics"]`` is the project of that name.

    Models are named as by the command: "wine" (the newest version), "wine:3" or "wine@champion". Places are
    "this-computer" and servers' names. With ``progress=True`` each step is told in a line on standard error; Ctrl+C
    (Interrupt in Jupyter) ends a call at the next safe point.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    # ---- the workspace itself ----

    @property
    def directory(self) -> Path:
        """The folder it lies in."""
        return self._calls.directory

    def close(self) -> None:
        """Close it; nothing is done with it afterwards. Closing twice is no error."""
        self._calls.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- projects ----

    def __getitem__(self, name: str) -> Project:
        """The project ``name``, also one that is yet to be made."""
        if not isinstance(name, str):
            raise InvalidInput("A project is named by a text.", next_step='Write for instance ws["analytics"].')
        return Project(self._calls, name)

    def __contains__(self, name: object) -> bool:
        return name in self._project_names()

    def projects(self) -> pd.DataFrame:
        """The projects by name: files and bytes of their current state, when that was made, and branches."""
        import pandas as pd

        from kronkers_studio.workflows.browsing import list_projects

        rows = [
            (each.name, each.head and each.head.files, each.head and each.head.size, each.head and each.head.created,
             ", ".join(each.branches))
            for each in list_projects(self._calls.session)
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["name", "files", "size", "changed", "branches"])

    def _project_names(self) -> list[str]:
        from kronkers_studio.workflows.browsing import list_projects

        return [each.name for each in list_projects(self._calls.session)]

    def _ipython_key_completions_(self) -> list[str]:
        return self._project_names() if self._calls.is_open else []

    # ---- models ----

    def register(
        self,
        model: Any,
        *,
        name: str,
        project: str = "",
        path: str = "",
        data: Any = None,
        metrics: Mapping[str, float] | None = None,
        description: str = "",
        message: str = "",
        progress: bool = False,
    ) -> Model:
        """Register a fitted model as the next version of ``name``.

        ``model`` is an estimator of scikit-learn, XGBoost, LightGBM, CatBoost or Keras, an ONNX model, a TorchScript
        or exported program, the bytes of a model file (then ``path`` says how it is called), or the ``Path`` of one.
        It is stored in ``project``, by default in "Added models", in a folder of its name or as ``path``, with the
        versions of Python and of the libraries that are loaded here. ``data`` is what it was trained on: a file as
        "PROJECT:PATH" or "PROJECT@VERSION:PATH", a frame, or (frame, path), which is saved in the same commit.

        The same model with the same metrics is no new version. Raises ``UnsupportedModel`` (nothing is stored or
        registered), ``InvalidInput`` for a bad name or metric, ``NotFound``, ``WorkspaceBusy``.
        """
        from kronkers_studio.notebook.model_writing import WrittenModel, environment_files, model_bytes
        from kronkers_studio.workflows.given_models import ADDED_MODELS, place_of_model, register_given_model

        if isinstance(model, Path):  # outside of the call: it is one itself
            if path or message:
                raise InvalidInput(
                    "A model file keeps its own name and message.",
                    next_step="Leave out path and message, or give bytes.",
                )
            return self._registered_file(model, name, project, data, metrics, description, progress)
        with self._calls.call(told=progress) as (session, told, cancel):
            given = isinstance(model, bytes | bytearray | memoryview)
            if given and not path:
                raise InvalidInput("Bytes say not what they are called.", next_step='Add path="churn/churn.onnx".')
            written = WrittenModel(bytes(model), "") if given else model_bytes(model)
            place = place_of_model(name, written.ending, path.strip("/"))
            source, data_files = training_data(data, place)
            version = register_given_model(
                session,
                project or ADDED_MODELS,
                place,
                written.content,
                name=name,
                beside={} if given else environment_files(),
                data=source,
                data_files=data_files,
                description=description,
                metrics=measured(metrics),
                message=message,
                progress=told,
                cancel=cancel,
            )
        return Model(self, version)

    def _registered_file(
        self,
        file: Path,
        name: str,
        project: str,
        data: Any,
        metrics: Mapping[str, float] | None,
        description: str,
        progress: bool,
    ) -> Model:
        """A model file, or MLflow's folder of one, from this computer."""
        from kronkers_studio.workflows.added_models import ADDED_MODELS, add_model
        from kronkers_studio.workflows.models import register_model

        if data is not None and not isinstance(data, str):
            raise InvalidInput(
                "Beside a model's file, training data is a file of a project.",
                next_step='Save the frame first, then name it: data="PROJECT:PATH".',
            )
        with self._calls.call(told=progress) as (session, told, cancel):
            source = add_model(session, file, project or ADDED_MODELS, progress=told, cancel=cancel).source
            version = register_model(
                session,
                source.project,
                source.path,
                ref=source.commit,
                name=name,
                description=description,
                metrics=measured(metrics),
                data=parse_content(data) if data else None,
                progress=told,
            )
        return Model(self, version)

    def models(self, name: str | None = None) -> pd.DataFrame:
        """All versions (of ``name``), newest first within a name: model, version, framework, aliases, created, size in
        bytes, source, and a column for each metric."""
        import pandas as pd

        from kronkers_studio.workflows.models import list_models

        versions = list_models(self._calls.session, name)
        rows = [model_row(each) for each in versions]
        metrics = pd.DataFrame([dict(each.metrics) for each in versions], index=pd.RangeIndex(len(versions)))
        return pd.concat([pd.DataFrame(rows, columns=list(MODEL_COLUMNS)), metrics], axis=1)

    def model(self, name: str) -> Model:
        """One version: the newest of "wine", or "wine:3", or "wine@champion". Raises ``NotFound``."""
        from kronkers_studio.workflows.models import show_model

        return Model(self, show_model(self._calls.session, *parse_model(name)))

    def alias(self, model: str, alias: str) -> Model:
        """Let ``alias`` name the version ``model`` ("wine:3"). Raises ``InvalidInput``, ``NotFound``."""
        from kronkers_studio.workflows.models import set_alias

        name, version = parse_model_version(model)
        return Model(self, set_alias(self._calls.session, name, version, alias))

    # ---- live ----

    def package(self, model: str, *, progress: bool = False) -> Package:
        """Build the package of a version for this computer, or find the one that was built. Raises
        ``PackagingFailed``."""
        from kronkers_studio.workflows.packages import package_model

        with self._calls.call(told=progress) as (session, told, cancel):
            return package_model(session, *parse_model(model), progress=told, cancel=cancel).package

    def release(self, model: str, to: str = THIS_COMPUTER, *, progress: bool = False) -> Release:
        """Put a version live in the place ``to``. What is live there now stays so until the new one answers. Raises
        ``ReleaseFailed``, ``PackagingFailed``, ``ServerError``, ``SignatureRefused``: what was live still is."""
        from kronkers_studio.workflows.releases import release_model

        with self._calls.call(told=progress) as (session, told, cancel):
            return release_model(session, *parse_model(model), to=to, progress=told, cancel=cancel)

    def rollback(
        self, model: str, place: str = THIS_COMPUTER, *, to: int | None = None, progress: bool = False
    ) -> Release:
        """Make an earlier release live again: number ``to``, else the last that was live before."""
        from kronkers_studio.workflows.releases import roll_back

        with self._calls.call(told=progress) as (session, told, cancel):
            return roll_back(session, model, place, to=to, progress=told, cancel=cancel)

    def stop(self, model: str, place: str = THIS_COMPUTER) -> Release:
        """Stop what is live of ``model`` in that place; it can be started again."""
        from kronkers_studio.workflows.releases import stop_release

        return stop_release(self._calls.session, model, place)

    def releases(self, model: str | None = None, place: str | None = None) -> pd.DataFrame:
        """What was put live, newest first: model, version, place, release, state, changed, author and message."""
        import pandas as pd

        from kronkers_studio.workflows.releases import list_releases

        rows = [
            (
                each.model,
                each.version,
                each.place,
                each.label,
                each.state.value,
                each.changed,
                each.author,
                each.message,
            )
            for each in list_releases(self._calls.session, model, place)
        ]
        columns = ["model", "version", "place", "release", "state", "changed", "author", "message"]
        return pd.DataFrame(rows, columns=columns)

    def predict(self, model: str, rows: Any, *, place: str = THIS_COMPUTER) -> pd.DataFrame:
        """What is live of ``model`` in ``place`` answers ``rows``: a frame, an array or a list of rows.

        The model's columns are found by their names, others are not sent; rows are sent in parts. The answer has the
        index of ``rows``, a column ``output`` (or ``output_1`` …) and, of classifiers, ``probability_CLASS``. Raises
        ``RowsRefused`` (none was sent), ``PredictionFailed``, ``ServiceUnavailable``, ``NotFound``.
        """
        import pandas as pd

        from kronkers_studio.notebook.rows import answers_frame, row_table
        from kronkers_studio.workflows.row_matching import match_rows
        from kronkers_studio.workflows.scored_rows import live_model, score_rows

        with self._calls.call() as (session, told, cancel):
            version = live_model(session, model, place)
            table = row_table(rows)
            matched = match_rows(table, version.signature, model)
            scored = score_rows(session, model, place, matched, progress=told, cancel=cancel)
        if scored.problem is not None:
            raise scored.problem
        index = rows.index if isinstance(rows, pd.DataFrame) else pd.RangeIndex(len(table.rows))
        return answers_frame(scored, index)

    def metrics(
        self,
        model: str,
        place: str = THIS_COMPUTER,
        *,
        metric: str = "",
        since: str | timedelta | datetime = "1h",
        offline: bool = False,
    ) -> pd.DataFrame:
        """The live numbers of ``model`` in ``place`` over time: a column for each metric (of ``metric`` alone when it
        is named), by moments in UTC. Units: requests and errors per second, latencies in ms, cpu in % of one core,
        memory in bytes.

        ``since`` is a length such as "30m", "1h" or "7d", or the moment it begins. The live service is asked first,
        unless ``offline``; ``attrs`` says when it answered last, whether now, and what kept it from it.
        """
        from kronkers_studio.workflows.metrics import LiveFeed, live_state, read_window
        from kronkers_studio.workflows.models import show_model

        wanted = [metric_called(metric)] if metric else list(Metric)
        session = self._calls.session
        show_model(session, model)
        if offline:
            state = live_state(session, model, place)
        else:
            with closing(LiveFeed(session, model, place)) as feed:
                state = feed.scrape()
        now = time.time()
        windows = [read_window(session, model, place, each, begin_of(since, now), now, _POINTS) for each in wanted]
        return series_frame([each.value for each in wanted], windows, state)

    def answers(
        self, model: str, place: str = THIS_COMPUTER, *, since: str | timedelta | datetime = "1h"
    ) -> pd.DataFrame:
        """What was answered in that time, as far as it is known here: of a classifier ``answer``, ``rows`` and
        ``share``; of numbers, below which ``value`` the ``quantile`` 0.1, 0.5 and 0.9 of them lies."""
        import pandas as pd

        from kronkers_studio.workflows.metrics import read_answers

        now = time.time()
        found = read_answers(self._calls.session, model, place, begin_of(since, now), now)
        if found.quantiles is not None:
            return pd.DataFrame({"quantile": [0.1, 0.5, 0.9], "value": builtins.list(found.quantiles)})
        counts = [*found.classes, *([("others", found.others)] if found.others else [])]
        rows = [(name, number, number / found.rows) for name, number in counts]
        return pd.DataFrame(rows, columns=["answer", "rows", "share"])

    def __repr__(self) -> str:
        return f"<Workspace {self.directory}{'' if self._calls.is_open else ' (closed)'}>"

    def _repr_html_(self) -> str:
        projects = ", ".join(self._project_names()) if self._calls.is_open else "closed"
        return shown_as_html("Workspace", {"Folder": self.directory, "Projects": projects})
