# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What a peer may have: edge, direction, dataset below it, and the host's own allow-list must agree."""

import os
from dataclasses import replace

import pytest

from tests.unit.agent.conftest import FED, FEEDS, work_of
from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.config import AllowRule
from zfs_sync.agent.gate_request import Granted, grant, read_line
from zfs_sync.api.work import EdgeSelection, Work
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.selection import Selection
from zfs_sync.engine.sending import Stream
from zfs_sync.engine.wire import REQUEST_BYTES, GateRequest

ALLOW = AllowList([AllowRule(dataset="tank/photos", operations=["send"])], "/etc/zfs-sync/agent.conf")
WORK = work_of("nas1", FEEDS)


def request(edge: str = FEEDS.id, relative: str = "", **more: str | bool) -> GateRequest:
    return GateRequest(v=1, op="list", edge=edge, relative=relative, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("relative", "dataset"), [("", "tank/photos"), ("a b/-x", "tank/photos/a b/-x")])
def test_a_peer_gets_what_lies_on_its_edge(relative: str, dataset: str) -> None:
    granted = grant("nas2", request(relative=relative), WORK, ALLOW)
    assert (granted.dataset, granted.edge) == (dataset, FEEDS)


OTHER = replace(FEEDS, id="other:nas2:x/y", group="other", from_root="tank/secret", to_root="x/y")
LOCAL = replace(FEEDS, role="local", to_system="nas1")
ALONE = replace(FEEDS, recursive=False)
BELOW = replace(FEEDS, selection=EdgeSelection(exclude=["cache"], include_root=False))
BOTH = work_of("nas1", FEEDS, OTHER)
TO_NAS3 = replace(FEEDS, id="photos:nas3:b/c", to_system="nas3", to_root="b/c")


@pytest.mark.parametrize(
    ("peer", "asked", "work", "code"),
    [
        pytest.param("nas2", request(), None, "E_PEER_UNKNOWN", id="the witness was never heard"),
        pytest.param("nas2", request(), work_of("nas1"), "E_PEER_UNKNOWN", id="no edge"),
        pytest.param("nas3", request(), WORK, "E_PEER_UNKNOWN", id="another peer's edge"),
        pytest.param(
            "nas2", request(TO_NAS3.id), work_of("nas1", FEEDS, TO_NAS3), "E_EDGE_UNKNOWN", id="own edge only"
        ),
        pytest.param("nas2", request(), work_of("nas2", FED), "E_PEER_UNKNOWN", id="the other direction"),
        pytest.param("nas1", request(), work_of("nas2", FED), "E_PEER_UNKNOWN", id="this host is fed by the peer"),
        pytest.param(
            "nas1",
            request(),
            work_of("nas1", LOCAL),
            "E_PEER_UNKNOWN",
            id="local",
        ),
        pytest.param("nas2", request("photos:nas2:none"), WORK, "E_EDGE_UNKNOWN", id="an edge that is not there"),
        pytest.param("nas2", request(OTHER.id), BOTH, "E_NOT_ALLOWED_HERE", id="the allow-list"),
        pytest.param(
            "nas2",
            request(relative="a"),
            work_of("nas1", ALONE),
            "E_EDGE_UNKNOWN",
            id="below",
        ),
        pytest.param("nas2", request(), work_of("nas1", BELOW), "E_EDGE_UNKNOWN", id="a root that is left out"),
        pytest.param("nas2", request(relative="a/cache/b"), work_of("nas1", BELOW), "E_EDGE_UNKNOWN", id="excluded"),
        pytest.param("nas2", request(relative="x" * 250), WORK, "E_EDGE_UNKNOWN", id="a name that would be too long"),
        pytest.param("x; touch /tmp/y", request(), WORK, "E_PEER_UNKNOWN", id="a hostile peer name"),
    ],
)
def test_anything_else_is_refused(peer: str, asked: GateRequest, work: Work | None, code: str) -> None:
    with pytest.raises(ZfsSyncError) as caught:
        grant(peer, asked, work, ALLOW)
    assert caught.value.code == code
    assert "touch" not in caught.value.hint


def test_a_refusal_by_the_allow_list_names_the_rule_that_is_missing() -> None:
    with pytest.raises(ZfsSyncError) as caught:
        grant("nas2", request(OTHER.id), BOTH, ALLOW)
    assert "/etc/zfs-sync/agent.conf" in caught.value.message
    assert "- {dataset: tank/secret, operations: [send]}" in caught.value.hint


def test_a_request_becomes_a_stream_by_guid() -> None:
    granted = grant("nas2", request(base_guid="18446744073709551615", to_guid="7"), WORK, ALLOW)
    assert granted.stream() == Stream(FEEDS.id, "photos", "nas2", "tank/photos", 18446744073709551615, 7)
    assert Granted(request(to_guid="7"), FEEDS, "tank/photos").stream().base_guid is None


def test_a_stream_carries_what_the_edge_carries() -> None:
    edge = replace(FEEDS, selection=EdgeSelection(exclude=["cache"], snapshots_exclude=["scratch-*"]))
    granted = grant("nas2", request(relative="a", to_guid="7", base_guid="6", alone=True), work_of("nas1", edge), ALLOW)
    selection = Selection(exclude=("cache",), snapshots_exclude=("scratch-*",))
    assert granted.stream() == Stream(
        FEEDS.id, "photos", "nas2", "tank/photos/a", 6, 7, alone=True, selection=selection
    )


def test_a_stream_without_a_snapshot_is_refused() -> None:
    with pytest.raises(ZfsSyncError) as caught:
        Granted(request(), FEEDS, "tank/photos").stream()
    assert caught.value.code == "E_VALIDATION"


@pytest.mark.parametrize(
    ("sent", "line", "left"),
    [(b"one\ntwo\n", b"one", b"two\n"), (b"one", b"one", b""), (b"\nx", b"", b"x"), (b"", b"", b"")],
)
def test_only_the_first_line_is_read(sent: bytes, line: bytes, left: bytes) -> None:
    reading, writing = os.pipe()
    os.write(writing, sent)
    os.close(writing)
    assert read_line(reading) == line
    assert os.read(reading, 100) == left
    os.close(reading)


@pytest.mark.parametrize(("length", "fits"), [(REQUEST_BYTES, True), (REQUEST_BYTES + 1, False)])
def test_a_line_has_a_longest_length(length: int, fits: bool) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"x" * length + b"\n")
    if fits:
        assert len(read_line(reading)) == length
    else:
        with pytest.raises(ZfsSyncError) as caught:
            read_line(reading)
        assert caught.value.code == "E_VALIDATION"
    os.close(reading)
    os.close(writing)


def test_a_peer_that_dribbles_is_given_up_after_the_whole_time_not_after_each_byte() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"xxxx")
    times = iter([0.0, 5.0, 10.0, 15.0, 25.0, 30.0])
    with pytest.raises(ZfsSyncError) as caught:
        read_line(reading, seconds=20.0, clock=lambda: next(times))
    assert caught.value.message == "The peer sent no request within 20 s."
    os.close(reading)
    os.close(writing)
