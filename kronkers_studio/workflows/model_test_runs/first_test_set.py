"""A test set made of what is known of a version: its columns, what was measured of it, and on which table."""

from __future__ import annotations

import json
import time

from kronkers_studio.domain.content import DEFAULT_BRANCH, EntryKind, SourceItem, StoredItem
from kronkers_studio.domain.errors import InvalidInput, InvalidTestSet, RowsRefused, StudioError
from kronkers_studio.domain.expectations import Metric
from kronkers_studio.domain.model_columns import model_columns
from kronkers_studio.domain.models import ContentRef, Datatype, ModelVersion
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.domain.references import format_content
from kronkers_studio.domain.row_tables import RowTable, name_key
from kronkers_studio.workflows.model_test_runs.holdouts import rows_for
from kronkers_studio.workflows.row_files import read_table
from kronkers_studio.workflows.row_matching import match_rows
from kronkers_studio.workflows.session import Session

_SHARE = 0.95  # of a metric that was measured is still asked for
_MILLISECONDS = 500
_MEGABYTES = 2000
_TRUTHS = ("target", "label", "truth", "class", "y", "outcome", "actual")
_NAMES = {
    **{each.value: each for each in Metric},
    **{"auc": Metric.ROC_AUC, "rocauc": Metric.ROC_AUC, "f1_score": Metric.F1, "acc": Metric.ACCURACY},
    **{"logloss": Metric.LOG_LOSS, "brier_score": Metric.BRIER, "r2_score": Metric.R2},
}
_MOST_COLUMNS = 500


def first_test_set(
    session: Session, version: ModelVersion, cancel: CancelToken = NEVER, *, data: ContentRef | None = None
) -> str:
    """The YAML text: columns, a metric at 95 % of what was measured, the same answers twice, latency and memory; on the
    table ``data``, which somebody chose, no worse than the champion, too.

    Without ``data`` what needs a table is left out where the version names none that has the model's columns. The truth
    is taken to be in the column that is called so, else in the last that the model does not take: whoever uses it looks
    at that. Raises ``InvalidTestSet`` where ``data`` does not fit, or has no column for the truth; ``NotFound``.
    """
    chosen = data is not None
    table = _fitting_table(session, version, data, cancel) if data is not None else _table(session, version, cancel)
    columns = model_columns(version.signature).named[:_MOST_COLUMNS]
    lines = [
        f"# A first test set for {version.label}, made of what is known of it. Change it as you know better.",
        "format: 1",
    ]
    truth = _truth(table, version) if table is not None else ""
    data = data or version.data
    if table is not None and data is not None:
        lines.append(f"data: {_quoted(format_content(data.project, data.commit, data.path))}")
    if truth:
        lines.append(f"truth: {_quoted(truth)}")
    lines.append("tests:")
    if columns:
        lines += ["  - name: columns", "    kind: schema", "    columns:"]
        lines += [f"      {_quoted(name)}: {_family(datatype)}" for name, datatype in columns]
    if truth:
        for name, value in version.metrics.items():
            lines += _metric_lines(name, value)
        lines += _champion_lines(version) if chosen else []
    if table is not None:
        lines += ["  - name: the same answers twice", "    kind: deterministic"]
    lines += ["  - name: quick", "    kind: latency", f"    p95: {_MILLISECONDS}  # milliseconds"]
    lines += ["  - name: memory", "    kind: memory", f"    at_most_mb: {_MEGABYTES}"]
    return "\n".join(lines) + "\n"


def _table(session: Session, version: ModelVersion, cancel: CancelToken) -> RowTable | None:
    if version.data is None:
        return None
    try:
        table = read_table(session, version.data, version.signature, cancel)
        match_rows(table, version.signature, version.name)
    except StudioError:  # it was made otherwise: the set then has nothing that needs rows
        cancel.check()
        return None
    return table


def _fitting_table(session: Session, version: ModelVersion, data: ContentRef, cancel: CancelToken) -> RowTable:
    """The table that somebody chose, and why it cannot be used in words about that."""
    name = data.path.rpartition("/")[2]
    try:
        table = read_table(session, data, version.signature, cancel)
        truth = _truth(table, version)
        rows_for(table, version, version.name, (truth,) if truth else ())
    except (RowsRefused, InvalidInput) as problem:
        raise InvalidTestSet(
            f"{name} cannot be a test set of {version.name}: {problem.message}",
            next_step="Choose a table with the columns that the model takes, and one with what is true.",
        ) from None
    if not truth:
        raise InvalidTestSet(
            f"{name} cannot be a test set of {version.name}: it has no column that says what is true, beside those "
            "that the model takes.",
            next_step=f"Add one to it, called {_TRUTHS[0]} for instance, or choose another table.",
        )
    return table


def _truth(table: RowTable, version: ModelVersion) -> str:
    """The column that is called as the truth is, else the last that the model does not take; of a model that knows no
    names of columns, which takes all others, only one that is called so."""
    if not table.named:
        return ""
    taken = model_columns(version.signature)
    keys = {name_key(name) for name, _ in taken.named}
    left = [column for column in table.columns if column.strip() and name_key(column) not in keys]
    last = left[-1] if left and taken.named else ""
    return next((column for column in left if name_key(column) in _TRUTHS), last).strip()


def _champion_lines(version: ModelVersion) -> list[str]:
    """No worse than the champion, which needs no bound to be known; skipped where there is none yet."""
    outputs = version.signature.outputs
    if any(output.columns or output.datatype in (Datatype.BYTES, Datatype.BOOL) for output in outputs):
        metric = Metric.ACCURACY
    elif outputs and outputs[0].datatype in (Datatype.FP32, Datatype.FP64):
        metric = Metric.RMSE
    else:  # whole numbers may be classes or amounts
        return []
    return ["  - name: no worse than the champion", "    kind: champion", f"    metric: {metric.value}"]


def _metric_lines(name: str, value: float) -> list[str]:
    metric = _NAMES.get(name.strip().lower().replace(" ", "_").replace("-", "_"))
    if metric is None or (metric is Metric.R2 and value <= 0):
        return []
    bound = f"at_most: {value / _SHARE:.6g}" if metric.is_error else f"at_least: {value * _SHARE:.6g}"
    return [
        f"  - kind: metric  # {name.strip()!r} was {value:g}".replace("\n", " "),
        f"    metric: {metric.value}",
        f"    {bound}",
    ]


def _family(datatype: Datatype) -> str:
    if datatype is Datatype.BYTES:
        return "text"
    return "truth" if datatype is Datatype.BOOL else "number"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def source_of(session: Session, text: str, project: str, path: str, message: str) -> ContentRef:
    """Keep ``text`` as the file ``path`` of ``project``, beside what that holds already. Raises ``BranchChanged``."""
    from kronkers_studio.registry.importing.memory_source import MemorySource

    content, data = session.workspace.content, text.encode("utf-8")
    item = SourceItem(path, EntryKind.FILE, len(data), time.time_ns())
    outcome = content.store_items([item], MemorySource({path: data}))
    head = session.workspace.head(project, DEFAULT_BRANCH)
    entries = content.walk(project, head.id) if head is not None else ()
    kept = [StoredItem.of(entry) for entry in entries if entry.kind is not EntryKind.FOLDER and entry.path != path]
    commit, _new = content.commit(
        project,
        DEFAULT_BRANCH,
        [*kept, *outcome.stored],
        message=message,
        author=session.author,
        base=head.id if head is not None else "",
    )
    return ContentRef(project, commit.id, path)
