# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Answers of a witness, or of something in its place, that are meant to fill up or to hold up the host that asks."""

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.unit.client.test_transport import TOKEN, failure, transport
from zfs_sync.client import transport as module
from zfs_sync.core.errors import ZfsSyncError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@contextmanager
def served(
    talk: Callable[[socket.socket], None], context: ssl.SSLContext | None = None
) -> Iterator[tuple[int, bytearray]]:
    """A server that talks like that to whoever comes, until it is over; its port, and what it heard."""
    heard = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                plain, _ = server.accept()
                plain.settimeout(10)
                with context.wrap_socket(plain, server_side=True) if context else plain as connection:
                    heard.extend(connection.recv(1 << 16))
                    talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], heard
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        thread.join(20)
        assert not thread.is_alive()


def endless(connection: socket.socket) -> None:
    connection.sendall(CHUNKED)
    while True:
        connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")


def dripping(connection: socket.socket) -> None:
    connection.sendall(CHUNKED)
    while True:
        connection.sendall(b"1\r\n \r\n")
        time.sleep(0.02)


def cut(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")


def bomb(connection: socket.socket) -> None:
    body = gzip.compress(b" " * (1 << 27), 9)
    connection.sendall(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


@pytest.mark.parametrize(
    ("talk", "why"),
    [(endless, "more than"), (dripping, "does not come to an end"), (cut, "cannot be reached")],
)
def test_an_answer_without_end_is_given_up(
    talk: Callable[[socket.socket], None], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.5)
    began = time.monotonic()
    with served(talk) as (port, _):
        error = failure(transport(f"http://127.0.0.1:{port}", timeout_seconds=1.0))
    assert error.code == "E_WITNESS_UNREACHABLE"
    assert why in error.message
    assert time.monotonic() - began < 15


def test_what_is_compressed_is_not_blown_up() -> None:
    with served(bomb) as (port, heard):
        made = transport(f"http://127.0.0.1:{port}")
        assert made.call("GET", "/version").body is None
        made.close()
    assert b"accept-encoding: identity" in heard.lower()


def certificate(folder: Path, *, days: int) -> tuple[ssl.SSLContext, Path]:
    """A server's certificate for this machine that is its own CA and ends so many days from now."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=30))
    builder = builder.not_valid_after(now + timedelta(days=days))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    (folder / "server.crt").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    (folder / "server.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    return context, folder / "server.crt"


def hello(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")


def test_a_certificate_that_has_expired_gets_no_key(tmp_path: Path) -> None:
    context, ca = certificate(tmp_path, days=-1)
    with served(hello, context) as (port, heard):
        error = failure(transport(f"https://localhost:{port}", ca_file=ca))
    assert (error.code, "expired" in error.message) == ("E_WITNESS_UNTRUSTED", True)
    assert heard == b""


def test_a_certificate_of_another_ca_gets_no_key(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    context, _ = certificate(tmp_path / "other", days=30)
    _, ca = certificate(tmp_path, days=30)
    with served(hello, context) as (port, heard):
        assert failure(transport(f"https://localhost:{port}", ca_file=ca)).code == "E_WITNESS_UNTRUSTED"
    assert heard == b""


def test_the_right_certificate_gets_the_key(tmp_path: Path) -> None:
    """The two before it would pass with a server that never hears anything."""
    context, ca = certificate(tmp_path, days=30)
    with served(hello, context) as (port, heard):
        made = transport(f"https://localhost:{port}", ca_file=ca)
        assert made.call("GET", "/version").body == {}
        made.close()
    assert TOKEN.encode() in heard


@pytest.mark.parametrize(
    "url", ["http://witness.example.org", "http://10.0.0.1:8462", "https://u:p@h", "ftp://h", "//h"]
)
def test_no_key_goes_where_it_would_be_read(url: str) -> None:
    with pytest.raises(ZfsSyncError) as caught:
        transport(url)
    assert caught.value.code == "E_CONFIG"
