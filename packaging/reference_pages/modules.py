# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""modules.md: every module of the collection with its options, examples and results."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from reference_pages.markdown import note, table
from reference_pages.options import options_table, plain

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
_FRAGMENT = "zfs_sync.fleet."
_INTRODUCTION = """\
# Modules

All of them are of the collection `zfs_sync.fleet` and support check mode and diff where they change anything. What the
modules that speak to the witness have in common can be said once, by `module_defaults` for the group
`zfs_sync.fleet.witness`.
"""


def page() -> str:
    """The text of the page."""
    text = note("the modules' own documentation") + _INTRODUCTION
    for path in sorted((PLUGINS / "modules").glob("*.py")):
        text += _module(path)
    return text


def options_of(path: Path) -> Mapping[str, Any]:
    """The options of a module, with those of the fragments that it extends: its own first."""
    documentation = yaml.safe_load(_texts(path)["DOCUMENTATION"])
    options = dict(documentation.get("options", {}))
    for fragment in documentation.get("extends_documentation_fragment", []):
        options = _merged(options, _fragment(fragment))
    return options


def returned(path: Path) -> Mapping[str, Any]:
    """What a module says that it returns."""
    values: Mapping[str, Any] = yaml.safe_load(_texts(path)["RETURN"]) or {}
    return values


def _module(path: Path) -> str:
    texts = _texts(path)
    documentation = yaml.safe_load(texts["DOCUMENTATION"])
    text = f"\n## {path.stem}\n\n{plain(documentation['description'])}\n\n{options_table(options_of(path))}"
    text += f"\n### Examples of {path.stem}\n\n```yaml\n{texts['EXAMPLES'].strip()}\n```\n"
    if values := returned(path):
        rows = (
            [f"`{name}`", each["type"], plain(each["returned"]), plain(each["description"])]
            for name, each in values.items()
        )
        text += f"\n### What {path.stem} returns\n\n{table(['value', 'type', 'when', 'what it is'], rows)}"
    return text


def _fragment(name: str) -> Mapping[str, Any]:
    module, _, section = name.removeprefix(_FRAGMENT).partition(".")
    texts = _texts(PLUGINS / "doc_fragments" / f"{module}.py")
    options: Mapping[str, Any] = yaml.safe_load(texts[section.upper() or "DOCUMENTATION"]).get("options", {})
    return options


def _merged(own: dict[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    return own | {name: {**each, **own.get(name, {})} for name, each in shared.items()}


def _texts(path: Path) -> Mapping[str, str]:
    """The texts that a file assigns to names, at its top or in a class."""
    return dict(_assigned(ast.parse(path.read_text())))


def _assigned(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value.value
