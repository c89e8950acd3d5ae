# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""How a run of the benchmarks is meant: for figures, or only to see that they work."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """``folder`` is gone afterwards, ``cache`` stays for the next run."""

    folder: Path
    cache: Path
    rounds: int
    quick: bool = False

    def size(self, full: int, *, quick: int) -> int:
        """How many objects to measure with."""
        return quick if self.quick else full
