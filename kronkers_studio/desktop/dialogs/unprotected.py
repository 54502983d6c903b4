"""Asking before a model runs on a computer that cannot keep it from harming anything."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.widgets.dialog import Dialog, confirm
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import ConfinementUnavailable
from kronkers_studio.settings.configuration import change_settings


def ask_unprotected(
    parent: QWidget, studio: Studio, error: ConfinementUnavailable, on_yes: Callable[[], object]
) -> Dialog:
    """Ask once; a yes is kept as a setting, and ``on_yes`` tries again."""

    def agreed() -> None:
        studio.reload_settings(change_settings(run_unprotected=True))
        on_yes()

    sentence = tr("{what} Agree only if you trust whoever made the models that you run here. Settings can undo it.")
    return confirm(
        parent,
        tr("Run models on this computer unprotected?"),
        sentence.format(what=error.message),
        tr("Run unprotected"),
        agreed,
    )
