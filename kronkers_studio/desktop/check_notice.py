"""What a check of the workspace found, in words, with what can be done about it right there."""

from __future__ import annotations

from collections.abc import Callable

from kronkers_studio.desktop.localization import counted, file_size, number, tr
from kronkers_studio.desktop.widgets.states import Notice
from kronkers_studio.domain.content import CheckReport
from kronkers_studio.domain.printable import printable

_NAMED = 3  # damaged files in a sentence


def say_checked(notice: Notice, report: CheckReport, rebuild: Callable[[], object]) -> None:
    """Say in ``notice`` what ``report`` found; where the index is to be made again, ``rebuild`` is offered."""
    if report.healthy:
        words = tr("{objects} objects and {bytes} were read and verified, and {entries} journal entries.")
        read = words.format(
            objects=number(report.objects), bytes=file_size(report.bytes_read), entries=number(report.journal_entries)
        )
        notice.say(tr("The workspace is sound."), read, "ok")
        return
    from kronkers_studio.workflows.maintenance import rebuild_mends

    found = counted(len(report.problems), tr("{n} problem was found"), tr("{n} problems were found"))
    damaged = [f"{file.project}: {printable(file.path) or tr('all of it')}" for file in report.affected]
    if damaged:
        one, many = tr("{n} file or folder is damaged"), tr("{n} files and folders are damaged")
        named = "; ".join(damaged[:_NAMED]) + (" …" if report.affected_count > _NAMED else "")
        found += f". {counted(report.affected_count, one, many)}: {named}"
    mends = rebuild_mends(report)
    notice.say(
        f"{found}.",
        _advice(report, mends),
        "bad",
        "\n".join([*damaged, *report.problems]),
        action=(tr("Rebuild the index …"), rebuild) if mends else None,
    )


def _advice(report: CheckReport, mends: bool) -> str:
    if not mends:
        return tr("Restore what is named in the details from a backup of the workspace.")
    if report.affected and not report.database_damaged:
        return tr(
            "What still lies in its folder as it was can be stored anew: rebuild the index, then bring the folder in "
            "again. Restore the rest from a backup of the workspace."
        )
    return tr("The index is damaged or out of date. It can be made again from what is stored; then check once more.")
