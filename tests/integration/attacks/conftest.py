# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""One stage for all attacks: booting three hosts for each of them would take longer than the attacks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.agent.conftest import bare
from tests.integration.agent.conftest import package as agent_package
from tests.integration.attacks.stage import Attacker, build
from tests.lab.fixtures import LabFactory

package = agent_package


@pytest.fixture(scope="package")
def attacker(lab_factory: LabFactory, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacker]:
    """Whoever has h2, in a fleet that was in sync a moment ago."""
    with bare(lab_factory, package, tmp_path_factory, {"h1": "tank", "h2": "backup", "h3": "safe"}) as fleet:
        build(fleet)
        found = Attacker(fleet)
        found.take_over()
        yield found
