"""An authority of the company's own, and the certificates that it gives to gateways.

Who has no certificate for a server gets one of these: programs are given the authority's certificate once and know
every gateway by it from then on. Gateways know one another by another authority, so that nobody's program can pass for
one.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kronkers_studio.domain.errors import InvalidInput

_AUTHORITY_DAYS = 3650
_CERTIFICATE_DAYS = 397
"""What browsers and Apple's systems accept at most."""

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256 (FIPS 186-4, D.1.2.3): private keys are the numbers below."""

_CLOCKS_APART = timedelta(hours=25)
"""So far back a certificate is valid already: servers' clocks are not all right."""


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority: its certificate, which everybody may have, and its key, which nobody else may, both in PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


def authority_key(subkey: bytes, purpose: str) -> bytes:
    """The key (PEM) of the authority for ``purpose``, always the same one for a workspace's ``subkey``: it opens with
    the workspace and lies nowhere by itself."""
    number = int.from_bytes(hmac.digest(subkey, f"authority:{purpose}".encode(), "sha512"), "big")
    return _pem(ec.derive_private_key(number % (_P256_ORDER - 1) + 1, ec.SECP256R1()))


def new_authority(name: str, key: bytes = b"", now: datetime | None = None) -> Authority:
    """An authority called ``name`` with ``key`` (PEM), or a new one; valid for ten years."""
    now = now or datetime.now(UTC)
    signer = _signer(key) if key else ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(signer.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_APART)
        .not_valid_after(now + timedelta(days=_AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return Authority(certificate.public_bytes(serialization.Encoding.PEM), _pem(signer))


def issue(authority: Authority, names: Sequence[str], now: datetime | None = None) -> bytes:
    """A new key with a certificate for ``names`` (host names and IP addresses), and the authority's certificate: one
    PEM, as HAProxy wants it."""
    if not names:
        raise InvalidInput("A certificate needs the name or the address of its server.")
    names = [_in_ascii(name) for name in names]
    now = now or datetime.now(UTC)
    signer = _signer(authority.key)
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    key = ec.generate_private_key(ec.SECP256R1())
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_APART)
        .not_valid_after(min(now + timedelta(days=_CERTIFICATE_DAYS), issuer.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return _pem(key) + certificate.public_bytes(serialization.Encoding.PEM) + authority.certificate


def is_of_key(certificate: str, key: bytes) -> bool:
    """Whether ``certificate`` is one certificate in PEM and nothing more, for ``key`` and signed with it: whoever can
    write to a workspace may have put another one there, or one beside it."""
    try:
        only = x509.load_pem_x509_certificate(certificate.encode("ascii"))
        only.verify_directly_issued_by(only)
    except (ValueError, TypeError, InvalidSignature):
        return False
    public = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    same = only.public_key().public_bytes(*public) == _signer(key).public_key().public_bytes(*public)
    return same and only.public_bytes(serialization.Encoding.PEM).decode("ascii") == certificate


def expiry_of(certificate: bytes) -> datetime:
    """When the (first) certificate in a PEM ends. Raises ``InvalidInput`` when there is none."""
    try:
        return x509.load_pem_x509_certificates(certificate)[0].not_valid_after_utc
    except (ValueError, IndexError):
        raise InvalidInput("This is not a certificate in PEM form.") from None


def _signer(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise InvalidInput("The authority's key is of a kind that Kronkers Studio does not make.")
    return key


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _in_ascii(name: str) -> str:
    """As the DNS has it: "xn--mnchen-3ya.example"."""
    try:
        return name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        raise InvalidInput(f"“{name[:60]}” cannot be in a certificate as a host's name.") from None


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
