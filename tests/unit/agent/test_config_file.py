# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""agent.conf: every fault at once, each with the line that it stands on."""

from pathlib import Path

import pytest

from zfs_sync.agent import config_file
from zfs_sync.core.errors import ZfsSyncError

VALID = """\
system: nas1
witness:
  url: https://witness.example.org:8470
allow:
  - dataset: tank/photos
    operations: [send]
"""


def faults(text: str) -> list[tuple[str, str]]:
    with pytest.raises(ZfsSyncError) as caught:
        config_file.parse(text, "agent.conf")
    assert caught.value.code == "E_CONFIG"
    return [(fault.pointer, fault.message) for fault in caught.value.faults]


def test_a_valid_file_and_its_defaults() -> None:
    config = config_file.parse(VALID, "agent.conf")
    assert (config.system, config.scan_seconds, config.parallel_jobs) == ("nas1", 10, 2)
    assert str(config.key_path) == "/var/lib/zfs-sync/agent/agent.key"
    assert str(config.enrol_key_path) == "/var/lib/zfs-sync/agent/enrol.key"
    assert str(config.identity_path) == "/var/lib/zfs-sync/agent/ssh/id_ed25519"
    assert str(config.known_hosts_path) == "/var/lib/zfs-sync/agent/ssh/known_hosts"
    assert str(config.gate_socket) == "/run/zfs-sync/gate.sock"
    assert config.ca_path is None


def test_each_file_can_be_elsewhere() -> None:
    config = config_file.parse(
        VALID + "key_file: /k\nenrol_key_file: /e\nssh: {identity_file: /i, known_hosts_file: /h}\nscan_interval: 2m\n",
        "x",
    )
    assert [str(path) for path in (config.key_path, config.enrol_key_path)] == ["/k", "/e"]
    assert [str(path) for path in (config.identity_path, config.known_hosts_path)] == ["/i", "/h"]
    assert config.scan_seconds == 120


def test_all_faults_come_at_once_in_the_order_of_their_lines() -> None:
    found = faults(
        "systm: nas1\n"
        "witness:\n"
        "  url: nowhere\n"
        "  ca_fil: /x\n"
        "allow:\n"
        "  - dataset: tank\n"
        "    operations: [send]\n"
        "  - dataset: tank/../x\n"
        "    operations: [destroy]\n"
        "parallel_jobs: 100\n"
        "parallel_jobs: 2\n"
        "log_level: loud\n"
    )
    assert [pointer for pointer, _ in found] == [
        "agent.conf:1",
        "agent.conf:1",
        "agent.conf:3",
        "agent.conf:4",
        "agent.conf:8",
        "agent.conf:9",
        "agent.conf:11",
        "agent.conf:12",
    ]
    sentences = [sentence for _, sentence in found]
    assert "systm: this key is not known; did you mean 'system'?" in sentences
    assert "witness.ca_fil: this key is not known; did you mean 'ca_file'?" in sentences
    assert "parallel_jobs: this key is given twice" in sentences


def test_a_key_that_resembles_none_is_not_guessed() -> None:
    assert faults(VALID + "xyzzy: 1\n") == [("agent.conf:7", "xyzzy: this key is not known")]
    assert faults(VALID + "state_dir: {deeper: 1}\n")[0][0] == "agent.conf:7"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("system: [nas1\n", "agent.conf:2"),
        ("system: nas1\n\twitness: x\n", "agent.conf:2"),
        ("a: b: c\n", "agent.conf:1"),
    ],
)
def test_what_is_no_yaml_is_said_with_its_line(text: str, line: str) -> None:
    (found,) = faults(text)
    assert found[0] == line


def test_a_control_character_is_no_yaml() -> None:
    assert faults("system: \x00\n") == [("agent.conf", "it cannot be read")]


@pytest.mark.parametrize("text", ["", "# nothing\n", "[]\n", "nas1\n", "- system: nas1\n"])
def test_a_document_that_is_no_mapping_is_a_fault_of_its_first_line(text: str) -> None:
    assert {pointer for pointer, _ in faults(text)} == {"agent.conf:1"}


@pytest.mark.parametrize(
    "text",
    [
        "allow: &a [*a]\n",
        "? [complex]\n: 1\n",
        "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n"
        + "".join(
            f"d{n}: &d{n} [*{'c' if n == 0 else f'd{n - 1}'},*{'c' if n == 0 else f'd{n - 1}'}]\n" for n in range(30)
        ),
        "!!python/object/apply:os.system ['touch /tmp/pwned']\n",
        "system: 2026-01-01\nwitness: 1\n",
    ],
    ids=["an alias of itself", "a key that is no text", "aliases of aliases", "an object", "dates and numbers"],
)
def test_odd_yaml_is_a_fault_and_nothing_worse(text: str) -> None:
    assert faults(text)


def test_a_file_without_end_is_refused() -> None:
    with pytest.raises(ZfsSyncError, match="larger than"):
        config_file.parse("#" * (config_file.LARGEST_BYTES + 1), "agent.conf")


def test_a_key_in_clear_has_to_be_said() -> None:
    plain = VALID.replace("https:", "http:")
    ((line, sentence),) = faults(plain)
    assert line == "agent.conf:3"
    assert "in clear" in sentence
    allowed = plain.replace("allow:", "  allow_plain_http: true\nallow:")
    assert config_file.parse(allowed, "x").witness.allow_plain_http


@pytest.mark.parametrize("path", ["relative", "/a/../b", "/a\nb", ""])
def test_a_path_is_absolute_and_has_no_way_up(path: str) -> None:
    document = {"system": "nas1", "witness": {"url": "https://w"}, "state_dir": path}
    with pytest.raises(ZfsSyncError) as caught:
        config_file.from_document(document)
    assert [fault.pointer for fault in caught.value.faults] == ["/state_dir"]


def test_a_folder_for_sockets_leaves_room_for_their_names() -> None:
    document = {"system": "nas1", "witness": {"url": "https://w"}, "run_dir": "/" + "x" * 60}
    with pytest.raises(ZfsSyncError) as caught:
        config_file.from_document(document)
    assert "more than 60 bytes" in caught.value.faults[0].message
    assert config_file.from_document({**document, "run_dir": "/" + "x" * 59}).gate_socket.name == "gate.sock"


def test_a_documents_faults_have_pointers() -> None:
    with pytest.raises(ZfsSyncError) as caught:
        config_file.from_document({"systm": "x", "witness": {"url": "http://w"}})
    assert caught.value.message == "The configuration has 2 faults."
    with pytest.raises(ZfsSyncError) as caught:
        config_file.from_document({"system": "x", "witness": {"url": "http://w"}})
    assert (caught.value.message, caught.value.faults[0].pointer) == ("The configuration has a fault.", "/witness/url")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ZfsSyncError) as caught:
        config_file.load(tmp_path / "none")
    assert "No such file" in caught.value.message
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(ZfsSyncError) as caught:
        config_file.load(tmp_path / "binary")
    assert "it is not UTF-8 text" in caught.value.message
    (tmp_path / "agent.conf").write_text(VALID)
    assert config_file.load(tmp_path / "agent.conf").system == "nas1"
