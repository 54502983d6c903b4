"""Private keys in files: OpenSSH's own form, PEM and PKCS#8, of the types that SSH servers take today.

What cannot be used is told as a sentence: a public key given by mistake, PuTTY's form, keys on security keys.
"""

from __future__ import annotations

import base64
import binascii
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from kronkers_studio.deployment.signing import CannotSign, Signer, string, take_string
from kronkers_studio.settings.secrets import Secret

_MOST_BYTES = 64 * 1024
_OPENSSH = b"openssh-key-v1\0"
_ON_SECURITY_KEY = ("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "rsa-sha2-256": hashes.SHA256(),
    "rsa-sha2-512": hashes.SHA512(),
    "ecdsa-sha2-nistp256": hashes.SHA256(),
    "ecdsa-sha2-nistp384": hashes.SHA384(),
    "ecdsa-sha2-nistp521": hashes.SHA512(),
}
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class KeyFileProblem(Exception):
    """The file gives no key; the text is a sentence that says why and what helps."""


@dataclass(frozen=True)
class FileKey(Signer):
    """A key read from a file."""

    private: PrivateKey
    file: Path

    @property
    def words(self) -> str:
        return f"the key file {self.file}" + (" with its certificate" if "-cert-v01@" in self.type else "")

    def sign(self, data: bytes, algorithm: str) -> bytes:
        algorithm = algorithm.removesuffix("-cert-v01@openssh.com")
        try:
            return string(algorithm.encode("ascii")) + string(_signature(self.private, data, algorithm))
        except (UnsupportedAlgorithm, ValueError) as problem:  # an RSA key that is too small to sign so
            raise CannotSign("this computer cannot sign with it") from problem


def read_key(file: Path, passphrase: Secret | None) -> list[FileKey]:
    """The key in ``file``; before it, where one lies beside it (``<file>-cert.pub``), with its certificate.

    Raises ``KeyFileProblem``.
    """
    content = _read(file)
    private = _load(file, content, passphrase)
    type_, blob = _words(private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    key = FileKey(type_, blob, private, file)
    certificate = _public(Path(f"{file}-cert.pub"))
    return [FileKey(*certificate, private, file), key] if certificate else [key]


def public_part(file: Path) -> bytes | None:
    """The public key that belongs to ``file``, for finding it in the agent; None when that needs the passphrase."""
    beside = _public(Path(f"{file}.pub"))
    if beside:
        return beside[1]
    try:
        content = _read(file)
    except KeyFileProblem:
        return None
    return _openssh_public(content)


def _read(file: Path) -> bytes:
    if _is_elsewhere(file):
        raise KeyFileProblem(f"The key file {file} is on another computer. Copy it into a folder of your own.")
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise KeyFileProblem(f"{file} is not a file.")
        with file.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise KeyFileProblem(f"The key file {file} does not exist.") from None
    except OSError as error:
        raise KeyFileProblem(f"The key file {file} cannot be read: {error.strerror}.") from None
    except ValueError:  # a name that no file can have
        raise KeyFileProblem(f"The key file {file} does not exist.") from None
    if len(content) > _MOST_BYTES:
        raise _no_key(file)
    return content


def _is_elsewhere(file: Path) -> bool:
    """Whether looking for the file would make Windows introduce the user to another computer, which a workspace that
    somebody else made may have named. A home folder on a network share is one's own."""
    return str(file).replace("\\", "/").startswith("//") and not file.is_relative_to(Path.home())


def _load(file: Path, content: bytes, passphrase: Secret | None) -> PrivateKey:
    _require_usable(file, content)
    password = passphrase.reveal().encode("utf-8") if passphrase else None
    load = load_ssh_private_key if b"BEGIN OPENSSH PRIVATE KEY" in content else load_pem_private_key
    try:
        key = _either(load, content, password)
    except TypeError:
        raise KeyFileProblem(
            f"The key file {file} is locked: give its passphrase, or load it into your SSH agent."
        ) from None
    except UnsupportedAlgorithm:
        raise KeyFileProblem(
            f"The key in {file} is of a kind that cannot be used here. Make a new one (ssh-keygen -t ed25519)."
        ) from None
    except (ValueError, InvalidTag):
        if password and _is_locked(content):
            raise KeyFileProblem(f"The passphrase does not open the key file {file}.") from None
        raise _no_key(file) from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise KeyFileProblem(
            f"The key in {file} is of a kind that servers no longer take. Make a new one (ssh-keygen -t ed25519)."
        )
    return key


def _either(load: object, content: bytes, password: bytes | None) -> object:
    """With the passphrase, or without where none is needed. Raises ``TypeError`` when one is needed."""
    try:
        return load(content, password)  # type: ignore[operator]  # either of the two loaders
    except TypeError:
        if password is None:
            raise
        return load(content, None)  # type: ignore[operator]


def _require_usable(file: Path, content: bytes) -> None:
    """Raise for what is recognised and can never be used."""
    if content.startswith(b"PuTTY-User-Key-File-"):
        raise KeyFileProblem(
            f"The key file {file} is in PuTTY's own form. Load it into Pageant, or save it as an OpenSSH key with "
            "PuTTYgen (Conversions, Export OpenSSH key)."
        )
    if re.match(rb"\s*((ssh|ecdsa|sk)-[a-z0-9-]+(@openssh\.com)? AAAA|---- BEGIN SSH2 PUBLIC KEY)", content) or (
        b"-BEGIN PUBLIC KEY-" in content
    ):
        raise KeyFileProblem(
            f"{file} is not a private key but the public one. Name the file of the same name without .pub."
        )
    public = _openssh_public(content)
    if public and _type_of(public) in _ON_SECURITY_KEY:
        raise KeyFileProblem(
            f"The key in {file} lies on a security key. Load it into your SSH agent (ssh-add {file}), which asks for "
            "the touch."
        )
    if public and _type_of(public) == "ssh-dss":
        raise KeyFileProblem(
            f"The key in {file} is a DSA key, which servers no longer take. Make a new one (ssh-keygen -t ed25519)."
        )


def _no_key(file: Path) -> KeyFileProblem:
    return KeyFileProblem(f"The key file {file} is not a private key in a known format.")


def _is_locked(content: bytes) -> bool:
    if b"ENCRYPTED" in content:
        return True
    body = _openssh_body(content)
    try:
        return body is not None and take_string(body)[0] != b"none"
    except ValueError:
        return False


def _openssh_body(content: bytes) -> bytes | None:
    found = re.search(rb"-----BEGIN OPENSSH PRIVATE KEY-----(.*?)-----END OPENSSH PRIVATE KEY-----", content, re.DOTALL)
    if not found:
        return None
    try:
        body = base64.b64decode(found[1])
    except (binascii.Error, ValueError):
        return None
    return body[len(_OPENSSH) :] if body.startswith(_OPENSSH) else None


def _openssh_public(content: bytes) -> bytes | None:
    """The public key that OpenSSH's form says in the clear, also of a locked key."""
    rest = _openssh_body(content)
    if rest is None:
        return None
    try:
        for _ in range(3):  # cipher, kdf and its options
            _, rest = take_string(rest)
        return take_string(rest[4:])[0]  # after the number of keys
    except ValueError:
        return None


def _type_of(blob: bytes) -> str:
    try:
        return take_string(blob)[0].decode("ascii", "replace")
    except ValueError:
        return ""


def _public(file: Path) -> tuple[str, bytes] | None:
    """The public key or certificate in ``file``, if there is one."""
    try:
        return _words(_read(file))
    except KeyFileProblem:
        return None
    except (ValueError, IndexError):  # base64's errors are ValueErrors
        return None


def _words(line: bytes) -> tuple[str, bytes]:
    """From "type base64 comment". Raises ``ValueError`` or ``IndexError``."""
    blob = base64.b64decode(line.split()[1], validate=True)
    return take_string(blob)[0].decode("ascii"), blob


def _signature(private: PrivateKey, data: bytes, algorithm: str) -> bytes:
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private.sign(data)
    hashed = _HASHES[algorithm]
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(data, padding.PKCS1v15(), hashed)
    return b"".join(string(_mpint(number)) for number in decode_dss_signature(private.sign(data, ec.ECDSA(hashed))))


def _mpint(number: int) -> bytes:
    """A positive number with room for the sign (RFC 4251, section 5)."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")
