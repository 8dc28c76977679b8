"""TLS: both protocols on one port, certificates that change while it runs, and files that are wrong."""

from __future__ import annotations

import asyncio
import http.client
import json
import shutil
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.serve.access.certificates import Made, made
from tests.serve.conftest import SAMPLE, Running, running

from aimass.core.errors import InputError
from aimass.serve.access.door import Door, door
from aimass.serve.access.tls import Certificate, Tls
from aimass.serve.grpc.messages import CLASSES

PATH = "/v1/predict/flights"
BODY = json.dumps({"records": SAMPLE}).encode()
METADATA = "/inference.GRPCInferenceService/ServerMetadata"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(tmp_path_factory.mktemp("tls"), "server")


@pytest.fixture(scope="module")
def secured(folder: Path, files: Made) -> Iterator[Running]:
    with running(folder, "--tls-cert", str(files.cert), "--tls-key", str(files.key)) as found:
        yield found


def trusting(cert: Path, *protocols: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=cert)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def ask(
    port: int, context: ssl.SSLContext, method: str = "POST", path: str = PATH, body: bytes = BODY
) -> tuple[int, Any]:
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def connected(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    raw = socket.create_connection(("127.0.0.1", port), timeout=30)
    try:
        return context.wrap_socket(raw, server_hostname="localhost")
    except OSError:
        raw.close()
        raise


def shown(port: int, context: ssl.SSLContext) -> tuple[int, str | None, str | None]:
    """Serial number, protocol and version of TLS that a server shows."""
    from cryptography import x509

    with connected(port, context) as wrapped:
        serial = x509.load_der_x509_certificate(wrapped.getpeercert(binary_form=True) or b"").serial_number
        return serial, wrapped.selected_alpn_protocol(), wrapped.version()


def metadata(port: int, *, cert: bytes, key: bytes | None = None, chain: bytes | None = None, **fields: str) -> str:
    """What gRPC tells of the server, over TLS."""
    secrets = grpc.ssl_channel_credentials(cert, key, chain)
    with grpc.secure_channel(f"localhost:{port}", secrets) as channel:
        call = channel.unary_unary(METADATA, lambda sent: b"", CLASSES["ServerMetadataResponse"].FromString)
        named = [(name.replace("_", "-"), value) for name, value in fields.items()]
        return str(call(None, timeout=30, metadata=named).name)


def test_https_and_grpc_are_answered_on_the_same_port(secured: Running, files: Made) -> None:
    assert secured.ready["url"] == f"https://127.0.0.1:{secured.port}"
    assert ask(secured.port, trusting(files.cert))[0] == 200
    assert metadata(secured.port, cert=files.cert.read_bytes()) == "aimass"


def test_who_offers_both_gets_http_1_and_who_speaks_only_http_2_that(secured: Running, files: Made) -> None:
    for offered, chosen in [(("h2", "http/1.1"), "http/1.1"), (("h2",), "h2"), (("http/1.1",), "http/1.1"), ((), None)]:
        assert shown(secured.port, trusting(files.cert, *offered))[1] == chosen


def test_nothing_older_than_tls_1_2_is_spoken(secured: Running, files: Made) -> None:
    assert shown(secured.port, trusting(files.cert))[2] == "TLSv1.3"
    old = trusting(files.cert)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert shown(secured.port, old)[2] == "TLSv1.2"
    with pytest.warns(DeprecationWarning):
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match=r"EOF|ALERT"):
        shown(secured.port, old)


def test_many_requests_go_over_one_connection_and_refused_ones_too(secured: Running, files: Made) -> None:
    connection = http.client.HTTPSConnection("127.0.0.1", secured.port, timeout=30, context=trusting(files.cert))
    statuses = []
    for body in (BODY, b"{", BODY, b" " * 3_000_000, BODY):
        connection.request("POST", PATH, body)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()
    assert statuses == [200, 400, 200, 400, 200]


def test_who_speaks_no_tls_or_ends_early_harms_nobody(secured: Running, files: Made) -> None:
    for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"\0" * 5000, b""):
        with socket.create_connection(("127.0.0.1", secured.port), timeout=30) as raw:
            raw.sendall(junk)
    with connected(secured.port, trusting(files.cert)) as wrapped:
        wrapped.sendall(b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-length: 500\r\n\r\n{" % PATH.encode())
    assert ask(secured.port, trusting(files.cert))[0] == 200


def test_a_refusal_before_the_end_of_a_body_reaches_its_caller(secured: Running, files: Made) -> None:
    with connected(secured.port, trusting(files.cert)) as wrapped:
        wrapped.sendall(b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-length: 900000000\r\n\r\n" % PATH.encode())
        wrapped.sendall(b" " * 100_000)
        assert wrapped.recv(1000).startswith(b"HTTP/1.1 413")


def test_a_certificate_that_changes_is_shown_from_then_on_and_a_wrong_one_is_not(folder: Path, tmp_path: Path) -> None:
    first, second, third = (made(tmp_path, name) for name in ("first", "second", "third"))
    cert, key = tmp_path / "cert.pem", tmp_path / "cert.key"
    trust = tmp_path / "trust.pem"
    trust.write_bytes(b"".join(one.cert.read_bytes() for one in (first, second, third)))

    def put(one: Made, what: str = "both") -> None:
        for source, place in ((one.cert, cert), (one.key, key)):
            if what in ("both", source.suffix):
                shutil.copy(source, place.with_suffix(".new"))
                place.with_suffix(".new").replace(place)

    put(first)
    with running(folder, "--tls-cert", str(cert), "--tls-key", str(key)) as server:
        assert shown(server.port, trusting(trust))[0] == first.serial
        open_one = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=30, context=trusting(trust))
        open_one.request("POST", PATH, BODY)
        assert open_one.getresponse().read()
        put(second)
        until(lambda: shown(server.port, trusting(trust))[0] == second.serial)
        put(third, ".pem")  # the key is still the second's
        until(lambda: "is not the key" in str(ask(server.port, trusting(trust), "GET", "/v1/health", b"")[1]))
        assert shown(server.port, trusting(trust))[0] == second.serial
        put(third, ".key")
        until(lambda: shown(server.port, trusting(trust))[0] == third.serial)
        assert "access" not in ask(server.port, trusting(trust), "GET", "/v1/health", b"")[1]
        open_one.request("POST", PATH, BODY)  # what was open stays open
        assert open_one.getresponse().status == 200
        open_one.close()
        assert server.end() == (0, "")


def until(true: Any) -> None:
    """Waits until TRUE says so; a test that waits in vain fails by it."""
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_clients_are_asked_for_certificates_where_authorities_are_named(folder: Path, tmp_path: Path) -> None:
    authority = made(tmp_path, "authority")
    server, good, stranger = (
        made(tmp_path, "server", authority),
        made(tmp_path, "good", authority),
        made(tmp_path, "self"),
    )
    options = ("--tls-cert", str(server.cert), "--tls-key", str(server.key), "--tls-client-ca", str(authority.cert))
    with running(folder, *options) as found:
        known = trusting(authority.cert)
        known.load_cert_chain(good.cert, good.key)
        assert ask(found.port, known)[0] == 200
        assert metadata(
            found.port, cert=authority.cert.read_bytes(), key=good.key.read_bytes(), chain=good.cert.read_bytes()
        ) == "aimass"  # fmt: skip
        unknown = trusting(authority.cert)
        unknown.load_cert_chain(stranger.cert, stranger.key)
        for context in (trusting(authority.cert), unknown):
            with pytest.raises((ssl.SSLError, OSError, http.client.HTTPException)):
                ask(found.port, context)
        assert ask(found.port, known)[0] == 200


def test_a_request_under_way_at_the_end_is_answered(folder: Path, files: Made) -> None:
    with running(folder, "--tls-cert", str(files.cert), "--tls-key", str(files.key)) as server:
        with connected(server.port, trusting(files.cert)) as wrapped:
            head = b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % (PATH.encode(), len(BODY))
            wrapped.sendall(head + BODY[:20])
            ask(server.port, trusting(files.cert))
            server.process.terminate()
            time.sleep(0.1)
            wrapped.sendall(BODY[20:])
            answer = b""
            while b"predictions" not in answer:
                answer += wrapped.recv(1 << 16)
            assert answer.startswith(b"HTTP/1.1 200") and b"connection: close" in answer
        assert server.process.wait(60) == 0


# -- files ----------------------------------------------------------------------------------------------------


def test_wrong_files_are_named(tmp_path: Path, files: Made) -> None:
    other, locked = made(tmp_path, "other"), made(tmp_path, "locked", passphrase=b"x")
    junk = tmp_path / "junk"
    junk.write_text("junk")
    for tls, told, key in [
        (Tls(tmp_path / "no", files.key), "no: No such file", "tls-cert"),
        (Tls(files.cert, tmp_path / "no"), "no: No such file", "tls-key"),
        (Tls(files.cert, other.key), "other.key is not the key of", "tls-key"),
        (Tls(junk, files.key), "junk cannot be read", "tls-cert"),
        (Tls(files.cert, junk), "junk cannot be read", "tls-key"),
        (Tls(locked.cert, locked.key), "asks for a passphrase", "tls-key"),
        (Tls(files.cert, files.key, junk), "authorities cannot be read from .*junk", "tls-client-ca"),
        (Tls(files.cert, files.key, tmp_path / "no"), "authorities cannot be read from .*no", "tls-client-ca"),
        (Tls(tmp_path, files.key), "Is a directory", "tls-cert"),
    ]:
        with pytest.raises(InputError, match=told) as caught:
            tls.context()
        assert caught.value.key == key


@pytest.mark.parametrize(
    ("given", "lacking"),
    [((None, Path("a"), None, None), "tls-key"), ((None, None, Path("a"), None), "tls-cert"),
     ((None, None, None, Path("a")), "tls-cert")],
)  # fmt: skip
def test_half_a_pair_is_refused(given: Any, lacking: str) -> None:
    with pytest.raises(InputError, match=lacking):
        door(*given)


def test_half_a_renewal_changes_nothing(tmp_path: Path) -> None:
    first, second = made(tmp_path, "first"), made(tmp_path, "second")
    cert, key = tmp_path / "cert.pem", tmp_path / "cert.key"
    shutil.copy(first.cert, cert)
    shutil.copy(first.key, key)
    certificate = Certificate(Tls(cert, key))
    cert.write_bytes(second.cert.read_bytes())
    asyncio.run(certificate.look())
    assert "is not the key" in certificate.health()["certificate"]
    key.write_bytes(second.key.read_bytes())
    asyncio.run(certificate.look())
    assert certificate.health() == {}


@pytest.mark.parametrize(
    ("host", "words"),
    [("127.0.0.1", 0), ("::1", 0), ("localhost", 0), ("0.0.0.0", 2), ("::", 2), ("192.0.2.1", 2), ("example.com", 2)],
)
def test_an_open_door_to_others_is_worth_a_word(host: str, words: int) -> None:
    assert len(Door().warnings(host)) == words
    assert len(Door(keys=Path("a")).warnings(host)) == min(words, 1)
    assert Door(Path("a"), Tls(Path("b"), Path("c"))).warnings(host) == []
