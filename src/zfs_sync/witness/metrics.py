# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""/metrics in Prometheus's text format, made when it is asked for: from the database, and from the requests so far.

prometheus-client is imported with this module, which the route imports at the first scrape: a witness that nobody
scrapes does not carry it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    UnknownMetricFamily,
)
from prometheus_client.core import (
    Metric as Family,
)
from sqlalchemy import Connection

from zfs_sync import __version__
from zfs_sync.core.planner import CONFLICTS
from zfs_sync.witness import metric_names as names
from zfs_sync.witness import traffic
from zfs_sync.witness.context import Witness
from zfs_sync.witness.metric_names import Metric
from zfs_sync.witness.services import gauges, totals
from zfs_sync.witness.services.liveness import online

Values = Iterable[tuple[Sequence[str], float]]
"""Values of a family with those of its labels."""
_Plain = GaugeMetricFamily | CounterMetricFamily | UnknownMetricFamily
_KINDS: Mapping[str, type[_Plain]] = {
    "gauge": GaugeMetricFamily,
    "counter": CounterMetricFamily,
    "untyped": UnknownMetricFamily,
}


class Collector:
    """Gives every family at each scrape."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    def collect(self) -> Iterator[Family]:
        """All of them; what comes from the database is one state of it."""
        yield _family(names.BUILD, [((__version__,), 1)])
        yield from self._witness.database.read(lambda connection: [*self._fleet(connection)])
        yield from _requests(self._witness.traffic)

    def _fleet(self, connection: Connection) -> Iterator[Family]:
        now = self._witness.clock()
        yield from self._hosts(connection, now)
        yield from _outcomes(connection)
        yield from _replicas(connection, now, self._witness.settings.metrics_max_datasets)
        yield from _queues(connection)
        yield from _totals(connection)

    def _hosts(self, connection: Connection, now: datetime) -> Iterator[Family]:
        rows = gauges.hosts_of(connection)
        offline_after = self._witness.settings.offline_after_seconds
        yield _family(names.SYSTEMS, [((), len(rows))])
        yield _family(names.ONLINE, [((), sum(online(row, now, offline_after) for row in rows))])
        yield _family(names.SNAPSHOTS, [((row.name,), row.snapshot_count or 0) for row in rows])
        yield _family(names.DATASETS, [((row.name,), row.dataset_count or 0) for row in rows])
        seen = [((row.name,), row.last_seen.timestamp()) for row in rows if row.last_seen is not None]
        yield _family(names.LAST_SEEN, seen)


def render(witness: Witness) -> bytes:
    """The text of a scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector(witness))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


def _family(metric: Metric, values: Values) -> Family:
    family = _KINDS[metric.kind](metric.name, metric.text, labels=metric.labels)
    for labels, value in values:
        family.add_metric(list(labels), value)
    return family


def _outcomes(connection: Connection) -> Iterator[Family]:
    rows = gauges.outcomes(connection)
    yield _family(names.OUTCOMES, [((row.group, row.outcome), row.number) for row in rows])
    found: Counter[str] = Counter()
    for row in rows:
        found[row.group] += row.number if row.outcome in CONFLICTS else 0
    yield _family(names.CONFLICTS, [((group,), found[group]) for group in gauges.groups_of(connection)])


def _replicas(connection: Connection, now: datetime, most: int) -> Iterator[Family]:
    lag, behind, success = [], [], []
    for each in gauges.replicas(connection, most):
        labels = (each.group, each.dataset, each.source, each.target)
        behind.append((labels, each.lag_snapshots))
        if each.lag_since is not None:
            lag.append((labels, max(0.0, (now - each.lag_since).total_seconds())))
        elif each.in_sync:
            lag.append((labels, 0.0))
        if each.last_success is not None:
            success.append((labels, each.last_success.timestamp()))
    yield _family(names.LAG, lag)
    yield _family(names.LAG_SNAPSHOTS, behind)
    yield _family(names.LAST_SUCCESS, success)


def _queues(connection: Connection) -> Iterator[Family]:
    waiting = dict.fromkeys(gauges.systems_of(connection), 0)
    running = dict(waiting)
    for row in gauges.queues(connection):
        counted = waiting if row.state == "queued" else running
        counted[row.to_system] = counted.get(row.to_system, 0) + row.number
    yield _family(names.QUEUED, [((system,), count) for system, count in waiting.items()])
    yield _family(names.RUNNING, [((system,), count) for system, count in running.items()])


def _totals(connection: Connection) -> Iterator[Family]:
    rows = gauges.totals(connection)
    groups = set(gauges.groups_of(connection))
    results: Counter[str] = Counter()
    for row in rows:
        results[row.result] += row.jobs
    known = [row for row in rows if row.group in groups]
    ended = [((row.group, row.from_system, row.to_system, row.result), row.jobs) for row in known]
    yield _family(names.OPERATIONS, ended)
    yield _family(names.SUCCEEDED, [((), results["succeeded"])])
    yield _family(names.FAILED, [((), results["failed"])])
    transferred: Counter[tuple[str, ...]] = Counter()
    moved: Counter[tuple[str, ...]] = Counter()
    for row in known:
        transferred[row.group, row.from_system, row.to_system] += row.bytes
        moved[row.group, row.from_system, row.to_system] += row.snapshots
    yield _family(names.TRANSFERRED, transferred.items())
    yield _family(names.MOVED, moved.items())
    counts = gauges.durations(connection)
    family = HistogramMetricFamily(names.DURATION.name, names.DURATION.text)
    in_order = [counts.get(bound, 0) for bound in (*totals.BUCKETS, totals.LONGER)]
    family.add_metric([], _buckets(totals.BUCKETS, in_order), sum(row.microseconds for row in rows) / 1e6)
    yield family


def _requests(counted: traffic.Traffic) -> Iterator[Family]:
    answers = counted.answers().items()
    yield _family(names.REQUESTS, [((*known, str(status)), count) for (*known, status), count in answers])
    metric = names.REQUEST_DURATION
    family = HistogramMetricFamily(metric.name, metric.text, labels=metric.labels)
    for labels, each in counted.durations().items():
        family.add_metric(list(labels), _buckets(traffic.BUCKETS, each.counts), each.seconds)
    yield family


def _buckets(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    """Cumulative counts by upper bound, as the format wants them; the last count is that of +Inf."""
    names_of = [*(str(float(bound)) for bound in bounds), "+Inf"]
    return list(zip(names_of, map(float, accumulate(counts)), strict=True))
