# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The collection that ships, built once, and hosts to use it on."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.agent.fleet import Witness
from tests.integration.collection.controller import Controller, build_collection
from tests.lab.fixtures import LabFactory

MEMBERS = [
    {"system": "h1", "dataset": "tank/data", "role": "source"},
    {"system": "h2", "dataset": "backup/data", "role": "target"},
    {"system": "h3", "dataset": "safe/data", "role": "target", "from": "h2"},
]
FLEET: dict[str, Any] = {
    "version": 1,
    "systems": {"h1": {}, "h2": {}, "h3": {}},
    "sync_groups": {"data": {"mode": "manual", "members": MEMBERS}},
}
"""A chain, h1 to h2 to h3, that is run when somebody says so."""


@pytest.fixture(scope="session")
def collection() -> None:
    build_collection()


@pytest.fixture(scope="module")
def hosts(collection: None, lab_factory: LabFactory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """Three hosts with a pool each, and a witness on the controller, which the inventory's variables name."""
    with lab_factory() as lab:
        witness = Witness(lab, tmp_path_factory.mktemp("witness"))
        witness.init()
        witness.start()
        witness.apply(FLEET)
        for host, pool in (("h1", "tank"), ("h2", "backup"), ("h3", "safe")):
            lab.host(host).create_pool(pool, "256M")
        controller = Controller(lab, tmp_path_factory.mktemp("controller"), {})
        controller.variables |= {
            "zfs_sync_fleet": FLEET,
            "zfs_sync_witness_url": witness.url,
            "zfs_sync_witness_token_file": str(witness.folder / "admin.key"),
            "zfs_sync_witness_ca_path": str(witness.folder / "tls" / "ca.crt"),
            "zfs_sync_agent_ca_certificate": witness.ca,
        }
        yield controller
        witness.kill()
