"""The hosts of a lab are real ones: systemd, sshd, ZFS, packages."""

from __future__ import annotations

import json
import socket
import zipfile
from pathlib import Path

import pytest

from tests.lab import CommandError, Host, Lab
from tests.lab.fixtures import LabFactory

pytestmark = pytest.mark.lab


def test_three_hosts_run_a_real_systemd(lab: Lab) -> None:
    for host in lab.hosts.values():
        assert host.ssh(["systemctl", "is-system-running"]).stdout.strip() == "running"
        assert host.ssh(["cat", "/proc/1/comm"]).stdout.strip() == "systemd"
        assert host.ssh(["hostname"]).stdout.strip() == host.name


def test_hosts_know_each_other_and_the_controller_by_name(lab: Lab) -> None:
    for name in (*lab.hosts, "controller"):
        lab.hosts["h1"].ssh(["ping", "-c1", "-W2", name])


def test_each_host_has_its_own_host_key_and_identity(lab: Lab) -> None:
    for file in ("/etc/ssh/ssh_host_ed25519_key.pub", "/etc/machine-id"):
        assert len({host.ssh(["cat", file]).stdout for host in lab.hosts.values()}) == len(lab.hosts)


def test_hosts_do_not_trust_each_other(lab: Lab) -> None:
    refused = lab.hosts["h3"].ssh(["ssh", "-o", "BatchMode=yes", "h1", "true"], check=False)

    assert refused.returncode == 255
    assert "Host key verification failed" in refused.stderr


def test_a_changed_host_key_is_refused(lab: Lab) -> None:
    config = lab.paths.ssh_config.read_text()
    known = lab.paths.state / "swapped_known_hosts"
    addresses = [host.address for host in lab.hosts.values()]
    text = lab.paths.known_hosts.read_text().replace(f"h1,{addresses[0]}", "x").replace(f"h2,{addresses[1]}", "h1")
    known.write_text(text.replace("h1 ", f"h1,{addresses[0]} "))
    swapped = lab.paths.state / "swapped_ssh_config"
    swapped.write_text(config.replace(str(lab.paths.known_hosts), str(known)).replace("%C", "swapped-%C"))

    refused = lab.run(["ssh", "-F", str(swapped), "h1", "true"], check=False)

    known.unlink()
    swapped.unlink()
    assert refused.returncode == 255
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in refused.stderr


def test_a_host_cannot_set_the_clock(lab: Lab) -> None:
    refused = lab.hosts["h1"].ssh('date -s "@$(date +%s)"', check=False)

    assert refused.returncode == 1
    assert "cannot set date" in refused.stderr


def test_a_host_can_have_a_firewall(lab: Lab) -> None:
    host = lab.hosts["h3"]

    host.ssh("nft add table inet t && nft list tables && nft delete table inet t")


def test_nothing_leads_out_of_a_lab(lab: Lab) -> None:
    assert lab.run(["ip", "route", "show", "default"]).stdout == ""


def test_arguments_arrive_as_they_are(lab: Lab) -> None:
    words = ["a b", "$HOME", "'", ";", "*", ""]

    said = lab.hosts["h1"].ssh(["python3", "-c", "import json, sys; print(json.dumps(sys.argv[1:]))", *words])

    assert json.loads(said.stdout) == words


def test_a_failing_command_says_where_and_why(lab: Lab) -> None:
    with pytest.raises(CommandError, match=r"h2: ls /absent: exit status 2\n.*No such file"):
        lab.hosts["h2"].ssh(["ls", "/absent"])


def test_put_writes_a_file_with_its_mode(lab: Lab, tmp_path: Path) -> None:
    local = tmp_path / "any"
    local.write_bytes(bytes(range(256)))

    lab.hosts["h1"].put(local, "/srv/a folder/file", 0o640)

    assert lab.hosts["h1"].ssh(["stat", "-c", "%a %s", "/srv/a folder/file"]).stdout.split() == ["640", "256"]


def test_the_test_itself_can_enter_the_network(lab: Lab) -> None:
    address = (lab.hosts["h1"].address, 22)
    outside = Path("/proc/thread-self/ns/net").readlink()

    with lab.enter(), socket.create_connection(address, timeout=5) as connection:
        assert connection.recv(4) == b"SSH-"
    assert Path("/proc/thread-self/ns/net").readlink() == outside


def test_send_and_receive_between_hosts(lab: Lab) -> None:
    source, target = lab.hosts["h1"], lab.hosts["h2"]
    for host in (source, target):
        host.create_pool("tank")
        host.create_pool("tank")
    _let_in(source, target)
    source.ssh("zfs create tank/data && head -c 1000000 /dev/urandom > /tank/data/file && zfs snapshot tank/data@a")
    source.ssh("zfs send tank/data@a | ssh h2 zfs receive tank/copy")
    source.ssh("echo more > /tank/data/more && zfs snapshot tank/data@b")
    source.ssh("zfs send -i @a tank/data@b | ssh h2 zfs receive tank/copy")

    guids = [
        host.ssh(f"zfs get -Hp -o value guid {path}@b") for host, path in ((source, "tank/data"), (target, "tank/copy"))
    ]
    sums = [host.ssh(f"cat {path}/* | sha256sum") for host, path in ((source, "/tank/data"), (target, "/tank/copy"))]

    assert guids[0].stdout == guids[1].stdout
    assert sums[0].stdout == sums[1].stdout


def test_rollback_shows_the_old_content(lab: Lab) -> None:
    host = lab.hosts["h3"]
    host.create_pool("tank")
    host.ssh("zfs create tank/r && echo old > /tank/r/file && zfs snapshot tank/r@a && echo new > /tank/r/file")

    host.ssh("zfs rollback tank/r@a")

    assert host.ssh("cat /tank/r/file").stdout == "old\n"


def test_packages_come_from_the_controller(lab_factory: LabFactory, tmp_path: Path) -> None:
    _make_wheel(tmp_path)
    with lab_factory(["box"], wheelhouse=tmp_path) as lab:
        host = lab.hosts["box"]
        host.ssh("apt-get -qq update && apt-get -qq --yes install mbuffer >/dev/null && mbuffer --version 2>&1")
        host.ssh("python3 -m venv /opt/v && /opt/v/bin/pip install --quiet greeting")

        assert host.ssh(["/opt/v/bin/python", "-c", "import greeting; print(greeting.WORD)"]).stdout == "hello\n"


def _let_in(source: Host, target: Host) -> None:
    """Trust between two hosts, for this test only."""
    source.ssh("ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519")
    target.ssh("cat >> /root/.ssh/authorized_keys", input=source.ssh("cat /root/.ssh/id_ed25519.pub").stdout.encode())
    key = target.ssh("cat /etc/ssh/ssh_host_ed25519_key.pub").stdout
    source.ssh("cat >> /root/.ssh/known_hosts", input=f"{target.name} {key}".encode())


def _make_wheel(folder: Path) -> None:
    info = "greeting-1.0.dist-info"
    with zipfile.ZipFile(folder / "greeting-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("greeting.py", 'WORD = "hello"\n')
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
