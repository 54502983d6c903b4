"""Which rows two versions are asked: a table from anywhere, the column with the truth, and where they run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import number, tr
from kronkers_studio.desktop.panels.row_view import SHOWN_ROWS, given_rows
from kronkers_studio.desktop.panels.scored_answers import rows_words
from kronkers_studio.desktop.panels.table_choice import TableChoiceDialog
from kronkers_studio.desktop.panels.table_files import ask_table_file
from kronkers_studio.desktop.place_words import place_title
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import clear
from kronkers_studio.desktop.widgets.fields import ComboBox, Field
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.model_columns import model_columns
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.domain.progress import CancelToken
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.domain.row_tables import RowTable, name_key

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_MOST_TRUTHS = 200
_FIELD = 480  # pixels


class _Opened(NamedTuple):
    """A table that was read, and why it does not fit, if it does not."""

    table: RowTable
    refusal: StudioError | None


class SameRowsChoice(QWidget):
    """``source`` is where the table was read from that is chosen.

    opening()         a table is about to be read
    checked(refusal)  it was read, or another column is the truth; why it does not fit, or None
    failed(error)     something could not be read
    """

    opening = Signal()
    checked = Signal(object)
    failed = Signal(object)

    def __init__(self, studio: Studio, left: ModelVersion, right: ModelVersion) -> None:
        super().__init__()
        self._studio, self._left, self._right = studio, left, right
        self.source: Path | ContentRef | None = None
        self._opened: _Opened | None = None
        self._asked = 0
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.open_button = Button(tr("Open a file …"), self._ask_file, icon="folder")
        self.registry_button = Button(tr("From the registry …"), self.ask_table, icon="registry")
        row.addWidget(self.open_button)
        row.addWidget(self.registry_button)
        self.own_buttons = [self._own_button(version) for version in self._with_data()]
        for button in self.own_buttons:
            row.addWidget(button)
        row.addStretch(1)
        column.addLayout(row)
        words = tr("Drop a CSV, Excel, Parquet or JSON file here, or open one. It may have more columns than needed.")
        self._none = EmptyState("data", tr("No table yet"), words)
        self._about = QWidget()
        about = QVBoxLayout(self._about)
        about.setContentsMargins(0, 0, 0, 0)
        about.setSpacing(14)
        self.facts = label("", "medium", wrap=True)
        self.used = label("", "muted", wrap=True)
        about.addWidget(self.facts)
        about.addWidget(self.used)
        fields = QHBoxLayout()
        fields.setSpacing(14)
        self.truth = ComboBox(tr("Which column is the truth"))
        truth_help = tr("With it, both are measured, and it is said whether one is better by more than chance.")
        self.truth_field = Field(tr("Which column is the truth"), self.truth, truth_help)
        self.truth.currentIndexChanged.connect(self._check_again)
        self.where = ComboBox(tr("Where they run"))
        self.where_field = Field(tr("Where they run"), self.where)
        for field in (self.truth_field, self.where_field):
            field.setMaximumWidth(_FIELD)
            fields.addWidget(field, 2, Qt.AlignmentFlag.AlignTop)  # level, though one has help below it
        fields.addStretch(1)
        about.addLayout(fields)
        self._given_place = QVBoxLayout()
        about.addLayout(self._given_place, 1)
        self.views = Views({"none": lambda: self._none, "table": lambda: self._about})
        column.addWidget(self.views, 1)
        self.views.show_view("none")
        self.where_field.setVisible(False)
        self.setFocusProxy(self.open_button)
        self._read_places()

    @property
    def table(self) -> RowTable | None:
        """What was read."""
        return self._opened.table if self._opened is not None else None

    @property
    def fits(self) -> bool:
        """Whether both can take its rows."""
        return self._opened is not None and self._opened.refusal is None

    @property
    def true_column(self) -> str:
        """The column with the truth; "" for none."""
        return str(self.truth.value or "")

    @property
    def place(self) -> str:
        """Where they run."""
        return str(self.where.value or THIS_COMPUTER)

    def _with_data(self) -> list[ModelVersion]:
        """Those whose data is a table; each table once."""
        from kronkers_studio.workflows.row_files import KINDS

        found: dict[tuple[str, str], ModelVersion] = {}
        for version in (self._right, self._left):
            if version.data is not None and version.data.path.lower().endswith(KINDS):
                found.setdefault((version.data.project, version.data.path), version)
        return list(found.values())

    def _own_button(self, version: ModelVersion) -> Button:
        data = version.data
        words = tr("Data of version {version}").format(version=version.version)
        name = tr("The data that {model} is registered with").format(model=version.label)
        return Button(words, lambda: self.open_table(data) if data is not None else None, icon="data", name=name)

    def _ask_file(self) -> None:
        folder = self.source.parent if isinstance(self.source, Path) else Path.home()
        ask_table_file(self, folder, self.open_table)

    def ask_table(self) -> None:
        """Ask for a table of the registry."""
        project = self._right.source.project
        TableChoiceDialog(self.window(), self._studio, self.open_table, project=project).open()

    def open_table(self, source: Path | ContentRef) -> None:
        """Read a table off the main thread, and whether both versions can take its rows."""
        self._asked += 1
        asked, left, right = self._asked, self._left, self._right
        self._opened = None
        self.opening.emit()
        name = source.name if isinstance(source, Path) else source.path.rpartition("/")[2]
        self.facts.setText(tr("Reading “{file}” …").format(file=name))
        self.used.setText("")
        self.truth_field.setEnabled(False)
        clear(self._given_place)
        self.views.show_view("table")

        def work(session: Session, cancel: CancelToken) -> _Opened:
            from kronkers_studio.workflows.row_comparison import check_rows, open_rows

            table = open_rows(session, left, right, source, cancel)
            try:
                check_rows(table, left, right)
            except StudioError as refusal:
                return _Opened(table, refusal)
            return _Opened(table, None)

        def done(opened: _Opened) -> None:
            if asked == self._asked:
                self.source = source
                self.show_table(opened.table, opened.refusal)

        def failed(error: StudioError) -> None:
            if asked == self._asked:
                self.views.show_view("none")
                self.failed.emit(error)

        self._studio.look(work, done, owner=self, failed=failed)

    def show_table(self, table: RowTable, refusal: StudioError | None = None) -> None:
        """Show which table it is, and offer its columns as the truth that neither version takes."""
        self._opened = _Opened(table, refusal)
        words = [table.name, rows_words(len(table.rows))]
        if len(table.rows) > SHOWN_ROWS:
            words.append(tr("the first {n} are shown").format(n=number(SHOWN_ROWS)))
        self.facts.setText(" · ".join(words))
        clear(self._given_place)
        self.given = given_rows(table, None)
        self._given_place.addWidget(self.given)
        taken = {name_key(name) for each in (self._left, self._right) for name in model_columns(each.signature).names}
        free = [name for name in table.columns if name.strip() and name_key(name) not in taken] if table.named else []
        none = (tr("None: only how the answers differ"), "")
        self.truth.set_choices([none, *((name, name) for name in free[:_MOST_TRUTHS])])
        self.truth_field.setEnabled(bool(free))
        self.used.setText("\n".join(table.remarks))
        self.used.setVisible(bool(table.remarks))
        self.views.show_view("table")
        self.checked.emit(refusal)

    def _check_again(self) -> None:
        """With another column as the truth: models that know no names of columns take all others."""
        opened, left, right, truth = self._opened, self._left, self._right, self.true_column
        if opened is None:
            return

        def work(_session: Session, _cancel: CancelToken) -> StudioError | None:
            from kronkers_studio.workflows.row_comparison import check_rows

            try:
                check_rows(opened.table, left, right, truth)
            except StudioError as refusal:
                return refusal
            return None

        def done(refusal: StudioError | None) -> None:
            if self._opened is opened and self.true_column == truth:
                self._opened = opened._replace(refusal=refusal)
                self.checked.emit(refusal)

        self._studio.look(work, done, owner=self, failed=self.failed.emit)

    def _read_places(self) -> None:
        both = (self._left, self._right)
        here = not any(each.facts.framework.in_container_only for each in both)

        def read(session: Session) -> list[str]:
            from kronkers_studio.workflows.servers import list_servers

            return [server.name for server in list_servers(session)]

        def show(servers: list[str]) -> None:
            places = [*([THIS_COMPUTER] if here else []), *servers]
            self.where.set_choices([(place_title(place), place) for place in places])
            self.where_field.setVisible(len(places) > 1 or not here)

        self._studio.read(read, show, owner=self, failed=self.failed.emit)
