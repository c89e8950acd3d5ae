# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""fleet-document.md: every field of the fleet document, from its schema."""

from typing import Any

from pydantic import TypeAdapter

from reference_pages.markdown import anchor, note
from reference_pages.schema import fields
from zfs_sync.api.fleet import FleetDocument

_INTRODUCTION = """\
# The fleet document

One YAML file says which dataset lives on which hosts and how it is kept in sync. A small one:

```yaml
version: 1
systems:
  nas1: {}
  nas2: {ssh: {host: 10.0.0.12}}
sync_groups:
  photos:
    members:
      - {system: nas1, dataset: tank/photos, role: source}
      - {system: nas2, dataset: backup/photos, role: target}
```

For completion and checks in an editor, name the [schema](../../schemas/fleet.schema.json) in the first line, as
[examples/fleet.yml](../../examples/fleet.yml) does. An unknown field is an error.

* **A field that is absent is not managed**: it keeps what it has; a new object takes the default. `null` puts it
  back to the default. Lists and maps are one value, and the order of a list never matters.
* **Durations** are text with a unit: `90s`, `15m`, `1h`, `2d`.
* **Names** of systems and sync groups begin with a small letter or a digit; after it come at most 62 small letters,
  digits, dots, underscores and hyphens.
* **Overlap.** Over the whole fleet a dataset is fed by one edge at most, and a target never lies inside or above a
  source or another target of the same host.
"""


def page() -> str:
    """The text of the page."""
    schema: dict[str, Any] = TypeAdapter(FleetDocument).json_schema()
    models = {"FleetDocument": schema, **schema["$defs"]}
    text = note("the schema of the fleet document") + _INTRODUCTION
    for name, model in models.items():
        text += f"\n## {name}\n\n{model['description']}\n\n{fields(model, _link)}"
    return text


def _link(name: str) -> str:
    return f"[{name}](#{anchor(name)})"
