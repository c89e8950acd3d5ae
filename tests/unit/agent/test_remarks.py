# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""After a rename: targets get the new name as their mark, and the host goes by the name that the witness gives it."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.agent.conftest import FED, FEEDS, Ready, work_of
from tests.unit.agent.test_gate_server import ASKED
from tests.unit.engine.conftest import listed
from tests.unit.zfs.program import Program
from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.holds import heirs_in
from zfs_sync.agent.remarks import Remarks
from zfs_sync.agent.work_cache import WorkCache
from zfs_sync.engine.locks import target_lock
from zfs_sync.zfs import commands

TARGET = "backup/photos"
RENAMED = replace(FED, id="new:nas1:backup/photos", group="new", formerly=["photos"], to_system="nas1")


@pytest.fixture
def cache(config: AgentConfig) -> WorkCache:
    made = WorkCache(config.state, "nas1")
    made.replace(work_of("nas1", RENAMED), "")
    return made


@pytest.fixture
def remarks(cache: WorkCache, storage: Ready, config: AgentConfig, program: Program) -> Remarks:
    tree = listed(TARGET, 1, marker="local\tphotos") + listed(f"{TARGET}/a", 2, marker="local\tother")
    program.say(commands.get(ASKED, [TARGET], depth=None), tree + listed(f"{TARGET}/b", 3))
    program.say(commands.set_property(TARGET, "zfs-sync:group", "new"))
    return Remarks(cache, storage, AllowList(config.allow, "agent.conf"))  # type: ignore[arg-type]


def marked(program: Program) -> list[str]:
    return [line for line in program.asked if line.startswith("zfs set")]


def test_only_the_groups_own_old_mark_is_replaced_and_once(remarks: Remarks, program: Program) -> None:
    remarks.run()
    remarks.run()
    assert marked(program) == [f"zfs set zfs-sync:group=new {TARGET}"]


def test_a_target_that_is_received_into_is_marked_later(
    remarks: Remarks, program: Program, config: AgentConfig
) -> None:
    with target_lock(config.state, TARGET):
        remarks.run()
    assert marked(program) == []
    remarks.run()
    assert len(marked(program)) == 1


def test_what_the_host_does_not_allow_is_not_touched(cache: WorkCache, storage: Ready, program: Program) -> None:
    program.say(commands.get(ASKED, [TARGET], depth=None), listed(TARGET, 1, marker="local\tphotos"))
    Remarks(cache, storage, AllowList([], "agent.conf")).run()  # type: ignore[arg-type]
    assert marked(program) == []


def test_an_old_cache_is_not_the_witnesss_word(storage: Ready, config: AgentConfig, program: Program) -> None:
    WorkCache(config.state, "nas1").replace(work_of("nas1", RENAMED), "")
    Remarks(WorkCache(config.state, "nas1"), storage, AllowList(config.allow, "")).run()  # type: ignore[arg-type]
    assert marked(program) == []


def test_a_host_goes_by_the_name_that_the_witness_gives_it(tmp_path: Path) -> None:
    made = WorkCache(tmp_path, "nas1")
    assert made.system == "nas1"
    made.replace(replace(work_of("berlin"), formerly=["nas1"]), "")
    assert made.system == "berlin"
    assert WorkCache(tmp_path, "nas1").system == "berlin", "also after a restart"
    assert WorkCache(tmp_path, "berlin").work is not None, "and when its configuration has followed"
    assert WorkCache(tmp_path, "nas2").work is None


def test_the_heirs_of_an_edge_are_those_of_its_group_on_the_same_dataset() -> None:
    heirs = heirs_in(work_of("nas1", replace(RENAMED, from_system="nas2"), FEEDS))
    assert heirs("photos:nas9:backup/photos", TARGET) == [RENAMED.id]
    assert heirs("photos:nas9:backup/photos", f"{TARGET}/a") == [RENAMED.id]
    assert heirs("photos:nas9:x", "tank/photos") == [FEEDS.id]
    assert heirs("other:nas9:x", TARGET) == []
