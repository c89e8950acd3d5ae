# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""One job from claim to result: held against the host's own word, and told to the witness while it is ours."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.agent.conftest import FED, Ready, until, work_of
from tests.unit.zfs.program import Program
from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.errands import errand
from zfs_sync.agent.outbox import Outbox
from zfs_sync.agent.work_cache import WorkCache
from zfs_sync.agent.worker import Worker
from zfs_sync.api.structure import structure
from zfs_sync.api.work import Claim, EdgeSelection, Finish, JobStep, Progress, ProgressAnswer
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.selection import Selection
from zfs_sync.engine import state
from zfs_sync.engine.checks import Step
from zfs_sync.engine.feeder import LocalFeeder
from zfs_sync.engine.locks import target_lock
from zfs_sync.engine.ssh import SshFeeder, SshFiles

FILES = SshFiles(Path("/none/key"), Path("/none/known_hosts"), Path("/none/control"), program="/none/ssh")
TO_HERE = replace(FED, to_system="nas1", from_system="nas0")
EXCLUDING = EdgeSelection(exclude=["cache"], include_root=False)
LOCAL = replace(FED, role="local", from_system="nas1", to_system="nas1", peer=None)


def claim(edge: object = TO_HERE, relative: str = "", base: str | None = None) -> Claim:
    steps = [JobStep(op="receive", base_guid=base, to_guid="18446744073709551615")]
    return Claim(id="j1", epoch=3, lease_seconds=30, edge=edge, relative=relative, steps=steps)  # type: ignore[arg-type]


@pytest.fixture
def allow(config: AgentConfig) -> AllowList:
    return AllowList(config.allow, "agent.conf")


def test_a_claim_becomes_steps_by_guid_and_a_peer(storage: Ready, config: AgentConfig, allow: AllowList) -> None:
    found = errand(claim(relative="a b", base="7"), storage.engine(), config.system, allow, FILES)
    assert found.job.target == "backup/photos/a b"
    assert found.job.steps == (Step(7, 18446744073709551615),)
    assert isinstance(found.feeder, SshFeeder)


def test_a_claim_carries_what_its_edge_carries(storage: Ready, config: AgentConfig, allow: AllowList) -> None:
    edge = replace(TO_HERE, selection=EdgeSelection(snapshots_exclude=["scratch-*"], intermediate=False))
    jump = replace(claim(edge), steps=[JobStep(op="receive", base_guid="7", to_guid="9", alone=True)])
    job = errand(jump, storage.engine(), config.system, allow, FILES).job
    assert job.steps == (Step(7, 9, alone=True),)
    assert job.selection == Selection(snapshots_exclude=("scratch-*",), intermediate=False)


def test_a_property_that_is_never_set_is_refused_whatever_the_witness_says(
    storage: Ready, config: AgentConfig, allow: AllowList
) -> None:
    for properties in ({"mountpoint": "/etc"}, {"sharenfs": "on"}, {"zfs-sync:group": "other"}):
        with pytest.raises(ZfsSyncError, match="never set") as caught:
            errand(claim(replace(TO_HERE, properties=properties)), storage.engine(), config.system, allow, FILES)
        assert caught.value.code == "E_VALIDATION"
    harmless = claim(replace(TO_HERE, properties={"readonly": "on"}))
    found = errand(harmless, storage.engine(), config.system, allow, FILES)
    assert found.job.properties == {"readonly": "on"}


def test_a_local_pair_needs_no_ssh(storage: Ready, config: AgentConfig, allow: AllowList) -> None:
    assert isinstance(errand(claim(LOCAL), storage.engine(), config.system, allow, FILES).feeder, LocalFeeder)


@pytest.mark.parametrize(
    ("edge", "relative", "code"),
    [
        pytest.param(FED, "", "E_EDGE_UNKNOWN", id="another host's edge"),
        pytest.param(replace(TO_HERE, role="from"), "", "E_EDGE_UNKNOWN", id="the feeding end"),
        pytest.param(replace(TO_HERE, to_root="tank/x"), "", "E_NOT_ALLOWED_HERE", id="a target not allowed"),
        pytest.param(replace(LOCAL, from_root="tank/secret"), "", "E_NOT_ALLOWED_HERE", id="a source outside it"),
        pytest.param(replace(TO_HERE, to_root="tank/photos"), "", "E_NOT_ALLOWED_HERE", id="may be sent, not received"),
        pytest.param(replace(TO_HERE, recursive=False), "a", "E_EDGE_UNKNOWN", id="below an edge of one dataset"),
        pytest.param(replace(TO_HERE, selection=EXCLUDING), "a/cache", "E_EDGE_UNKNOWN", id="excluded"),
        pytest.param(replace(TO_HERE, selection=EXCLUDING), "", "E_EDGE_UNKNOWN", id="a root that is left out"),
        pytest.param(TO_HERE, "x" * 250, "E_EDGE_UNKNOWN", id="a name that would be too long"),
        pytest.param(replace(TO_HERE, peer=None), "", "E_PEER_UNKNOWN", id="no way to the peer"),
    ],
)
def test_a_host_does_only_what_is_its_own_to_do_whatever_the_witness_says(
    storage: Ready, config: AgentConfig, allow: AllowList, edge: object, relative: str, code: str
) -> None:
    with pytest.raises(ZfsSyncError) as caught:
        errand(claim(edge, relative), storage.engine(), config.system, allow, FILES)
    assert caught.value.code == code


Answer = ProgressAnswer | ZfsSyncError


class Witness:
    """A witness's answers to progress; it keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[Progress] = []
        self.answer: Answer = ProgressAnswer(cancel=False, lease_seconds=30)
        self.closed = 0

    def progress(self, _: str, progress: Progress) -> ProgressAnswer:
        self.told.append(progress)
        if isinstance(self.answer, ZfsSyncError):
            raise self.answer
        return self.answer

    def close(self) -> None:
        self.closed += 1


Made = Callable[..., Worker]


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture
def make(storage: Ready, config: AgentConfig, allow: AllowList, witness: Witness, tmp_path: Path) -> Made:
    """A worker that calls ``arrived`` before it puts a result into the outbox."""
    cache = WorkCache(tmp_path, "nas1")
    cache.replace(work_of("nas1"), "")  # in which progress is told every second

    def made(*, stopping: bool = False, arrived: Callable[[], None] = lambda: None) -> Worker:
        return Worker(
            client=witness,  # type: ignore[arg-type]
            storage=storage,  # type: ignore[arg-type]
            allow=allow,
            files=FILES,
            cache=cache,
            outbox=Outbox(config.state),
            arrived=arrived,
            stopping=lambda: stopping,
        )

    return made


def put(worker: Worker) -> Finish | None:
    """What waits in the outbox."""
    records = [state.read(path) for path in sorted(worker.outbox._folder.glob("*.json"))]
    return structure(Finish, records[0]["finish"]) if records else None


def test_a_job_outside_the_allow_list_fails_and_touches_nothing(make: Made, program: Program) -> None:
    reported: list[bool] = []
    worker = make(arrived=lambda: reported.append(True))
    worker.run(claim(replace(TO_HERE, to_root="tank/x")))
    finish = put(worker)
    assert finish is not None
    assert finish.error is not None
    assert (finish.epoch, finish.result, finish.error.code) == (3, "failed", "E_NOT_ALLOWED_HERE")
    assert program.asked == []
    assert reported == [True], "what is there is reported before the result"
    assert worker.active == {}
    assert worker.failed == {f"{TO_HERE.id}/"}


def test_a_dataset_that_is_received_into_already_is_refused(make: Made, config: AgentConfig) -> None:
    worker = make()
    with target_lock(config.state, "backup/photos"):
        worker.run(claim())
    finish = put(worker)
    assert finish is not None
    assert finish.error is not None
    assert finish.error.code == "E_TARGET_LOCKED"


def test_a_disk_that_fails_is_a_failed_job_and_not_the_end_of_the_agent(make: Made, config: AgentConfig) -> None:
    (config.state / "locks").write_text("a file where a folder should be")
    worker = make()
    worker.run(claim())
    finish = put(worker)
    assert finish is not None
    assert finish.error is not None
    assert finish.error.code == "E_INTERNAL"
    assert "locks" in finish.error.message


class Moving:
    """An engine whose receive goes on until it is told to end."""

    def __init__(self, storage: Ready) -> None:
        self.storage = storage
        self.receiver = self
        self.sender = storage.made.sender
        self.begun = threading.Event()

    def engine(self) -> "Moving":
        return self

    def run(self, *_: object, cancelled: threading.Event, **__: object) -> object:
        self.begun.set()
        assert cancelled.wait(30)
        raise ZfsSyncError("E_CANCELLED", "The transfer was cancelled.")


@pytest.mark.parametrize(
    ("answer", "stopping", "result"),
    [
        pytest.param(ProgressAnswer(cancel=True, lease_seconds=30), False, "cancelled", id="cancelled by a person"),
        pytest.param(ZfsSyncError("E_LEASE_LOST", "late"), False, None, id="another claim is in force"),
        pytest.param(ZfsSyncError("E_JOB_NOT_FOUND", "none"), False, None, id="the witness was built anew"),
        pytest.param(ProgressAnswer(cancel=True, lease_seconds=30), True, None, id="the agent ends"),
    ],
)
def test_a_transfer_is_ended_by_the_witnesss_word(
    make: Made,
    storage: Ready,
    witness: Witness,
    answer: ProgressAnswer | ZfsSyncError,
    stopping: bool,
    result: str | None,
) -> None:
    worker = replace(make(stopping=stopping), storage=Moving(storage))  # type: ignore[arg-type]
    witness.answer = answer
    worker.run(claim())
    finish = put(worker)
    assert (finish.result if finish else None) == result
    assert {told.epoch for told in witness.told} == {3}
    assert witness.closed


def test_an_outage_of_the_witness_does_not_end_a_transfer(make: Made, storage: Ready, witness: Witness) -> None:
    moving = Moving(storage)
    worker = replace(make(), storage=moving)  # type: ignore[arg-type]
    witness.answer = ZfsSyncError("E_WITNESS_UNREACHABLE", "away")
    thread = threading.Thread(target=worker.run, args=(claim(),))
    thread.start()
    until(lambda: len(witness.told) >= 2)
    assert thread.is_alive()
    witness.answer = ProgressAnswer(cancel=False, lease_seconds=30)
    until(lambda: len(witness.told) >= 3)
    assert thread.is_alive()
    assert list(worker.active) == ["j1"]
    worker.active["j1"].cancelled.set()
    thread.join(30)
    assert put(worker) is not None
