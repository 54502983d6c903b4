"""One file as it is in two branches, to decide between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.branch_words import branch_title
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.panels.compared_content import ComparedContent, Content
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.differences import Conflict, MergePlan
from kronkers_studio.domain.progress import CancelToken

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_SIZE = (820, 460)


class CompareDialog(Dialog):
    """Shows what differs in ``conflict`` between the branches of ``plan``."""

    def __init__(self, parent: QWidget | None, studio: Studio, plan: MergePlan, conflict: Conflict) -> None:
        words = tr("Before is “{into}”, after is “{source}”.").format(
            into=branch_title(plan.branch), source=branch_title(plan.source)
        )
        super().__init__(parent, conflict.path, words)
        self.resize(*_SIZE)
        self.compared = ComparedContent()
        self.content.addWidget(self.compared, 1)
        self.add_cancel(tr("Close"))

        def work(session: Session, cancel: CancelToken) -> Content:
            from kronkers_studio.workflows.versions import diff_path

            return diff_path(session, plan.project, plan.ours.id, plan.theirs.id, conflict.path, cancel=cancel)

        def show(content: Content) -> None:
            self.compared.show_content(conflict.ours, conflict.theirs, content)

        studio.look(work, show, owner=self, failed=self.notice.show_error)
