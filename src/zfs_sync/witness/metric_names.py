# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Every metric that /metrics gives: its name, kind, labels and meaning. The reference page is made from this.

Prometheus keeps ``_total`` for counters; three gauges have it nevertheless, because dashboards know them by that name.
"""

from dataclasses import dataclass
from typing import Literal

EDGE = ("group", "dataset", "source", "target")
"""``dataset`` is the one that receives, on ``target``."""
ENDS = ("group", "source", "target")


@dataclass(frozen=True, slots=True)
class Metric:
    """One family of series."""

    name: str
    kind: Literal["gauge", "counter", "histogram", "untyped"]
    text: str
    labels: tuple[str, ...] = ()


BUILD = Metric("zfs_sync_build_info", "gauge", "1, with the witness's version.", ("version",))
SYSTEMS = Metric("zfs_sync_systems_total", "gauge", "Declared systems.")
ONLINE = Metric("zfs_sync_systems_online", "gauge", "Systems that were heard of lately.")
SNAPSHOTS = Metric("zfs_sync_snapshots_total", "gauge", "Snapshots that a system reports.", ("system",))
DATASETS = Metric("zfs_sync_datasets", "gauge", "Datasets that a system reports.", ("system",))
LAST_SEEN = Metric(
    "zfs_sync_agent_last_seen_timestamp_seconds", "gauge", "When a system was last heard of.", ("system",)
)
OUTCOMES = Metric(
    "zfs_sync_replicas", "gauge", "Datasets of edges by what the planner says of them.", ("group", "outcome")
)
CONFLICTS = Metric(
    "zfs_sync_conflicts_total", "gauge", "Datasets of edges whose two histories contradict each other.", ("group",)
)
LAG = Metric(
    "zfs_sync_replication_lag_seconds",
    "gauge",
    "The age of the oldest snapshot that the target lacks; 0 when it lacks none. No series where it is not known.",
    EDGE,
)
LAG_SNAPSHOTS = Metric("zfs_sync_replication_lag_snapshots", "gauge", "Snapshots that the target lacks.", EDGE)
LAST_SUCCESS = Metric(
    "zfs_sync_last_success_timestamp_seconds", "gauge", "When a job of the dataset last succeeded.", EDGE
)
QUEUED = Metric("zfs_sync_queue_depth", "gauge", "Jobs that wait for a system to run them.", ("system",))
RUNNING = Metric(
    "zfs_sync_jobs_running", "gauge", "Jobs that a system runs or ran when it was last heard of.", ("system",)
)
OPERATIONS = Metric("zfs_sync_sync_operations_total", "counter", "Jobs that ran and ended.", (*ENDS, "result"))
SUCCEEDED = Metric(
    "zfs_sync_sync_operations_success", "untyped", "Jobs that succeeded, over the whole fleet, removed groups included."
)
FAILED = Metric(
    "zfs_sync_sync_operations_failed", "untyped", "Jobs that failed, over the whole fleet, removed groups included."
)
DURATION = Metric("zfs_sync_sync_duration_seconds", "histogram", "From a job's first claim to its end.")
TRANSFERRED = Metric("zfs_sync_transfer_bytes_total", "counter", "Bytes of the streams of jobs that ended.", ENDS)
MOVED = Metric("zfs_sync_transfer_snapshots_total", "counter", "Snapshots that arrived.", ENDS)
REQUESTS = Metric(
    "zfs_sync_api_requests_total", "counter", "Requests, since the witness started.", ("method", "route", "status")
)
REQUEST_DURATION = Metric(
    "zfs_sync_api_request_duration_seconds", "histogram", "How long requests took.", ("method", "route")
)

METRICS = (
    BUILD, SYSTEMS, ONLINE, SNAPSHOTS, DATASETS, LAST_SEEN, OUTCOMES, CONFLICTS, LAG, LAG_SNAPSHOTS, LAST_SUCCESS,
    QUEUED, RUNNING, OPERATIONS, SUCCEEDED, FAILED, DURATION, TRANSFERRED, MOVED, REQUESTS, REQUEST_DURATION,
)  # fmt: skip
