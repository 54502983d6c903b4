"""What a person says that one model version takes and gives, where its file does not say it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from kronkers_studio.domain.changes import SignatureStated
from kronkers_studio.domain.errors import DescriptionChanged, InvalidInput
from kronkers_studio.domain.models import ModelFacts, ModelVersion, Signature, StatedSignature, Tensor
from kronkers_studio.domain.stated_signatures import may_be_stated, stated
from kronkers_studio.workflows.session import Session

Reference = tuple[str, int | None, str | None]
"""A version as (name, number, alias); neither number nor alias means the newest."""


def state_signature(
    session: Session,
    model: Reference,
    *,
    inputs: Sequence[Tensor] = (),
    outputs: Sequence[Tensor] = (),
    reset: bool = False,
    before: ModelVersion | None = None,
) -> ModelVersion:
    """Say what a version takes and gives, from its next package on; what is live stays as it is.

    No ``inputs`` or no ``outputs`` leave those as they are. With ``reset`` what was said before is forgotten first.
    ``before`` is what the change was made from: it is made only while the same is said as then. Raises ``NotFound``,
    ``InvalidInput`` for a model whose file says it, or for what cannot be; ``DescriptionChanged``.
    """
    version = session.workspace.ledger.model_version(*model)
    if before is not None and version.stated != before.stated:
        raise DescriptionChanged(
            f"What is said of the inputs and outputs of {version.label} was changed by somebody else meanwhile.",
            next_step="Nothing was replaced. Look at what is said now, and say it again if that is wrong.",
        )
    known = version.facts.signature if reset else version.signature
    wanted = checked_statement(version.facts, known, inputs, outputs, version.label)
    if wanted == version.signature:
        return version
    said = None if wanted == version.facts.signature else wanted
    change = SignatureStated(version.name, version.version, said, datetime.now(UTC), session.author)
    session.workspace.ledger.record(change, author=session.author)
    return session.workspace.ledger.model_version(version.name, version.version)


def first_statement(
    session: Session, facts: ModelFacts, inputs: Sequence[Tensor], outputs: Sequence[Tensor], label: str
) -> StatedSignature | None:
    """What a person says of a model when it is registered as ``label``; None for nothing that the facts do not say.
    Raises ``InvalidInput``."""
    wanted = checked_statement(facts, facts.signature, inputs, outputs, label)
    return None if wanted == facts.signature else StatedSignature(wanted, datetime.now(UTC), session.author)


def checked_statement(
    facts: ModelFacts, known: Signature, inputs: Sequence[Tensor], outputs: Sequence[Tensor], label: str
) -> Signature:
    """``known`` with ``inputs`` and ``outputs`` in place of its own. Raises ``InvalidInput``."""
    if not inputs and not outputs:
        return known
    if not may_be_stated(facts):
        raise InvalidInput(
            f"The file of {label} says itself what it takes and gives; that cannot be said otherwise.",
            next_step="Only programs and weights of PyTorch leave it open.",
        )
    return stated(known, inputs, outputs, label)
