# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.integration.agent.fleet import Fleet

pytestmark = pytest.mark.lab


def test_a_local_pair_replicates(bare_fleet: Fleet) -> None:
    fleet = bare_fleet
    host = fleet.host("h1")
    for command in (
        "zfs create tank/data && dd if=/dev/urandom of=/tank/data/file bs=1M count=4 2>/dev/null",
        "zfs snapshot tank/data@one && zfs create 'tank/data/a b' && echo hi >'/tank/data/a b/f'",
        "zfs snapshot -r tank/data@two",
    ):
        host.ssh(command)
    fleet.witness.apply(
        {
            "version": 1,
            "systems": {"h1": {}},
            "sync_groups": {
                "data": {
                    "members": [
                        {"system": "h1", "dataset": "tank/data", "role": "source"},
                        {"system": "h1", "dataset": "backup2/data", "role": "target"},
                    ]
                }
            },
        }
    )
    host.create_pool("backup2")
    fleet.configure(
        "h1",
        [
            {"dataset": "tank", "operations": ["send"]},
            {"dataset": "backup2", "operations": ["receive"]},
        ],
    )
    answer = fleet.install("h1")
    assert answer["enrolled"], fleet.journal("h1")
    fleet.witness.in_sync(2)
    assert fleet.guids("h1", "backup2/data") == fleet.guids("h1", "tank/data") != []
