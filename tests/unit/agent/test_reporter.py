# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Reports to a real witness: full at first and when the thread is lost, and then only what changed."""

import platform
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.agent.conftest import ManualClock, Ready
from tests.unit.agent.fleet import Fleet
from tests.unit.zfs.program import Program
from tests.unit.zfs.recordings import FUSE_TREE, POOLS
from zfs_sync.agent import reporter as reporters
from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.config import AllowRule
from zfs_sync.agent.reporter import Reporter
from zfs_sync.api.reports import AllowedSubtree, Heartbeat, HeartbeatAnswer, Report, ReportAnswer
from zfs_sync.client.witness import WitnessClient
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.engine.marking import Intent
from zfs_sync.zfs import commands

ASKED = ["type", "guid", "used", "referenced", "zfs-sync:group", "createtxg"]
TREE = commands.get(ASKED, ["tank/photos"], depth=None)
SNAPSHOTS = ["tank/photos@monday", "tank/photos@tuesday", "tank/photos/a b@-x"]
WEDNESDAY = "".join(
    f"tank/photos@wednesday\t{name}\t-\t{value}\n"
    for name, value in (("type", "snapshot"), ("guid", 77), ("createtxg", 99))
)


class Told:
    """A client that keeps what it tells; what is told reaches the real witness."""

    def __init__(self, client: WitnessClient) -> None:
        self.client = client
        self.reports: list[Report] = []

    def report(self, system: str, report: Report) -> ReportAnswer:
        self.reports.append(report)
        return self.client.report(system, report)

    def heartbeat(self, system: str, heartbeat: Heartbeat) -> HeartbeatAnswer:
        return self.client.heartbeat(system, heartbeat)

    @property
    def kinds(self) -> list[str]:
        return [report.kind for report in self.reports]


def creation(names: list[str], program: Program) -> None:
    lines = "".join(f"{name}\tcreation\t-\t1795496173\n" for name in names)
    program.say(commands.get(["creation"], names), lines)


@pytest.fixture
def told(fleet: Fleet) -> Iterator[Told]:
    system = fleet.declare()
    client = fleet.client(fleet.agent_key(system))
    made = Told(client)
    made.system = system  # type: ignore[attr-defined]
    made.fleet = fleet  # type: ignore[attr-defined]
    yield made
    client.close()


Make = Callable[[], Reporter]


@pytest.fixture
def make(told: Told, storage: Ready, program: Program) -> Make:
    program.say(TREE, FUSE_TREE)
    program.say(commands.list_pools(), POOLS)
    creation(SNAPSHOTS, program)
    creation(SNAPSHOTS[:2], program)
    creation(["tank/photos@wednesday"], program)

    def made() -> Reporter:
        return Reporter(
            told,  # type: ignore[arg-type]
            storage,  # type: ignore[arg-type]
            system=told.system,  # type: ignore[attr-defined]
            installation="one",
            allow=AllowList([AllowRule(dataset="tank/photos", operations=["send"])], "agent.conf"),
            running=list,
        )

    return made


def snapshots(told: Told) -> list[str]:
    return [each.name for report in told.reports[-1:] for dataset in report.datasets for each in dataset.add]


def test_the_first_report_is_full_and_an_unchanged_host_says_no_more(make: Make, told: Told, program: Program) -> None:
    reporter = make()
    assert reporter.scan()
    assert (told.kinds, reporter.datasets) == (["full"], 2)
    assert snapshots(told) == ["monday", "tuesday", "-x"]
    assert {each.creation for dataset in told.reports[0].datasets for each in dataset.add} == {1795496173}
    assert told.reports[0].host.allow == [AllowedSubtree(dataset="tank/photos", operations=["send"])]
    before = len(program.asked)
    assert not reporter.scan()
    assert told.kinds == ["full"]
    assert [line.split()[0] for line in program.asked[before:]] == ["zfs", "zpool"], "no creation time is asked twice"


def test_a_new_snapshot_is_a_delta_and_so_is_a_pool_that_ails(make: Make, told: Told, program: Program) -> None:
    reporter = make()
    reporter.scan()
    program.say(TREE, FUSE_TREE + WEDNESDAY)
    assert reporter.scan()
    assert (told.kinds[-1], snapshots(told)) == ("delta", ["wednesday"])
    program.say(commands.list_pools(), POOLS.replace("ONLINE", "DEGRADED"))
    assert reporter.scan()
    assert (told.kinds[-1], told.reports[-1].pools[0].health) == ("delta", "DEGRADED")


def test_a_dataset_made_anew_needs_a_full_report(make: Make, told: Told, program: Program) -> None:
    reporter = make()
    reporter.scan()
    program.say(TREE, FUSE_TREE.replace("4438896165168945854", "4438896165168945855"))
    assert reporter.scan()
    assert told.kinds == ["full", "full"]


def test_a_lost_thread_is_taken_up_with_a_full_report_at_once(make: Make, told: Told, program: Program) -> None:
    """The witness was restored from a backup, or another process of this installation has reported meanwhile."""
    first, other = make(), make()
    first.scan()
    other.scan()
    program.say(TREE, FUSE_TREE + WEDNESDAY)
    assert first.scan()
    assert told.kinds == ["full", "full", "delta", "full"]
    assert snapshots(told) == ["monday", "tuesday", "wednesday", "-x"]


def test_the_witness_asks_for_a_full_report_in_its_answer_to_a_heartbeat(make: Make, told: Told) -> None:
    first, other = make(), make()
    assert first.heartbeat(), "nothing was reported yet"
    first.scan()
    assert not first.heartbeat()
    other.scan()
    assert first.heartbeat()
    first.scan()
    assert told.kinds == ["full", "full", "full"]


def test_a_heartbeat_does_not_cross_a_scan_under_way(make: Make, told: Told) -> None:
    reporter, other = make(), make()
    reporter.scan()
    generation = reporter._generation
    other.scan()
    with reporter._scanning:
        assert reporter.heartbeat()
    assert reporter._generation == generation


def test_a_first_receive_that_has_not_ended_is_left_out(make: Make, told: Told, storage: Ready) -> None:
    storage.made.receiver.targets.intend(Intent("tank/photos/a b", "g", 5))
    make().scan()
    assert [each.path for each in told.reports[0].datasets] == ["tank/photos"]


def test_a_host_with_nothing_allowed_reports_that(make: Make, told: Told) -> None:
    reporter = make()
    reporter._allow = AllowList([], "agent.conf")
    assert reporter.scan()
    assert told.reports[0].datasets == []


class Small:
    """A witness that takes no large reports."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.sizes: list[int] = []
        self.kinds: list[str] = []

    def report(self, _: str, report: Report) -> None:
        size = sum(len(each.add) for each in report.datasets)
        if size > self.most:
            raise ZfsSyncError("E_BODY_TOO_LARGE", "too large")
        self.sizes.append(size)
        self.kinds.append(report.kind)


def many(count: int) -> str:
    return FUSE_TREE + "".join(
        f"tank/photos@n{each}\tguid\t-\t{each}\ntank/photos@n{each}\tcreatetxg\t-\t{each + 100}\n"
        for each in range(100, 100 + count)
    )


@pytest.mark.parametrize(("most", "taken"), [(200, True), (10, False)])
def test_a_report_that_is_too_large_is_split_further_down_to_a_limit(
    make: Make, program: Program, monkeypatch: pytest.MonkeyPatch, most: int, taken: bool
) -> None:
    monkeypatch.setattr(reporters, "MOST_SNAPSHOTS", 500)
    reporter = make()
    small = Small(most)
    reporter._client = small  # type: ignore[assignment]
    program.say(TREE, many(300))
    names = [f"tank/photos@n{each}" for each in range(100, 400)]
    creation(["tank/photos@monday", "tank/photos@tuesday", *names, "tank/photos/a b@-x"], program)
    if taken:
        assert reporter.scan()
        assert sum(small.sizes) == 303
        assert max(small.sizes) <= most
    else:
        with pytest.raises(ZfsSyncError):
            reporter.scan()


def test_any_other_refusal_of_a_delta_is_told_and_the_delta_stays_to_be_said(
    make: Make, told: Told, program: Program
) -> None:
    reporter = make()
    reporter.scan()
    program.say(TREE, FUSE_TREE + WEDNESDAY)
    real = reporter._client

    class Away:
        def report(self, *_: object) -> None:
            raise ZfsSyncError("E_WITNESS_UNREACHABLE", "away")

    reporter._client = Away()  # type: ignore[assignment]
    with pytest.raises(ZfsSyncError):
        reporter.scan()
    reporter._client = real
    assert reporter.scan()
    assert (told.kinds, snapshots(told)) == (["full", "delta"], ["wednesday"])


@pytest.mark.parametrize(
    ("system", "name"), [("FreeBSD", "freebsd"), ("SunOS", "illumos"), ("Darwin", "macos"), ("Linux", "linux")]
)
def test_the_platform_has_the_fleets_name(monkeypatch: pytest.MonkeyPatch, system: str, name: str) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    assert reporters._platform() == name


class Full(Small):
    """A witness to which the whole host is too much."""

    def report(self, system: str, report: Report) -> None:
        super().report(system, report)
        if report.last:
            raise ZfsSyncError("E_REPORT_TOO_LARGE", "The host reports 3 snapshots; at most 2 are taken.")


def test_a_host_that_is_too_large_says_so_and_does_not_send_everything_at_every_scan(
    make: Make, told: Told, program: Program, clock: ManualClock, tmp_path: Path
) -> None:
    reporter = make()
    reporter._clock, reporter._folder = clock, tmp_path
    full = Full(100)
    reporter._client = full  # type: ignore[assignment]
    for _ in range(3):
        with pytest.raises(ZfsSyncError, match="at most 2 are taken"):
            reporter.scan()
    assert full.kinds == ["full"]
    assert (reporters.remembered(tmp_path) or {})["code"] == "E_REPORT_TOO_LARGE"
    reporter._client = told  # type: ignore[assignment]
    reporter.heartbeat()
    shown = told_status(told)
    assert shown == ["its agent cannot report: E_REPORT_TOO_LARGE: The host reports 3 snapshots; at most 2 are taken."]
    clock.now += reporters.REFUSED_SECONDS + 1
    assert reporter.scan()
    reporter.heartbeat()
    assert told_status(told) == []
    assert reporters.remembered(tmp_path) is None


def test_what_has_shrunk_is_sent_at_once(make: Make, program: Program, clock: ManualClock) -> None:
    reporter = make()
    reporter._clock = clock
    reporter._client = Full(100)  # type: ignore[assignment]
    with pytest.raises(ZfsSyncError):
        reporter.scan()
    program.say(TREE, "\n".join(line for line in FUSE_TREE.splitlines() if "tuesday" not in line) + "\n")
    creation(["tank/photos@monday", "tank/photos/a b@-x"], program)
    small = Small(100)
    reporter._client = small  # type: ignore[assignment]
    assert reporter.scan()
    assert small.sizes == [2]


def test_a_change_that_is_too_much_for_one_part_becomes_a_full_report(
    make: Make, told: Told, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporters, "MOST_SNAPSHOTS", 100)
    reporter = make()
    reporter.scan()
    program.say(TREE, many(250))
    creation([f"tank/photos@n{each}" for each in range(100, 350)], program)
    assert reporter.scan()
    assert set(told.kinds) == {"full"}
    assert [report.seq for report in told.reports] == [0, 0, 1, 2]


def told_status(told: Told) -> list[str]:
    """The warnings that the witness shows of the host."""
    fleet: Fleet = told.fleet  # type: ignore[attr-defined]
    items = fleet.call("GET", "/status")["systems"]
    return next(each["warnings"] for each in items if each["name"] == told.system)  # type: ignore[attr-defined]
