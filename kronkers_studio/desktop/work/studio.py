"""What all pages share: the open workspace, the settings, the task runner, and the way from page to page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from weakref import WeakKeyDictionary

import shiboken6
from PySide6.QtCore import QObject, QTimer, Signal

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.work.log_in_questions import LogInQuestioner
from kronkers_studio.desktop.work.tasks import Result, Task, TaskRunner, Work
from kronkers_studio.desktop.work.write_turns import Turns
from kronkers_studio.domain.errors import Cancelled, StoreDamaged, StudioError
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.settings.configuration import Settings, load_settings
from kronkers_studio.settings.secrets import Secret

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

Change = Literal["content", "models", "releases", "servers", "settings"]
State = dict[str, Any]
_RETIRE_MS = 200  # between looks whether a workspace left behind is still being read
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Key:
    """What somebody gave to open a workspace; with nothing given, its key file and the system's keyring are tried."""

    passphrase: Secret | None = None
    recovery_key: Secret | None = None
    key_file: Path | None = None


_REMEMBERED = Key()


def _nothing() -> None:
    """There is nothing to do."""


class Studio(QObject):
    """Handed to every page. Signals are emitted on the main thread.

    opened / closed   a workspace was opened (``session`` is set) / is about to be closed
    opening(folder) / not_opened(folder, key, error)   a workspace is being opened / why it was not, with which key
    damaged(error)    the open workspace's index turned out to be damaged: an ``IndexDamaged``
    changed(kind)     something of that kind changed in the workspace, whoever changed it: show it anew
    wanted(command)   a page asks the window itself to do something: one of ``actions.Command``
    go(destination)   a page asks to show another one: one of ``destinations``
    """

    opening = Signal(object)
    not_opened = Signal(object, object, object)
    opened = Signal()
    damaged = Signal(object)
    closed = Signal()
    changed = Signal(str)
    go = Signal(object)
    wizard_wanted = Signal()
    rebuild_wanted = Signal()
    wanted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.runner = TaskRunner(self)
        self.turns = Turns()
        self.questioner = LogInQuestioner(self)
        self.load_ahead: Callable[[], object] = _nothing
        """Called off the main thread before a workspace is opened: loads the code of what will show it."""
        self.session: Session | None = None
        self._index_error: StudioError | None = None
        self._looking_into = False
        self._looks: WeakKeyDictionary[QObject, Task] = WeakKeyDictionary()
        self._retired: list[Session] = []
        self.settings: Settings = load_settings()

    @property
    def directory(self) -> Path:
        """The open workspace's folder, or the one that opens by default."""
        return self.session.directory if self.session is not None else self.settings.workspace

    def open_directory(
        self, directory: Path, key: Key = _REMEMBERED, *, then: Callable[[], object] | None = None
    ) -> None:
        """Open the workspace in ``directory`` off the main thread; then ``opened`` and ``then``, or ``not_opened``."""

        def work(_progress: Progress, _cancel: CancelToken) -> Session:
            from kronkers_studio.workflows.session import open_workspace

            self.load_ahead()
            return open_workspace(
                directory, passphrase=key.passphrase, recovery_key=key.recovery_key, key_file=key.key_file
            )

        def use(session: Session) -> None:
            self.use(session)
            if then is not None:
                then()

        def refused(error: StudioError) -> None:
            self.not_opened.emit(directory, key, error)

        self.opening.emit(directory)
        self.runner.run(tr("Opening the workspace"), work, done=use, failed=refused, owner=self, shown=False)

    def use(self, session: Session) -> None:
        """``session`` is the open workspace from now on; one open before is closed once nothing reads it any more."""
        self._let_go()
        session.servers.ask_person = self.questioner.ask
        self.session = session
        self.opened.emit()

    def leave(self, then: Callable[[], object]) -> None:
        """Close the workspace, and call ``then`` once that is done: nothing reads it any more."""
        self._let_go(then)

    def _let_go(self, then: Callable[[], object] = _nothing) -> None:
        self.questioner.give_up()
        if self.session is not None:
            self.closed.emit()
            self._retired.append(self.session)
            self.session = self._index_error = None
        self._retire(then)

    def _retire(self, then: Callable[[], object]) -> None:
        if self._retired and not self.runner.idle:
            QTimer.singleShot(_RETIRE_MS, self, lambda: self._retire(then))
            return
        while self._retired:
            self._retired.pop().close()
        then()

    def close(self) -> None:
        if self.session is not None:
            self.closed.emit()
            self.session.close()
            self.session = None
        while self._retired:
            self._retired.pop().close()

    def reload_settings(self, settings: Settings) -> None:
        """``settings`` are in force from now on, for the open workspace too."""
        self.settings = settings
        if self.session is not None:
            self.session.settings = settings
        self.changed.emit("settings")

    def read(
        self,
        work: Callable[[Session], Answer],
        done: Callable[[Answer], object],
        *,
        owner: QObject,
        failed: Callable[[StudioError], object] | None = None,
    ) -> Task | None:
        """Read something from the workspace off the main thread, unlisted; ``done`` gets it. None without workspace."""
        session = self.session
        if session is None:
            return None
        return self.runner.run(
            "read",
            lambda _progress, _cancel: work(session),
            done=done,
            failed=self._also_looked_into(failed),
            owner=owner,
            shown=False,
        )

    def look(
        self,
        work: Callable[[Session, CancelToken], Answer],
        done: Callable[[Answer], object],
        *,
        owner: QObject,
        failed: Callable[[StudioError], object],
    ) -> None:
        """As ``read``, for what may take long: it is given up when ``owner`` looks at something else, or is no more."""
        session = self.session
        if session is None:
            return

        def told(error: StudioError) -> None:
            if not isinstance(error, Cancelled):
                failed(error)

        earlier = self._looks.get(owner)
        if earlier is not None and shiboken6.isValid(earlier):
            earlier.cancel()
        task = self.runner.run(
            "look",
            lambda _progress, cancel: work(session, cancel),
            done=done,
            failed=self._also_looked_into(told),
            owner=owner,
            shown=False,
        )
        owner.destroyed.connect(task.cancel)
        self._looks[owner] = task

    def do(
        self,
        title: str,
        work: Work[Result],
        *,
        changes: tuple[Change, ...] = (),
        done: Callable[[Result], object] | None = None,
        failed: Callable[[StudioError], object] | None = None,
        owner: QObject | None = None,
        resource: str = "",
        cancellable: bool = True,
    ) -> Task:
        """Do something that people see in the task list; then announce its ``changes`` (also when it failed).

        What writes to the workspace has the ``resource`` "content": it takes turns with whatever else does.
        """

        def in_turn(progress: Progress, cancel: CancelToken) -> Result:
            with self.turns.take(cancel):
                return work(progress, cancel)

        def announce() -> None:
            for kind in changes:
                self.changed.emit(kind)

        task = self.runner.run(
            title,
            in_turn if resource == "content" else work,
            done=done,
            failed=self._also_looked_into(failed),
            owner=owner,
            resource=resource,
            cancellable=cancellable,
        )
        task.ended.connect(announce)
        return task

    def change_content(
        self,
        title: str,
        work: Work[Result],
        done: Callable[[Result], object],
        *,
        failed: Callable[[StudioError], object],
        owner: QObject,
    ) -> Task:
        """``do`` something short that changes what is in the workspace, and is not broken off."""
        return self.do(
            title,
            work,
            changes=("content",),
            done=done,
            failed=failed,
            owner=owner,
            resource="content",
            cancellable=False,
        )

    def _also_looked_into(self, failed: Callable[[StudioError], object] | None) -> Callable[[StudioError], object]:
        """``failed``; and afterwards, when it may be the index that is damaged, finding out whether it is."""

        def told(error: StudioError) -> None:
            if failed is not None:
                failed(error)
            if isinstance(error, StoreDamaged):
                self._look_into(error)

        return told

    def _look_into(self, error: StoreDamaged) -> None:
        session = self.session
        if self._index_error is not None:
            self.damaged.emit(self._index_error)
        if session is None or self._looking_into or self._index_error is not None:
            return

        def work(_progress: Progress, _cancel: CancelToken) -> StudioError | None:
            from kronkers_studio.workflows.maintenance import index_damage_met

            return index_damage_met(session, error)

        def found(damage: StudioError | None) -> None:
            if damage is not None and session is self.session:
                self._index_error = damage
                self.damaged.emit(damage)

        self._looking_into = True
        task = self.runner.run("look into damage", work, done=found, owner=self, shown=False)
        task.ended.connect(self._looked)

    def _looked(self) -> None:
        self._looking_into = False
