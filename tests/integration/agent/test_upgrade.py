# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""From one version to the next and back, on both hosts, each time in the middle of a transfer."""

import re
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from tests.integration.agent.evidence import Receives, check_jobs
from tests.integration.agent.fleet import PACKAGE, Fleet, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.story, pytest.mark.timeout(900)]

NEXT = "99.1.0"
MEGABYTES = 12
SLOW = 2_000  # kB/s: about six seconds for the whole
FORMATS = "cd /var/lib/zfs-sync/agent && cat agent.key installation ssh/id_ed25519.pub; cat /etc/zfs-sync/agent.conf"


@pytest.fixture(scope="module")
def newer(package: Path) -> bytes:
    """The same sources with another version number."""
    content = BytesIO()
    with zipfile.ZipFile(package) as old, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if entry.filename == "zfs_sync/__init__.pyc":
                continue  # it would be believed before the source
            body = old.read(entry)
            if entry.filename == "zfs_sync/__init__.py":
                body, count = re.subn(rb'(__version__ = )"[^"]*"', rb'\1"%s"' % NEXT.encode(), body)
                assert count == 1
            new.writestr(entry, body)
    return b"#!/usr/bin/python3 -I\n" + content.getvalue()


@pytest.fixture(scope="module")
def fleet(bare_fleet: Fleet) -> Fleet:
    """h1 feeds h2, which is up to date."""
    fleet = bare_fleet
    fleet.host("h1").ssh("zfs create tank/data && zfs snapshot tank/data@first")
    fleet.configure("h1", [{"dataset": "tank/data", "operations": ["send"]}])
    fleet.configure("h2", [{"dataset": "backup/data", "operations": ["receive"]}])
    members = [
        {"system": "h1", "dataset": "tank/data", "role": "source"},
        {"system": "h2", "dataset": "backup/data", "role": "target"},
    ]
    fleet.witness.apply({"version": 1, "systems": {"h1": {}, "h2": {}}, "sync_groups": {"g": {"members": members}}})
    for name in ("h1", "h2"):
        assert fleet.install(name)["enrolled"], fleet.journal(name)
    fleet.trust("h1", "h2")
    fleet.witness.in_sync(1)
    return fleet


def version(fleet: Fleet, name: str) -> str:
    return fleet.host(name).ssh(["zfs-sync-agent", "--version"]).stdout.split()[-1]


def reported(fleet: Fleet, name: str) -> str:
    systems = fleet.witness.call("GET", "/status")["systems"]
    return next(str(each["agent_version"]) for each in systems if each["name"] == name)


def begin(fleet: Fleet) -> list[str]:
    """A transfer that has moved some bytes and has seconds to go; the GUIDs that are to be on the target."""
    source = fleet.host("h1")
    source.delay(rate_kilobytes_per_second=SLOW)
    label = f"s{len(fleet.guids('h1', 'tank/data'))}"
    source.ssh(f"dd if=/dev/urandom of=/tank/data/{label} bs=1M count={MEGABYTES} 2>/dev/null")
    source.ssh(["zfs", "snapshot", f"tank/data@{label}"])
    wanted = fleet.guids("h1", "tank/data")

    def moving() -> bool:
        return any(each["bytes_done"] > 500_000 for each in fleet.witness.call("GET", "/jobs?state=running")["items"])

    wait_for(moving, "bytes move")
    return wanted


def end(fleet: Fleet, wanted: list[str], before: list[str]) -> None:
    """It arrives once, on what was there before."""
    fleet.host("h1").clear()
    wait_for(lambda: fleet.guids("h2", "backup/data") == wanted, "it arrives", 180)
    fleet.witness.in_sync(1)
    assert wanted[: len(before)] == before
    assert check_jobs(fleet.witness.database)["h2:backup/data"] <= len(wanted)
    assert fleet.files("h2", "backup/data") == fleet.files("h1", "tank/data")


def test_an_upgrade_and_the_way_back_lose_no_transfer(fleet: Fleet, newer: bytes) -> None:
    old = version(fleet, "h1")
    kept = {name: fleet.host(name).ssh(FORMATS).stdout for name in ("h1", "h2")}
    for name in ("h1", "h2"):
        fleet.host(name).put(newer, PACKAGE, 0o755)
    with Receives(fleet.host("h2")) as receives:
        for command, expected in (("upgrade", NEXT), ("rollback", old)):
            for name in ("h2", "h1"):
                before = fleet.guids("h2", "backup/data")
                wanted = begin(fleet)
                if command == "upgrade":
                    assert fleet.installer(name, "upgrade")["running"]
                else:
                    assert fleet.agent(name, "upgrade", "--rollback", "--json")["running"]
                assert version(fleet, name) == expected
                end(fleet, wanted, before)
                wait_for(lambda name=name, expected=expected: reported(fleet, name) == expected, "it says its version")  # type: ignore[misc]
                assert fleet.agent(name, "doctor", "--json")["ok"]
                assert fleet.host(name).ssh(FORMATS).stdout == kept[name]
    receives.check()
