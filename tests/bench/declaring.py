# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A thousand systems in one request, beside one request for each."""

import itertools

from tests.bench.measured import Measured
from tests.bench.run import Run
from tests.bench.timing import Way, medians
from tests.bench.witness import witness

OWNER = "bench/declaring"


def measure(run: Run) -> list[Measured]:
    """Plan and apply of a fleet that changes in every round, and of one that does not."""
    systems = run.size(1_000, quick=20)
    names = [f"nas{number:04}" for number in range(systems)]
    turn = itertools.count()
    with witness(run.folder / "declaring") as bench:

        def fleet(verb: str, description: str) -> None:
            entries = {name: {"description": description} for name in names}
            document = {"version": 1, "owner": OWNER, "systems": entries, "sync_groups": {}}
            bench.admin("POST", f"/fleet/{verb}", {"fleet": document})

        def each(description: str) -> None:
            for name in names:
                bench.admin("PUT", f"/systems/{name}?owner={OWNER}", {"description": description})

        fleet("apply", "first")
        changed = medians(
            Way(lambda: each(f"turn {next(turn)}")),
            Way(lambda: fleet("plan", f"turn {next(turn)}")),
            Way(lambda: fleet("apply", f"turn {next(turn)}")),
            rounds=run.rounds,
        )
        fleet("apply", "same")
        same = medians(
            Way(lambda: each("same")),
            Way(lambda: fleet("plan", "same")),
            Way(lambda: fleet("apply", "same")),
            rounds=run.rounds,
        )
    return [
        Measured(
            f"{verb}-{state}",
            f"POST /fleet/{verb}, {systems:,} {state} systems",
            "one PUT for each of them on one connection",
            "s",
            seconds,
            alone,
            sizes={"systems": systems},
        )
        for state, (alone, *ours) in (("changed", changed), ("unchanged", same))
        for verb, seconds in zip(("plan", "apply"), ours, strict=True)
    ]
