# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A witness that serves, hardened, with its secrets to itself."""

testinfra_hosts = ["ansible://witness"]
ADMIN_KEY = "/var/lib/zfs-sync-witness/admin.key"
READY = (
    'import ssl, urllib.request; known = ssl.create_default_context(cafile="/var/lib/zfs-sync-witness/tls/ca.crt"); '
    'urllib.request.urlopen("https://m1:8462/health/ready", context=known)'
)


def test_it_serves_after_each_boot(host):
    service = host.service("zfs-sync-witness")
    assert service.is_running
    assert service.is_enabled
    assert host.socket("tcp://0.0.0.0:8462").is_listening


def test_it_is_ready_and_proves_itself(host):
    assert host.run("python3 -c '%s'" % READY).rc == 0


def test_it_runs_as_its_own_account_without_capabilities(host):
    process = host.check_output("systemctl show -P MainPID zfs-sync-witness")
    assert host.check_output("ps -o user:32= -p " + process) == "zfs-sync-witness"
    assert "CapEff:\t0000000000000000" in host.file("/proc/%s/status" % process).content_string


def test_its_key_is_for_root_and_itself_alone(host):
    key = host.file(ADMIN_KEY)
    assert key.mode == 0o600
    assert host.file("/var/lib/zfs-sync-witness").mode == 0o700
