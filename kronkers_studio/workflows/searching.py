"""Find projects, model versions and files."""

from __future__ import annotations

from collections.abc import Sequence

from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.search import ColumnsRead, MetricCondition, SearchFilters, SearchPage, Sort, SortKey
from kronkers_studio.workflows.session import Session

_ANYTHING = SearchFilters()
_NEWEST = Sort(SortKey.NEWEST)


def search(
    session: Session,
    text: str,
    filters: SearchFilters = _ANYTHING,
    limit: int = 50,
    offset: int = 0,
    *,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> SearchPage:
    """A page of what holds every word of ``text`` and fulfils ``filters``; all of it for an empty text.

    A word of three letters or more is found anywhere in a file's path or in the name of a column of a data file, a
    shorter one where a word begins with it (a single letter in paths only); of models, words are found by their
    beginnings. The first search indexes what is new; columns are known once ``read_columns`` has read them, and
    ``unread`` tells of how many files they are not.
    """
    return session.workspace.search.run(text, filters, limit, offset, progress=progress, cancel=cancel)


def read_columns(session: Session, *, progress: Progress = SILENT, cancel: CancelToken = NEVER) -> ColumnsRead:
    """Read the columns of the data files that are new, so that searches find files by them. Each content is read once,
    and what was read is kept when this is cancelled."""
    return session.workspace.search.read_columns(progress=progress, cancel=cancel)


def page_of_models(
    session: Session,
    *,
    name: str | None = None,
    framework: str = "",
    tag: str = "",
    metrics: Sequence[MetricCondition] = (),
    sort: Sort = _NEWEST,
    limit: int = 50,
    offset: int = 0,
) -> tuple[int, list[ModelVersion]]:
    """How many versions fulfil all conditions, and those from ``offset`` on in the order asked for."""
    return session.workspace.models.page(
        name=name, framework=framework, tag=tag, metrics=metrics, sort=sort, limit=limit, offset=offset
    )
