# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The installer on a real host: what it predicts, what it does, what it does twice, and what it leaves."""

import zipfile
from io import BytesIO
from typing import Any

import pytest

from tests.integration.agent.fleet import PACKAGE, Fleet
from tests.lab.host import Host

pytestmark = pytest.mark.lab

PLACES = (
    "/usr/lib/zfs-sync",
    "/usr/bin/zfs-sync-agent",
    "/etc/zfs-sync",
    "/var/lib/zfs-sync",
    "/etc/systemd/system/zfs-sync-agent*",
    "/run/zfs-sync",
)

HARDENED = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "cap_chown cap_dac_override cap_dac_read_search cap_fowner cap_sys_admin",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "SystemCallArchitectures": "native",
    "KeyringMode": "private",
    "UMask": "0077",
    "MemoryMax": str(1 << 30),
    "TasksMax": "512",
    "KillMode": "mixed",
}
IN_THE_HOSTS_MOUNTS = {
    "ProtectSystem": "no",
    "ProtectHome": "no",
    "PrivateTmp": "no",
    "PrivateDevices": "no",
    "PrivateMounts": "no",
    "ProtectKernelTunables": "no",
    "ProtectKernelModules": "no",
    "ProtectKernelLogs": "no",
    "ProtectControlGroups": "no",
    "RootDirectory": "",
    "ReadOnlyPaths": "",
    "ReadWritePaths": "",
    "InaccessiblePaths": "",
    "BindPaths": "",
    "TemporaryFileSystem": "",
}
"""A dataset that is mounted in a mount namespace of its own is invisible to the host."""
NEEDED_CALLS = {"mount", "umount2", "ioctl", "splice", "execve"}
WITHHELD_CALLS = {"reboot", "kexec_load", "init_module", "ptrace", "bpf", "swapon", "clock_settime", "settimeofday"}


@pytest.fixture(scope="module")
def host(bare_fleet: Fleet) -> Host:
    """h1, which the witness knows, with the agent's file and nothing of the agent."""
    bare_fleet.witness.apply({"version": 1, "systems": {"h1": {}}})
    bare_fleet.configure("h1", [{"dataset": "tank", "operations": ["send"]}])
    host = bare_fleet.host("h1")
    host.put(bare_fleet.package, PACKAGE, 0o755)
    return host


@pytest.fixture
def absent(bare_fleet: Fleet, host: Host) -> dict[str, Any]:
    """h1 without an agent; what installs one."""
    bare_fleet.installer("h1", "uninstall", "--purge")
    return {
        "config": bare_fleet.configs["h1"],
        "ca_certificate": bare_fleet.witness.ca,
        "enrol_key": bare_fleet.witness.enrol_key("h1"),
    }


@pytest.fixture
def document(bare_fleet: Fleet, absent: dict[str, Any]) -> dict[str, Any]:
    """h1 with an agent; what it was installed from."""
    assert install(bare_fleet, absent)["enrolled"]
    return absent


def install(fleet: Fleet, document: dict[str, Any], *options: str) -> dict[str, Any]:
    return fleet.installer("h1", "install", "--document", "-", *options, document=document)


def files_of(fleet: Fleet) -> str:
    listing = f"find {' '.join(PLACES)} -printf '%p %m %u:%g %l %T@\\n' 2>/dev/null | sort; id zfs-sync 2>&1"
    return fleet.host("h1").ssh(listing, check=False).stdout


def test_check_changes_nothing_and_predicts_what_the_run_does(bare_fleet: Fleet, absent: dict[str, Any]) -> None:
    before = files_of(bare_fleet)
    predicted = install(bare_fleet, absent, "--check")
    assert files_of(bare_fleet) == before
    assert predicted["changed"]
    assert not predicted["enrolled"]
    done = install(bare_fleet, absent)
    assert done["actions"] == predicted["actions"]
    assert done["diff"] == predicted["diff"]
    assert done["enrolled"]
    assert done["running"]
    assert done["public_key"].startswith("ssh-ed25519 ")
    assert absent["enrol_key"] not in str(done)


def test_a_second_run_changes_nothing(bare_fleet: Fleet, document: dict[str, Any]) -> None:
    before = files_of(bare_fleet)
    for options in (("--check",), ()):
        answer = install(bare_fleet, document, *options)
        assert (answer["changed"], answer["actions"]) == (False, [])
    stable = [line for line in before.splitlines() if "/agent/" not in line]
    assert [line for line in files_of(bare_fleet).splitlines() if "/agent/" not in line] == stable


def test_no_key_is_readable_by_others_or_shown(bare_fleet: Fleet, host: Host, document: dict[str, Any]) -> None:
    key = host.ssh(["cat", "/var/lib/zfs-sync/agent/agent.key"]).stdout.strip()
    modes = host.ssh("stat -c '%a' /var/lib/zfs-sync/agent /var/lib/zfs-sync/agent/agent.key").stdout.split()
    assert modes == ["700", "600"]
    everything = host.ssh("cat /etc/zfs-sync/* /etc/systemd/system/zfs-sync-agent.service").stdout
    for secret in (key, document["enrol_key"]):
        assert secret not in everything + bare_fleet.journal("h1")
        assert secret not in bare_fleet.witness.log
        assert secret.encode() not in (bare_fleet.witness.folder / "witness.db").read_bytes()
    assert host.ssh(["test", "-e", "/var/lib/zfs-sync/agent/enrol.key"], check=False).returncode == 1


def test_a_changed_configuration_restarts_the_service(bare_fleet: Fleet, host: Host, document: dict[str, Any]) -> None:
    show = ["systemctl", "show", "-P", "MainPID", "zfs-sync-agent"]
    before = host.ssh(show).stdout
    changed = {**document, "config": {**document["config"], "parallel_jobs": 3}}
    predicted = install(bare_fleet, changed, "--check")
    assert host.ssh(show).stdout == before
    answer = install(bare_fleet, changed)
    assert (
        answer["actions"]
        == predicted["actions"]
        == [
            "change /etc/zfs-sync/agent.conf",
            "restart zfs-sync-agent.service",
        ]
    )
    assert "+parallel_jobs: 3" in "\n".join("+" + line for line in answer["diff"][0]["after"].splitlines())
    assert host.ssh(show).stdout != before


def test_a_running_agent_whose_key_was_taken_away_enrols_anew(
    bare_fleet: Fleet, host: Host, document: dict[str, Any]
) -> None:
    host.ssh(["rm", "/var/lib/zfs-sync/agent/agent.key"])
    again = install(bare_fleet, {**document, "enrol_key": bare_fleet.witness.enrol_key("h1")})
    assert again["enrolled"]
    assert "restart zfs-sync-agent.service" in again["actions"]


def test_a_wrong_configuration_is_refused_with_all_its_faults(bare_fleet: Fleet, document: dict[str, Any]) -> None:
    wrong = {"config": {**document["config"], "systm": "h1", "scan_interval": 10, "log_level": "loud"}}
    answer = bare_fleet.installer("h1", "install", "--document", "-", document=wrong, check=False)
    assert answer["error"]["code"] == "E_CONFIG"
    sentences = " ".join(fault["message"] for fault in answer["error"]["faults"])
    assert "did you mean 'system'" in sentences
    assert "scan_interval" in sentences
    assert "log_level" in sentences


def test_an_upgrade_can_be_taken_back(bare_fleet: Fleet, host: Host, document: dict[str, Any]) -> None:
    before = host.ssh(["readlink", "/usr/lib/zfs-sync/current"]).stdout
    newer = BytesIO(bare_fleet.package.read_bytes())
    with zipfile.ZipFile(newer, "a") as archive:
        archive.writestr("newer", "")
    host.put(newer.getvalue(), PACKAGE, 0o755)
    upgraded = bare_fleet.installer("h1", "upgrade")
    assert upgraded["running"]
    assert host.ssh(["readlink", "/usr/lib/zfs-sync/current"]).stdout != before
    assert bare_fleet.agent("h1", "upgrade", "--rollback", "--json")["changed"]
    assert host.ssh(["readlink", "/usr/lib/zfs-sync/current"]).stdout == before
    host.put(bare_fleet.package, PACKAGE, 0o755)
    assert not install(bare_fleet, document)["changed"]


@pytest.mark.usefixtures("document")
def test_the_unit_is_hardened_without_a_mount_namespace(host: Host) -> None:
    pid = host.ssh(["systemctl", "show", "-P", "MainPID", "zfs-sync-agent"]).stdout.strip()
    namespaces = host.ssh(f"readlink /proc/1/ns/mnt /proc/{pid}/ns/mnt").stdout.split()
    assert namespaces[0] == namespaces[1]
    status = dict(line.split(":", 1) for line in host.ssh(["cat", f"/proc/{pid}/status"]).stdout.splitlines())
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"
    assert int(status["CapBnd"], 16).bit_count() == 5


@pytest.mark.usefixtures("document")
def test_systemd_has_the_units_limits_in_force(host: Host) -> None:
    said = host.ssh(["systemctl", "show", "--all", "zfs-sync-agent"]).stdout.splitlines()
    shown = dict(line.split("=", 1) for line in said)
    expected = HARDENED | IN_THE_HOSTS_MOUNTS
    known = {name: " ".join(sorted(shown[name].split())) for name in expected}
    assert known == {name: " ".join(sorted(value.split())) for name, value in expected.items()}
    allowed = set(shown["SystemCallFilter"].split())
    assert allowed >= NEEDED_CALLS
    assert not allowed & WITHHELD_CALLS
    assert shown["SystemCallErrorNumber"] == "1"
    assert shown["RestrictNamespaces"] == "yes"


@pytest.mark.usefixtures("document")
def test_uninstall_leaves_nothing(bare_fleet: Fleet, host: Host) -> None:
    datasets = host.ssh(["zfs", "list", "-H", "-o", "name"]).stdout
    predicted = bare_fleet.installer("h1", "uninstall", "--purge", "--check")
    done = bare_fleet.installer("h1", "uninstall", "--purge")
    assert done["changed"]
    assert done["actions"] == predicted["actions"]
    left = files_of(bare_fleet)
    assert [line for line in left.splitlines() if line.startswith("/")] == []
    assert "no such user" in left
    assert host.ssh(["zfs", "list", "-H", "-o", "name"]).stdout == datasets
    assert not bare_fleet.installer("h1", "uninstall", "--purge")["changed"]


def test_without_purge_the_agent_stays_the_same_one(bare_fleet: Fleet, absent: dict[str, Any]) -> None:
    first = install(bare_fleet, absent)
    assert first["enrolled"]
    bare_fleet.installer("h1", "uninstall")
    second = install(bare_fleet, {**absent, "enrol_key": None})
    assert second["enrolled"]
    assert second["public_key"] == first["public_key"]
