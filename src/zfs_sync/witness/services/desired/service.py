# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Plan and apply: one computation, written or not."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from zfs_sync.core.errors import Fault, ZfsSyncError
from zfs_sync.witness import audit
from zfs_sync.witness.db.database import after_commit
from zfs_sync.witness.principal import Principal
from zfs_sync.witness.services import conflicts, former_names, keys, pending, planning
from zfs_sync.witness.services.desired import compare, observations, rules, store, switchover
from zfs_sync.witness.services.desired.model import PLURAL, Change, Request

_PRECEDENCE = (
    "E_OWNED_BY_OTHER",
    "E_ALREADY_EXISTS",
    "E_SYSTEM_IN_USE",
    "E_PRUNE_TOO_MUCH",
    "E_SWITCHOVER_BEHIND",
)
"""Which code a refusal takes when its faults have several of these and no fault of form."""


@dataclass(frozen=True, slots=True)
class Writing:
    """Who applies, when, and how agents are woken afterwards."""

    principal: Principal
    at: datetime
    wake: Callable[[Iterable[str]], None]


def plan(connection: Connection, request: Request) -> dict[str, Any]:
    """The answer that ``apply`` would give, and the tag of the state that it was computed on. Writes nothing."""
    changes = _changes(connection, request)
    return _answer(connection, changes, observations.warnings_of(connection, changes))


def apply(connection: Connection, request: Request, writing: Writing, if_match: str | None = None) -> dict[str, Any]:
    """Make desired state what the request says, all of it or nothing. Raises what ``plan`` raises, E_STATE_CHANGED."""
    check_state(connection, if_match)
    changes = _changes(connection, request)
    warnings = observations.warnings_of(connection, changes)
    moved = [change for change in changes if change.action != "unchanged"]
    if moved:
        with conflicts.recorded(connection, writing.at):
            _write(connection, moved, writing)
    return _answer(connection, changes, warnings)


def _write(connection: Connection, moved: Sequence[Change], writing: Writing) -> None:
    for change in moved:
        store.write(connection, change, writing.at)
        if change.action in ("created", "deleted"):
            former_names.forget(connection, *change.key)
        _record(connection, change, writing)
        if change.key[0] == "system":
            _follow_system(connection, change, writing)
    store.advance_state(connection)
    _tell_planner(connection, moved, writing)


def _follow_system(connection: Connection, change: Change, writing: Writing) -> None:
    """An agent may wait for the name that is declared; one that is deleted takes its keys along."""
    if change.action == "created":
        pending.approve(connection, writing.principal, change.key[1], writing.at)
    elif change.action == "deleted":
        keys.end_of_system(connection, writing.principal, change.key[1], writing.at)


def _changes(connection: Connection, request: Request) -> list[Change]:
    fleet = store.load(connection)
    changes, faults = compare.changes_of(request, fleet)
    faults = [*request.faults, *faults, *rules.faults_of_result(request, fleet, changes)]
    # Only members that can form edges can be held against what is reported.
    faults = faults or [
        *observations.name_faults(connection, request, changes),
        *switchover.faults(connection, request, changes),
    ]
    if faults:
        raise _refusal(faults)
    return changes


def _refusal(faults: Sequence[Fault]) -> ZfsSyncError:
    codes = {fault.code for fault in faults}
    code = next((each for each in _PRECEDENCE if each in codes), None) if codes <= set(_PRECEDENCE) else None
    count = f"{len(faults)} faults" if len(faults) > 1 else "a fault"
    message = f"The request has {count}; nothing was changed."
    if code == "E_PRUNE_TOO_MUCH":
        message = f"Prune would delete {len(faults)} objects; nothing was changed."
    return ZfsSyncError(code or "E_VALIDATION", message, faults=faults)


def check_state(connection: Connection, if_match: str | None) -> None:
    """Raise E_STATE_CHANGED where desired state is another than the caller planned with (If-Match)."""
    if if_match is None or if_match.strip() == "*":
        return
    current = store.state_tag(connection)
    # Shells and Ansible's -e take the quotes away that RFC 9110 puts around a tag.
    if current.strip('"') not in (each.strip().strip('"') for each in if_match.split(",")):
        raise ZfsSyncError("E_STATE_CHANGED", f"Desired state is {current} by now, not {if_match[:200]}.")


def _record(connection: Connection, change: Change, writing: Writing) -> None:
    kind, name = change.key
    detail = {
        "owner": change.owner,
        "previous_owner": change.previous_owner,
        "fields": change.fields,
        "before": change.before,
        "after": change.after,
    }
    event = f"{kind}.{change.action}"
    audit.record(connection, writing.principal, event, kind, name, detail, writing.at, _members([change]))


def _tell_planner(connection: Connection, moved: Sequence[Change], writing: Writing) -> None:
    groups = {change.key[1] for change in moved if change.key[0] == "sync_group"}
    systems = {change.key[1] for change in moved if change.key[0] == "system"}
    woken = planning.desired_changed(connection, writing.at, groups, systems) | _members(moved)
    after_commit(connection, lambda: writing.wake(woken))


def _members(moved: Iterable[Change]) -> set[str]:
    """The systems of every changed group, before and after: one that was taken out learns it at once."""
    specs = [spec for change in moved for spec in (change.before, change.after) if spec is not None]
    return {member["system"] for spec in specs for member in spec.get("members", ())}


def _answer(connection: Connection, changes: Sequence[Change], warnings: list[dict[str, str]]) -> dict[str, Any]:
    counted = Counter(change.action for change in changes)
    return {
        "changes": [_shown(change) for change in changes],
        "summary": {action: counted[action] for action in ("created", "updated", "deleted", "unchanged")},
        "warnings": warnings,
        "state": store.state_tag(connection),
    }


def _shown(change: Change) -> dict[str, Any]:
    return {
        "kind": change.key[0],
        "name": change.key[1],
        "action": change.action,
        "before": change.before,
        "after": change.after,
        "fields": change.fields,
    }


def export(connection: Connection, owner: str | None) -> dict[str, Any]:
    """Desired state as a document that applies as unchanged; only the objects of ``owner`` where one is given."""
    document: dict[str, Any] = {"version": 1}
    if owner is not None:
        document["owner"] = owner
    document |= {plural: {} for plural in PLURAL.values()}
    for (kind, name), stored in store.load(connection).items():
        if owner is None or stored.owner == owner:
            document[PLURAL[kind]][name] = stored.spec
    return {"fleet": document, "state": store.state_tag(connection)}
