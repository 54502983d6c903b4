"""Certificates of the company's own authorities: who believes them, and that keys come back with the workspace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from kronkers_studio.deployment.gateway.certificates import authority_key, expiry_of, issue, new_authority
from kronkers_studio.domain.errors import InvalidInput

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def _verify(authority: bytes, chain: bytes, name: str, at: datetime = NOW) -> None:
    leaf, *others = x509.load_pem_x509_certificates(chain)
    store = Store(x509.load_pem_x509_certificates(authority))
    subject = x509.DNSName(name)
    PolicyBuilder().store(store).time(at).build_server_verifier(subject).verify(leaf, others)


def test_a_certificate_is_believed_by_who_knows_its_authority_and_for_its_names_alone() -> None:
    authority, other = new_authority("one", now=NOW), new_authority("other", now=NOW)
    made = issue(authority, ["models.example.com", "10.0.0.2", "fd77::2"], NOW)
    _verify(authority.certificate, made, "models.example.com")
    for known, name, at in (
        (other.certificate, "models.example.com", NOW),
        (authority.certificate, "elsewhere.example.com", NOW),
        (authority.certificate, "models.example.com", NOW + timedelta(days=398)),
        (authority.certificate, "models.example.com", NOW - timedelta(days=3)),
    ):
        with pytest.raises(VerificationError):
            _verify(known, made, name, at)
    names = x509.load_pem_x509_certificates(made)[0].extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert [str(address) for address in names.value.get_values_for_type(x509.IPAddress)] == ["10.0.0.2", "fd77::2"]
    assert expiry_of(made) == NOW + timedelta(days=397)


def test_an_authoritys_key_comes_back_with_the_workspaces_and_differs_by_purpose() -> None:
    key = authority_key(b"k" * 32, "consumers")
    assert key == authority_key(b"k" * 32, "consumers")
    assert len({key, authority_key(b"k" * 32, "gateways"), authority_key(b"l" * 32, "consumers")}) == 3
    again = new_authority("one", key, NOW)
    loaded = x509.load_pem_x509_certificate(again.certificate).public_key()
    private = serialization.load_pem_private_key(key, password=None)
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert loaded.public_bytes(*form) == private.public_key().public_bytes(*form)
    assert "k" * 8 not in repr(again)
    assert b"PRIVATE" not in repr(again).encode()


def test_no_certificate_outlives_its_authority() -> None:
    authority = new_authority("one", now=NOW)
    late = NOW + timedelta(days=3600)
    assert expiry_of(issue(authority, ["models.example.com"], late)) == expiry_of(authority.certificate)


@pytest.mark.parametrize("text", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_said_to_be_none(text: bytes) -> None:
    with pytest.raises(InvalidInput):
        expiry_of(text)


def test_a_name_with_other_letters_is_in_a_certificate_as_the_dns_has_it() -> None:
    authority = new_authority("Kronkers models")
    (own, *_) = x509.load_pem_x509_certificates(issue(authority, ["münchen.example"]))
    names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["xn--mnchen-3ya.example"]
    with pytest.raises(InvalidInput, match="cannot be in a certificate"):
        issue(authority, ["ü" * 80])
