# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Who may log in, and whom this host believes: checked, written whole, and the same when it is said again."""

import json
import subprocess
from pathlib import Path

import pytest

from zfs_sync.agent import trust
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.install.files import Owner
from zfs_sync.agent.install.layout import Layout
from zfs_sync.core.errors import ZfsSyncError


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Real public keys by name, with their comments."""
    folder = tmp_path_factory.mktemp("keys")
    for name, kind in (("one", "ed25519"), ("two", "ed25519"), ("host", "ecdsa")):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"{name} @ home", "-f", folder / name], check=True
        )
    return {path.stem: path.read_text() for path in folder.glob("*.pub")}


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A host whose files belong to whoever runs the test."""
    owner = Owner("root", "root")
    for name in ("ROOT", "FOR_PEERS"):
        monkeypatch.setattr(trust, name, owner)
    monkeypatch.setattr(Owner, "take", lambda *_: None)
    monkeypatch.setattr(Owner, "owns", lambda *_: True)
    (tmp_path / "home").mkdir()
    return Layout(home=tmp_path / "home", command=Path("/usr/bin/zfs-sync-agent"))


def document(*peers: dict[str, object]) -> str:
    return json.dumps({"peers": list(peers)})


def test_a_peer_gets_the_gate_and_nothing_else(keys: dict[str, str], layout: Layout, config: AgentConfig) -> None:
    config.known_hosts_path.parent.mkdir()
    said = {"name": "nas2", "public_key": keys["one"], "host": "NAS2", "port": 2222, "host_keys": [keys["host"]]}
    fetched = {"name": "nas3", "public_key": keys["two"]}
    answer = trust.set_trust(trust.read_document(document(fetched, said)), config, layout, check=False)
    assert (answer["changed"], answer["peers"]) == (True, ["nas2", "nas3"])
    lines = layout.authorized_keys.read_text().splitlines()
    kind, body, *_ = keys["one"].split()
    assert lines[1] == f'restrict,command="/usr/bin/zfs-sync-agent gate --peer nas2" {kind} {body} nas2'
    assert len(lines) == 3
    host_kind, host_body, *_ = keys["host"].split()
    assert config.known_hosts_path.read_text().splitlines()[1:] == [f"[nas2]:2222 {host_kind} {host_body}"]
    assert layout.authorized_keys.stat().st_mode & 0o777 == 0o640
    assert list(trust.trusted_keys(layout)) == ["nas2", "nas3"]
    assert "home" not in layout.authorized_keys.read_text(), "a comment is not taken over"


def test_a_peer_is_let_through_to_what_is_behind_this_host_and_nowhere_else(
    keys: dict[str, str], layout: Layout, config: AgentConfig
) -> None:
    config.known_hosts_path.parent.mkdir()
    jump = {"host": "2001:DB8::1", "port": 2200, "host_keys": [keys["host"]]}
    passing = {"name": "nas2", "public_key": keys["one"], "forwards": ["nas3:22", "[2001:db8::3]:2222"]}
    behind = {"name": "nas4", "host": "nas4", "host_keys": [keys["host"]], "jump": jump}
    trust.set_trust(trust.read_document(document(passing, behind)), config, layout, check=False)
    (line,) = layout.authorized_keys.read_text().splitlines()[1:]
    assert line.startswith(
        'restrict,port-forwarding,permitlisten="localhost:1",permitopen="[2001:db8::3]:2222",permitopen="nas3:22",'
        'command="/usr/bin/zfs-sync-agent gate --peer nas2" '
    )
    assert list(trust.trusted_keys(layout)) == ["nas2"]
    assert sorted(trust.believed_keys(config)) == ["[2001:db8::1]:2200", "nas4"]


@pytest.mark.parametrize("place", ["nas3", "nas3:0", "nas3:99999", 'nas3:22",command="sh', "a b:22", "[x]y:22", ":22"])
def test_a_place_to_let_through_to_is_a_host_and_a_port(keys: dict[str, str], place: str) -> None:
    with pytest.raises(ZfsSyncError) as caught:
        trust.read_document(document({"name": "nas2", "public_key": keys["one"], "forwards": [place]}))
    assert caught.value.code == "E_VALIDATION"


def test_who_is_let_through_has_a_key() -> None:
    with pytest.raises(ZfsSyncError) as caught:
        trust.read_document(document({"name": "nas2", "forwards": ["nas3:22"]}))
    assert [fault.pointer for fault in caught.value.faults] == ["/peers/0/forwards"]


def test_it_says_what_would_change_and_changes_it_once(
    keys: dict[str, str], layout: Layout, config: AgentConfig
) -> None:
    config.known_hosts_path.parent.mkdir()
    peers = trust.read_document(document({"name": "nas2", "public_key": keys["one"]}))
    predicted = trust.set_trust(peers, config, layout, check=True)
    assert not layout.ssh_folder.exists()
    done = trust.set_trust(peers, config, layout, check=False)
    assert (done["actions"], done["diff"]) == (predicted["actions"], predicted["diff"])
    again = trust.set_trust(peers, config, layout, check=False)
    assert (again["changed"], again["actions"], again["diff"]) == (False, [], [])


def test_a_peer_that_is_not_in_the_list_is_not_trusted_any_more(
    keys: dict[str, str], layout: Layout, config: AgentConfig
) -> None:
    config.known_hosts_path.parent.mkdir()
    for names in (["nas2", "nas3"], ["nas3"], []):
        peers = [{"name": name, "public_key": keys["one" if name == "nas2" else "two"]} for name in names]
        trust.set_trust(trust.read_document(document(*peers)), config, layout, check=False)
        assert list(trust.trusted_keys(layout)) == names
    assert Layout(home=layout.home / "none").authorized_keys.exists() is False
    assert trust.trusted_keys(Layout(home=layout.home / "none")) == {}


def test_sshd_and_ssh_read_what_is_written(keys: dict[str, str], layout: Layout, config: AgentConfig) -> None:
    config.known_hosts_path.parent.mkdir()
    peers = trust.read_document(
        document({"name": "n", "public_key": keys["one"], "host": "h", "host_keys": [keys["host"]]})
    )
    trust.set_trust(peers, config, layout, check=False)
    for argv in (["-l", "-f", layout.authorized_keys], ["-F", "h", "-f", config.known_hosts_path]):
        done = subprocess.run(["ssh-keygen", *argv], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout


def test_all_faults_of_a_document_come_at_once(keys: dict[str, str]) -> None:
    peers = [
        {"name": "nas2", "public_key": keys["one"]},
        {"name": "nas2", "public_key": keys["one"].replace("one @ home", "other")},
        {"name": "nas3", "host_keys": [keys["host"]]},
    ]
    with pytest.raises(ZfsSyncError) as caught:
        trust.read_document(document(*peers))
    assert [fault.pointer for fault in caught.value.faults] == [
        "/peers/1/name",
        "/peers/1/public_key",
        "/peers/2/host",
    ]


@pytest.mark.parametrize(
    "text", ["peers: [", "{}", "[]", "", '{"peers": [], "more": 1}', '{"peers": [{"name": "Nas 2"}]}', '{"peers": 7}']
)
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(ZfsSyncError) as caught:
        trust.read_document(text)
    assert caught.value.code == "E_VALIDATION"


HOSTILE = [
    "",
    "ssh-ed25519",
    "ssh-ed25519 not*base64",
    "ssh-ed25519 AAAA",
    "ssh-dss {body}",
    "ssh-rsa {body}",
    'command="sh" ssh-ed25519 {body}',
    "ssh-ed25519 {body} x\nssh-ed25519 {body} y",
    "ssh-ed25519 {body} x\r",
    "ssh-ed25519 {body}\x00",
    "ssh-ed25519\t{body}",
    "# ssh-ed25519 {body}",
    "restrict ssh-ed25519 {body}",
    "ssh-ed25519 {body}=",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_key_cannot_bring_an_option_or_a_line_of_its_own(keys: dict[str, str], text: str) -> None:
    hostile = text.format(body=keys["one"].split()[1])
    with pytest.raises(ValueError, match=r"is no public key of OpenSSH|is damaged"):
        trust.check_public_key(hostile)
    with pytest.raises(ZfsSyncError):
        trust.read_document(document({"name": "nas2", "public_key": hostile}))


def test_a_key_is_taken_without_its_comment(keys: dict[str, str]) -> None:
    for name in ("one", "host"):
        assert trust.check_public_key(keys[name]) == " ".join(keys[name].split()[:2])


def test_a_host_shows_what_others_have_to_know(keys: dict[str, str], layout: Layout, config: AgentConfig) -> None:
    config.identity_path.parent.mkdir()
    shown = trust.show(config, layout)
    assert (shown["system"], shown["public_key"], shown["peers"]) == ("nas1", None, [])
    config.identity_path.with_name("id_ed25519.pub").write_text(keys["one"])
    assert trust.show(config, layout)["public_key"] == " ".join(keys["one"].split()[:2])
