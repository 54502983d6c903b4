"""What the plan says of things that a person should look at."""

from __future__ import annotations

from kronkers_studio.domain.naming import WINDOWS, safe_name, unportable
from kronkers_studio.domain.printable import printable

_WINDOWS_PATH = 259


def why_decide(name: str, path: str, original: str, clash: str, folder_remark: str, *, fold: bool = False) -> str:
    """Why somebody should look at the file ``name`` at ``path``, as sentences; "" when there is nothing.

    ``original`` is the file it is a conflict copy of (with ``fold`` to become a version of it), ``clash`` the name that
    other systems cannot tell from its own, ``folder_remark`` what is said of its folder.
    """
    if not (original or clash or folder_remark or unportable(name) or len(path) > _WINDOWS_PATH):
        return ""
    reasons = []
    if original and fold:
        reasons.append(f"{_copy(original)} It becomes an older version of it.")
    elif original:
        reasons.append(f"{_copy(original)} Both are kept: compare them, decide which counts.")
    if clash:
        reasons.append(f"Windows and the Mac cannot tell its name from {clash}. Both are kept here: rename one.")
    if unportable(name):
        reasons.append(_becomes_on_windows("its name", name))
    if len(path) > _WINDOWS_PATH:
        reasons.append("Its path is longer than the 260 characters that many Windows programs can open.")
    if folder_remark:
        reasons.append(folder_remark)
    return " ".join(printable(reason) for reason in reasons)


def remark_on_folder(name: str, clash: str) -> str:
    """What other systems make of a folder's name, as sentences; "" when they can hold it."""
    remarks = []
    if clash:
        remarks.append(f"Windows and the Mac would put its folder into one with {clash}: rename one folder.")
    if unportable(name):
        remarks.append(_becomes_on_windows("its folder's name", name))
    return " ".join(remarks)


def _becomes_on_windows(what: str, name: str) -> str:
    return f"Windows cannot hold {what}; brought back there it is called “{safe_name(name, WINDOWS)}”."


def _copy(original: str) -> str:
    return f"Looks like a copy of {original} that OneDrive made when two people saved."
