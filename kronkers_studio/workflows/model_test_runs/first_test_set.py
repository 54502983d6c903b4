"""A test set made of what is known of a version: its columns, what was measured of it, and on which table."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from kronkers_studio.domain.content import DEFAULT_BRANCH, EntryKind, SourceItem, StoredItem
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.expectations import Metric
from kronkers_studio.domain.model_columns import model_columns
from kronkers_studio.domain.models import ContentRef, Datatype, ModelVersion
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.domain.references import format_content
from kronkers_studio.domain.row_tables import RowTable, name_key
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


def first_test_set(session: Session, version: ModelVersion, cancel: CancelToken = NEVER) -> str:
    """The YAML text: columns, a metric at 95 % of what was measured, the same answers twice, latency and memory.

    What needs a table is left out where the version names none that has the model's columns. The truth is taken to be
    in the column that is called so, else in the last that the model does not take: whoever uses it looks at that.
    """
    table = _table(session, version, cancel)
    columns = model_columns(version.signature).named[:_MOST_COLUMNS]
    lines = [
        f"# A first test set for {version.label}, made of what is known of it. Change it as you know better.",
        "format: 1",
    ]
    truth = _truth(table, [name for name, _ in columns]) if table is not None else ""
    if table is not None and version.data is not None:
        data = version.data
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


def _truth(table: RowTable, taken: Sequence[str]) -> str:
    if not table.named:
        return ""
    keys = {name_key(name) for name in taken}
    left = [column for column in table.columns if column.strip() and name_key(column) not in keys]
    return next((column for column in left if name_key(column) in _TRUTHS), left[-1] if left else "").strip()


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
