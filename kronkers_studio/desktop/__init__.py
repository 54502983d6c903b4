"""The window: everything Qt. It calls workflows through one task runner and never blocks its main thread.

look                     colours, sizes, icons, light and dark
widgets                  the building blocks made of them
work                     what runs off the main thread; what all pages share
charts                   live charts
panels, dialogs          parts of pages, and questions
pages, wizard            what a person sees and does
unlock_gate              what stands before the pages while no workspace is open
window, rail, task_bar   the frame around the pages
page_list                which pages there are; ``page_history`` is the way back and forward
window_actions           what can be done from the window as it is; ``window_dialogs`` what opens from any page
offers                   what can be done with what there is; ``offer_buttons`` and ``row_menus`` are made of it
command_palette          all of it found by words
actions, destinations    what an action is; where a person can be sent
window_state             what the window remembers from one start to the next
mending                  a damaged index, from what is said of it to the index made again
background               going on without the window; ``tray`` is its icon
attention                how everything is, for whoever does not look; ``incidents`` is what of it is told
start                    from the command line to an open window; ``garbage`` collects between events of it

localization, place_words, page_titles, branch_words   words and figures as people read them
model_words, release_words           models, and what happened to them, in words; ``card_text`` is what is said of them
kind_names, language_words           what kinds of models are called; what models of R and Julia stand on
safety_words, package_words          what was found of a model's file before anything of it runs; packages in words
folder_rows, plan_rows, typed_rows   many entries, a plan, and rows for a model as they are shown
difference_rows, changed_tree        differences as they are shown; ``comparison_rows`` those of model versions
file_icons, file_manager             icons for kinds of files; the system's own program for files
reachability                         whether a live service answers
start_again, remedies, check_notice  what can be done about what ended, failed or is damaged
chart_picture, screenshots           pages as pictures; ``screenshot_data`` is what they show,
                                     ``screenshot_dialogs`` the dialogs that no page of them opens
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session


def start_window(arguments: list[str]) -> int:
    """Open the window and run until it is closed; ``arguments`` as on the command line. Returns the exit code."""
    from kronkers_studio.desktop.start import run

    return run(arguments)


def render_monitor(session: Session, model: str, place: str, file: Path) -> None:
    """Draw the Monitor page of ``model`` in ``place`` into the PNG ``file``; needs no screen, and ``session`` stays
    open. Raises ``ImportError`` when Qt's system libraries are missing."""
    from kronkers_studio.desktop.chart_picture import render_monitor as render

    render(session, model, place, file)
