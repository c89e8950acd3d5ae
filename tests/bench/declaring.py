# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A thousand systems in one request, beside one request for each."""

from pathlib import Path

from tests.bench.timing import Comparison, Way, compare
from tests.bench.witness import witness

OWNER = "bench/declaring"
SYSTEMS = 1_000


def measure(folder: Path, rounds: int) -> list[Comparison]:
    """Plan and apply of a fleet that changes in every round, and of one that does not."""
    with witness(folder) as bench:
        turn = iter(range(10 * rounds))
        names = [f"nas{number:04}" for number in range(SYSTEMS)]

        def document(description: str) -> dict[str, object]:
            systems = {name: {"description": description} for name in names}
            return {"fleet": {"version": 1, "owner": OWNER, "systems": systems, "sync_groups": {}}}

        def one_by_one(description: str) -> None:
            for name in names:
                bench.admin("PUT", f"/systems/{name}?owner={OWNER}", {"description": description})

        bench.admin("POST", "/fleet/apply", document("first"))
        changed = compare(
            f"{SYSTEMS:,} systems, all of them changed",
            Way("one PUT for each, one connection", lambda: one_by_one(f"turn {next(turn)}"), SYSTEMS),
            Way("POST /fleet/plan", lambda: bench.admin("POST", "/fleet/plan", document(f"{next(turn)}")), SYSTEMS),
            Way("POST /fleet/apply", lambda: bench.admin("POST", "/fleet/apply", document(f"{next(turn)}")), SYSTEMS),
            rounds=rounds,
        )
        bench.admin("POST", "/fleet/apply", document("same"))
        unchanged = compare(
            f"{SYSTEMS:,} systems, none of them changed",
            Way("one PUT for each, one connection", lambda: one_by_one("same"), SYSTEMS),
            Way("POST /fleet/plan", lambda: bench.admin("POST", "/fleet/plan", document("same")), SYSTEMS),
            Way("POST /fleet/apply", lambda: bench.admin("POST", "/fleet/apply", document("same")), SYSTEMS),
            rounds=rounds,
        )
    return [changed, unchanged]
