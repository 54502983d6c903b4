"""One project of a workspace: its files read, saved, listed, compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from kronkers_studio.domain.content import DEFAULT_BRANCH, Commit, RestoreReport
from kronkers_studio.domain.differences import TableFileDifference, TextDifference, TreeDifference
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.notebook.calls import Calls
from kronkers_studio.notebook.display import shown_as_html

if TYPE_CHECKING:
    import pandas as pd


class Project:
    """The project ``name``, which need not be there yet: what is done with it raises ``NotFound`` then.

    ``at`` is a version everywhere: a branch, a tag, the beginning of a commit's id, or a moment as in
    ``{yesterday 14:05}``.
    """

    def __init__(self, calls: Calls, name: str) -> None:
        self._calls = calls
        self.name = name

    # ---- reading ----

    def read(
        self,
        path: str,
        at: str = DEFAULT_BRANCH,
        *,
        sheet: str = "",
        delimiter: str = "",
        encoding: str = "",
        as_text: bool = False,
        header: bool | None = None,
    ) -> pd.DataFrame:
        """The table in the file ``path``: CSV, TSV, Parquet, Arrow (Feather), a workbook, JSON or JSON lines.

        Of CSV, the separator, the encoding and decimal commas are found unless ``delimiter`` and ``encoding`` say
        them; the first row holds the columns' names unless there are numbers in it that are no series such as years,
        or as ``header`` says. A column is one of numbers when all of its cells are; codes such as 007, and dates, stay
        texts, and with ``as_text`` everything does. Of a workbook the ``sheet``, else the first with cells, is read.
        ``attrs`` of the frame says where it comes from and, as "remarks", how it was read.

        Raises ``NotFound``, ``InvalidInput`` when it is no table that can be read or larger than 1 GB,
        ``TableUnreadable`` or ``StoreDamaged``. Other readers take ``open(path)``, e.g. ``pandas.read_csv``.
        """
        from kronkers_studio.notebook.frames import frame_of, frame_of_rows
        from kronkers_studio.workflows.table_files import (
            AS_COLUMNS,
            AS_ROWS,
            LINES,
            read_table_columns,
            read_table_rows,
        )

        lowered = path.lower()
        with self._calls.call() as (session, _, cancel):
            commit = session.workspace.content.resolve(self.name, at)
            source = ContentRef(self.name, commit.id, path.strip("/"))
            remarks: tuple[str, ...] = ()
            if lowered.endswith(AS_COLUMNS):
                table = read_table_columns(
                    session,
                    source,
                    delimiter=delimiter,
                    encoding=encoding,
                    as_text=as_text,
                    header=header,
                    cancel=cancel,
                )
                frame, remarks = frame_of(table), table.remarks
            elif lowered.endswith((*AS_ROWS, *LINES)):
                rows = read_table_rows(session, source, sheet=sheet, cancel=cancel)
                frame, remarks = (_of_json(rows), ()) if isinstance(rows, list) else (frame_of_rows(rows), rows.remarks)
            else:
                raise InvalidInput(
                    f"“{path}” is not called as a table is.",
                    next_step="Read its bytes (read_bytes), its text (read_text), or open it (open).",
                )
        frame.attrs = {"source": f"{self.name}@{commit.id[:12]}:{source.path}"}
        if remarks:
            frame.attrs["remarks"] = list(remarks)
        return frame

    def read_bytes(self, path: str, at: str = DEFAULT_BRANCH) -> bytes:
        """All bytes of a file, verified. Raises ``NotFound``, ``InvalidInput`` for a folder, ``StoreDamaged``."""
        with self.open(path, at) as stream:
            return stream.read()

    def read_text(self, path: str, at: str = DEFAULT_BRANCH, *, encoding: str = "utf-8") -> str:
        """A file as text. Raises ``InvalidInput`` when it is none in that encoding, and as ``read_bytes``."""
        try:
            return self.read_bytes(path, at).decode(encoding).removeprefix("\ufeff")
        except (UnicodeDecodeError, LookupError):
            raise InvalidInput(
                f"“{path}” is no text in {encoding[:40]}.", next_step="Name its encoding, e.g. encoding='cp1252'."
            ) from None

    def open(self, path: str, at: str = DEFAULT_BRANCH) -> BinaryIO:
        """A seekable stream of a file's bytes, each piece verified before it is given out: for readers of your own,
        which take it as they take an open file. It lasts as long as the workspace is open."""
        content = self._calls.session.workspace.content
        return content.open(content.find(self.name, at, path.strip("/")))

    # ---- saving ----

    def save(
        self,
        content: pd.DataFrame | bytes | str | BinaryIO | Path,
        path: str,
        *,
        message: str = "",
        branch: str = DEFAULT_BRANCH,
        create: bool = False,
        expect: str = "",
        progress: bool = False,
    ) -> Commit:
        """Save a frame, bytes, a text, an open file or the file at a ``Path`` as ``path`` of the project: one commit on
        ``branch``, in which all else stays as it was. The same content as before makes no new one.

        A frame becomes CSV, TSV, Parquet, Arrow, a workbook, JSON or JSON lines, by the ending of ``path``; its index
        is kept in Parquet. With ``create`` a new project or branch is made. With ``expect``, the id of a commit, the
        branch must still be there. Raises ``BranchChanged`` (nothing was saved), ``InvalidInput``, ``NotFound``,
        ``WorkspaceBusy`` while another process writes, or ``StorageFull``.
        """
        from kronkers_studio.workflows.file_commits import save_files

        with self._calls.call(told=progress) as (session, told, cancel), _opened(content, path) as data:
            commit, _new = save_files(
                session,
                self.name,
                {path: data},
                message=message,
                branch=branch,
                create=create,
                expect=expect,
                progress=told,
                cancel=cancel,
            )
        return commit

    # ---- looking ----

    def ls(self, path: str = "", at: str = DEFAULT_BRANCH) -> pd.DataFrame:
        """What lies directly in a folder: name, path, kind ("folder", "file", "link"), size in bytes, and when it was
        modified. Raises ``NotFound``."""
        import pandas as pd

        from kronkers_studio.domain.content import time_of
        from kronkers_studio.workflows.browsing import list_folder

        entries = list_folder(self._calls.session, self.name, at, path.strip("/"))
        rows = [(each.name, each.path, each.kind.value, each.size, time_of(each.mtime_ns)) for each in entries]
        return pd.DataFrame(rows, columns=["name", "path", "kind", "size", "modified"])

    def log(self, at: str = DEFAULT_BRANCH, *, limit: int = 100) -> pd.DataFrame:
        """The versions behind ``at``, newest first: id, created, author, message, files and size in bytes."""
        import pandas as pd

        from kronkers_studio.workflows.browsing import history

        commits = history(self._calls.session, self.name, at, limit=limit)
        rows = [(each.id, each.created, each.author, each.message, each.files, each.size) for each in commits]
        return pd.DataFrame(rows, columns=["id", "created", "author", "message", "files", "size"])

    def diff(
        self, old: str, new: str = DEFAULT_BRANCH, path: str = ""
    ) -> TreeDifference | TableFileDifference | TextDifference | None:
        """What differs between two versions: of the project or a folder which files, of a table which rows and cells,
        of a text which lines; None for another file. Raises ``NotFound``, ``InvalidInput`` or ``TableUnreadable``."""
        from kronkers_studio.workflows.versions import diff_path

        with self._calls.call() as (session, _, cancel):
            return diff_path(session, self.name, old, new, path.strip("/"), cancel=cancel)

    def restore(
        self, target: str | Path, *paths: str, at: str = DEFAULT_BRANCH, progress: bool = False
    ) -> RestoreReport:
        """Write the project, or ``paths`` of it, as it was into the folder ``target``; what lies there stays."""
        from kronkers_studio.workflows.browsing import restore

        with self._calls.call(told=progress) as (session, told, cancel):
            wanted = [path.strip("/") for path in paths]
            return restore(session, self.name, at, Path(target), wanted, progress=told, cancel=cancel)

    def _ipython_key_completions_(self) -> list[str]:
        return []

    def __repr__(self) -> str:
        return f"<Project {self.name}>"

    def _repr_html_(self) -> str:
        return shown_as_html(self.name, {"Workspace": self._calls.directory})


def _of_json(rows: list[Any]) -> pd.DataFrame:
    import pandas as pd

    from kronkers_studio.notebook.frames import series_of

    try:
        if rows and all(isinstance(row, dict) for row in rows):
            names = dict.fromkeys(name for row in rows for name in row)
            return pd.DataFrame({name: series_of([row.get(name) for row in rows]) for name in names})
        return pd.DataFrame(rows)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"These lines are no table: {error}.", next_step="Read them as text.") from None


class _opened:  # used as a statement's word
    """The bytes of what is to be saved; a file is open for as long as that takes."""

    def __init__(self, content: Any, path: str) -> None:
        self._content, self._path = content, path
        self._file: BinaryIO | None = None

    def __enter__(self) -> bytes | BinaryIO:
        content = self._content
        if isinstance(content, str):
            try:
                return content.encode("utf-8")
            except UnicodeEncodeError:
                raise InvalidInput("The text holds half of a character, which no file keeps.") from None
        if isinstance(content, bytes | bytearray | memoryview):
            return bytes(content)
        if isinstance(content, Path):
            try:
                self._file = content.open("rb")
            except OSError as error:
                raise InvalidInput(f"{content} cannot be read: {error.strerror}.", next_step="Check it.") from None
            return self._file
        if hasattr(content, "read") and hasattr(content, "seek"):
            _require_bytes(content)
            return cast(BinaryIO, content)
        return self._table()

    def __exit__(self, *_error: object) -> None:
        if self._file is not None:
            self._file.close()

    def _table(self) -> bytes:
        import pandas as pd

        from kronkers_studio.notebook.table_writing import table_bytes

        content = self._content.to_frame() if isinstance(self._content, pd.Series) else self._content
        if not isinstance(content, pd.DataFrame):
            raise InvalidInput(
                f"A {type(content).__name__} cannot be saved as a file.",
                next_step="Give a frame, bytes, a text, an open file or a Path.",
            )
        return table_bytes(content, self._path)


def _require_bytes(stream: Any) -> None:
    """Raises ``InvalidInput`` unless ``stream`` gives bytes, and can be read from its start."""
    try:
        stream.seek(0)
        nothing = stream.read(0)
    except (OSError, ValueError) as error:  # what cannot be sought, and what is closed
        raise InvalidInput(f"The file cannot be read: {error}.", next_step="Read it, and save its bytes.") from None
    if not isinstance(nothing, bytes):
        raise InvalidInput("The file gives texts, not bytes.", next_step='Open it as bytes ("rb"), or save its text.')
