"""What a person lets one model version's file name, beside what is on the list of what models may name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from kronkers_studio.domain.allowances import LONGEST_REASON, Allowance
from kronkers_studio.domain.changes import GlobalsAllowed, GlobalsDisallowed
from kronkers_studio.domain.errors import InvalidInput, UnsupportedModel
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.printable import printable
from kronkers_studio.workflows.models import inspected_again
from kronkers_studio.workflows.session import Session

Reference = tuple[str, int | None, str | None]
"""A version as (name, number, alias); neither number nor alias means the newest."""


@dataclass(frozen=True, slots=True)
class AllowanceQuestion:
    """What would have to be allowed of ``model``: the names in ``left``. ``refused`` says why one of them never can be,
    and ``next_step`` what to do then; ``author`` is who would be written down."""

    model: ModelVersion
    left: tuple[str, ...]
    author: str
    refused: str = ""
    next_step: str = ""


def allowance_question(session: Session, model: Reference) -> AllowanceQuestion:
    """What is to be asked before anything is allowed. Raises ``NotFound``."""
    from kronkers_studio.packaging import require_allowable

    version = session.workspace.ledger.model_version(*model)
    left = tuple(name for name in version.facts.unsafe if name not in version.allowed)
    try:
        for name in left:
            require_allowable(name)
    except InvalidInput as reason:
        return AllowanceQuestion(version, left, session.author, reason.message, reason.next_step)
    return AllowanceQuestion(version, left, session.author)


def allow_globals(session: Session, model: Reference, names: Sequence[str], *, reason: str) -> ModelVersion:
    """Let a version's file name ``names``, which are among its ``unsafe`` ones, from its next package on.

    Code of those names runs in the model's service. When nothing else stands in the way, it is looked at now how the
    file uses them. Raises ``NotFound``, ``InvalidInput`` for names that the file does not have or that nobody may
    allow, and for no reason; ``UnsupportedModel`` for a file that misuses them. Nothing is recorded then.
    """
    version = session.workspace.ledger.model_version(*model)
    wanted = require_nameable(version, names)
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise InvalidInput(
            f"An allowance needs a reason of at most {LONGEST_REASON} characters: others will ask for it.",
            next_step="Say why that code may run: --reason “our own features, reviewed by Ann”.",
        )
    allowed = version.allowed | frozenset(wanted)
    if allowed.issuperset(version.facts.unsafe):
        inspected_again(session, version, allowed)
    allowance = Allowance(wanted, reason, datetime.now(UTC), session.author)
    session.workspace.ledger.record(GlobalsAllowed(version.name, version.version, allowance), author=session.author)
    return session.workspace.ledger.model_version(version.name, version.version)


def disallow_globals(session: Session, model: Reference, names: Sequence[str] = ()) -> ModelVersion:
    """Take back what was allowed: ``names``, or all of it without any. What is live stays so.

    Raises ``NotFound``; ``InvalidInput`` for a name that was not allowed.
    """
    version = session.workspace.ledger.model_version(*model)
    taken = tuple(sorted(set(names) or version.allowed))
    unknown = [name for name in taken if name not in version.allowed]
    if unknown or not taken:
        what = f"“{printable(unknown[0][:80])}” was not allowed" if unknown else "Nothing was allowed"
        raise InvalidInput(f"{what} for {version.label}.", next_step="kronkers model show says what was.")
    change = GlobalsDisallowed(version.name, version.version, taken, datetime.now(UTC), session.author)
    session.workspace.ledger.record(change, author=session.author)
    return session.workspace.ledger.model_version(version.name, version.version)


def require_nameable(version: ModelVersion, names: Sequence[str]) -> tuple[str, ...]:
    """``names`` in order, each once. Raises ``InvalidInput`` for one that the version's file does not have outside the
    list, or that nobody may allow."""
    from kronkers_studio.packaging import require_allowable

    if not names:
        raise InvalidInput("No name was given.", next_step="Name what the refusal named, e.g. features.Ratio.")
    for name in names:
        if name not in version.facts.unsafe:
            has = ", ".join(map(printable, version.facts.unsafe[:5])) or "nothing"
            raise InvalidInput(
                f"The file of {version.label} does not need an allowance for “{printable(name[:80])}”.",
                next_step=f"Outside the list it names {has}.",
            )
        require_allowable(name)
    return tuple(sorted(set(names)))


def require_still_fitting(session: Session, version: ModelVersion) -> None:
    """Look at the file of a version with allowances once more: whoever made the workspace may have recorded anything.

    Raises ``UnsupportedModel``.
    """
    from kronkers_studio.packaging import require_safe

    if not version.allowances:
        return
    found = inspected_again(session, version, version.allowed)
    require_safe(found, version.allowed, version.label)
    if found.code != version.facts.code:
        raise UnsupportedModel(
            f"The code beside {version.label} is other than what was registered with it.",
            next_step="Register the model's file again.",
        )


def own_code_names(version: ModelVersion) -> tuple[str, ...]:
    """Those names of a version's file outside the list that files of its project define. Raises ``InvalidInput`` when
    there are none."""
    from kronkers_studio.packaging import own_names

    names = own_names(version.facts)
    if names:
        return names
    missing = ", ".join(map(printable, version.facts.unsafe[:5]))
    raise InvalidInput(
        f"No file beside {version.label} defines {missing}."
        if missing
        else f"{version.label} needs no code of its own.",
        next_step="Put the module (features.py) into the model's folder or one above it, bring the folder in and "
        "register the model again."
        if missing
        else "",
    )
