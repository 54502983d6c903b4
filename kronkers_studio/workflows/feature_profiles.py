"""The reference profile of a model version: how the features were spread in the data that it was trained on.

It is made by the process that reads tables; nothing but the profile comes here. A service counts what comes in into the
same bins (docs/decisions/0031).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from kronkers_studio.domain.changes import ProfileMade
from kronkers_studio.domain.content import EntryKind
from kronkers_studio.domain.errors import Cancelled, InvalidInput, StudioError
from kronkers_studio.domain.feature_profiles import ProfileQuestion, ReferenceProfile, bins_document
from kronkers_studio.domain.model_columns import model_columns
from kronkers_studio.domain.model_rows import why_no_rows
from kronkers_studio.domain.models import ContentRef, ModelVersion, Signature, Tensor
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.workflows.session import Session

MOST_BYTES = 512 << 20
"""The largest file of reference data: a million rows of some thirty numbers as text."""


@dataclass(frozen=True, slots=True)
class Profiled:
    """A version with its reference profile, None where none was made."""

    version: ModelVersion
    profile: ReferenceProfile | None


def read_profile(session: Session, name: str, version: int | None = None, alias: str | None = None) -> Profiled:
    """A version's reference profile. Raises ``NotFound``, and ``StoreDamaged`` for a profile that is none."""
    found = session.workspace.ledger.model_version(name, version, alias)
    return Profiled(found, session.workspace.ledger.profile(found.name, found.version))


def make_profile(
    session: Session,
    model: tuple[str, int | None, str | None],
    *,
    data: ContentRef | None = None,
    target: str = "",
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> Profiled:
    """Make a version's reference profile of ``data``, by default of what it was made of before, else of what it was
    trained on. ``target`` is the column with the true answers; without, it is the only one that the model does not
    take.

    Raises ``InvalidInput`` when there are no such data, no table, or none of its columns can be profiled;
    ``TableUnreadable``, ``NotFound``, ``Cancelled``.
    """
    ledger = session.workspace.ledger
    version = ledger.model_version(*model)
    before = ledger.profile(version.name, version.version)
    data = data or (before.data if before is not None else None) or version.data
    if data is None:
        raise InvalidInput(
            f"{version.label} names no data that it was trained on.",
            next_step=f"Name them: kronkers model profile {version.label} --data PROJECT:PATH",
        )
    question = profile_question(version.signature, target)
    if question is None:
        reason = why_no_rows(version.signature) or "what columns it takes is not known"
        raise InvalidInput(f"{version.label} cannot have a reference profile: {reason}.")
    content = session.workspace.content
    commit = content.resolve(data.project, data.commit)
    entry = content.find(data.project, commit.id, data.path)
    if entry.kind is not EntryKind.FILE or entry.size > MOST_BYTES:
        why = "is not a file" if entry.kind is not EntryKind.FILE else f"is larger than {MOST_BYTES >> 20} MB"
        raise InvalidInput(f"“{entry.name}” {why}.", next_step="Choose a table, or a part of it.")
    progress.step(f"Looking at the columns of {entry.name}")
    with content.open(entry) as stream:
        table = session.workspace.tables.profile(entry.name, stream, question, cancel=cancel)
    if version.signature.outputs and _label(version.signature) is None:  # several values for each row are not counted
        table = replace(table, answers=None, target="")
    if not table.features:
        raise InvalidInput(
            f"None of the columns that {version.label} takes can be profiled from “{entry.name}”.",
            next_step="Choose the table that it was trained on.",
            details=", ".join(f"{one.name}: {one.why.value}" for one in table.left_out),
        )
    source = ContentRef(data.project, commit.id, data.path)
    profile = ReferenceProfile(table, source, datetime.now(UTC), session.author)
    ledger.record(ProfileMade(version.name, version.version, profile), author=session.author)
    return Profiled(version, profile)


def profile_registered(
    session: Session,
    version: ModelVersion,
    *,
    data: ContentRef | None = None,
    target: str = "",
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> StudioError | None:
    """Make the profile of a version that was just registered, if it has none: of what it names as its data, or of
    ``data``, which were named for one that was registered before without any. Why it could not be made is answered, for
    the registration stands all the same."""
    data = version.data or data
    if data is None or session.workspace.ledger.profile(version.name, version.version) is not None:
        return None
    model = (version.name, version.version, None)
    try:
        make_profile(session, model, data=data, target=target, progress=progress, cancel=cancel)
    except Cancelled:
        raise
    except StudioError as problem:
        return problem
    return None


def profile_question(signature: Signature, target: str = "") -> ProfileQuestion | None:
    """What is asked of a table for a model of this signature; None where it takes no rows of known columns."""
    columns = model_columns(signature)
    if why_no_rows(signature):
        return None
    asked = tuple((name, datatype.value) for name, datatype in columns.named)
    asked = asked or tuple((str(number + 1), columns.datatype.value) for number in range(columns.width))
    if not asked:
        return None
    label = _label(signature)
    classes = next((tensor.columns for tensor in signature.outputs if tensor.columns and tensor is not label), ())
    datatype = label.datatype.value if label is not None else ""
    return ProfileQuestion(asked, bool(columns.named), datatype, tuple(classes), target)


def _label(signature: Signature) -> Tensor | None:
    """The output that a service counts the answers of: the first that may hold one for each row."""
    return next((tensor for tensor in signature.outputs if tensor.any_rank or tensor.shape[1:] in ((), (1,))), None)


def packaged_bins(session: Session, version: ModelVersion) -> bytes | None:
    """What a package holds of the version's profile; None without one."""
    profile = session.workspace.ledger.profile(version.name, version.version)
    return None if profile is None else bins_document(profile.table)
