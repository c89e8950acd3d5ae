# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Each role by itself, as molecule tests it: converged, converged again without a change, and looked at."""

from pathlib import Path

import pytest

from tests.integration.collection.controller import ROOT
from tests.lab.fixtures import LabFactory
from tests.molecule import HOSTS, SCENARIOS, run


def test_every_role_has_its_scenario() -> None:
    scenarios = {path.parent.name for path in (ROOT / "extensions" / "molecule").glob("*/molecule.yml")}
    assert scenarios == set(SCENARIOS) == {path.name for path in (ROOT / "roles").iterdir()}


@pytest.mark.lab
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_every_scenario_passes(lab_factory: LabFactory, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with lab_factory(HOSTS) as lab:
        status = run(lab, folder=tmp_path)
    said = "".join(capfd.readouterr())
    assert status == 0, said
    assert said.count(" passed") == len(SCENARIOS), said
