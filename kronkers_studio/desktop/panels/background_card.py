"""Settings of what goes on without the window: notifications, and what closing it means."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.offers.settings import setting_title
from kronkers_studio.desktop.widgets.cards import Card
from kronkers_studio.desktop.widgets.fields import CheckBox
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.settings.configuration import Settings, choices, help_text


class BackgroundCard(Card):
    """``change(name, value)`` puts a setting in force. Without a ``tray`` there is nothing to set, which is said."""

    def __init__(
        self, settings: Settings, change: Callable[[str, object], object], *, tray: bool, parent: QWidget | None = None
    ) -> None:
        super().__init__(tr("In the background"), parent)
        self._change = change
        self._lines: list[QWidget] = []
        words = tr(
            "This system has no tray for icons, so there are no notifications and closing the window ends the program. "
            "Models that are live go on answering."
        )
        self.without_tray = label(words, "muted", wrap=True)
        self.body.addWidget(self.without_tray)
        self.without_tray.setVisible(not tray)  # in its place: before, it would be a window of its own
        self.failures = self._box("notify_failures")
        self.successes = self._box("notify_successes")
        names = {"ask": tr("Ask once"), "tray": tr("Keep running"), "quit": tr("Quit")}
        self.when_closed = FilterPills(
            [(name, names[name]) for name in choices("when_closed")], setting_title("when_closed")
        )
        self.when_closed.chosen.connect(lambda key: change("when_closed", key))
        row = QHBoxLayout()
        row.addWidget(self.when_closed)
        row.addStretch(1)
        heading = label(setting_title("when_closed"), "medium")
        caption = label(
            tr("While something is live, watched or being worked on. “Keep running” leaves an icon in the tray."),
            "caption",
            wrap=True,
        )
        self.body.addWidget(heading)
        self.body.addLayout(row)
        self.body.addWidget(caption)
        for widget in (*self._lines, heading, self.when_closed, caption):
            widget.setVisible(tray)
        self.show_settings(settings)

    def show_settings(self, settings: Settings) -> None:
        for box, on in ((self.failures, settings.notify_failures), (self.successes, settings.notify_successes)):
            box.blockSignals(True)
            box.setChecked(on)
            box.blockSignals(False)
        self.when_closed.select(settings.when_closed)

    def _box(self, name: str) -> CheckBox:
        box = CheckBox(setting_title(name))
        box.setAccessibleName(box.text())
        box.toggled.connect(lambda on: self._change(name, on))
        help_line = label(tr(help_text(name)), "caption", wrap=True)
        self.body.addWidget(box)
        self.body.addWidget(help_line)
        self._lines += [box, help_line]
        return box
