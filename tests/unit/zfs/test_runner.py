# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Running programs: where they are looked for, in which language they speak, and that they end."""

import os
import subprocess
from pathlib import Path

import pytest

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.zfs import runner as runners
from zfs_sync.zfs.runner import Completed, LocalRunner, demand


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalRunner:
    """A runner that finds a program ``zfs`` which says what it was given."""
    program = tmp_path / "zfs"
    program.write_text(
        '#!/bin/sh\necho "$LC_ALL|$HOME|$*"\nprintf "\\377\\n" >&2\nread line && echo "read $line"\nexit 3\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(runners, "SYSTEM_DIRECTORIES", ("/usr/bin", "/bin"))
    return LocalRunner({"PATH": str(tmp_path), "HOME": "/root"})


def test_it_speaks_the_c_locale_reads_nothing_and_inherits_no_environment(runner: LocalRunner) -> None:
    done = runner.run(("zfs", "list", "a b; echo x"))
    assert (done.returncode, done.ok) == (3, False)
    assert done.stdout == "C||list a b; echo x\n"
    assert done.stderr == "\ufffd\n"


def test_a_tool_that_is_missing_is_said_to_be(runner: LocalRunner) -> None:
    for start in (runner.run, lambda argv: runner.spawn(argv, stdin=0, stdout=1, stderr=2)):
        with pytest.raises(ZfsSyncError) as caught:
            start(("zpool", "list"))
        assert caught.value.code == "E_ZFS_MISSING"
        assert "zpool" in caught.value.message


def test_the_systems_own_directories_are_looked_into_without_a_path() -> None:
    assert LocalRunner({}).run(("true",)).ok


def test_a_command_that_hangs_is_ended() -> None:
    with pytest.raises(ZfsSyncError) as caught:
        LocalRunner().run(("sleep", "600"), timeout_seconds=0.05)
    assert caught.value.code == "E_ZFS_FAILED"
    assert caught.value.message == "sleep 600 did not end within 0.05 s."


def test_a_stream_has_a_process_group_of_its_own_and_only_the_descriptors_it_is_given() -> None:
    reading, writing = os.pipe()
    process = LocalRunner().spawn(
        ("sh", "-c", f"ps -o pgid= -p $$; echo there >/dev/fd/{writing}"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=[writing],
    )
    os.close(writing)
    said = process.communicate()[0].decode()
    with os.fdopen(reading) as pipe:
        assert pipe.read() == "there\n"
    assert int(said) == process.pid != os.getpgrp()


def test_a_failure_that_must_not_be_is_classified() -> None:
    well = Completed(("zfs", "set", "a=b", "tank"), 0, "", "")
    assert demand(well, "tank") is well
    with pytest.raises(ZfsSyncError) as caught:
        demand(Completed(("zfs", "set", "a=b", "tank"), 1, "", "permission denied"), "tank")
    assert caught.value.code == "E_PERMISSION"
