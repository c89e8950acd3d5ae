# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Writes ``schemas/`` from the wire's dataclasses: ``python packaging/export_schemas.py schemas [--check]``.

Editors, front ends and users read the schemas; the dataclasses are their only source.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from zfs_sync.agent.config import AgentConfig
from zfs_sync.api.fleet import FleetDocument, SyncGroupSpec, SystemSpec

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SOURCES: dict[str, type] = {
    "agent-config.schema.json": AgentConfig,
    "fleet.schema.json": FleetDocument,
    "sync-group.schema.json": SyncGroupSpec,
    "system.schema.json": SystemSpec,
}


def schema_text(name: str, source: type) -> str:
    """One schema as it stands in the file."""
    body: dict[str, Any] = TypeAdapter(source).json_schema()
    schema = {"$schema": DIALECT, "$id": f"https://zfs-sync.github.io/schemas/{name}", **body}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def stale(folder: Path) -> list[str]:
    """The files of ``folder`` that are missing or differ."""
    return [
        name
        for name, source in SOURCES.items()
        if not (folder / name).is_file() or (folder / name).read_text() != schema_text(name, source)
    ]


def main() -> int:
    """Write or check the schemas; returns the exit code."""
    parser = argparse.ArgumentParser(description="Write the JSON Schemas.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true", help="only say which are out of date")
    arguments = parser.parse_args()
    names = stale(arguments.folder)
    for name in names:
        if arguments.check:
            print(f"{arguments.folder / name} is out of date: run make schemas", file=sys.stderr)
        else:
            arguments.folder.mkdir(exist_ok=True)
            (arguments.folder / name).write_text(schema_text(name, SOURCES[name]))
    return 1 if names and arguments.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
