# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What a benchmark hands on: ours, a baseline that was measured in the same run, their ratio, and the goal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Goal:
    """What is wanted of one figure. It is printed, and fails nothing: machines differ."""

    of: Literal["ratio", "ours", "difference"]
    bound: float
    at_least: bool = False

    def met(self, ours: float, baseline: float) -> bool:
        """Whether the figure is on the right side of the bound."""
        figure = {"ratio": ours / baseline, "ours": ours, "difference": ours - baseline}[self.of]
        return figure >= self.bound if self.at_least else figure <= self.bound

    def text(self, unit: str) -> str:
        """As it stands in a table."""
        sign = ">=" if self.at_least else "<="
        return {
            "ratio": f"{sign} {self.bound:g} x",
            "ours": f"{sign} {self.bound:g} {unit}",
            "difference": f"{sign} {self.bound:g} {unit} more",
        }[self.of]


@dataclass(frozen=True, slots=True)
class Measured:
    """One line of the table, and one file. Both figures are medians, in ``unit``."""

    name: str
    ours_is: str
    baseline_is: str
    unit: Literal["s", "s CPU", "MiB", "rows/s"]
    ours: float
    baseline: float
    goal: Goal | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """Ours over the baseline."""
        return self.ours / self.baseline

    def document(self, machine: Mapping[str, object]) -> dict[str, object]:
        """What the JSON says of it."""
        goal = self.goal and {
            "text": self.goal.text(self.unit),
            "of": self.goal.of,
            "bound": self.goal.bound,
            "met": self.goal.met(self.ours, self.baseline),
        }
        return {
            "name": self.name,
            "ours": {"what": self.ours_is, "value": self.ours, "unit": self.unit},
            "baseline": {"what": self.baseline_is, "value": self.baseline, "unit": self.unit},
            "ratio": self.ratio,
            "goal": goal,
            "sizes": dict(self.sizes),
            "machine": dict(machine),
        }

    def line(self) -> str:
        """What a person reads."""
        goal = "" if self.goal is None else self.goal.text(self.unit)
        missed = "" if self.goal is None or self.goal.met(self.ours, self.baseline) else "  MISSED"
        return (
            f"{self.name:<26} {_short(self.ours):>9} {_short(self.baseline):>9} {self.unit:<7}"
            f" {self.ratio:>8.2f} x  {goal}{missed}\n    {self.ours_is} | {self.baseline_is}"
        )


HEADING = f"{'benchmark':<26} {'ours':>9} {'baseline':>9} {'unit':<7} {'ratio':>10}  goal"


def _short(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 1_000 else f"{figure:.4g}"
