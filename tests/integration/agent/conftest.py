# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""One fleet for the tests of a module: h1 with the data, h2 and h3 as targets, unless it says otherwise."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
    with bare(lab_factory, package, tmp_path_factory, {"h1": "tank", "h2": "backup", "h3": "safe"}) as fleet:
        yield fleet


@contextmanager
def bare(
    lab_factory: LabFactory,
    package: Path,
    tmp_path_factory: pytest.TempPathFactory,
    pools: Mapping[str, str],
    *,
    fake_clock: bool = False,
) -> Iterator[Fleet]:
    """The same with any hosts: the name of the pool by host. ``fake_clock`` lets the witness's clock be set."""
    with lab_factory(pools) as lab:
        witness = Witness(lab, tmp_path_factory.mktemp("witness"), fake_clock)
        witness.init()
        witness.start()
        for host, pool in pools.items():
            lab.host(host).create_pool(pool)
        yield Fleet(lab, witness, package)
        witness.kill()
