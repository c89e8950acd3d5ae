# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""zfs-sync-witness as a person or a role runs it."""

import json
import os
import pty
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.witness.process import PROGRAM, environment, run, run_json
from zfs_sync.core import tokens
from zfs_sync.witness.db.schema import HEAD


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def ready(folder: Path) -> Path:
    run_json(folder, "init")
    return folder


def test_init_makes_database_and_key_once(folder: Path) -> None:
    first = run_json(folder, "init")
    key_file = Path(first["key_file"])
    assert first["changed"]
    assert tokens.parse(key_file.read_text().strip()).lookup == first["key_id"]
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert (folder / "state" / "witness.db").stat().st_mode & 0o777 == 0o600
    assert (folder / "state").stat().st_mode & 0o777 == 0o700
    text = key_file.read_text()
    second = run_json(folder, "init")
    assert not second["changed"]
    assert key_file.read_text() == text


def test_init_shows_the_key_to_nobody_but_a_terminal(folder: Path) -> None:
    done = run(folder, "init")
    key = (folder / "state" / "admin.key").read_text().strip()
    assert key not in done.stdout + done.stderr
    assert "admin.key" in done.stdout


def test_init_shows_the_key_on_a_terminal(folder: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*PROGRAM, "init"], env=environment(folder), stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65_536):
            shown += chunk
    except OSError:  # the terminal's other end is closed
        pass
    finally:
        os.close(ours)
    assert process.wait(60) == 0
    assert (folder / "state" / "admin.key").read_text().strip() in shown.decode()


def test_a_key_lost_before_it_was_stored_is_replaced(folder: Path) -> None:
    run_json(folder, "init")
    with sqlite3.connect(folder / "state" / "witness.db") as connection:
        connection.execute("DELETE FROM api_keys")
    connection.close()
    assert run_json(folder, "init")["changed"]


def test_a_key_file_elsewhere(folder: Path) -> None:
    wanted = folder / "first.key"
    assert run_json(folder, "init", "--key-file", str(wanted))["key_file"] == str(wanted)
    assert wanted.exists()


def test_serve_needs_a_database_of_its_version(ready: Path, tmp_path: Path) -> None:
    missing = run(tmp_path / "other", "serve", "--json")
    assert (missing.returncode, json.loads(missing.stdout)["code"]) == (1, "E_MIGRATION_NEEDED")
    with sqlite3.connect(ready / "state" / "witness.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    connection.close()
    old = run(ready, "serve", "--json")
    assert (old.returncode, json.loads(old.stdout)["code"]) == (1, "E_MIGRATION_NEEDED")
    assert run(ready, "key", "list").returncode == 1


def test_migrate_says_whether_there_is_something_to_do(ready: Path, tmp_path: Path) -> None:
    assert run_json(ready, "migrate") == {"changed": False, "from": HEAD, "to": HEAD}
    assert not run_json(ready, "migrate", "--check")["changed"]
    assert run(tmp_path / "other", "migrate").returncode == 1
    empty = tmp_path / "empty"
    (empty / "state").mkdir(parents=True)
    (empty / "state" / "witness.db").touch()
    assert run_json(empty, "migrate", "--check") == {"changed": True, "from": None, "to": HEAD}
    assert run_json(empty, "migrate") == {"changed": True, "from": None, "to": HEAD}
    assert not run_json(empty, "migrate")["changed"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "witness.example.org"])
def test_serve_refuses_to_send_keys_readable(ready: Path, host: str) -> None:
    done = run(ready, "serve", settings={"HOST": host})
    assert done.returncode == 1
    assert "E_CONFIG" in done.stderr
    assert "tls init" in done.stderr


def test_serve_says_that_a_certificate_cannot_be_used(ready: Path) -> None:
    (ready / "x.pem").write_text("nothing")
    paths = {"TLS_CERTIFICATE": str(ready / "x.pem"), "TLS_KEY": str(ready / "x.pem")}
    done = run(ready, "serve", settings=paths)
    assert (done.returncode, done.stderr[:8]) == (1, "E_CONFIG")


def test_keys_are_made_listed_rotated_and_revoked(ready: Path) -> None:
    key_file = ready / "ci.key"
    wanted = ("--role", "viewer", "--expires-in", "30d", "--key-file", str(key_file))
    made = run_json(ready, "key", "create", "ci", *wanted)
    assert tokens.parse(key_file.read_text().strip()).lookup == made["id"]
    assert "token" not in made
    rotated = run_json(ready, "key", "rotate", "ci", "--print")
    assert rotated["id"] == tokens.parse(rotated["token"]).lookup != made["id"]
    listed = run_json(ready, "key", "list")["keys"]
    assert [(key["name"], key["role"]) for key in listed] == [("admin", "admin"), ("ci", "viewer")]
    assert "ci" in run(ready, "key", "list").stdout
    run_json(ready, "key", "revoke", rotated["id"])
    assert [key["name"] for key in run_json(ready, "key", "list")["keys"]] == ["admin"]
    again = run(ready, "key", "revoke", "ci")
    assert (again.returncode, "E_KEY_NOT_FOUND" in again.stderr) == (1, True)


def test_a_key_that_would_go_nowhere_is_not_made(ready: Path) -> None:
    done = run(ready, "key", "create", "ci", "--role", "viewer")
    assert (done.returncode, "--key-file" in done.stderr) == (1, True)
    unwritable = run(ready, "key", "create", "ci", "--role", "viewer", "--key-file", str(ready / "no" / "ci.key"))
    assert unwritable.returncode == 1
    assert len(run_json(ready, "key", "list")["keys"]) == 1


def test_all_faults_of_a_key_are_told_at_once(ready: Path) -> None:
    wanted = ("--role", "agent", "--system", "../x", "--expires-in", "9", "--print", "--json")
    done = run(ready, "key", "create", "", *wanted)
    faults = json.loads(done.stdout)["errors"]
    assert [fault["pointer"] for fault in faults] == ["--expires-in", "--system", "name"]


def test_tls_init_is_idempotent_and_renew_is_not(ready: Path) -> None:
    hosts = ("--host", "localhost", "--host", "127.0.0.1")
    assert run_json(ready, "tls", "init", *hosts)["changed"]
    assert not run_json(ready, "tls", "init", *hosts)["changed"]
    assert run_json(ready, "tls", "renew")["changed"]
    assert run(ready, "tls", "init", "--host", "a b").returncode == 1
    (ready / "state" / "tls" / "ca.crt").write_text("nothing")
    broken = run(ready, "tls", "init", *hosts)
    assert (broken.returncode, broken.stderr[:8]) == (1, "E_CONFIG")


def test_settings_are_checked_before_they_are_served_with(folder: Path) -> None:
    file = folder / "settings.yml"
    file.write_text("host: 0.0.0.0\nhartbeat_seconds: 5\nlease_seconds: long\n")
    said = run(folder, "check", "--config", str(file)).stderr
    assert "hartbeat_seconds: this setting is not known; did you mean heartbeat_seconds?" in said
    assert "/lease_seconds" in said
    file.write_text("host: 0.0.0.0\n")
    assert "would listen on 0.0.0.0 without TLS" in run(folder, "check", "--config", str(file)).stderr
    file.write_text("host: 0.0.0.0\nallow_plain_http: true\n")
    assert json.loads(run(folder, "check", "--config", str(file), "--json").stdout)["plain_http"] is True


def test_the_openapi_document_is_printed(folder: Path) -> None:
    done = run(folder, "openapi")
    assert json.loads(done.stdout)["openapi"].startswith("3.1")


def test_wrong_usage_is_told_from_errors(folder: Path) -> None:
    assert run(folder).returncode == 2
    assert run(folder, "serve", "--port", "1").returncode == 2
    assert run(folder, "--help").returncode == 0


def test_faults_of_the_settings_are_listed(folder: Path) -> None:
    done = run(folder, "init", settings={"PRT": "1"})
    assert done.returncode == 1
    assert "did you mean ZFS_SYNC_WITNESS_PORT?" in done.stderr


HELP = """
import sys
from zfs_sync.witness.main import main
try:
    main(["--help"])
finally:
    print([name for name in ("fastapi", "sqlalchemy", "pydantic", "alembic") if name in sys.modules])
"""


def test_help_imports_next_to_nothing() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, timeout=60, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.stdout.splitlines()[-1] == "[]"
    assert after.ru_utime - before.ru_utime < 0.5
