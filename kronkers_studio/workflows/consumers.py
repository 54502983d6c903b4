"""Who may ask models through gateways: consumers and their API keys.

A key is shown once, when it is made; the workspace and the gateways keep its hash. Whatever is changed here holds on a
gateway as soon as that gateway was told; one that could not be told is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from kronkers_studio.domain.changes import ConsumerSet
from kronkers_studio.domain.errors import AlreadyExists, GatewayFailed, InvalidInput, NotFound
from kronkers_studio.domain.gateways import DEFAULT_RATE, ApiKey, Consumer, is_environment_name, key_of, new_api_key
from kronkers_studio.domain.naming import is_model_name
from kronkers_studio.domain.progress import SILENT, Progress
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.workflows.gateways import publish_everywhere
from kronkers_studio.workflows.session import Session

MOST_KEYS = 2
"""That are valid at once: the one in use, and the one that replaces it."""

_MOST = (1 << 31) - 2


def list_consumers(session: Session) -> list[Consumer]:
    """By name."""
    return session.workspace.ledger.consumers()


def add_consumer(
    session: Session,
    name: str,
    *,
    models: Sequence[str] = (),
    rate: int = DEFAULT_RATE,
    quota: int = 0,
    expires: datetime | None = None,
    progress: Progress = SILENT,
) -> tuple[Consumer, Secret]:
    """Let somebody ask ``models`` ("production/wine"; all when empty), and give the key for it.

    ``rate`` is the most requests within ten seconds, ``quota`` the most a day (0: any number). Raises ``InvalidInput``,
    ``AlreadyExists``. The key is given whatever gateways could not be told of it; they are noted.
    """
    if not is_model_name(name):  # as short and plain as those: it becomes a word of a gateway's files
        raise InvalidInput(
            f"“{name[:40]}” cannot be a consumer's name.",
            next_step="Use small letters, digits, dots and hyphens, such as web-shop.",
        )
    if any(consumer.name == name for consumer in list_consumers(session)):
        raise AlreadyExists(
            f"There is a consumer “{name}” already.", next_step=f"A second key: `kronkers consumer key {name}`."
        )
    for model in models:
        environment, _, called = model.partition("/")
        if not is_environment_name(environment) or not is_model_name(called):
            raise InvalidInput(
                f"“{model[:80]}” is not a model in an environment.", next_step="Write it as production/wine."
            )
    if not 0 < rate <= _MOST or not 0 <= quota <= _MOST:
        raise InvalidInput("Limits are whole numbers above zero.", next_step="Leave --quota out for any number a day.")
    key, text = _new_key(expires)
    consumer = Consumer(name, (key,), rate, quota, tuple(dict.fromkeys(models)))
    _set_new_key(session, name, consumer, progress)
    return consumer, text


def add_key(
    session: Session, name: str, *, expires: datetime | None = None, progress: Progress = SILENT
) -> tuple[Consumer, Secret]:
    """A second key for the consumer: programs are given it while the first is still valid. Raises ``InvalidInput`` when
    two are valid already, ``NotFound``."""
    consumer = _consumer(session, name)
    valid = [key for key in consumer.keys if key.is_valid_at(datetime.now(UTC))]
    if len(valid) >= MOST_KEYS:
        raise InvalidInput(
            f"{name} has {MOST_KEYS} valid keys already.",
            next_step=f"Revoke the one that is no longer used: `kronkers consumer revoke {name} {valid[0].shown}`.",
        )
    key, text = _new_key(expires)
    changed = replace(consumer, keys=(*valid, key))
    _set_new_key(session, name, changed, progress)
    return changed, text


def revoke_key(session: Session, name: str, shown: str, *, progress: Progress = SILENT) -> Consumer:
    """The key that begins with ``shown`` is refused from now on, on every gateway that can be told."""
    consumer = _consumer(session, name)
    found = [key for key in consumer.keys if shown and key.shown.startswith(shown)]
    if len(found) != 1:
        raise NotFound(
            f"{name} has {'no' if not found else 'more than one'} key that begins with “{shown[:40]}”.",
            next_step="`kronkers consumer list` shows how each begins.",
        )
    changed = replace(consumer, keys=tuple(key for key in consumer.keys if key != found[0]))
    _set(session, name, changed, progress)
    return changed


def remove_consumer(session: Session, name: str, *, progress: Progress = SILENT) -> None:
    """All its keys are refused from now on. Raises ``NotFound``."""
    _consumer(session, name)
    _set(session, name, None, progress)


def _consumer(session: Session, name: str) -> Consumer:
    found = next((consumer for consumer in list_consumers(session) if consumer.name == name), None)
    if found is None:
        raise NotFound(f"There is no consumer “{name[:40]}”.", next_step="`kronkers consumer list` shows them.")
    return found


def _new_key(expires: datetime | None) -> tuple[ApiKey, Secret]:
    now = datetime.now(UTC)
    if expires is not None and expires <= now:
        raise InvalidInput("The key would have expired already.", next_step="Give a day that is to come.")
    text = new_api_key()
    return key_of(text, now, expires), Secret(text)


def _set_new_key(session: Session, name: str, consumer: Consumer, progress: Progress) -> None:
    """It is shown this once: a gateway that is away must not keep it from whoever asked for it."""
    try:
        _set(session, name, consumer, progress)
    except GatewayFailed as problem:
        progress.note(str(problem))


def _set(session: Session, name: str, consumer: Consumer | None, progress: Progress) -> None:
    session.workspace.ledger.record(
        ConsumerSet(name, consumer, datetime.now(UTC), session.author), author=session.author
    )
    publish_everywhere(session, progress)
