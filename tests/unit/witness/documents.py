# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Fleet documents that several tests apply."""

from typing import Any

OWNER = "ansible/site"
MEMBERS = [
    {"system": "nas1", "dataset": "tank/photos", "role": "source"},
    {"system": "nas2", "dataset": "backup/photos", "role": "target"},
]


def fleet(
    systems: dict[str, Any] | None = None,
    sync_groups: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A document of owner ansible/site: nas1 and nas2, and group photos, unless told otherwise."""
    return {
        "version": 1,
        "owner": OWNER,
        "systems": {"nas1": {}, "nas2": {}} if systems is None else systems,
        "sync_groups": {"photos": {"members": MEMBERS}} if sync_groups is None else sync_groups,
        **more,
    }


def many(systems: int) -> dict[str, Any]:
    """A fleet of that many systems, each the target of a group whose source is the system before."""
    names = [f"nas{number:04}" for number in range(systems)]
    groups = {
        f"group-{number:04}": {
            "members": [
                {"system": names[number - 1], "dataset": f"tank/data{number:04}", "role": "source"},
                {"system": names[number], "dataset": f"backup/data{number:04}", "role": "target"},
            ],
            "interval": "15m",
        }
        for number in range(systems)
    }
    return fleet({name: {"labels": {"site": "berlin"}} for name in names}, groups)
