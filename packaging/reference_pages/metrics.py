# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""metrics.md: every metric of /metrics."""

from reference_pages.markdown import code, note, table
from zfs_sync.witness.metric_names import METRICS

_INTRODUCTION = """\
# Metrics

The witness gives its metrics under `/metrics`, in Prometheus's text format, to a key of role viewer:

```yaml
scrape_configs:
  - job_name: zfs-sync
    scheme: https
    authorization: {credentials_file: /etc/prometheus/zfs-sync.key}
    tls_config: {ca_file: /etc/prometheus/zfs-sync-ca.crt}
    static_configs: [{targets: ["nas1.example.org:8462"]}]
```

`zfs-sync-witness key create prometheus --role viewer --key-file prometheus.key` makes the key. There is no way to open
`/metrics` to everybody: names of hosts and datasets are in it.

What the database holds is read at each scrape, at a cost that grows with the fleet and not with its history. Jobs are
counted as they end, in the database, so that these counters outlive the witness's restarts and the jobs themselves.
Requests are counted in memory, from 0 at each start. With more than `metrics_max_datasets` datasets on edges
([setting](configuration.md)), what has a label `dataset` has one series per edge, the worst of its datasets.

`zfs_sync_systems_total`, `zfs_sync_snapshots_total` and `zfs_sync_conflicts_total` are gauges, in spite of their names.
`zfs_sync_sync_operations_success` and `zfs_sync_sync_operations_failed` only rise; by group they are
`zfs_sync_sync_operations_total` with the label `result`. The witness's own `process_...` metrics come too.

"""


def page() -> str:
    """The text of the page."""
    rows = [[code(each.name), each.kind, ", ".join(map(code, each.labels)), each.text] for each in METRICS]
    text = note("the metrics' own descriptions") + _INTRODUCTION
    return text + table(["metric", "kind", "labels", "what it is"], rows)
