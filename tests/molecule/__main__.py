# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.molecule [SCENARIO...]``: the role scenarios on lab hosts, which are removed afterwards."""

import sys
import tempfile
from pathlib import Path

from tests.lab.lab import Lab
from tests.molecule import HOSTS, SCENARIOS, run

if __name__ == "__main__":
    with Lab.create("molecule", HOSTS, say=print) as lab, tempfile.TemporaryDirectory() as folder:
        sys.exit(run(lab, sys.argv[1:] or SCENARIOS, folder=Path(folder)))
