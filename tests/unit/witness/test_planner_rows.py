# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Planner rows that were kept step by step are those that one look at everything gives."""

import io
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from starlette.testclient import TestClient

from tests.unit.witness.conftest import Api, ManualClock
from tests.unit.witness.documents import fleet
from tests.unit.witness.hosts import delta, full, snapshots
from zfs_sync.witness.app import create_app
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.schema import metadata
from zfs_sync.witness.db.work import edges, plan_rows
from zfs_sync.witness.logs import make_logger
from zfs_sync.witness.principal import COMMAND_LINE
from zfs_sync.witness.services import keys, planning
from zfs_sync.witness.services.keys import NewKey
from zfs_sync.witness.settings import Settings

VERDICT = ("edge", "relative", "outcome", "message", "evidence", "source_head", "target_head", "base", "lag_snapshots")
MEMBERS = [
    {"system": "nas1", "dataset": "tank/p", "role": "source"},
    {"system": "nas2", "dataset": "tank/p", "role": "target"},
    {"system": "nas3", "dataset": "tank/p", "role": "target", "from": "nas2"},
]
SYSTEMS = ("nas1", "nas2", "nas3")
PATHS = ("tank/p", "tank/p/a", "tank/p/a/b", "tank/p/c", "tank/other")
State = dict[str, tuple[frozenset[int], str | None]]

held = st.dictionaries(
    st.sampled_from(PATHS),
    st.tuples(st.frozensets(st.integers(1, 5)), st.sampled_from([None, "chain", "stranger"])),
    max_size=5,
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("full"), st.sampled_from(SYSTEMS), held),
        st.tuples(st.just("delta"), st.sampled_from(SYSTEMS), held),
        st.tuples(st.just("apply"), st.booleans(), st.booleans()),
        st.tuples(st.just("select"), st.sampled_from([[], ["a"], ["b"], ["a/*", "c"]]), st.booleans()),
    ),
    min_size=3,
    max_size=9,
)


def reported(path: str, guids: frozenset[int], marker: str | None, removed: frozenset[int]) -> dict[str, Any]:
    every = snapshots(1, 2, 3, 4, 5)
    return {
        "path": path,
        "guid": str(1 + PATHS.index(path)),
        "type": "filesystem",
        "marker": marker,
        "add": [each for each in every if int(each["guid"]) in guids],
        "remove": [str(guid) for guid in sorted(removed)],
    }


class Fleet:
    """A witness with three hosts in a chain, and what each of them has said."""

    def __init__(self, folder: str) -> None:
        file = Path(folder) / "witness.db"
        self.clock = ManualClock()
        self.database = Database(f"sqlite:///{file}")
        self.database.write(metadata.create_all)
        app = create_app(Settings(database=file), self.clock, self.database, make_logger("error", io.StringIO()))
        self.client = TestClient(app, raise_server_exceptions=False)
        self.operator = self._key("operator")
        self.agents = {system: self._key("agent", system) for system in SYSTEMS}
        self.held: dict[str, tuple[str, State]] = {}
        self.apply(recursive=True, chained=True)

    def _key(self, role: str, system: str | None = None) -> Api:
        new = NewKey(f"{role}-{system}", role, system)
        text = self.database.write(lambda each: keys.create(each, COMMAND_LINE, new, self.clock())[1].text)
        return Api(self.client, text)

    def apply(self, *, recursive: bool, chained: bool) -> None:
        members = [each if chained else {key: each[key] for key in each if key != "from"} for each in MEMBERS]
        self._declare({"members": members, "recursive": recursive})

    def select(self, *, exclude: list[str], include_root: bool) -> None:
        snapshots = {"exclude": ["s2", "s4"]} if exclude else None
        self._declare({"exclude": exclude, "include_root": include_root, "snapshots": snapshots})

    def _declare(self, fields: dict[str, Any]) -> None:
        groups = {"chain": fields}
        answer = self.operator.post("/api/v1/fleet/apply", {"fleet": fleet({name: {} for name in SYSTEMS}, groups)})
        assert answer.status_code == 200, answer.text

    def say(self, kind: str, system: str, state: State) -> None:
        generation, before = self.held.get(system, (None, {}))
        if kind == "full" or generation is None:
            body = full(*(reported(path, *each, frozenset()) for path, each in state.items()))
        else:
            nothing: frozenset[int] = frozenset()
            parts = [
                reported(path, guids - before.get(path, (nothing, None))[0], marker,
                         before.get(path, (nothing, None))[0] - guids)
                for path, (guids, marker) in state.items()
            ]  # fmt: skip
            body = delta(generation, *parts, gone=sorted(before.keys() - state.keys()))
        answer = self.agents[system].post(f"/api/v1/systems/{system}/reports", body)
        assert answer.status_code == 200, answer.text
        self.held[system] = (body["generation"], state)

    def rows(self) -> list[tuple[Any, ...]]:
        columns = [plan_rows.c[name] for name in VERDICT]
        found = self.database.read(lambda each: each.execute(select(*columns).order_by(*columns[:2])).all())
        return [tuple(row) for row in found]

    def from_scratch(self) -> None:
        def write(connection: Any) -> None:
            connection.execute(delete(plan_rows))
            for edge in connection.execute(select(edges)).all():
                planning.desired_changed(connection, self.clock(), {edge.group}, set())

        self.database.write(write)

    def close(self) -> None:
        self.client.close()
        self.database.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
@example([("full", "nas1", {}), ("full", "nas3", {}), ("full", "nas3", {"tank/p/a": (frozenset(), None)})])
@example(
    [
        ("full", "nas1", {"tank/p": (frozenset({1}), None), "tank/p/a": (frozenset({1}), None)}),
        ("full", "nas2", {"tank/p": (frozenset({1}), "chain")}),
        ("delta", "nas2", {}),
    ]
)
def test_rows_kept_step_by_step_are_those_of_a_look_at_everything(taken: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one = Fleet(folder)
        try:
            for kind, first, second in taken:
                if kind == "apply":
                    one.apply(recursive=first, chained=second)
                elif kind == "select":
                    one.select(exclude=first, include_root=second)
                else:
                    one.say(kind, first, second)
            kept = one.rows()
            one.from_scratch()
            assert kept == one.rows()
        finally:
            one.close()
