# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What agent and gate say to each other, and what a hostile one may say."""

import json

import pytest

from tests.unit.zfs.recordings import openzfs, zfs_fuse
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.graph import Snapshot
from zfs_sync.engine import wire
from zfs_sync.zfs.capabilities import probe
from zfs_sync.zfs.listing import Dataset

BIG = 2**64 - 1
PHOTOS = Dataset("tank/a b", BIG, "volume", 5, None, None, "g", None, (Snapshot(BIG, 1, "-x"), Snapshot(2, 3, "b c")))


def test_a_dataset_travels_whole_with_all_64_bits() -> None:
    line = wire.answer_line(wire.ListAnswer(dataset=wire.report_of(PHOTOS)))
    assert wire.parse_list(line) == PHOTOS
    assert f'"guid":"{BIG}"'.encode() in line
    assert wire.parse_list(wire.answer_line(wire.ListAnswer())) is None


def test_an_estimate_and_a_request_travel() -> None:
    assert wire.parse_estimate(wire.answer_line(wire.EstimateAnswer(bytes=7))) == 7
    assert wire.parse_estimate(wire.answer_line(wire.EstimateAnswer())) is None
    request = wire.GateRequest(v=1, op="send", edge="e", relative="a b", base_guid="1", to_guid=str(BIG))
    assert wire.parse_request(wire.request_line(request)) == request


@pytest.mark.parametrize(
    "line",
    [b"", b"[" * 5000, b"[]", b'{"dataset": 7}', b'{"dataset": {"path": "../x", "guid": "1", "type": "filesystem"}}'],
)
def test_an_answer_that_is_none_is_refused(line: bytes) -> None:
    for parse in (wire.parse_list, wire.parse_estimate):
        with pytest.raises(ZfsSyncError) as caught:
            parse(line)
        assert caught.value.code == "E_VALIDATION"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ('{"v":1,"op":"send","edge":"e","relative":""}', "E_VALIDATION"),
        ('{"v":1,"op":"send","edge":"e","relative":"","base_guid":"5","to_guid":"5"}', "E_VALIDATION"),
        ('{"v":2,"op":"list","edge":"e","relative":""}', "E_PROTOCOL_UNSUPPORTED"),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused(words: str, code: str) -> None:
    with pytest.raises(ZfsSyncError) as caught:
        wire.parse_request(words.encode())
    assert caught.value.code == code


def test_an_error_travels_among_other_words_and_names_the_peer() -> None:
    line = wire.error_line(ZfsSyncError("E_BUSY", "tank is busy", hint="Wait."))
    error = wire.said_error(f"Welcome\n{line.decode()}bye\n", "nas2")
    assert error is not None
    assert (error.code, error.message, error.hint) == ("E_BUSY", "nas2: tank is busy", "On nas2: Wait.")


@pytest.mark.parametrize("words", ['{"code": "E_OF_NOBODY"}', "{}", "no object", '{"code": 7}'])
def test_words_that_are_no_error_of_ours_are_none(words: str) -> None:
    assert wire.said_error(f"zfs-sync-gate: {words}\n", "nas2") is None


def test_a_hostile_error_is_cut_and_kept_printable() -> None:
    error = wire.said_error(
        'zfs-sync-gate: {"code": "E_BUSY", "message": "\\u001b[2J' + "x" * 5000 + '", "hint": 7}\n', "nas2"
    )
    assert error is not None
    assert "\x1b" not in error.message
    assert len(error.message) < 1100


def test_capabilities_as_reports_carry_them() -> None:
    old, new = wire.wire_capabilities(probe(zfs_fuse())), wire.wire_capabilities(probe(openzfs("2.3.1-1")))
    assert (old.send, old.receive, old.zfs_version, old.holds) == (["R", "p"], ["u"], None, True)
    assert (new.resume, new.bookmarks, new.delegation, new.zfs_version) == (True, True, True, "zfs-2.3.1-1")


@pytest.mark.parametrize("more", [{"op": "receive"}, {"op": "send", "source_bytes": 5}])
def test_how_the_source_is_described_is_said_by_a_request_to_receive_and_no_other(more: dict[str, object]) -> None:
    words = {"v": 1, "edge": "e", "relative": "", "to_guid": "1", **more}
    with pytest.raises(ZfsSyncError) as caught:
        wire.parse_request(json.dumps(words).encode())
    assert "how the source is described" in caught.value.message


def test_a_request_that_describes_no_source_is_one_that_every_gate_knows() -> None:
    request = wire.GateRequest(v=1, op="list", edge="e", relative="")
    assert b"source_bytes" not in wire.request_line(request)
    pushed = wire.GateRequest(v=1, op="receive", edge="e", relative="", to_guid="1", source_bytes=7)
    assert wire.parse_request(wire.request_line(pushed)) == pushed
