"""Each fault does what it says, to whom it says, and heals."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from tests.lab import Host, Lab
from tests.lab.cgroups import Cgroup
from tests.lab.shaping import RELAYS, Shaper

pytestmark = pytest.mark.lab


def test_what_was_written_survives_a_power_cut(healed_lab: Lab) -> None:
    host = healed_lab.hosts["h1"]
    host.create_pool("tank")
    host.ssh("echo kept > /root/file && echo kept > /tank/file && zfs snapshot tank@kept && sync")
    leader = host.container.leader

    host.power_cut()
    assert host.state == "off"
    host.power_on()

    assert host.container.leader != leader
    assert host.ssh("cat /root/file /tank/file").stdout == "kept\nkept\n"
    assert host.ssh("zpool list -H -o health tank && zfs list -H -t snapshot -o name").stdout == "ONLINE\ntank@kept\n"


def test_poweroff_shuts_down_in_order(healed_lab: Lab) -> None:
    host = healed_lab.hosts["h2"]
    host.put(b"[Service]\nExecStop=/usr/bin/touch /root/stopped\n", "/etc/systemd/system/ssh.service.d/test.conf")
    host.ssh(["systemctl", "daemon-reload"])

    host.poweroff()
    assert host.state == "off"
    host.power_on()

    host.ssh("test -e /root/stopped")


def test_a_power_cut_ends_only_its_host(healed_lab: Lab) -> None:
    others = {name: host.container.leader for name, host in healed_lab.hosts.items() if name != "h1"}

    healed_lab.hosts["h1"].power_cut()

    assert {name: healed_lab.hosts[name].container.leader for name in others} == others


def test_a_frozen_host_pings_but_does_nothing(healed_lab: Lab) -> None:
    host = healed_lab.hosts["h1"]

    host.freeze()
    assert host.state == "frozen"
    assert _pings(healed_lab, host)
    with pytest.raises(subprocess.TimeoutExpired):
        host.ssh("true", timeout_seconds=1)
    host.thaw()

    assert host.ssh("echo here").stdout == "here\n"


def test_a_frozen_host_can_lose_its_power(healed_lab: Lab) -> None:
    host = healed_lab.hosts["h3"]

    host.freeze()
    host.power_cut()

    assert host.state == "off"


def test_a_pulled_cable_silences_one_host(healed_lab: Lab) -> None:
    host, other = healed_lab.hosts["h1"], healed_lab.hosts["h2"]

    host.link(False)
    assert host.faults == ["link down"]
    assert not _pings(healed_lab, host)
    assert _pings(healed_lab, other)
    host.link(True)

    assert _pings(healed_lab, host)


def test_a_partition_cuts_one_pair(healed_lab: Lab) -> None:
    first = healed_lab.hosts["h1"]

    healed_lab.partition("h1", "h2")
    healed_lab.partition("h1", "h2")
    assert first.faults == ["cut from h2"]
    assert not _reaches(first, "h2")
    assert not _reaches(healed_lab.hosts["h2"], "h1")
    assert _reaches(first, "h3")
    assert _reaches(first, "controller")
    healed_lab.heal("h2", "h1")

    assert _reaches(first, "h2")


def test_a_partition_can_cut_off_the_controller(healed_lab: Lab) -> None:
    healed_lab.partition("controller", "h1")
    assert not _pings(healed_lab, healed_lab.hosts["h1"])
    assert _reaches(healed_lab.hosts["h2"], "h1")
    healed_lab.heal("h1", "controller")

    assert _pings(healed_lab, healed_lab.hosts["h1"])


def test_a_delay_counts_in_each_direction(healed_lab: Lab) -> None:
    host = healed_lab.hosts["h1"]

    host.delay(30)
    host.ssh(["ip", "neighbour", "flush", "dev", "eth0", "nud", "all"])  # so that ARP is asked behind the relay as well
    assert host.faults == ["shaped"]
    assert _round_trip_ms(healed_lab, host) >= 60
    host.clear()

    assert _round_trip_ms(healed_lab, host) < 30


def test_a_lossy_cable_loses_some(healed_lab: Lab) -> None:
    host = healed_lab.hosts["h1"]

    host.delay(loss_percent=30)

    # Four seconds, because a lost question for the host's hardware address is asked again after one only.
    said = healed_lab.run(["ping", "-q", "-c80", "-i0.05", "-W1", host.address], check=False).stdout
    received = int(said.split(" received")[0].rsplit(" ", 1)[1])
    assert 0 < received < 80


def test_a_narrow_cable_takes_its_time(healed_lab: Lab) -> None:
    host = healed_lab.hosts["h1"]
    host.delay(rate_kilobytes_per_second=1000)

    start = time.monotonic()
    host.ssh("cat > /dev/null", input=os.urandom(2_000_000))
    seconds = time.monotonic() - start

    assert 1.5 < seconds < 10


def test_a_partition_holds_behind_a_delay(healed_lab: Lab) -> None:
    healed_lab.hosts["h1"].delay(1)
    healed_lab.partition("h1", "h2")

    assert not _reaches(healed_lab.hosts["h2"], "h1")
    assert _reaches(healed_lab.hosts["h3"], "h1")


def test_a_delay_heals_when_its_relay_died(healed_lab: Lab) -> None:
    host = healed_lab.hosts["h1"]
    host.delay(1)
    for relay in Cgroup.of(healed_lab.name, RELAYS, host.name).processes():
        os.kill(relay, signal.SIGKILL)

    host.clear()

    assert _pings(healed_lab, host)
    assert not Shaper(healed_lab.network, host.name).is_applied()


def test_a_memory_limit_holds_for_one_host(healed_lab: Lab) -> None:
    hungry = "python3 -c 'len(b\"x\" * (600 << 20))'; echo $?"
    host, other = healed_lab.hosts["h1"], healed_lab.hosts["h2"]

    host.limit_memory("300M")
    assert host.faults == ["memory 300M"]
    assert host.ssh(hungry).stdout == "137\n"
    assert other.ssh(hungry).stdout == "0\n"
    host.limit_memory(None)

    assert host.ssh(hungry).stdout == "0\n"


@pytest.mark.parametrize(
    "heal", [Host.power_on, Host.thaw, Host.clear, lambda host: host.link(True), lambda host: host.limit_memory(None)]
)
def test_healing_what_is_well_does_nothing(lab: Lab, heal: Callable[[Host], None]) -> None:
    host = lab.hosts["h2"]
    leader = host.container.leader

    heal(host)
    lab.heal("h1", "h2")

    assert host.container.leader == leader
    assert host.faults == []


def _pings(lab: Lab, host: Host) -> bool:
    return lab.run(["ping", "-c1", "-W1", host.address], check=False).returncode == 0


def _reaches(host: Host, other: str) -> bool:
    return host.ssh(["ping", "-c1", "-W1", other], check=False).returncode == 0


def _round_trip_ms(lab: Lab, host: Host) -> float:
    said = lab.run(["ping", "-q", "-c5", "-i0.05", host.address]).stdout
    return float(said.rsplit(" = ", 1)[1].split("/")[0])
