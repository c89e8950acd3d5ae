# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The command on each page of an error works as it is printed: run where the page means it, on a fleet."""

import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest
import yaml

from tests.integration.collection.controller import ROOT, TOOLS, Controller, build_collection
from tests.lab.fixtures import LabFactory
from tests.unit.docs.pages import Page
from zfs_sync.core.errors import CATALOGUE

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(600)]

FLEET = {
    "version": 1,
    "systems": {"nas1": {}, "nas2": {}},
    "sync_groups": {
        "photos": {
            "mode": "manual",
            "members": [
                {"system": "nas1", "dataset": "tank/photos", "role": "source"},
                {"system": "nas2", "dataset": "backup/photos", "role": "target"},
            ],
        }
    },
}
DATA = """
zfs create tank/pics && zfs create tank/photos && zfs snapshot tank/photos@one && zfs snapshot tank/photos@two
"""
TARGETS = """
for name in stale written stranger foreign; do zfs create backup/$name && zfs snapshot backup/$name@common; done
zfs unmount backup/foreign
zfs snapshot backup/stale@own && touch /backup/written/file
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """Where an example is run, and what stands for its words in capitals."""

    where: str
    words: Mapping[str, str] = field(default_factory=dict)
    after: str | None = None
    """A command that fails unless the example did what its page promises."""
    terminal: bool = False
    """Whether it shows what only a person may see: it is given a terminal then."""


CONTROLLER, WITNESS, SOURCE, TARGET = "controller", "nas1", "nas1", "nas2"
PLAYBOOK = Trial(CONTROLLER)
TRIALS: Mapping[str, Trial] = {
    "ansible-playbook -i INVENTORY zfs_sync.fleet.site --check --diff": PLAYBOOK,
    "ansible-playbook -i INVENTORY zfs_sync.fleet.site": PLAYBOOK,
    "ansible-playbook -i INVENTORY zfs_sync.fleet.site -e zfs_sync_adopt=true": PLAYBOOK,
    "ansible-playbook -i INVENTORY zfs_sync.fleet.site -e zfs_sync_prune_limit=20": PLAYBOOK,
    "ansible-playbook -i INVENTORY zfs_sync.fleet.status": PLAYBOOK,
    "ansible-playbook -i INVENTORY zfs_sync.fleet.sync_now": PLAYBOOK,
    "curl --cacert ca.pem https://witness:8462/docs": Trial(CONTROLLER),
    "df -h /var/lib/zfs-sync-witness": Trial(WITNESS),
    "zfs-sync-witness check --json": Trial(WITNESS),
    "journalctl -u zfs-sync-agent": Trial(TARGET),
    "journalctl -u zfs-sync-agent --since -1h": Trial(TARGET),
    "journalctl -u zfs-sync-witness": Trial(WITNESS),
    "systemctl restart zfs-sync-agent": Trial(TARGET, after="systemctl is-active zfs-sync-agent"),
    "systemctl show -P User zfs-sync-agent": Trial(TARGET),
    "systemctl status zfs-sync-witness": Trial(WITNESS),
    "zfs create PARENT": Trial(TARGET, {"PARENT": "backup/nas9"}, "zfs list backup/nas9"),
    "zfs get PROPERTY TARGET": Trial(TARGET, {"PROPERTY": "compression", "TARGET": "backup/photos"}),
    "zfs list -o space TARGET": Trial(TARGET, {"TARGET": "backup/photos"}),
    "zfs list -r -t snapshot -o name,guid TARGET": Trial(TARGET, {"TARGET": "backup/photos"}),
    "zfs list -r -t snapshot DATASET": Trial(SOURCE, {"DATASET": "tank/photos"}),
    "zfs rename DATASET@LONG_NAME DATASET@SHORT_NAME": Trial(
        SOURCE, {"DATASET": "tank/photos", "LONG_NAME": "two", "SHORT_NAME": "2"}, "zfs list tank/photos@2"
    ),
    "zfs rename NEW_PATH OLD_PATH": Trial(
        SOURCE, {"NEW_PATH": "tank/pics", "OLD_PATH": "tank/album"}, "zfs list tank/album"
    ),
    "zfs rename TARGET TARGET.kept": Trial(TARGET, {"TARGET": "backup/foreign"}, "zfs list backup/foreign.kept@common"),
    "zfs rollback -r TARGET@COMMON": Trial(
        TARGET, {"TARGET": "backup/stale", "COMMON": "common"}, "! zfs list backup/stale@own"
    ),
    "zfs rollback TARGET@NEWEST": Trial(
        TARGET, {"TARGET": "backup/written", "NEWEST": "common"}, "! test -e /backup/written/file"
    ),
    "zfs set zfs-sync:group=GROUP TARGET": Trial(
        TARGET,
        {"TARGET": "backup/stranger", "GROUP": "photos"},
        "zfs get -H -o value zfs-sync:group backup/stranger | grep -x photos",
    ),
    "zfs-sync-agent --version": Trial(TARGET),
    "zfs-sync-agent doctor": Trial(TARGET),
    "zfs-sync-agent install --check": Trial(TARGET),
    "zfs-sync-agent trust show": Trial(TARGET),
    "zfs-sync-witness key create NAME --role operator": Trial(WITNESS, {"NAME": "carla"}, terminal=True),
    "zfs-sync-witness key create NAME --role viewer": Trial(WITNESS, {"NAME": "dora"}, terminal=True),
    "zfs-sync-witness key create enrol-SYSTEM --role enrol --system SYSTEM": Trial(
        WITNESS, {"SYSTEM": "nas2"}, terminal=True
    ),
    "zfs-sync-witness key list": Trial(WITNESS),
    "zfs-sync-witness --version": Trial(WITNESS),
    "zfs-sync-witness backup /var/backups": Trial(WITNESS, after="ls /var/backups/*zfs-sync*"),
    "zfs-sync-witness restore --help": Trial(WITNESS),
    "zfs-sync-witness migrate": Trial(WITNESS),
    "zfs-sync-witness tls renew": Trial(WITNESS),
    "systemctl stop zfs-sync-witness": Trial(WITNESS, after="! systemctl is-active zfs-sync-witness"),
    "zfs-sync-agent uninstall --purge": Trial(TARGET, after="! systemctl cat zfs-sync-agent"),
}
"""In the order in which they are run: the last one leaves nothing to look at."""
NOT_ON_LAB_HOSTS = {
    "apt-get install zfsutils-linux": "their ZFS is zfs-fuse, and their package archive is that of the lab",
    "zfs get encryption DATASET": "pool version 23 has no encryption",
}


def test_every_example_is_tried() -> None:
    examples = {entry.example for entry in CATALOGUE.values()}
    assert examples == {*TRIALS, *NOT_ON_LAB_HOSTS}


@pytest.mark.parametrize("code", [code for code, entry in CATALOGUE.items() if entry.example in TRIALS])
def test_the_example_on_the_page_of_an_error_works(code: str, said: Mapping[str, str]) -> None:
    (block,) = Page(ROOT / "docs" / "errors" / f"{code}.md").blocks("console")
    assert block.strip() == f"$ {CATALOGUE[code].example}"
    assert said[CATALOGUE[code].example] == ""


@pytest.fixture(scope="module")
def said(lab_factory: LabFactory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """What went wrong with each example, run one after the other; nothing where it worked."""
    build_collection()
    with lab_factory(("nas1", "nas2")) as lab:
        lab.host("nas1").create_pool("tank", "256M")
        lab.host("nas2").create_pool("backup", "256M")
        lab.host("nas1").ssh(DATA)
        controller = Controller(
            lab, tmp_path_factory.mktemp("controller"), {"witness": ["nas1"], "zfs_sync_hosts": ["nas1", "nas2"]}
        )
        (controller.folder / "fleet.yml").write_text(yaml.safe_dump(FLEET))
        controller.playbook("zfs_sync.fleet.site")
        controller.playbook("zfs_sync.fleet.sync_now")
        lab.host("nas2").ssh(TARGETS)
        (controller.folder / "ca.pem").write_text(lab.host("nas1").ssh("cat /etc/zfs-sync/ca.pem").stdout)
        yield {example: _try(controller, example, trial) for example, trial in TRIALS.items()}


def _try(controller: Controller, example: str, trial: Trial) -> str:
    line = example
    for word, stands_for in trial.words.items():
        line = line.replace(word, stands_for)
    if trial.terminal:
        line = f"script -qec {shlex.quote(line)} /dev/null"
    done = _run(controller, trial.where, line)
    if done.returncode == 0 and trial.after is not None:
        done = _run(controller, trial.where, trial.after)
    return "" if done.returncode == 0 else f"{line}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}"


def _run(controller: Controller, where: str, line: str) -> "subprocess.CompletedProcess[str]":
    if where != CONTROLLER:
        return controller.lab.host(where).ssh(line, check=False)
    inventory = str(controller.folder / "inventory.json")
    line = line.replace("INVENTORY", inventory).replace("//witness:", f"//{WITNESS}:")
    (controller.folder / ".curlrc").write_text(f"resolve = {WITNESS}:8462:{controller.lab.host(WITNESS).address}\n")
    environment = controller.environment(controller.folder / "record.jsonl")
    environment |= {"PATH": f"{TOOLS}:{environment['PATH']}", "CURL_HOME": str(controller.folder)}
    return controller.lab.run(["bash", "-c", line], check=False, cwd=controller.folder, environment=environment)
