# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The witness's own CA: what it makes, and when it makes it anew."""

import datetime as dt
import os
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness.tls import LIFETIME, Files, ensure, renew

NOW = dt.datetime(2026, 11, 24, 8, 0, tzinfo=dt.UTC)
HOSTS = ["witness.example.org", "10.0.0.5", "fd00::5"]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "tls")


def _bytes(files: Files) -> list[bytes]:
    return [path.read_bytes() for path in (files.ca, files.ca_key, files.certificate, files.key)]


def test_four_files_are_made_of_which_two_are_secret(files: Files) -> None:
    issued = ensure(files, HOSTS, NOW)
    assert issued.changed
    modes = [oct(path.stat().st_mode & 0o777) for path in (files.ca, files.ca_key, files.certificate, files.key)]
    assert modes == ["0o644", "0o600", "0o644", "0o600"]
    assert sorted(os.listdir(files.folder)) == ["ca.crt", "ca.key", "server.crt", "server.key"]  # noqa: PTH208


def test_the_certificate_stands_strict_verification(files: Files) -> None:
    ensure(files, HOSTS, NOW)
    ca, server = (x509.load_pem_x509_certificate(path.read_bytes()) for path in (files.ca, files.certificate))
    store = x509.verification.Store([ca])
    for host in (x509.DNSName(HOSTS[0]), *(x509.IPAddress(_address(text)) for text in HOSTS[1:])):
        verifier = x509.verification.PolicyBuilder().store(store).time(NOW).build_server_verifier(host)
        assert verifier.verify(server, []) == [server, ca]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)


def _address(text: str):
    import ipaddress

    return ipaddress.ip_address(text)


def test_check_predicts_and_writes_nothing(files: Files) -> None:
    planned = ensure(files, HOSTS, NOW, check=True)
    assert planned.changed
    assert not files.folder.exists()
    assert ensure(files, HOSTS, NOW) == planned
    before = _bytes(files)
    assert not ensure(files, HOSTS, NOW, check=True).changed
    assert ensure(files, ["other.example.org"], NOW, check=True).reason == "the hosts are others"
    assert _bytes(files) == before


def test_the_same_hosts_in_any_order_change_nothing(files: Files) -> None:
    ensure(files, HOSTS, NOW)
    before = _bytes(files)
    assert not ensure(files, [*reversed(HOSTS), HOSTS[0]], NOW).changed
    assert _bytes(files) == before


def test_other_hosts_get_another_certificate_from_the_same_ca(files: Files) -> None:
    ensure(files, HOSTS, NOW)
    ca = files.ca.read_bytes()
    issued = ensure(files, ["other.example.org"], NOW)
    assert (issued.changed, issued.hosts) == (True, ("other.example.org",))
    assert files.ca.read_bytes() == ca


def test_a_certificate_is_made_anew_before_it_ends(files: Files) -> None:
    ensure(files, HOSTS, NOW)
    assert not ensure(files, HOSTS, NOW + LIFETIME - dt.timedelta(days=30)).changed
    assert ensure(files, HOSTS, NOW + LIFETIME - dt.timedelta(days=29)).changed


def test_renew_keeps_ca_and_hosts(files: Files) -> None:
    ensure(files, HOSTS, NOW)
    before = _bytes(files)
    issued = renew(files, NOW)
    assert issued.hosts == tuple(sorted(HOSTS))
    after = _bytes(files)
    assert after[:2] == before[:2]
    assert after[2:] != before[2:]


def test_a_certificate_whose_key_is_another_is_made_anew(files: Files) -> None:
    ensure(files, HOSTS, NOW)
    files.key.write_bytes(files.ca_key.read_bytes())
    assert ensure(files, HOSTS, NOW).changed


def test_there_is_nothing_to_renew_before_there_is_something(files: Files) -> None:
    with pytest.raises(ZfsSyncError, match="no certificate"):
        renew(files, NOW)


@pytest.mark.parametrize("host", ["", "a b", "x;y", "-oProxyCommand=x"])
def test_what_is_no_host_is_refused(files: Files, host: str) -> None:
    with pytest.raises(ZfsSyncError) as caught:
        ensure(files, [host], NOW)
    assert caught.value.code == "E_VALIDATION"
