"""A key and two certificates for it, made on this machine: an authority that signs once, and whom it vouches for."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAME = "Deepfake Lab (self-made)"
"""Whoever runs the program is not named: the certificate goes out with every file."""

YEARS = 10
"""Files can be checked as long as that: no third party says that they were made while the certificate was valid."""

CLOCK_SLACK = timedelta(days=1)
"""Other machines' clocks may be behind."""


class Made(NamedTuple):
    """The signer's key, and its certificate followed by the authority's."""

    key: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, x509.Certificate]


def make(name: str = NAME, *, lasting: timedelta = timedelta(days=365 * YEARS)) -> Made:
    """Make a key on the curve P-256 and its certificates.

    The authority's own key is forgotten here, so nobody can ever sign another certificate in its name; who trusts this
    authority trusts one key.
    """
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    above, own = _name(f"{name} authority"), _name(name)
    authority = (
        _started(above, above, authority_key.public_key(), lasting)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(authority_key, SHA256())
    )
    signer = (
        _started(own, above, key.public_key(), lasting)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, SHA256())
    )
    return Made(key, (signer, authority))


def _started(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, lasting: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SLACK)
        .not_valid_after(now + lasting)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
