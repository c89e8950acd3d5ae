# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""configuration.md: the witness's settings and the agent's, from the classes that read them."""

from typing import Any

from pydantic import TypeAdapter

from reference_pages.markdown import anchor, code, note, table
from reference_pages.schema import fields, kind
from zfs_sync.agent.config import DEFAULT_PATH, AgentConfig
from zfs_sync.witness.settings import CONFIG_VARIABLE, DEFAULT_FILE, ENV_PREFIX, Settings

_INTRODUCTION = f"""\
# Settings of the witness and of the agent

Both services read one YAML file. A setting that is not known is an error, all faults are told at once, and a fault
stops the start. The roles write both files; `zfs_sync_witness_settings` and `zfs_sync_agent_settings` take any other
setting by its name.

## The witness

`{DEFAULT_FILE}`, or the file that `--config` or `${CONFIG_VARIABLE}` names.
`{DEFAULT_FILE}` may be missing: everything has a default. Each setting can also come from the environment,
as `{ENV_PREFIX}` and its name in capitals, such as `{ENV_PREFIX}PORT`; the environment wins.
`zfs-sync-witness check` says whether the settings are valid.

"""
_AGENT = f"""\
## The agent

`{DEFAULT_PATH}`, or the file that `--config` names. It belongs to the host: nothing that the witness says
changes it. Schema for editors: [agent-config.schema.json](../../schemas/agent-config.schema.json).
`zfs-sync-agent doctor` checks it.

"""


def page() -> str:
    """The text of the page."""
    return note("the settings' classes") + _INTRODUCTION + _witness() + "\n" + _AGENT + _agent()


def _witness() -> str:
    schema = Settings.model_json_schema()
    rows = []
    for name, each in schema["properties"].items():
        default = Settings.model_fields[name].default
        shown = "none" if default is None else code(str(default).lower() if isinstance(default, bool) else str(default))
        rows.append([code(name), kind(each, code), shown, each.get("description", "")])
    return table(["setting", "type", "default", "what it is"], rows)


def _agent() -> str:
    schema: dict[str, Any] = TypeAdapter(AgentConfig).json_schema()
    text = fields(schema, _link, examples=False)
    for name, model in schema["$defs"].items():
        text += f"\n### {name}\n\n{model['description']}\n\n{fields(model, _link, examples=False)}"
    return text


def _link(name: str) -> str:
    return f"[{name}](#{anchor(name)})"
