# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What the doctor says where a lab host cannot be made to be so; the rest is tested by breaking lab hosts."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from tests.unit.agent.conftest import FED, FEEDS, Ready, work_of
from tests.unit.agent.fleet import Fleet
from tests.unit.engine.conftest import listed, look
from tests.unit.zfs.program import Program
from zfs_sync.agent import doctor_host, doctor_peers, doctor_witness, doctor_zfs
from zfs_sync.agent.config import AgentConfig, AllowRule, WitnessConfig
from zfs_sync.agent.findings import CATALOGUE, Finding
from zfs_sync.agent.identity import KeyFiles
from zfs_sync.agent.install.layout import Layout
from zfs_sync.agent.work_cache import WorkCache
from zfs_sync.api.work import Peer
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine import state

SOURCE = Path(doctor_host.__file__).parent
ALLOWED = """\
---- Permissions on tank/photos --------------------------------------
Local+Descendent permissions:
\tuser backup send,snapshot
\tuser zfs-sync send,hold
\tgroup zfs-sync receive
"""
"""As zfs-allow(8) of OpenZFS prints it."""


def test_every_finding_is_in_the_table_and_the_table_holds_no_other() -> None:
    text = "".join(path.read_text() for path in SOURCE.glob("doctor*.py"))
    said = set(re.findall(r'(?:ok|warning|failed|Area)\(\s*"([a-z-]+)"', text)) | set(
        re.findall(r'"(peer-[a-z-]+)"', text)
    )
    assert said == set(CATALOGUE)


def test_a_finding_with_another_id_cannot_be_made() -> None:
    with pytest.raises(KeyError):
        Finding("whichever", "ok", "")


def test_a_state_directory_without_room(config: AgentConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    (well,) = doctor_host.state_findings(config)
    assert (well.id, well.status) == ("state", "ok")
    monkeypatch.setattr(doctor_host, "LEAST_FREE_BYTES", 1 << 80)
    (full,) = doctor_host.state_findings(config)
    assert (full.id, full.status) == ("state-full", "failed")
    assert full.remedy.startswith("du -xah /")


def test_a_state_directory_that_is_not_there(config: AgentConfig) -> None:
    (gone,) = doctor_host.state_findings(replace(config, state_dir=f"{config.state_dir}/none"))
    assert (gone.id, gone.remedy) == ("state-unwritable", "zfs-sync-agent upgrade")


def test_the_mount_of_a_path_is_the_nearest_above_it(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "1 0 0:1 / / rw - x x rw\n2 1 0:2 / /var/lib rw - x x rw\n3 1 0:3 / /var/lib/a\\040b rw - x x rw\n"
    )
    for path, mount in (("/var/lib/x/y", "/var/lib"), ("/var/lib/a b/c", "/var/lib/a b"), ("/nowhere/y", "/")):
        assert doctor_host._mount_of(Path(path), mounts) == Path(mount)


def test_delegation_that_is_missing_comes_as_the_exact_line() -> None:
    rule = AllowRule(dataset="tank/photos", operations=["send"])
    (lacking,) = doctor_zfs.delegation(rule, "zfs-sync", ALLOWED)
    assert lacking.remedy == "zfs allow -u zfs-sync release tank/photos"
    assert list(doctor_zfs.delegation(rule, "zfs-sync", ALLOWED.replace("send,hold", "send,hold,release"))) == []
    (all_of_it,) = doctor_zfs.delegation(replace(rule, dataset="tank/a b"), "me", "")
    assert all_of_it.remedy == "zfs allow -u me send,hold,release 'tank/a b'"


def test_a_name_without_an_address(config: AgentConfig) -> None:
    away = replace(config, witness=WitnessConfig(url="https://witness.invalid:8462"))
    (name,) = doctor_witness.witness_findings(away)
    assert (name.id, name.remedy) == ("witness-name", "echo 'ADDRESS witness.invalid' >> /etc/hosts")


def test_a_witness_that_is_somebody_else(config: AgentConfig, fleet: Fleet) -> None:
    url = f"{fleet.witness.url}/nothing/here"
    wrong = replace(config, witness=WitnessConfig(url=url, ca_file=str(fleet.ca)))
    (found,) = doctor_witness.witness_findings(wrong)
    assert (found.id, found.status) == ("witness-unreachable", "failed")
    assert found.advice


def test_the_witness_before_and_after_enrolment(config: AgentConfig, fleet: Fleet) -> None:
    system = fleet.declare()
    ours = fleet.configured(config, system)
    assert [each.status for each in doctor_witness.witness_findings(ours)] == ["ok"]
    KeyFiles(ours).own.write_text(fleet.agent_key(system))
    assert [(each.id, each.status) for each in doctor_witness.witness_findings(ours)] == [
        ("witness", "ok"),
        ("clock", "ok"),
        ("report", "ok"),
    ]


@pytest.mark.parametrize(
    ("offset", "status"), [(59.0, "ok"), (-59.0, "ok"), (None, "ok"), (61.0, "failed"), (-61.0, "failed")]
)
def test_a_clock_may_be_a_minute_off(offset: float | None, status: str) -> None:
    found = doctor_witness._clock(offset)
    assert found.status == status
    if status == "failed":
        assert ("ahead of" if offset and offset > 0 else "behind") in found.message


def test_a_certificate_that_has_expired_makes_one_look_at_the_clock(config: AgentConfig) -> None:
    expired = ZfsSyncError("E_WITNESS_UNTRUSTED", "certificate verify failed: certificate has expired.")
    found = doctor_witness._trouble(expired, config, enrolled=True)
    assert (found.remedy, found.where) == ("zfs-sync-witness tls renew", doctor_witness.WITNESS_HOST)
    assert "clock" in found.advice


def test_what_edges_need_and_the_list_lacks(config: AgentConfig) -> None:
    local = replace(FEEDS, id="l", role="local", to_system="nas1", to_root="backup/photos", peer=None)
    WorkCache(config.state, "nas1").replace(work_of("nas1", FEEDS, local, replace(FED, to_system="nas9")), "")
    needs = list(doctor_zfs._needs(config))
    assert needs[:3] == [
        ("send", "tank/photos", FEEDS.id),
        ("send", "tank/photos", "l"),
        ("receive", "backup/photos", "l"),
    ]


def test_holds_that_nobody_needs(config: AgentConfig, storage: Ready, program: Program) -> None:
    WorkCache(config.state, "nas1").replace(work_of("nas1", FEEDS), "")
    zfs = storage.made.zfs
    assert [each.id for each in doctor_zfs._hold_findings(zfs, config)] == ["holds"]
    record = {"dataset": "tank/x", "tag": "zfs-sync:old:nas2", "edges": {"old": ["5"]}}
    state.write(config.state / "holds" / "x.json", record)
    program.say(look("tank/x"), listed("tank/x", 5))
    (left,) = doctor_zfs._hold_findings(zfs, config)
    assert (left.id, left.status) == ("holds-left", "warning")
    assert "tank/x@s5" in left.message


@pytest.mark.parametrize(
    ("role", "direction", "logs_in"),
    [("to", "pull", True), ("from", "pull", False), ("from", "push", True), ("to", "push", False)],
)
def test_either_this_host_logs_in_or_the_peer_does(
    config: AgentConfig,
    tmp_path: Path,
    role: Literal["from", "to"],
    direction: Literal["pull", "push"],
    *,
    logs_in: bool,
) -> None:
    edge = replace(FEEDS if role == "from" else FED, direction=direction)
    unreachable = Peer(system="nas2" if role == "from" else "nas1", host="127.0.0.1", user="zfs-sync", port=1)
    WorkCache(config.state, "nas1").replace(work_of("nas1", replace(edge, peer=unreachable)), "")
    (found,) = doctor_peers.peer_findings(config, Layout(home=tmp_path / "home"))
    assert found.id == ("peer-unreachable" if logs_in else "peer-not-trusted")
    assert unreachable.system in found.message


@pytest.mark.parametrize(("trusted", "name"), [("none", "unknown"), ("SHA256:x", "changed")])
def test_a_host_key_behind_a_jump_is_not_asked_for_from_here(config: AgentConfig, trusted: str, name: str) -> None:
    peer = Peer(system="nas1", host="127.0.0.1", user="zfs-sync", port=1, jump="gate@jump:22")
    error = ZfsSyncError("E_HOST_KEY_UNKNOWN", f"offered SHA256:y; trusted {trusted}.")
    found = doctor_peers._trouble(config, FED, peer, error)
    assert (found.id, found.remedy) == (f"peer-host-key-{name}", doctor_peers.SITE)
    assert "SHA256:y" in found.message
