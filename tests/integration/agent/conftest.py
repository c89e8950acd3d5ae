# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""One fleet for the tests of a module: h1 with the data, h2 and h3 as targets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.agent.fleet import Fleet, Witness, build_package
from tests.lab.fixtures import LabFactory


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_package(tmp_path_factory.mktemp("package") / "zfs-sync-agent.pyz")


@pytest.fixture(scope="module")
def bare_fleet(lab_factory: LabFactory, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A witness, and hosts with a pool each and no agent."""
    with lab_factory() as lab:
        witness = Witness(lab, tmp_path_factory.mktemp("witness"))
        witness.init()
        witness.start()
        for host, pool in (("h1", "tank"), ("h2", "backup"), ("h3", "safe")):
            lab.host(host).create_pool(pool)
        yield Fleet(lab, witness, package)
        witness.kill()
