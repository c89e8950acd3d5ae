"""`down` leaves nothing behind, whatever happened before, and touches no other lab."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.lab import Lab, LabError
from tests.lab.cgroups import Cgroup, trees
from tests.lab.cleanup import labs_on_machine, remove_abandoned, remove_lab
from tests.lab.fixtures import LabFactory
from tests.lab.names import RUN_ROOT, network_namespace

pytestmark = pytest.mark.lab


def test_down_leaves_nothing_behind(lab_factory: LabFactory) -> None:
    lab = lab_factory(["a", "b"])
    lab.hosts["a"].create_pool("tank")
    lab.hosts["a"].delay(1)
    lab.hosts["a"].link(False)
    lab.hosts["b"].freeze()
    server = lab.start(["sleep", "600"])
    assert _traces(lab)

    lab.down()

    assert server.wait() == -signal.SIGKILL
    assert _traces(lab) == []


def test_down_twice_does_nothing(lab_factory: LabFactory) -> None:
    lab = lab_factory(["a"])

    assert remove_lab(lab.name) is True
    assert remove_lab(lab.name) is False


@pytest.mark.parametrize("lose_record", [False, True])
def test_down_cleans_up_after_a_crash(lab_factory: LabFactory, lose_record: bool) -> None:
    lab = lab_factory(["a", "b"])
    lab.hosts["b"].delay(1)
    for pid in _supervisors(lab):
        os.kill(pid, signal.SIGKILL)
    if lose_record:
        lab.paths.record.unlink()
    assert lab.name in labs_on_machine()

    lab.down()

    assert _traces(lab) == []


def test_down_works_while_a_process_is_inside_the_network(lab_factory: LabFactory) -> None:
    lab = lab_factory(["a"])

    with lab.enter():
        lab.down()
        assert subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout.count("\n") == 1

    assert _traces(lab) == []


def test_a_host_that_does_not_boot_says_why(lab_factory: LabFactory) -> None:
    lab = lab_factory(["a"])
    lab.hosts["a"].power_cut()
    (lab.paths.host("a").root / "etc/os-release").unlink()
    (lab.paths.host("a").root / "usr/lib/os-release").unlink()

    with pytest.raises(LabError, match=r"host a did not start:\n(.|\n)*os-release"):
        lab.hosts["a"].power_on()


def test_labs_of_a_test_run_that_is_no_more_are_removed(lab_factory: LabFactory) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    lab = Lab.create(lab_factory.new_name(), ["a"], owner_pid=ended.pid)
    kept = lab_factory(["a"])

    remove_abandoned()

    assert _traces(lab) == []
    assert kept.hosts["a"].state == "running"


def test_two_labs_at_once_are_strangers(lab_factory: LabFactory) -> None:
    one, two = lab_factory(["a", "b"]), lab_factory(["a"])
    for lab in (one, two):
        lab.hosts["a"].create_pool("tank")
    one.hosts["a"].ssh("zfs create tank/only-here")

    assert one.hosts["a"].address != two.hosts["a"].address
    assert two.hosts["a"].ssh("zfs list -H -o name").stdout == "tank\n"
    unreachable = one.hosts["a"].ssh(["ping", "-c1", "-W1", two.hosts["a"].address], check=False)
    assert unreachable.returncode == 1
    two.down()
    assert one.hosts["b"].ssh("echo here").stdout == "here\n"


def _supervisors(lab: Lab) -> list[int]:
    """What a crash may take: nspawn of each host, the relays, the shared ssh connections."""
    hosts = set(lab.hosts)
    inside = {pid for name in hosts for pid in Cgroup.of(lab.name, name, "payload").processes()}
    return [pid for pid in Cgroup.of(lab.name).processes() if pid not in inside] + _connections(lab)


def _connections(lab: Lab) -> list[int]:
    return [pid for pid, words in _command_lines() if words.startswith(f"ssh: {lab.paths.runtime}/")]


def _command_lines() -> list[tuple[int, str]]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found.append((int(folder.name), (folder / "cmdline").read_text().replace("\0", " ")))
        except OSError:
            continue
    return found


def _traces(lab: Lab) -> list[str]:
    """Return whatever the machine still knows of a lab."""
    machine = network_namespace(lab.name)
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    found = [line for line in mounts if f"{lab.paths.state}/" in line or f"/{machine}" in line]
    found += [str(file) for file in Path("/run/netns").glob(f"{machine}*")]
    found += [str(file) for file in Path("/run/systemd/nspawn").glob(f"*/{machine}*")]
    found += [str(tree) for tree in trees().all if (tree / Cgroup.of(lab.name).path).exists()]
    found += [str(path) for path in (lab.paths.state, RUN_ROOT / lab.name) if path.exists()]
    return found + [words for _, words in _command_lines() if machine in words or str(lab.paths.state) in words]
