# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
import subprocess
from pathlib import Path

from zfs_sync.agent.offered_keys import fingerprint, offered_keys


def test_a_fingerprint_is_the_one_that_ssh_keygen_shows(tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    said = subprocess.run(["ssh-keygen", "-l", "-f", tmp_path / "key"], check=True, capture_output=True, text=True)
    key = " ".join((tmp_path / "key.pub").read_text().split()[:2])
    assert fingerprint(key) == f"ssh-ed25519 {said.stdout.split()[1]}"


def test_where_nobody_answers_no_key_is_offered() -> None:
    assert offered_keys("127.0.0.1", 1) == []
