# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""How long to wait before the next try: full jitter, so that many callers do not come back at the same moment."""

import random
from collections.abc import Callable


class Backoff:
    """Exponential with full jitter: uniformly between nothing and ``min(most, least * 2 ** failures)`` seconds."""

    def __init__(
        self,
        *,
        least_seconds: float = 1.0,
        most_seconds: float = 60.0,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._least, self._most, self._uniform = least_seconds, most_seconds, uniform
        self.failures = 0

    def next_seconds(self) -> float:
        """The wait after one more failure."""
        ceiling = min(self._most, self._least * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return self._uniform(0.0, ceiling)

    def reset(self) -> None:
        """It worked."""
        self.failures = 0
