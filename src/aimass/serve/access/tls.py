"""TLS by certificate files, read again when they change: a renewed certificate needs no restart.

TLS 1.2 or newer, no compression, no renegotiation; of 1.2 only what HTTP/2 allows (RFC 9113, section 9.2).  With a file
of authorities every client must show a certificate that one of them signed.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimass.core.errors import InputError
from aimass.serve.access.file import Stamp, settled, stamp_of

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
# Whoever speaks both gets HTTP/1.1: over HTTP/2 only gRPC is answered here, and its clients offer nothing else.
PROTOCOLS = ["http/1.1", "h2"]
HANDSHAKE = 10.0  # seconds


@dataclass(frozen=True)
class Tls:
    """Files in PEM: CERT with the chain, KEY without a passphrase, CLIENT_CA to ask clients for certificates."""

    cert: Path
    key: Path
    client_ca: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Raises InputError naming the file at fault."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        context.set_ciphers(CIPHERS)
        context.set_alpn_protocols(PROTOCOLS)
        self.load(context)
        if self.client_ca is not None:
            _authorities(context, self.client_ca)
        return context

    def load(self, context: ssl.SSLContext) -> None:
        """Certificate and key into CONTEXT.  Raises InputError."""
        for path, what in ((self.cert, "certificate"), (self.key, "key")):
            _check(path, what)
        try:
            context.load_cert_chain(self.cert, self.key, password=_no_password)
        except _Locked as error:
            raise InputError(f"{self.key} asks for a passphrase", expected="one without", key="tls-key") from error
        except ssl.SSLError as error:
            if "MISMATCH" in str(error).upper():
                raise InputError(
                    f"{self.key} is not the key of {self.cert}", expected="a certificate and its key", key="tls-key"
                ) from error
            fault, key = (self.cert, "tls-cert") if not _certificates(self.cert) else (self.key, "tls-key")
            raise InputError(f"{fault} cannot be read: {error.reason or error}", expected="PEM", key=key) from error

    def stamp(self) -> tuple[Stamp, ...]:
        """Differs when one of the files is another."""
        return stamp_of(self.cert), stamp_of(self.key)


class Certificate:
    """The context of a server that runs; `look` takes up new files, and keeps the old where they do not fit."""

    def __init__(self, files: Tls) -> None:
        self.files = files
        self.stamp: tuple[Stamp, ...] | None = None  # None: to be read again
        self.context = files.context()
        self.error = ""

    async def look(self) -> None:
        """Use what changed, from the next handshake on."""
        stamp = self.files.stamp()
        if stamp == self.stamp:
            return
        self.stamp = stamp if all(map(settled, stamp)) else None
        try:
            self.files.load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))  # half of a pair would spoil the one in use
            self.files.load(self.context)
        except InputError as error:
            self.error = error.what
        else:
            self.error = ""

    def health(self) -> dict[str, Any]:
        """Empty when all is well."""
        return {"certificate": f"{self.error}; the one before that is shown"} if self.error else {}


class _Locked(Exception):
    pass


def _no_password() -> str:
    """OpenSSL would ask at the terminal."""
    raise _Locked


def _check(path: Path, what: str) -> None:
    """Raises InputError when the file at PATH cannot be read: OpenSSL does not say which of two it was."""
    try:
        path.read_bytes()
    except OSError as error:
        setting = "tls-cert" if what == "certificate" else "tls-key"
        raise InputError(f"the {what} cannot be read from {path}: {error.strerror}", key=setting) from error


def _certificates(path: Path) -> bool:
    """Whether the file at PATH holds certificates."""
    try:
        ssl.create_default_context(cafile=path)
    except (ssl.SSLError, OSError):
        return False
    return True


def _authorities(context: ssl.SSLContext, path: Path) -> None:
    """Clients of CONTEXT must show a certificate signed by one of those in the file at PATH."""
    try:
        context.load_verify_locations(path)
    except (ssl.SSLError, OSError) as error:
        what = error.strerror if not isinstance(error, ssl.SSLError) else error.reason
        raise InputError(
            f"the authorities cannot be read from {path}: {what}", expected="certificates in PEM", key="tls-client-ca"
        ) from error
    context.verify_mode = ssl.CERT_REQUIRED
