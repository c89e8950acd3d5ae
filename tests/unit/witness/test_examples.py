# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The fleet documents of ``examples`` are ones that the witness takes, and their exports apply as unchanged."""

from pathlib import Path

import pytest
import yaml

from tests.unit.witness.conftest import Api

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_applies_and_applies_again_as_unchanged(operator: Api, path: Path) -> None:
    document = yaml.safe_load(path.read_text())
    first = operator.post("/api/v1/fleet/apply", {"fleet": document})
    assert first.status_code == 200, first.json()
    exported = operator.get("/api/v1/fleet").json()["fleet"]
    for each in (document, exported):
        summary = operator.post("/api/v1/fleet/apply", {"fleet": each}).json()["summary"]
        assert summary["unchanged"] == len(document["systems"]) + len(document["sync_groups"])
