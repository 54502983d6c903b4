"""What the Registry page does with working copies and new projects: asking, doing, and saying what came of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.desktop.actions import Act, ShowInFileManager
from kronkers_studio.desktop.destinations import MakeProject, MergeBranches, OpenIn, ShowWorkingCopies
from kronkers_studio.desktop.localization import counted, home_short, tr
from kronkers_studio.desktop.panels.working_copies import WorkingCopiesPanel
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.content import Commit
from kronkers_studio.domain.differences import MergeConflicts
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.new_projects import NewProject
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.working_copies import KnownWorkingCopy, SavedVersion, UpdatedCopy, WorkingCopyState

if TYPE_CHECKING:
    from kronkers_studio.desktop.pages.page import Page
    from kronkers_studio.workflows.editors import Opened


_NAMED = 3  # paths that a sentence names


class RegistryCopies:
    """Works for ``page``; ``panel`` lists the working copies of the project in view, ``show`` brings it into view."""

    def __init__(self, studio: Studio, page: Page, show: Callable[[], object]) -> None:
        self._studio, self._page, self._show = studio, page, show
        self.panel = WorkingCopiesPanel(studio)
        self.panel.open_wanted.connect(lambda: page.do(OpenIn()))
        self.panel.save_wanted.connect(self.ask_save)
        self.panel.again_wanted.connect(self.ask_again)
        self.panel.update_wanted.connect(self.update)
        self.panel.forget_wanted.connect(self.forget)
        self.panel.wanted.connect(page.do)
        self.panel.troubled.connect(page.show_error)

    def do(self, act: Act, project: str) -> bool:
        """Do what ``act`` says, of ``project`` where it names none; False for what is none of this."""
        match act:
            case OpenIn(named, ref):
                self.ask_open(named or project, ref)
            case ShowWorkingCopies():
                self._show()
            case MakeProject():
                self.ask_new()
            case _:
                return False
        return True

    # Opening

    def ask_open(self, project: str, ref: str = "") -> None:
        """Ask in which program a version is to be opened."""
        from kronkers_studio.desktop.dialogs.open_in import OpenInDialog

        if project:
            OpenInDialog(
                self._page.window(), self._studio, project, ref, lambda editor: self.open_in(project, ref, editor)
            ).open()

    def ask_again(self, folder: Path) -> None:
        """Ask in which program a working copy is to be opened."""
        from kronkers_studio.desktop.dialogs.open_in import OpenInDialog

        row = next((row for row in self.panel.rows if row.folder == folder), None)
        if row is not None:
            dialog = OpenInDialog(
                self._page.window(),
                self._studio,
                row.project,
                row.commit,
                lambda editor: self.open_again(folder, editor),
            )
            dialog.open()

    def open_in(self, project: str, ref: str, editor: str) -> None:
        """Open a version in ``editor``, in a working copy that there is or that is made."""
        session = self._studio.session
        if session is None:
            return

        def work(progress: Progress, cancel: CancelToken) -> Opened:
            from kronkers_studio.workflows.editors import open_version, prefer_editor

            opened = open_version(session, project, ref, editor, progress=progress, cancel=cancel)
            prefer_editor(session, editor)
            return opened

        self._start(tr("Opening “{project}”").format(project=project), work)

    def open_again(self, folder: Path, editor: str) -> None:
        """Open a working copy in ``editor``."""
        session = self._studio.session
        if session is None:
            return

        def work(_progress: Progress, _cancel: CancelToken) -> Opened:
            from kronkers_studio.workflows.editors import open_working_copy, prefer_editor

            opened = open_working_copy(session, folder, editor)
            prefer_editor(session, editor)
            return opened

        self._start(tr("Opening “{folder}”").format(folder=folder.name), work)

    def _start(self, title: str, work: Callable[[Progress, CancelToken], Opened]) -> None:
        self._studio.do(title, work, done=self._opened, failed=self._page.show_error, owner=self._page)
        self._page.notice.say(f"{title} …", tr("Its files are written into a folder first."))

    def _opened(self, opened: Opened) -> None:
        folder, skipped = Path(opened.copy.folder), opened.copied.report.skipped if opened.copied.report else ()
        words = tr("Open in {editor}. What you change there you save here as a version.").format(
            editor=opened.editor.label
        )
        left = (
            counted(len(skipped), tr("{n} could not be written."), tr("{n} could not be written.")) if skipped else ""
        )
        out = opened.copied.left_out
        without = tr("Left out: {paths}, which tells other programs what to run; it stays in the version.")
        left_out = without.format(paths=", ".join(out[:_NAMED])) if out else ""
        more = " ".join(filter(None, (home_short(folder), left, left_out, opened.copied.remark)))
        show = (tr("Show it"), lambda: self._page.do(ShowInFileManager(folder)))
        self._page.notice.say(words, more, "warn" if skipped else "ok", action=show)
        self.panel.look()

    # Saving and updating

    def ask_save(self, state: WorkingCopyState) -> None:
        """Ask what changed, and save it."""
        from kronkers_studio.desktop.dialogs.save_version import SaveVersionDialog

        SaveVersionDialog(self._page.window(), self._studio, state, self._saved).open()

    def _saved(self, saved: SavedVersion) -> None:
        if not saved.changed:
            self._page.notice.say(tr("Nothing was changed, so there is no new version."))
            return
        words = tr("Saved as version {id} of “{project}”.").format(id=saved.commit.id[:8], project=saved.copy.project)
        stay = tr("{n} could not be read and stays as it was.")
        more = counted(len(saved.skipped), stay, stay) if saved.skipped else ""
        if saved.merged:
            more = f"{tr('What others saved is in it, and in your folder.')} {more}".strip()
        undo = None if saved.merged or not saved.before else (tr("Undo"), lambda: self.take_back(saved))
        self._page.notice.say(words, more, "warn" if saved.skipped else "ok", action=undo)

    def take_back(self, saved: SavedVersion) -> None:
        """Make the branch what it was before a version; the files stay as they are."""
        session = self._studio.session
        if session is None:
            return

        def work(_progress: Progress, _cancel: CancelToken) -> Commit:
            from kronkers_studio.workflows.saved_copies import take_back

            return take_back(session, saved)

        def done(_commit: Commit) -> None:
            self._page.notice.say(tr("Taken back. Your files are as you left them, to be saved again."), tone="ok")

        title = tr("Taking back “{message}”").format(message=saved.commit.message)
        self._studio.change_content(title, work, done, failed=self._page.show_error, owner=self._page)

    def update(self, folder: Path) -> None:
        """Bring what others saved into a working copy."""
        session = self._studio.session
        if session is None:
            return

        def work(progress: Progress, cancel: CancelToken) -> UpdatedCopy:
            from kronkers_studio.workflows.update_copies import update_working_copy

            return update_working_copy(session, folder, progress=progress, cancel=cancel)

        def done(updated: UpdatedCopy) -> None:
            files = counted(
                updated.written + updated.removed, tr("{n} file was brought in"), tr("{n} files were brought in")
            )
            kept = counted(updated.kept, tr("{n} of yours stayed"), tr("{n} of yours stayed"))
            self._page.notice.say(f"{files}. {kept}.", home_short(folder), "warn" if updated.skipped else "ok")
            self.panel.look()

        title = tr("Bringing what is new into “{folder}”").format(folder=folder.name)
        self._studio.do(title, work, done=done, failed=self._failed, owner=self._page)

    def forget(self, folder: Path) -> None:
        """Let a folder be no working copy any more; its files stay."""
        session = self._studio.session
        if session is None:
            return

        def work(_progress: Progress, _cancel: CancelToken) -> KnownWorkingCopy:
            from kronkers_studio.workflows.working_copies import forget_working_copy

            return forget_working_copy(session, folder)

        def done(_gone: KnownWorkingCopy) -> None:
            self._page.notice.say(tr("Forgotten. Its files stay where they are."), home_short(folder))
            self.panel.look()

        title = tr("Forgetting “{folder}”").format(folder=folder.name)
        self._studio.do(title, work, done=done, failed=self._page.show_error, owner=self._page, resource="content")

    def _failed(self, error: StudioError) -> None:
        if isinstance(error, MergeConflicts):
            self._page.notice.say(error.message, error.next_step, "warn", action=(tr("Decide …"), self._decide))
        else:
            self._page.show_error(error)

    def _decide(self) -> None:
        self._page.do(MergeBranches())

    # New projects

    def ask_new(self) -> None:
        """Ask for a new project's language and name."""
        from kronkers_studio.desktop.dialogs.new_project import NewProjectDialog

        NewProjectDialog(self._page.window(), self._studio, self._made).open()

    def _made(self, made: NewProject) -> None:
        from kronkers_studio.desktop.dialogs.new_project import where_it_is

        self._studio.go.emit(ShowWorkingCopies(made.copy.project))
        words = tr("“{project}” is there, and its first version is saved.").format(project=made.copy.project)
        open_it = (tr("Open in …"), lambda: self.ask_open(made.copy.project))
        self._page.notice.say(words, " ".join(filter(None, (where_it_is(made), made.remark))), "ok", action=open_it)
