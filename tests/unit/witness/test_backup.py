# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Backup and restore: whole while the witness serves, the same state afterwards, and nothing is overwritten."""

import io
import json
import os
import shutil
import sqlite3
import tarfile
import threading
import time
from argparse import Namespace
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from alembic import command

from tests.unit.witness.documents import fleet
from tests.unit.witness.hosts import dataset, full
from tests.unit.witness.process import DEADLINE, Served, run, run_json
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness.archive import DATABASE, FORMAT
from zfs_sync.witness.commands.backup import backup
from zfs_sync.witness.commands.restore import restore
from zfs_sync.witness.db import migrate
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.schema import HEAD


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a witness that has a fleet, an agent's report and TLS files."""
    folder = tmp_path_factory.mktemp("first")
    run_json(folder, "init")
    run_json(folder, "tls", "init", "--host", "localhost")
    run_json(
        folder, "key", "create", "agent-nas1", "--role", "agent", "--system", "nas1", "--key-file", str(folder / "k")
    )
    with Served(folder) as running:
        with running.client(token(folder)) as client:
            client.post("/api/v1/fleet/apply", json={"fleet": fleet()}).raise_for_status()
        report(running, folder, full(dataset("tank/photos", 1, 2), generation="g1"))
        running.terminate()
    return folder


@pytest.fixture
def lived(first: Path, tmp_path: Path) -> Path:
    """A copy of it, to do with as a test likes."""
    return shutil.copytree(first, tmp_path / "lived")


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """The folder of a witness that is none yet."""
    (tmp_path / "fresh").mkdir()
    return tmp_path / "fresh"


def token(folder: Path) -> str:
    return (folder / "state" / "admin.key").read_text().strip()


def report(running: Served, folder: Path, body: dict[str, Any]) -> None:
    with running.client((folder / "k").read_text().strip()) as client:
        client.post("/api/v1/systems/nas1/reports", json=body).raise_for_status()


def options(folder: Path, **more: Any) -> Namespace:
    config = folder / "witness.yml"
    config.write_text(f"database: {folder / 'state' / DATABASE}\n")
    return Namespace(config=config, **more)


def backed_up(folder: Path, to: Path) -> dict[str, Any]:
    return backup(options(folder, to=to))


def restored(folder: Path, file: Path | str, *, check: bool = False, replace: bool = False) -> dict[str, Any]:
    return restore(options(folder, file=Path(file), check=check, replace=replace))


def refused(action: Callable[[], object]) -> str:
    with pytest.raises(ZfsSyncError) as caught:
        action()
    return caught.value.code


def dump(path: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(path)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in names}


def test_a_backup_restores_into_the_same_state(lived: Path, fresh: Path, tmp_path: Path) -> None:
    made = backed_up(lived, tmp_path)
    file = Path(made["file"])
    assert file.parent == tmp_path
    assert file.stat().st_mode & 0o777 == 0o600
    assert made["files"] == [DATABASE, "admin.key", "tls/ca.crt", "tls/ca.key", "tls/server.crt", "tls/server.key"]
    assert (made["revision"], made["counts"]["systems"], made["counts"]["snapshots"]) == (HEAD, 2, 2)
    done = restored(fresh, file)
    assert (done["from"], done["to"], done["kept"]) == (HEAD, HEAD, [])
    old, new = dump(lived / "state" / DATABASE), dump(fresh / "state" / DATABASE)
    for table in set(old) - {"audit", "meta", "hosts", "sqlite_sequence"}:  # of which a restore changes something
        assert new[table] == old[table], table
    for name in made["files"][1:]:
        copied = fresh / "state" / name
        assert copied.read_bytes() == (lived / "state" / name).read_bytes()
        assert copied.stat().st_mode & 0o077 == (0o044 if name.endswith(".crt") else 0)
    assert (fresh / "state" / DATABASE).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in (fresh / "state").iterdir()) == [
        "admin.key",
        "tls",
        DATABASE,
        DATABASE + ".lock",
    ]


def test_agents_go_on_and_send_a_full_report(lived: Path, tmp_path: Path) -> None:
    file = backed_up(lived, tmp_path)["file"]
    with Served(lived) as running:
        report(running, lived, full(dataset("tank/photos", 1, 2, 3), generation="g2"))
    restored(lived, file, replace=True)
    beat = {"protocol": 1, "installation": "inst-1", "agent_version": "0.1.0"}
    with Served(lived) as running, running.client((lived / "k").read_text().strip()) as client:
        for generation in ("g2", "g1"):
            said = client.post("/api/v1/systems/nas1/heartbeat", json=beat | {"generation": generation}).json()
            assert said == {"report": "send_full"}
        delta = full(kind="delta", base_generation="g1", generation="g3")
        assert client.post("/api/v1/systems/nas1/reports", json=delta).json()["code"] == "E_REPORT_BASE_UNKNOWN"
        report(running, lived, full(dataset("tank/photos", 1, 2, 3), generation="g2"))
        said = client.post("/api/v1/systems/nas1/heartbeat", json=beat | {"generation": "g2"}).json()
        assert said == {"report": "ok"}
    with Served(lived) as running, running.client(token(lived)) as client:
        (entry,) = client.get("/api/v1/audit", params={"event": "witness"}).json()["items"]
        assert (entry["event"], entry["actor"]) == ("witness.restored", "zfs-sync-witness")


def test_a_job_that_was_planned_before_waits_no_more_and_is_planned_anew(first: Path, tmp_path: Path) -> None:
    lived = shutil.copytree(first, tmp_path / "lived")
    run_json(lived, "key", "create", "nas2", "--role", "agent", "--system", "nas2", "--key-file", str(lived / "k2"))
    held = full(dataset("backup/photos", 1, marker="photos"))

    def waiting(client: httpx2.Client) -> list[str]:
        return [each["id"] for each in client.get("/api/v1/systems/nas2/work").json()["jobs"]]

    with Served(lived) as running, running.client((lived / "k2").read_text().strip()) as client:
        client.post("/api/v1/systems/nas2/reports", json=held).raise_for_status()
        (old,) = waiting(client)
    file = backed_up(lived, tmp_path)["file"]
    restored(lived, file, replace=True)
    with Served(lived) as running, running.client((lived / "k2").read_text().strip()) as client:
        assert waiting(client) == []
        report(running, lived, full(dataset("tank/photos", 1, 2)))
        assert waiting(client) == []
        client.post("/api/v1/systems/nas2/reports", json=held | {"generation": "later"}).raise_for_status()
        (new,) = waiting(client)
        assert new != old


def test_a_state_of_before_is_not_taken_for_one_of_after(lived: Path, tmp_path: Path) -> None:
    file = backed_up(lived, tmp_path)["file"]
    with Served(lived) as running, running.client(token(lived)) as client:
        client.put("/api/v1/systems/nas7", json={}).raise_for_status()
        planned = client.get("/api/v1/fleet").json()["state"]
    restored(lived, file, replace=True)
    with Served(lived) as running, running.client(token(lived)) as client:
        client.put("/api/v1/systems/nas8", json={}).raise_for_status()
        assert client.get("/api/v1/fleet").json()["state"] != planned
        late = client.put("/api/v1/systems/nas9", json={}, headers={"If-Match": planned})
        assert late.json()["code"] == "E_STATE_CHANGED"


def test_a_backup_is_whole_while_the_witness_writes(lived: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    written: list[int] = []

    def write(running: Served) -> None:
        with running.client(token(lived)) as client:
            while not stop.is_set():
                number = len(written)
                pair = fleet({f"a{number}": {}, f"b{number}": {}}, {})
                client.post("/api/v1/fleet/apply", json={"fleet": pair}).raise_for_status()
                written.append(number)

    with Served(lived) as running:
        deadline = time.monotonic() + DEADLINE
        thread = threading.Thread(target=write, args=(running,))
        thread.start()
        try:
            files = []
            while len(files) < 3 or (len(written) < 5 and time.monotonic() < deadline):
                files.append(Path(backed_up(lived, tmp_path / f"{len(files)}.tar.gz")["file"]))
        finally:
            stop.set()
            thread.join()
    assert len(written) >= 5
    for number, file in enumerate(files):
        target = tmp_path / f"r{number}"
        target.mkdir()
        restored(target, file)
        names = [row[0] for row in dump(target / "state" / DATABASE)["systems"]]
        assert sorted(name[1:] for name in names if name[0] == "a") == sorted(
            name[1:] for name in names if name[0] == "b"
        )


def test_a_witness_that_runs_is_not_replaced_and_no_second_one_serves(lived: Path, tmp_path: Path) -> None:
    file = backed_up(lived, tmp_path)["file"]
    with Served(lived):
        assert refused(lambda: restored(lived, file, replace=True)) == "E_WITNESS_RUNNING"
        second = run(lived, "serve", "--json")
        assert (second.returncode, json.loads(second.stdout)["code"]) == (1, "E_WITNESS_RUNNING")
    restored(lived, file, replace=True)


def test_what_is_there_is_refused_or_moved_aside_whole(lived: Path, tmp_path: Path) -> None:
    file = backed_up(lived, tmp_path)["file"]
    before = dump(lived / "state" / DATABASE)
    assert refused(lambda: restored(lived, file)) == "E_DATABASE_EXISTS"
    assert dump(lived / "state" / DATABASE) == before
    kept = [Path(each) for each in restored(lived, file, replace=True)["kept"]]
    aside = next(path for path in kept if path.name.startswith(DATABASE))
    assert dump(aside) == before
    assert len(kept) == 6


def test_a_check_writes_nothing(lived: Path, fresh: Path, tmp_path: Path) -> None:
    file = backed_up(lived, tmp_path)["file"]
    assert restored(fresh, file, check=True)["changed"] is False
    assert list(fresh.iterdir()) == [fresh / "witness.yml"]


def test_an_older_backup_is_migrated_forward(fresh: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    (old / "state").mkdir(parents=True)
    database = Database(f"sqlite:///{old / 'state' / DATABASE}")

    def make(connection: Any) -> None:
        config = migrate.configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")

    database.write(make)
    database.close()
    file = backed_up(old, tmp_path)["file"]
    done = restored(fresh, file)
    assert (done["from"], done["to"]) == ("0002", HEAD)
    with Served(fresh) as running, running.client() as client:
        assert client.get("/health/ready").status_code == 200


def changed(file: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """Another archive with other members."""
    with tarfile.open(file) as archive:
        members = {each.name: archive.extractfile(each).read() for each in archive}  # type: ignore[union-attr]
    change(members)
    other = file.with_name("changed.tar.gz")
    with tarfile.open(other, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return other


def said(members: dict[str, bytes], **values: Any) -> None:
    members["manifest.json"] = json.dumps(json.loads(members["manifest.json"]) | values).encode()


def flip(members: dict[str, bytes]) -> None:
    content = bytearray(members[DATABASE])
    content[5000] ^= 1
    members[DATABASE] = bytes(content)


DAMAGES: dict[str, Callable[[dict[str, bytes]], None]] = {
    "a bit of the database": flip,
    "no database": lambda members: members.pop(DATABASE) and None,
    "no list": lambda members: members.pop("manifest.json") and None,
    "no JSON": lambda members: members.update({"manifest.json": b"{"}),
    "another form": lambda members: said(members, files=[]),
    "a strange file": lambda members: said(members, files={DATABASE: "x", "../../etc/passwd": "x"}),
    "a newer format": lambda members: said(members, format=FORMAT + 1),
    "a newer revision": lambda members: said(members, revision="9999"),
    "another count": lambda members: said(members, counts={}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_no_whole_backup_is_refused_and_nothing_changes(
    lived: Path, fresh: Path, tmp_path: Path, damage: str
) -> None:
    file = changed(Path(backed_up(lived, tmp_path)["file"]), DAMAGES[damage])
    assert refused(lambda: restored(fresh, file)) == "E_BACKUP_INVALID"
    assert [path for path in fresh.rglob("*") if path.is_file() and path.suffix not in (".lock", ".yml")] == []


@pytest.mark.parametrize("length", [0, 10, 5_000])
def test_a_backup_that_was_cut_is_refused(lived: Path, tmp_path: Path, length: int) -> None:
    file = Path(backed_up(lived, tmp_path)["file"])
    os.truncate(file, length)
    assert refused(lambda: restored(lived, file, replace=True)) == "E_BACKUP_INVALID"
    assert refused(lambda: restored(lived, tmp_path / "nothing", replace=True)) == "E_BACKUP_INVALID"


def test_no_backup_overwrites_another_and_none_is_left_half(lived: Path, tmp_path: Path) -> None:
    target = tmp_path / "one.tar.gz"
    backed_up(lived, target)
    before = target.read_bytes()
    assert refused(lambda: backed_up(lived, target)) == "E_BACKUP_FAILED"
    assert target.read_bytes() == before
    assert refused(lambda: backed_up(lived, tmp_path / "no" / "folder")) == "E_BACKUP_FAILED"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lived", "one.tar.gz"]


def test_a_damaged_database_is_not_backed_up(lived: Path, tmp_path: Path) -> None:
    path = lived / "state" / DATABASE
    with path.open("r+b") as stream:
        stream.seek(8192)
        stream.write(b"\xff" * 4096)
    assert refused(lambda: backed_up(lived, tmp_path / "x.tar.gz")) == "E_DATABASE_UNAVAILABLE"
    assert not (tmp_path / "x.tar.gz").exists()


def test_the_commands_say_what_they_did(lived: Path, fresh: Path, tmp_path: Path) -> None:
    said = run(lived, "backup", str(tmp_path / "b.tar.gz"))
    assert (said.returncode, "It holds secrets" in said.stdout) == (0, True)
    assert run_json(fresh, "restore", str(tmp_path / "b.tar.gz"))["changed"] is True


def test_a_witness_that_is_not_there_has_no_backup(tmp_path: Path) -> None:
    assert refused(lambda: backed_up(tmp_path, tmp_path)) == "E_MIGRATION_NEEDED"
