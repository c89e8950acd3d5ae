# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Taking reports: full ones in parts that become current together, deltas on the generation that is held."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from zfs_sync.api.reports import Report
from zfs_sync.api.structure import unstructure
from zfs_sync.core.errors import Fault, ZfsSyncError, pointer
from zfs_sync.witness.db.observed import datasets, report_chunks, snapshots
from zfs_sync.witness.services import liveness, planning
from zfs_sync.witness.services.inventory import Incoming, replace_all, take
from zfs_sync.witness.settings import Settings


def accept(connection: Connection, settings: Settings, system: str, report: Report, now: datetime) -> set[str]:
    """Take one part of a report; the systems to wake. A part that was taken before changes nothing.

    Raises E_VALIDATION, E_BODY_TOO_LARGE for the part and E_REPORT_TOO_LARGE for the whole, E_REPORT_OUT_OF_ORDER or
    E_REPORT_BASE_UNKNOWN; what is held stands.
    """
    host = liveness.host_of(connection, system)
    if host is not None and host.generation == report.generation:
        liveness.touch(connection, system, now)
        return set()
    _check_form(report, settings)
    if report.kind == "full":
        return _full(connection, settings, system, report, host, now)
    return _delta(connection, settings, system, report, host, now)


def _check_form(report: Report, settings: Settings) -> None:
    faults = []
    full = report.kind == "full"
    if full and (report.gone or any(each.remove for each in report.datasets)):
        faults.append(Fault(pointer("kind"), "a full report removes nothing"))
    if full == (report.base_generation is not None):
        faults.append(Fault(pointer("base_generation"), "a delta has one, and a full report has none"))
    if not full and (report.seq or not report.last):
        faults.append(Fault(pointer("seq"), "a delta has one part"))
    if faults:
        raise ZfsSyncError("E_VALIDATION", "The report has faults.", faults=faults)
    count = sum(len(each.add) for each in report.datasets)
    if count > settings.report_chunk_max_snapshots:
        raise ZfsSyncError(
            "E_BODY_TOO_LARGE",
            f"This part has {count} snapshots; at most {settings.report_chunk_max_snapshots} are taken at once.",
        )


def _full(
    connection: Connection, settings: Settings, system: str, report: Report, host: Row[Any] | None, now: datetime
) -> set[str]:
    _stage(connection, settings, system, report)
    if not report.last:
        liveness.touch(connection, system, now)
        return set()
    staged = _staged(connection, system)
    size = (len(staged), sum(len(each.add) for each in staged.values()))
    _check_size(settings, *size)
    changed = replace_all(connection, system, staged, now)
    connection.execute(delete(report_chunks).where(report_chunks.c.system == system))
    first = host is None or host.generation is None
    _become_current(connection, system, report, size, now)
    return _follow(connection, system, report, host, None if first or len(changed) > _MANY else changed, now)


_MANY = 2_000
"""With more changed datasets than this, judging the edges whole is cheaper than judging rows."""


def _stage(connection: Connection, settings: Settings, system: str, report: Report) -> None:
    """Keep the part. What grows over the limits is refused while it comes: it may be meant to fill the disk."""
    mine = report_chunks.c.system == system
    if report.seq == 0:
        connection.execute(delete(report_chunks).where(mine))
    here = connection.execute(
        select(report_chunks.c.generation, report_chunks.c.seq).where(mine).order_by(report_chunks.c.seq)
    ).all()
    if any(row.generation != report.generation for row in here) or report.seq > len(here):
        raise ZfsSyncError(
            "E_REPORT_OUT_OF_ORDER",
            f"Part {report.seq} of generation {report.generation} came before the ones before it.",
        )
    if report.seq < len(here):
        connection.execute(delete(report_chunks).where(mine, report_chunks.c.seq == report.seq))
    text = json.dumps([Incoming.of(each).staged() for each in report.datasets], separators=(",", ":"))
    counts = {"dataset_count": len(report.datasets), "snapshot_count": sum(len(each.add) for each in report.datasets)}
    row = {"system": system, "seq": report.seq, "generation": report.generation, "datasets": text, **counts}
    connection.execute(insert(report_chunks), row)
    _check_staged(connection, settings, system)


def _check_staged(connection: Connection, settings: Settings, system: str) -> None:
    """One dataset of each part is not counted: it may be the one that the part before ended with."""
    sums = (func.count(), func.sum(report_chunks.c.dataset_count), func.sum(report_chunks.c.snapshot_count))
    parts, count, rows = connection.execute(select(*sums).where(report_chunks.c.system == system)).one()
    _check_size(settings, count - parts, rows)
    most = settings.report_max_datasets + settings.report_max_snapshots
    if parts > most:
        raise ZfsSyncError("E_REPORT_TOO_LARGE", f"The report has {parts} parts; at most {most} are taken.")


def _staged(connection: Connection, system: str) -> dict[str, Incoming]:
    statement = select(report_chunks.c.datasets).where(report_chunks.c.system == system).order_by(report_chunks.c.seq)
    found: dict[str, Incoming] = {}
    for text in connection.execute(statement).scalars():
        _merge(found, map(Incoming.unstaged, json.loads(text)))
    return found


def _merge(found: dict[str, Incoming], parts: Iterable[Incoming]) -> None:
    for one in parts:
        known = found.get(one.path)
        if known is None:
            found[one.path] = one
        else:
            known.add.update(one.add)
            known.remove.update(one.remove)


def _delta(
    connection: Connection, settings: Settings, system: str, report: Report, host: Row[Any] | None, now: datetime
) -> set[str]:
    held = host.generation if host is not None else None
    if held is None or held != report.base_generation:
        raise ZfsSyncError(
            "E_REPORT_BASE_UNKNOWN",
            f"The delta builds on generation {report.base_generation}; held is {held}: send full.",
        )
    incoming: dict[str, Incoming] = {}
    _merge(incoming, map(Incoming.of, report.datasets))
    changed = take(connection, system, incoming, set(report.gone), now)
    size = _held(connection, system)
    _check_size(settings, *size)
    _become_current(connection, system, report, size, now)
    return _follow(connection, system, report, host, changed, now)


def _held(connection: Connection, system: str) -> tuple[int, int]:
    own = select(datasets.c.id).where(datasets.c.system == system)
    count = connection.execute(select(func.count()).select_from(own.subquery())).scalar_one()
    rows = select(func.count()).select_from(snapshots).where(snapshots.c.dataset_id.in_(own))
    return count, connection.execute(rows).scalar_one()


def _check_size(settings: Settings, count: int, rows: int) -> None:
    for number, limit, what in (
        (count, settings.report_max_datasets, "datasets"),
        (rows, settings.report_max_snapshots, "snapshots"),
    ):
        if number > limit:
            raise ZfsSyncError("E_REPORT_TOO_LARGE", f"The host reports {number} {what}; at most {limit} are taken.")


def _follow(
    connection: Connection,
    system: str,
    report: Report,
    before: Row[Any] | None,
    changed: set[str] | None,
    now: datetime,
) -> set[str]:
    """Judge what the report changed; the systems to wake. ``before`` is the host as it was."""
    woken = planning.report_changed(connection, now, system, changed)
    if before is None or before.allow != _allow_of(report):
        woken |= planning.hindrances_changed(connection, now, system)
    return woken


def _allow_of(report: Report) -> list[Any] | None:
    return None if report.host.allow is None else [unstructure(each) for each in report.host.allow]


def _become_current(connection: Connection, system: str, report: Report, size: tuple[int, int], now: datetime) -> None:
    liveness.touch(
        connection,
        system,
        now,
        generation=report.generation,
        protocol=report.protocol,
        agent_version=report.agent_version,
        platform=report.host.platform,
        hostname=report.host.hostname,
        capabilities=unstructure(report.host.capabilities),
        pools=[unstructure(each) for each in report.pools],
        reported_at=now,
        dataset_count=size[0],
        snapshot_count=size[1],
        allow=_allow_of(report),
    )
