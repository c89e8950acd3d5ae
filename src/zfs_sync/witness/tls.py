# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The witness's own small certificate authority: one CA, one server certificate, four files.

EC P-256, and every extension that strict verification asks for (RFC 5280: key usage, key identifiers). The CA may sign
server certificates only, and nothing below it.
"""

import datetime as dt
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.names import check_host

CA_LIFETIME = dt.timedelta(days=3_650)
LIFETIME = dt.timedelta(days=397)
RENEW_BEFORE = dt.timedelta(days=30)
BACKDATE = dt.timedelta(hours=1)
"""Certificates begin in the past, for hosts whose clock is slow."""


@dataclass(frozen=True, slots=True)
class Files:
    """Where everything lies."""

    folder: Path

    @property
    def ca(self) -> Path:
        """The CA's certificate, which clients are given."""
        return self.folder / "ca.crt"

    @property
    def ca_key(self) -> Path:
        """The CA's private key."""
        return self.folder / "ca.key"

    @property
    def certificate(self) -> Path:
        """The server's certificate."""
        return self.folder / "server.crt"

    @property
    def key(self) -> Path:
        """The server's private key."""
        return self.folder / "server.key"


@dataclass(frozen=True, slots=True)
class Issued:
    """What there is now."""

    changed: bool
    reason: str
    hosts: tuple[str, ...]
    not_after: dt.datetime


def ensure(files: Files, hosts: Sequence[str], now: dt.datetime, *, check: bool = False) -> Issued:
    """CA and certificate for exactly these hosts; a sound certificate for them stays. Raises E_VALIDATION, E_CONFIG.

    With ``check`` nothing is written: the answer is what would be, but for the end of a certificate yet to be made.
    """
    wanted = tuple(sorted({_checked(host) for host in hosts}))
    current = _current(files) if _has_ca(files) else None
    reason = _reason(current, wanted, now)
    if current is not None and reason is None:
        return Issued(False, "it is sound", wanted, current.not_valid_after_utc)
    if check:
        return Issued(True, str(reason), wanted, now + LIFETIME)
    files.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    _ensure_ca(files, now)
    return _issue(files, wanted, now, str(reason))


def _reason(current: x509.Certificate | None, wanted: tuple[str, ...], now: dt.datetime) -> str | None:
    """Why a certificate has to be made; None where the current one is sound."""
    if current is None:
        return "there was none"
    if _hosts_of(current) != wanted:
        return "the hosts are others"
    return "the old one ends soon" if current.not_valid_after_utc - now < RENEW_BEFORE else None


def renew(files: Files, now: dt.datetime) -> Issued:
    """A new certificate for the hosts of the old one. Raises E_CONFIG where there is none."""
    current = _current(files)
    if current is None or not files.ca_key.exists():
        raise ZfsSyncError(
            "E_CONFIG", f"There is no certificate in {files.folder}.", hint="Run zfs-sync-witness tls init --host NAME."
        )
    return _issue(files, _hosts_of(current), now, "it was asked for")


def _checked(host: str) -> str:
    try:
        return check_host(host)
    except ValueError as error:
        raise ZfsSyncError("E_VALIDATION", f"{error}.") from error


def _has_ca(files: Files) -> bool:
    return files.ca.exists() and files.ca_key.exists()


def _ensure_ca(files: Files, now: dt.datetime) -> None:
    """Make the CA where there is none."""
    if _has_ca(files):
        return
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"ZFS Sync witness CA {now:%Y-%m-%d}")])
    builder = _builder(name, name, key, now, CA_LIFETIME)
    certificate = (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_key(files.ca_key, key)
    _write(files.ca, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _issue(files: Files, hosts: tuple[str, ...], now: dt.datetime, reason: str) -> Issued:
    ca = x509.load_pem_x509_certificate(files.ca.read_bytes())
    ca_key = serialization.load_pem_private_key(files.ca_key.read_bytes(), None)
    if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
        raise ZfsSyncError("E_CONFIG", f"{files.ca_key} is not a key that tls init made.")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:64])])
    lifetime = min(LIFETIME, ca.not_valid_after_utc - now)
    certificate = (
        _builder(name, ca.subject, key, now, lifetime)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    _write_key(files.key, key)
    _write(files.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return Issued(True, reason, hosts, certificate.not_valid_after_utc)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: dt.datetime, lifetime: dt.timedelta
) -> x509.CertificateBuilder:
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
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


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _current(files: Files) -> x509.Certificate | None:
    """The certificate in use, if it, its key and its CA belong together."""
    if not (files.certificate.exists() and files.key.exists()):
        return None
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    ca = x509.load_pem_x509_certificate(files.ca.read_bytes())
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    belongs = certificate.issuer == ca.subject and certificate.public_key() == key.public_key()
    return certificate if belongs else None


def _hosts_of(certificate: x509.Certificate) -> tuple[str, ...]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return tuple(sorted(str(name.value) for name in names))


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(path, encoded, 0o600)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Replace the file as a whole; it belongs to the owner of its folder, for root may run this for the service."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as stream:
        os.fchmod(stream.fileno(), mode)
        if os.geteuid() == 0:
            owner = path.parent.stat()
            os.fchown(stream.fileno(), owner.st_uid, owner.st_gid)
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
