# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever a peer sends, the gate's decision is a dataset that it may have, or an error of the catalogue."""

import os
import random

from tests.unit.agent.gate_requests import request_lines
from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.config import AllowRule
from zfs_sync.agent.gate_request import grant, read_line
from zfs_sync.api.work import Peer, Settings, Work, WorkEdge
from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.core.names import check_dataset, is_inside
from zfs_sync.engine.wire import parse_request

EDGE = WorkEdge(
    id="g:h2:backup/data",
    group="g",
    role="from",
    from_system="h1",
    from_root="tank/data",
    to_system="h2",
    to_root="backup/data",
    recursive=True,
    peer=Peer(system="h2", host="h2", user="zfs-sync", port=22),
)
OTHER = WorkEdge(
    id="g:h3:safe/data",
    group="g",
    role="from",
    from_system="h1",
    from_root="tank/secret",
    to_system="h3",
    to_root="safe/data",
    recursive=True,
)
WORK = Work(
    system="h1",
    settings=Settings(heartbeat_seconds=30, lease_seconds=120, progress_seconds=5),
    edges=[EDGE, OTHER],
)
ALLOW = AllowList([AllowRule(dataset="tank", operations=["send"])], "agent.conf")
VALID = {"v": 1, "edge": EDGE.id, "relative": "", "to_guid": "1"}
REFUSALS = {"E_VALIDATION", "E_PROTOCOL_UNSUPPORTED", "E_EDGE_UNKNOWN"}


def decision(line: bytes) -> str:
    """The dataset that the line gets, or the code of its refusal."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as end:
        with os.fdopen(writing, "wb") as start:
            start.write(line + b"\n")
        try:
            granted = grant("h2", parse_request(read_line(end.fileno())), WORK, ALLOW)
            if granted.request.op != "list":
                granted.stream()
        except ZfsSyncError as error:
            return error.code
    return granted.dataset


def test_any_line_gets_a_dataset_of_the_edge_or_a_refusal() -> None:
    decisions = {line: decision(line) for line in request_lines(random.Random(random.random()), VALID, 1_500)}
    refused = {code for code in decisions.values() if code.startswith("E_")}
    granted = set(decisions.values()) - refused
    assert {"E_VALIDATION", "E_EDGE_UNKNOWN"} <= refused <= REFUSALS
    assert {dataset for dataset in granted if not is_inside(check_dataset(dataset), "tank/data")} == set()
    assert granted > {"tank/data"}
