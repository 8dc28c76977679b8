"""Certificates that are made on the spot, and sign themselves or others."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Made:
    """The files of a certificate and its key."""

    cert: Path
    key: Path
    x509: x509.Certificate
    secret: ec.EllipticCurvePrivateKey

    @property
    def serial(self) -> int:
        return self.x509.serial_number


def made(folder: Path, name: str, by: Made | None = None, passphrase: bytes = b"") -> Made:
    """A certificate for 127.0.0.1 and localhost called NAME in FOLDER, signed BY another or by itself."""
    secret = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.x509.subject if by else subject)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .sign(by.secret if by else secret, hashes.SHA256())
    )
    locked = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    found = Made(folder / f"{name}.pem", folder / f"{name}.key", certificate, secret)
    found.cert.write_bytes(certificate.public_bytes(PEM))
    found.key.write_bytes(secret.private_bytes(PEM, serialization.PrivateFormat.PKCS8, locked))
    return found
