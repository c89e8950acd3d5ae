"""What the lab asks of a machine, and how it finds its way on one; without a lab."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.lab import LabError, requirements
from tests.lab.cgroups import Cgroup, trees
from tests.lab.relay import Direction, Shape
from tests.lab.requirements import PACKAGE_OF, require_machine
from tests.lab.sizes import size_in_bytes

PACKAGES = Path(requirements.__file__).with_name("debian-packages.txt")


def test_without_root_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(LabError, match="needs root"):
        require_machine()


def test_elsewhere_than_on_linux_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    with pytest.raises(LabError, match=r"needs Linux \(this is darwin\)"):
        require_machine()


def test_a_missing_program_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(requirements.shutil, "which", lambda tool: None if tool == "nft" else f"/usr/bin/{tool}")

    with pytest.raises(LabError, match=r"apt-get install nftables$"):
        require_machine()


def test_the_list_of_packages_has_all_that_are_named() -> None:
    listed = PACKAGES.read_text().split()

    assert listed == sorted(listed)
    assert set(PACKAGE_OF.values()) <= set(listed)


def test_a_machine_with_only_cgroup_v2(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids")
    (tmp_path / "cgroup.subtree_control").touch()
    cgroup = Cgroup(trees(tmp_path), "zfs-sync-lab/lab/h1")

    cgroup.create()

    assert trees(tmp_path).unified
    assert cgroup.joiner()[2:] == [str(tmp_path / "zfs-sync-lab/lab/h1/cgroup.procs"), "--"]
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+pids"  # a file keeps what was written last


def test_a_machine_with_v1_controllers_beside_v2(tmp_path: Path) -> None:
    for tree in ("unified", "systemd", "memory", "cpu"):
        (tmp_path / tree).mkdir()
        (tmp_path / tree / "cgroup.procs").touch()

    assert trees(tmp_path).primary == tmp_path / "unified"
    assert trees(tmp_path).others == (tmp_path / "systemd", tmp_path / "memory")


def test_a_machine_without_cgroup_v2_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="mount one"):
        trees(tmp_path)


def test_the_relay_delays_and_keeps_the_order() -> None:
    direction = Direction(0, 0, Shape(delay_ms=10, jitter_ms=10))

    for number in range(50):
        direction.accept(bytes([number]), now=number / 1000)

    dues = [due for due, _ in direction.waiting]
    assert [frame[0] for _, frame in direction.waiting] == list(range(50))
    assert dues == sorted(dues)
    assert all(0 <= due - number / 1000 <= 0.07 for number, due in enumerate(dues))


def test_the_relay_spaces_frames_by_rate_and_drops_what_is_a_second_ahead() -> None:
    direction = Direction(0, 0, Shape(rate_kilobytes_per_second=1))

    for _ in range(5):
        direction.accept(bytes(500), now=0)

    assert [round(due, 3) for due, _ in direction.waiting] == [0.5, 1.0, 1.5]


@pytest.mark.parametrize(("text", "size"), [("300M", 300 << 20), ("1g", 1 << 30), ("64k", 64 << 10), ("17", 17)])
def test_sizes(text: str, size: int) -> None:
    assert size_in_bytes(text) == size


def test_a_size_that_is_none() -> None:
    with pytest.raises(LabError, match="'many' is no size"):
        size_in_bytes("many")
