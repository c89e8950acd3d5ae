# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A job whose pool does not do what was expected. What goes well is proved on real pools (tests/integration/zfs)."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.engine.conftest import listed, look
from tests.unit.engine.streams import package, plain
from tests.unit.zfs.program import Program
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.ownership import MARKED as MARKED_BY_US
from zfs_sync.core.ownership import Ownership
from zfs_sync.engine.checks import Step
from zfs_sync.engine.continuity import Holds
from zfs_sync.engine.feeder import LocalFeeder
from zfs_sync.engine.locks import target_lock
from zfs_sync.engine.marking import Healed, Intent, Targets, target_properties
from zfs_sync.engine.processes import pipe
from zfs_sync.engine.receiving import Job, Moved, Receiver
from zfs_sync.engine.sending import Sender, Stream
from zfs_sync.zfs import commands
from zfs_sync.zfs.host import Zfs

OURS = "local\tg"
STREAM = package(1, 2)
PROPERTIES = ["readonly", "canmount", "zfs-sync:group", "mounted"]
MARKED = "readonly\tlocal\ton", "canmount\tlocal\tnoauto", f"zfs-sync:group\t{OURS}", "mounted\t-\tyes"


@pytest.fixture(autouse=True)
def recorded(program: Program) -> None:
    """alpha/x with two snapshots, the first of which beta/x has."""
    program.say(look("alpha/x"), listed("alpha/x", 1, 2))
    program.say(look("beta/x"), listed("beta/x", 1, marker=OURS))
    program.say(commands.send("alpha/x", "s1", "s2"), STREAM)
    program.say(commands.receive("beta/x", unmounted=True), then="cat >/dev/null")
    program.say(commands.get(["type"], ["beta"]), "beta\ttype\t-\tfilesystem\n")
    for tag, dataset in (("zfs-sync:g:here", "alpha/x"), ("zfs-sync:g", "beta/x")):
        for label in ("s1", "s2"):
            program.say(commands.hold(tag, dataset, label))
            program.say(commands.release(tag, dataset, label))


def arriving(program: Program) -> str:
    """What a receive does to the pool: the second snapshot is there."""
    program.say(("after",), listed("beta/x", 1, 2, marker=OURS))
    after, now = (program.folder / f"{program.key(argv)}.out" for argv in (("after",), look("beta/x")))
    return f"cat >/dev/null; cp {after} {now}"


Run = Callable[..., Moved]


@pytest.fixture
def run(zfs: Zfs, holds: Holds, folder: Path) -> Run:
    def job(*, cancelled: bool = False, step: Step | None = None, ownership: Ownership = MARKED_BY_US) -> Moved:
        feeder = LocalFeeder(Sender(zfs, holds), edge="e", group="g", to_system="here", dataset="alpha/x")
        event = threading.Event()
        if cancelled:
            event.set()
        return Receiver(zfs, folder, holds, time.monotonic).run(
            Job("e", "g", "beta/x", (step or Step(1, 2),), ownership=ownership),
            feeder,
            allow=lambda _: None,
            on_progress=lambda _: None,
            cancelled=event,
        )

    return job


def refused(run: Run, **options: object) -> ZfsSyncError:
    with pytest.raises(ZfsSyncError) as caught:
        run(**options)
    return caught.value


def test_a_snapshot_that_arrived_is_counted(run: Run, program: Program) -> None:
    program.say(commands.receive("beta/x", unmounted=True), then=arriving(program))
    moved = run()
    assert (moved.snapshots, moved.bytes, moved.head_guid, moved.warnings) == (1, len(STREAM), 2, ())
    assert run().snapshots == 0, "it is there already"


def test_an_exit_status_of_0_is_no_success(run: Run) -> None:
    error = refused(run)
    assert error.code == "E_VERIFY_FAILED"
    assert "its head is s1 (1)" in error.message


def test_a_receive_that_complained_after_all_had_arrived_is_a_success_with_a_warning(
    run: Run, program: Program
) -> None:
    said = "cannot mount 'beta/x': mountpoint or dataset is busy\n"
    program.say(commands.receive("beta/x", unmounted=True), stderr=said, status=1, then=arriving(program))
    moved = run()
    assert (moved.snapshots, moved.head_guid) == (1, 2)
    assert moved.warnings[0].startswith("E_BUSY")


def test_a_stream_of_something_else_is_refused_and_nothing_is_received(run: Run, program: Program) -> None:
    program.say(commands.send("alpha/x", "s1", "s2"), package(1, 2, payload=8))
    program.say(commands.receive("beta/x", unmounted=True), status=1, then=f"cat >{program.folder}/received")
    assert refused(run).code == "E_STREAM_REFUSED"
    assert (program.folder / "received").read_bytes() == b""


def test_a_hold_that_fails_is_a_warning(run: Run, program: Program) -> None:
    program.say(commands.receive("beta/x", unmounted=True), then=arriving(program))
    program.say(commands.hold("zfs-sync:g", "beta/x", "s2"), stderr="permission denied\n", status=1)
    moved = run()
    assert moved.snapshots == 1
    assert moved.warnings[0].startswith("E_PERMISSION")


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        (
            "destination beta/x has been modified\nsince most recent snapshot",
            "E_TARGET_MODIFIED",
            "zfs rollback beta/x@s1",
        ),
        ("most recent snapshot of beta/x does not\nmatch incremental source", "E_PLAN_STALE", "Proof: common snapshot"),
        ("out of space", "E_SPACE", "There is no room"),
    ],
)
def test_a_refusal_of_zfs_is_told_with_its_proof(run: Run, program: Program, said: str, code: str, words: str) -> None:
    complaint = f"cannot receive incremental stream: {said}\n"
    program.say(commands.receive("beta/x", unmounted=True), stderr=complaint, status=1, then="cat >/dev/null")
    error = refused(run)
    assert error.code == code
    assert words in error.message + error.hint


def test_a_job_that_is_cancelled_before_it_began_sends_nothing(run: Run, program: Program) -> None:
    assert refused(run, cancelled=True).code == "E_CANCELLED"
    assert not [line for line in program.asked if line.startswith(("zfs send", "zfs receive"))]


def test_a_source_that_is_gone(run: Run, program: Program) -> None:
    program.say(look("alpha/x"), stderr="cannot open 'alpha/x': dataset does not exist\n", status=1)
    assert refused(run).code == "E_SOURCE_GONE"


def test_a_receive_that_cannot_be_started_ends_the_send(run: Run, zfs: Zfs, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ZfsSyncError("E_ZFS_MISSING", "gone in between")

    monkeypatch.setattr(zfs, "spawn_receive", missing)
    assert refused(run).code == "E_ZFS_MISSING"


def test_a_target_that_is_received_into_is_left_alone(run: Run, folder: Path, program: Program) -> None:
    with target_lock(folder, "beta/x"):
        assert refused(run).code == "E_TARGET_LOCKED"
    assert program.asked == []


def test_a_new_target_that_shows_no_snapshot_yet_is_waited_for(
    run: Run, program: Program, folder: Path, zfs: Zfs
) -> None:
    program.say(look("beta/x"), stderr="cannot open 'beta/x': dataset does not exist\n", status=1)
    program.say(commands.send("alpha/x", None, "s1"), plain(0, 1))
    program.say(commands.get(["referenced"], ["alpha/x@s1"]), "alpha/x@s1\treferenced\t-\t4096\n")
    program.say(("after",), listed("beta/x"))
    after, now = (program.folder / program.key(argv) for argv in (("after",), look("beta/x")))
    copy = f"cp {after}.out {now}.out; : >{now}.err; echo 0 >{now}.status"
    program.say(commands.receive("beta/x", unmounted=True), then=f"cat >/dev/null; {copy}")
    first = refused(run, step=Step(None, 1))
    assert (first.code, "it has no snapshot" in first.message) == ("E_VERIFY_FAILED", True)
    assert Targets(zfs, folder).unfinished() == {"beta/x"}
    assert refused(run, step=Step(None, 1)).code == "E_TARGET_LOCKED"


def test_a_target_is_unmounted_where_the_receive_could_not_be_kept_from_mounting(
    zfs: Zfs, folder: Path, program: Program
) -> None:
    zfs.capabilities = replace(zfs.capabilities, receive=frozenset())
    program.say(commands.get(PROPERTIES, ["beta/x"]), "".join(f"beta/x\t{line}\n" for line in MARKED))
    program.say(commands.unmount("beta/x"))
    targets = Targets(zfs, folder)
    targets.intend(Intent("beta/x", "g", 1))
    found = zfs.dataset("beta/x")
    assert found is not None
    targets.mark(found, "g")
    assert program.asked[-1] == "zfs unmount beta/x", "and nothing is set that is set"
    assert targets.unfinished() == frozenset()


def test_a_marking_that_fails_at_the_start_is_told(zfs: Zfs, folder: Path, program: Program) -> None:
    program.say(look("beta/x"), stderr="cannot open 'beta/x': I/O error\n", status=1)
    targets = Targets(zfs, folder)
    targets.intend(Intent("beta/x", "g", 1))
    with pytest.raises(ZfsSyncError) as caught:
        targets.heal_all()
    assert caught.value.code == "E_ZFS_FAILED"


SET = {"canmount": "off", "compression": "zstd", "org.example:x": "y z"}


def test_a_new_target_gets_what_its_group_sets_the_marker_last(zfs: Zfs, folder: Path, program: Program) -> None:
    asked = ["readonly", "canmount", "compression", "org.example:x", "zfs-sync:group", "mounted"]
    found = [f"beta/x\t{name}\tdefault\t-\n" for name in asked]
    program.say(commands.get([name for name in asked if name != "readonly"], ["beta/x"]), "".join(found))
    for name, value in {**SET, "zfs-sync:group": "g"}.items():
        program.say(commands.set_property("beta/x", name, value))
    target = zfs.dataset("beta/x")
    assert target is not None
    Targets(zfs, folder).mark(target, "g", SET)
    assert program.asked[-4:] == [
        "zfs set canmount=off beta/x",
        "zfs set compression=zstd beta/x",
        "zfs set org.example:x=y z beta/x",
        "zfs set zfs-sync:group=g beta/x",
    ]


def test_a_peer_is_left_writable_whoever_finishes_its_first_receive(zfs: Zfs, folder: Path, program: Program) -> None:
    program.say(look("beta/x"), listed("beta/x", 1))
    names = ["canmount", "compression", "zfs-sync:group", "mounted"]
    program.say(commands.get(names, ["beta/x"]), "".join(f"beta/x\t{name}\tdefault\t-\n" for name in names))
    wanted = {"readonly": "on", "canmount": "noauto", "compression": "lz4"}
    for name, value in {**wanted, "zfs-sync:group": "g"}.items():
        program.say(commands.set_property("beta/x", name, value))
    targets = Targets(zfs, folder)
    targets.intend(Intent("beta/x", "g", 1, peer=True, properties=wanted))
    assert targets.heal_all() == ["beta/x"]
    assert "zfs set readonly=on beta/x" not in program.asked
    assert "zfs set compression=lz4 beta/x" in program.asked


def test_a_property_that_zfs_refuses_is_told_and_mended_by_the_next_job_without_it(
    zfs: Zfs, folder: Path, program: Program
) -> None:
    """An agent that starts meanwhile is not kept from its other work."""
    program.say(look("beta/x"), listed("beta/x", 1))
    names = ["compression", "zfs-sync:group", "mounted"]
    program.say(commands.get(names, ["beta/x"]), "".join(f"beta/x\t{name}\tdefault\t-\n" for name in names))
    refusal = "cannot set property for 'beta/x': 'compression' must be one of 'on | off'\n"
    program.say(commands.set_property("beta/x", "compression", "zstd"), stderr=refusal, status=1)
    targets = Targets(zfs, folder)
    targets.intend(Intent("beta/x", "g", 1, properties={"compression": "zstd"}))
    with pytest.raises(ZfsSyncError) as caught:
        targets.heal("beta/x")
    assert caught.value.code == "E_PROPERTY_REFUSED"
    assert "beta/x does not take compression=zstd" in caught.value.message
    assert "zfs set zfs-sync:group=g beta/x" not in program.asked
    assert (targets.heal_all(), targets.unfinished()) == ([], {"beta/x"})
    program.say(commands.get(names[1:], ["beta/x"]), "".join(f"beta/x\t{name}\tdefault\t-\n" for name in names[1:]))
    program.say(commands.set_property("beta/x", "zfs-sync:group", "g"))
    assert targets.heal("beta/x", {}) is Healed.MARKED
    assert targets.unfinished() == frozenset()


def test_what_every_target_has_is_refused_as_what_it_is(zfs: Zfs, folder: Path, program: Program) -> None:
    program.say(commands.get(["readonly", "zfs-sync:group", "mounted"], ["beta/x"]), "beta/x\treadonly\tlocal\toff\n")
    program.say(commands.set_property("beta/x", "readonly", "on"), stderr="cannot set property: I/O error\n", status=1)
    target = zfs.dataset("beta/x")
    assert target is not None
    with pytest.raises(ZfsSyncError) as caught:
        Targets(zfs, folder).mark(target, "g", {"readonly": "on"})
    assert caught.value.code == "E_ZFS_FAILED"


def test_a_record_of_a_first_receive_that_is_none_is_no_record(zfs: Zfs, folder: Path) -> None:
    targets = Targets(zfs, folder)
    targets.intend(Intent("beta/x", "g", 1))
    (path,) = (folder / "receiving").glob("*.json")
    path.write_text('{"dataset": "beta/x", "group": "g", "to_guid": "1"}')
    assert targets.unfinished() == {"beta/x"}, "as the version before wrote it"
    path.write_text('{"dataset": "beta/x", "group": "g", "to_guid": "1", "properties": []}')
    with pytest.raises(TypeError, match="has no properties"):
        targets.unfinished()


def stream(base: int | None = None, to: int = 2, dataset: str = "alpha/x") -> Stream:
    return Stream("e", "g", "here", dataset, base, to)


@pytest.mark.parametrize("asked", [stream(base=7), stream(to=7), stream(dataset="alpha/none")])
def test_a_stream_of_what_is_not_there_is_refused(zfs: Zfs, holds: Holds, program: Program, asked: Stream) -> None:
    program.say(look("alpha/none"), stderr="cannot open 'alpha/none': dataset does not exist\n", status=1)
    with pytest.raises(ZfsSyncError) as caught:
        Sender(zfs, holds).start(asked)
    assert caught.value.code == "E_SOURCE_GONE"


def test_an_encrypted_source_is_never_sent_in_clear(
    zfs: Zfs, holds: Holds, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = zfs.dataset("alpha/x")
    assert found is not None
    monkeypatch.setattr(zfs, "dataset", lambda _: replace(found, encryption_root="alpha"))
    for action in (Sender(zfs, holds).start, Sender(zfs, holds).estimate):
        with pytest.raises(ZfsSyncError) as caught:
            action(stream())
        assert caught.value.code == "E_ENCRYPTED_SOURCE"
    assert not [line for line in program.asked if line.startswith("zfs send")]


@pytest.mark.parametrize(
    ("then", "stderr", "code"),
    [("kill -9 $$", "", "E_INTERRUPTED"), ("", "could not send: does not exist\n", "E_SOURCE_GONE")],
)
def test_a_send_that_fails_says_why(
    zfs: Zfs, holds: Holds, program: Program, then: str, stderr: str, code: str
) -> None:
    program.say(commands.send("alpha/x", "s1", "s2"), stderr=stderr, status=1, then=then)
    sent = Sender(zfs, holds).start(stream(base=1))
    pipe(sent.process.stdout).read()
    error = sent.error(sent.process.wait(30))
    pipe(sent.process.stdout).close()
    assert error is not None
    assert error.code == code


@pytest.mark.parametrize(
    ("ownership", "before", "marked"),
    [
        pytest.param(Ownership(takeover=True), "-\t-", True, id="a former source gets the mark"),
        pytest.param(
            Ownership(formerly=frozenset({"old"})), "local\told", True, id="a renamed group's gets the new name"
        ),
        pytest.param(Ownership(peers=True), "-\t-", False, id="a peer needs none"),
        pytest.param(MARKED_BY_US, OURS, False, id="it has it already"),
    ],
)
def test_an_admitted_target_is_marked_and_keeps_everything_else(
    run: Run, program: Program, ownership: Ownership, before: str, marked: bool
) -> None:
    program.say(look("beta/x"), listed("beta/x", 1, marker=before))
    program.say(("after",), listed("beta/x", 1, 2, marker=before))
    after, now = (program.folder / f"{program.key(argv)}.out" for argv in (("after",), look("beta/x")))
    program.say(commands.receive("beta/x", unmounted=True), then=f"cat >/dev/null; cp {after} {now}")
    program.say(commands.get(["zfs-sync:group", "mounted"], ["beta/x"]), f"beta/x\tzfs-sync:group\t{before}\n")
    program.say(commands.set_property("beta/x", "zfs-sync:group", "g"))
    assert run(ownership=ownership).head_guid == 2
    assert [line for line in program.asked if line.startswith("zfs set")] == (
        ["zfs set zfs-sync:group=g beta/x"] if marked else []
    )


def test_a_peer_is_made_writable_and_not_mounted_by_itself() -> None:
    assert target_properties("g", "filesystem", peer=True) == {"canmount": "noauto", "zfs-sync:group": "g"}
    assert target_properties("g", "volume", peer=True) == {"zfs-sync:group": "g"}


def test_a_target_of_a_renamed_group_is_marked_anew_unless_it_is_received_into(
    zfs: Zfs, folder: Path, program: Program
) -> None:
    program.say(commands.set_property("beta/x", "zfs-sync:group", "new"))
    found = zfs.dataset("beta/x")
    assert found is not None
    Targets(zfs, folder).remark(found, "new")
    assert program.asked[-1] == "zfs set zfs-sync:group=new beta/x"
    with target_lock(folder, "beta/x"), pytest.raises(ZfsSyncError) as caught:
        Targets(zfs, folder).remark(found, "newer")
    assert caught.value.code == "E_TARGET_LOCKED"
