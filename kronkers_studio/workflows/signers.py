"""Who signs packages: this workspace, by a key of its own, and others whose signatures it accepts.

The workspace's key is derived from its master key, as the secrets of releases are: it is the same for as long as the
workspace is there, opens with it, and lies nowhere by itself.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.changes import SignerForgotten, SignerTrusted
from kronkers_studio.domain.errors import AlreadyExists, InvalidInput, NotFound
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.signers import PackageSignature, Signer
from kronkers_studio.settings.paths import from_home
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.packaging import ComposedImage

OWN = "this workspace"
_LONGEST_NAME = 100


def public_key(session: Session) -> tuple[Signer, str]:
    """The workspace as a signer, and its public key as a PEM file holds it."""
    from kronkers_studio.packaging.images.signatures import public_key_pem

    own = _own(session)
    return own, public_key_pem(own.key)


def list_signers(session: Session) -> list[Signer]:
    """Whose signatures are accepted: the workspace's own first, then the others by name."""
    return [_own(session), *_trusted(session)]


def trust_signer(session: Session, name: str, file: Path) -> Signer:
    """Accept what the holder of the public key in ``file`` (PEM) signs, under ``name``.

    Raises ``AlreadyExists`` when the name is another's, ``InvalidInput`` when the file holds no such key.
    """
    from kronkers_studio.packaging.images.signatures import LARGEST_KEY_FILE, read_public_key

    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or printable(name) != name or name == OWN:
        raise InvalidInput("That is no name for a signer.", next_step="Give one line of text with --name.")
    try:
        with from_home(file).open("rb") as stream:
            content = stream.read(LARGEST_KEY_FILE)
    except OSError as error:
        raise InvalidInput(
            f"{file} cannot be read: {error.strerror or error}.", next_step="Choose the file with the public key."
        ) from None
    key = read_public_key(content)
    for known in list_signers(session):
        if known.name == name and known.key != key:
            raise AlreadyExists(
                f"There is a signer “{name}” with another key already.", next_step="Choose another name."
            )
        if known.key == key:
            return known
    trusted = SignerTrusted(name, key, datetime.now(UTC), session.author)
    session.workspace.ledger.record(trusted, author=session.author)
    return _signer(trusted)


def forget_signer(session: Session, name: str) -> Signer:
    """Accept the signatures of ``name`` no longer. Raises ``NotFound``."""
    found = next((signer for signer in _trusted(session) if signer.name == name), None)
    if found is None:
        raise NotFound(f"There is no signer “{name}”.", next_step="`kronkers key signers` lists them.")
    session.workspace.ledger.record(SignerForgotten(name, datetime.now(UTC), session.author), author=session.author)
    return found


def signed(session: Session, image: ComposedImage) -> ComposedImage:
    """``image`` with the workspace's signature."""
    from kronkers_studio.packaging.images.signatures import SigningKey
    from kronkers_studio.packaging.images.verification import sign_image

    return sign_image(image, SigningKey(session.workspace.signing_key))


def require_verified(
    session: Session, image: ComposedImage, *, progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> Signer:
    """Who signed ``image``, every part of which is what it is said to be: asked before anything of it leaves.

    Raises ``SignatureRefused`` when nobody did whose signature is accepted, ``PackagingFailed`` when a layer in the
    cache was changed, ``Cancelled``.
    """
    from kronkers_studio.packaging import users_layer_cache
    from kronkers_studio.packaging.images.verification import require_whole

    signer = require_signature(session, image)
    require_whole(image, users_layer_cache(), progress=progress, cancel=cancel)
    return signer


def require_signature(session: Session, image: ComposedImage) -> Signer:
    """Who signed ``image``. Raises ``SignatureRefused`` when nobody did whose signature is accepted here."""
    from kronkers_studio.packaging.images.verification import require_signed

    return require_signed(image, _accepted_signers(session, image.signature))


def _accepted_signers(session: Session, signature: PackageSignature | None) -> list[Signer]:
    """Who may have made ``signature``. The journal is looked through only for a key that is not the workspace's."""
    own = _own(session)
    return [own] if signature is None or signature.key == own.key else [own, *_trusted(session)]


def _own(session: Session) -> Signer:
    from kronkers_studio.packaging.images.signatures import SigningKey, fingerprint

    key = SigningKey(session.workspace.signing_key).public
    return Signer(OWN, key, fingerprint(key))


def _trusted(session: Session) -> list[Signer]:
    return [_signer(change) for change in session.workspace.ledger.trusted_signers()]


def _signer(change: SignerTrusted) -> Signer:
    from kronkers_studio.packaging.images.signatures import fingerprint

    return Signer(change.name, change.key, fingerprint(change.key), change.at, change.author)
