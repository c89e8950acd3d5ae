# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""One rule more in agent.conf, and nothing else of it."""

from pathlib import Path

import pytest

from zfs_sync.agent import allow_rule, config_file
from zfs_sync.agent.install.files import Owner
from zfs_sync.core.errors import ZfsSyncError

HEAD = "# mine\nsystem: nas1\nwitness: {url: 'https://w:1'}  # theirs\n"
BLOCK = f"{HEAD}allow:\n  # the pictures\n- dataset: tank/photos\n  operations: [send]\nscan_interval: 5s\n"
INDENTED = f"{HEAD}allow:\n    - {{dataset: tank/photos, operations: [send]}}\nscan_interval: 5s\n"
EMPTY = f"{HEAD}allow: []\nscan_interval: 5s\n"
ABSENT = f"{HEAD}scan_interval: 5s"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host without systemd, whose files belong to whoever runs the test."""
    monkeypatch.setattr("zfs_sync.agent.install.service.systemd_runs", lambda: False)
    monkeypatch.setattr(Owner, "take", lambda *_: None)
    monkeypatch.setattr(Owner, "owns", lambda *_: True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agent.conf"


@pytest.mark.parametrize("text", [INDENTED, EMPTY, ABSENT], ids=["indented", "empty", "absent"])
def test_a_rule_comes_in_and_everything_else_stays(path: Path, text: str) -> None:
    path.write_text(text)
    before = config_file.load(path)
    predicted = allow_rule.add(path, "tank/a b", ["send", "receive"], check=True)
    assert path.read_text() == text
    assert allow_rule.add(path, "tank/a b", ["send", "receive"], check=False) == {**predicted, "check": False}
    after = config_file.load(path)
    assert (after.allow[0].dataset, after.allow[0].operations) == ("tank/a b", ["send", "receive"])
    assert after.allow[1:] == before.allow
    assert path.read_text().startswith(HEAD)
    assert after.scan_interval == "5s"


def test_what_is_allowed_already_changes_nothing(path: Path) -> None:
    path.write_text(INDENTED)
    assert not allow_rule.add(path, "tank/photos/2026", ["send"], check=False)["changed"]
    assert path.read_text() == INDENTED


def test_only_what_is_missing_is_added(path: Path) -> None:
    path.write_text(INDENTED)
    allow_rule.add(path, "tank/photos", ["send", "receive"], check=False)
    assert config_file.load(path).allow[0].operations == ["receive"]


@pytest.mark.parametrize(("dataset", "operation"), [("tank//x", "send"), ("tank/x", "destroy")])
def test_what_is_no_rule_is_refused(path: Path, dataset: str, operation: str) -> None:
    path.write_text(INDENTED)
    with pytest.raises(ZfsSyncError) as refused:
        allow_rule.add(path, dataset, [operation], check=False)
    assert refused.value.code == "E_CONFIG"
    assert path.read_text() == INDENTED


@pytest.mark.parametrize(
    "text",
    [BLOCK, f"{HEAD}allow: [{{dataset: tank, operations: [send]}}]\n"],
    ids=["comment before the first item", "flow"],
)
def test_a_list_that_is_written_otherwise_is_left_to_its_writer(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(ZfsSyncError) as refused:
        allow_rule.add(path, "tank/x", ["send"], check=False)
    assert refused.value.code == "E_CONFIG"
    assert '{dataset: "tank/x", operations: ["send"]}' in refused.value.hint
    assert path.read_text() == text
