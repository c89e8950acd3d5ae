# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[3]
SCHEMAS = ROOT / "schemas"
FILES = sorted(SCHEMAS.glob("*.schema.json"))


def test_the_committed_schemas_are_those_of_the_code() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "packaging" / "export_schemas.py", SCHEMAS, "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def objects(schema: dict) -> list[dict]:
    return [each for each in [schema, *schema.get("$defs", {}).values()] if "properties" in each]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_field_has_a_description_and_every_plain_one_an_example(path: Path) -> None:
    for each in objects(json.loads(path.read_text())):
        for name, field in each["properties"].items():
            assert field.get("description"), f"{path.name}: {name}"
            shapes = [field, *field.get("anyOf", ())]
            assert any("examples" in shape or "$ref" in shape for shape in shapes), f"{path.name}: {name}"


def test_the_example_fleet_is_valid_and_a_wrong_one_is_not() -> None:
    validator = jsonschema.Draft202012Validator(json.loads((SCHEMAS / "fleet.schema.json").read_text()))
    fleet = yaml.safe_load((ROOT / "examples" / "fleet.yml").read_text())
    assert list(validator.iter_errors(fleet)) == []
    fleet["systems"]["nas1"]["colour"] = "red"
    fleet["sync_groups"]["photos"]["priority"] = "high"
    assert len(list(validator.iter_errors(fleet))) == 2
