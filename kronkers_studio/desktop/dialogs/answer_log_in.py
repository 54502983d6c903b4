"""What a server asks of the person who logs in: one-time codes, which are sent and kept nowhere."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import Field, LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.work.log_in_questions import OpenQuestions
from kronkers_studio.settings.secrets import Secret


class AnswerLogInDialog(Dialog):
    """A field for each question; closing it gives no answer."""

    def __init__(self, parent: QWidget, asked: OpenQuestions) -> None:
        questions = asked.questions
        title = tr("{server} asks").format(server=questions.server)
        super().__init__(parent, title, tr("Logging in as {account}").format(account=questions.account))
        self._asked = asked
        if questions.again:
            self.notice.say(tr("That was not right."), tr("Try again, with a new code if it asks for one."), "warn")
        if questions.instruction:
            self.content.addWidget(label(questions.instruction, "muted", wrap=True))
        self.fields = []
        for prompt in questions.prompts:
            words = prompt.text.rstrip(" :") or tr("Answer")
            field = LineField(words, secret=not prompt.shown)
            self.fields.append(field)
            self.content.addWidget(Field(words, field))
        kept = (
            tr("It is kept in this computer's password store (keyring), where there is one, and nowhere else.")
            if questions.password
            else tr(
                "What you type is sent to the server and kept nowhere. You are asked once while the studio is open."
            )
        )
        self.content.addWidget(label(kept, "caption", wrap=True))
        self.cancel = self.add_button(tr("Cancel"), self.reject)
        self.next = self.add_button(tr("Log in"), self.answer, "primary")
        self.next.setDefault(True)
        self.finished.connect(lambda _result: asked.answer(None))  # where it was answered, that counts
        self.destroyed.connect(lambda: asked.answer(None))
        if self.fields:
            self.fields[0].setFocus()

    def answer(self) -> None:
        """The primary button."""
        empty = next((field for field in self.fields if not field.text()), None)
        if empty is not None:
            empty.setFocus()
            return
        self._asked.answer([Secret(field.text()) for field in self.fields])
        self.accept()
