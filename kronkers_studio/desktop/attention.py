"""How services, watched folders and tasks are, for whoever does not look at the window."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal

from kronkers_studio.desktop.charts.recorder import Recorder
from kronkers_studio.desktop.destinations import Destination, ToPage, WatchService
from kronkers_studio.desktop.incidents import Condition, Incidents, Problem, Told
from kronkers_studio.desktop.localization import counted, tr
from kronkers_studio.desktop.offers.services import services_of, shown_of
from kronkers_studio.desktop.place_words import place_words, release_pill, silent_words
from kronkers_studio.desktop.work.folder_watches import Watchers, Watching
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.desktop.work.task_words import progress_words
from kronkers_studio.desktop.work.tasks import Task, TaskState
from kronkers_studio.domain.migration import WatchStatus
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState

_LOOK_MS = 2000
_FEWEST_SERVERS = 2  # that are all silent at once before it is this computer's line that is down
_LISTED = 4  # titles in one message
_LONG_TASK = 10.0  # seconds from which on the end of a task is worth a word


@dataclass(frozen=True, slots=True)
class Message:
    """A notification; a click on it leads to ``where``."""

    title: str
    words: str
    where: Destination
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """Something live or watched with its state, and where it is shown."""

    words: str
    where: Destination


@dataclass(frozen=True, slots=True)
class Overview:
    """What can be said of everything in few words. ``worth_keeping``: something goes on that needs this program."""

    condition: Condition = Condition.IDLE
    sentence: str = ""
    services: tuple[Entry, ...] = ()
    folders: tuple[Entry, ...] = ()
    worth_keeping: bool = False


class Attention(QObject):
    """``in_front`` says whether somebody has the window before them. ``look`` is to be called once whoever wants to
    know is listening.

    changed   ``overview`` is another one now
    said      a ``Message``: what is worth a notification, as the settings want it
    """

    changed = Signal()
    said = Signal(object)

    def __init__(self, studio: Studio, in_front: Callable[[], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._studio = studio
        self._in_front = in_front
        self._recorder = Recorder.of(studio)
        self._watchers = Watchers.of(studio)
        self.overview = Overview()
        self._incidents = Incidents()
        self._first_look = True
        self._failed: dict[str, Problem] = {}  # tasks that failed while nobody looked
        self._done: list[str] = []  # titles of those that ended well then
        timer = QTimer(self)
        timer.setInterval(_LOOK_MS)
        timer.timeout.connect(self.look)
        timer.start()
        self._recorder.heard.connect(self.look)
        self._watchers.changed.connect(self.look)
        studio.changed.connect(self.look)
        studio.opened.connect(self._begin)
        studio.runner.added.connect(self.look)
        studio.runner.ended.connect(self._task_ended)

    def look(self) -> None:
        """See how everything is now; at any time."""
        if self._in_front():
            self._failed.clear()
            self._done.clear()
        problems = self._problems()
        if self._first_look and self._recorder.releases is not None:
            self._first_look = False
            self._incidents.accept(key for key in problems if key.startswith("stopped "))  # before the window opened
        told = self._incidents.see(problems, time.monotonic())
        overview = self._overview(problems)
        if overview != self.overview:
            self.overview = overview
            self.changed.emit()
        if self._studio.settings.notify_failures:
            for each in told:
                self.said.emit(_message(each))
        self._tell_done()

    def _begin(self) -> None:
        """Another workspace."""
        self._incidents, self._first_look = Incidents(), True
        self._failed.clear()
        self.look()

    def _task_ended(self, task: Task) -> None:
        if task.state is TaskState.FAILED:
            title = tr("{task} failed").format(task=task.title)
            self._failed[f"task {id(task)}"] = Problem(title, progress_words(task))
        elif task.state is TaskState.DONE and _seconds(task) >= _LONG_TASK:
            self._done.append(task.title)
        self.look()  # which forgets it where somebody has the window before them

    def _tell_done(self) -> None:
        done, self._done = self._done, []
        if done and self._studio.settings.notify_successes:
            title = tr("Done: {task}").format(task=done[0]) if len(done) == 1 else _counted_done(len(done))
            self.said.emit(Message(title, "" if len(done) == 1 else _listed(done), ToPage("home")))

    # What is wrong

    def _problems(self) -> dict[str, Problem]:
        found = dict(self._failed)
        silent = [release for release in self._live() if self._recorder.heard_of(release.model, release.place).silent]
        away = self._unreachable_servers(silent)
        if away:
            found["offline"] = Problem(
                tr("None of your servers can be reached"),
                tr("This computer may have lost its network."),
                tr("Your servers can be reached again"),
                ToPage("servers"),
            )
        for release in silent:
            problem = replace(self._silent(release), covered=release.place in away)
            found[f"silent {release.model} {release.place}"] = problem
        for release in self._shown():
            if release.lost:
                found[f"stopped {release.model} {release.place}"] = _stopped(release)
        for watching in self._watchers.known:
            wrong = _watch_problem(watching)
            if wrong is not None:
                found[f"folder {watching.project}"] = wrong
        return found

    def _unreachable_servers(self, silent: list[Release]) -> set[str]:
        """The servers of which nothing answers, when that is true of all that something is live on."""
        servers = {release.place for release in self._live()} - {THIS_COMPUTER}
        answering = servers - {release.place for release in silent}
        return servers if len(servers) >= _FEWEST_SERVERS and not answering else set()

    def _silent(self, release: Release) -> Problem:
        heard = self._recorder.heard_of(release.model, release.place)
        names = {"model": release.model, "place": place_words(release.place)}
        return Problem(
            tr("{model} on {place} does not answer").format(**names),
            heard.problem,
            tr("{model} on {place} answers again").format(**names),
            WatchService(release.model, release.place),
        )

    def _shown(self) -> list[Release]:
        """Of each model in each place the release that counts."""
        return [shown_of(releases) for releases in services_of(self._recorder.releases or ())]

    def _live(self) -> list[Release]:
        return [release for release in self._shown() if release.state is ReleaseState.LIVE]

    # In few words

    def _overview(self, problems: dict[str, Problem]) -> Overview:
        shown = [release for release in self._shown() if release.state is ReleaseState.LIVE or release.lost]
        active = self._studio.runner.active
        syncing = [each for each in self._watchers.known if _status(each) is WatchStatus.SYNCING]
        condition = self._condition(problems, working=bool(active or syncing))
        return Overview(
            condition,
            self._sentence(condition, problems, active, syncing),
            tuple(Entry(self._service_words(release), _charts(release)) for release in shown),
            tuple(Entry(_folder_words(each), ToPage("migrate")) for each in self._watchers.known),
            worth_keeping=bool(active or self._watchers.wanted or self._live()),
        )

    def _condition(self, problems: dict[str, Problem], *, working: bool) -> Condition:
        if any(not problem.covered for key, problem in problems.items() if key != "offline"):
            return Condition.ATTENTION
        if problems:
            return Condition.OFFLINE
        if working:
            return Condition.WORKING
        return Condition.OFFLINE if self._studio.settings.offline else Condition.IDLE

    def _sentence(
        self, condition: Condition, problems: dict[str, Problem], active: list[Task], syncing: list[Watching]
    ) -> str:
        if problems:
            titles = [problem.title for problem in problems.values() if not problem.covered]
            return titles[0] if len(titles) == 1 else _counted_problems(len(titles))
        if active:
            return active[0].title
        if syncing:
            return tr("Bringing in “{project}”").format(project=syncing[0].project)
        if condition is Condition.OFFLINE:
            return tr("Working offline, as the settings say")
        return tr("All is well")

    def _service_words(self, release: Release) -> str:
        heard = self._recorder.heard_of(release.model, release.place)
        state = silent_words(heard) or release_pill(release, heard)[0]
        words = tr("{model} on {place}: {state}")
        return words.format(model=release.model, place=place_words(release.place), state=state)


def _charts(release: Release) -> Destination:
    return ToPage("deploy") if release.lost else WatchService(release.model, release.place)


def _stopped(release: Release) -> Problem:
    names = {"model": release.model, "place": place_words(release.place)}
    return Problem(
        tr("{model} on {place} stopped").format(**names),
        tr(release.message),
        tr("{model} on {place} is no longer stopped").format(**names),
        ToPage("deploy"),
    )


def _watch_problem(watching: Watching) -> Problem | None:
    again = tr("“{project}” is in sync again").format(project=watching.project)
    where = ToPage("migrate")
    if watching.error is not None:
        title = tr("“{project}” could not be brought in").format(project=watching.project)
        return Problem(title, watching.error.message, again, where)
    if _status(watching) is WatchStatus.AWAY:
        title = tr("A folder of “{project}” is not there").format(project=watching.project)
        return Problem(title, tr("It is brought in again as soon as it is back."), again, where)
    return None


def _status(watching: Watching) -> WatchStatus | None:
    return watching.state.status if watching.state is not None and watching.running else None


def _folder_words(watching: Watching) -> str:
    if watching.error is not None:
        state = tr("stopped")
    else:
        state = {
            WatchStatus.WATCHING: tr("in sync"),
            WatchStatus.AWAY: tr("folder away"),
            WatchStatus.BUSY: tr("waiting"),
        }.get(_status(watching) or WatchStatus.SYNCING, tr("being brought in"))
    return tr("“{project}”: {state}").format(project=watching.project, state=state)


def _message(told: Told) -> Message:
    first = told.problems[0]
    if len(told.problems) == 1 and told.over:
        return Message(first.over, "", first.where)
    if len(told.problems) == 1:
        return Message(first.title, first.words, first.where, bad=True)
    pages = {problem.where.page for problem in told.problems}
    where = ToPage(pages.pop()) if len(pages) == 1 else ToPage("home")
    if told.over:
        title = counted(len(told.problems), tr("{n} thing is well again"), tr("{n} things are well again"))
        return Message(title, _listed([problem.over for problem in told.problems]), where)
    title = _counted_problems(len(told.problems))
    return Message(title, _listed([each.title for each in told.problems]), where, bad=True)


def _listed(titles: list[str]) -> str:
    more = len(titles) - _LISTED
    rest = [counted(more, tr("and {n} more"), tr("and {n} more"))] if more > 0 else []
    return "\n".join([*titles[:_LISTED], *rest])


def _counted_problems(amount: int) -> str:
    return counted(amount, tr("{n} thing needs a look"), tr("{n} things need a look"))


def _counted_done(amount: int) -> str:
    return counted(amount, tr("{n} task is done"), tr("{n} tasks are done"))


def _seconds(task: Task) -> float:
    if task.began is None or task.finished is None:
        return 0.0
    return (task.finished - task.began).total_seconds()
