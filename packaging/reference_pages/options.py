# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Ansible's way of describing options, as Markdown."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reference_pages.markdown import code, table, value

HEADER = ("type", "default", "what it is")
_MARKUP = re.compile(r"\b[A-Z]\(([^)]*)\)")


def plain(description: str | Sequence[str]) -> str:
    """Ansible's semantic markup as code."""
    text = description if isinstance(description, str) else " ".join(description)
    return _MARKUP.sub(lambda match: code(match.group(1).split("#")[0]), text)


def options_table(options: Mapping[str, Any], title: str = "option") -> str:
    """A table of options; a suboption is named with those that hold it."""
    return table([title, *HEADER], _rows(options, ""))


def _rows(options: Mapping[str, Any], prefix: str) -> Iterator[list[str]]:
    for name, each in options.items():
        yield [code(prefix + name), _type(each), _default(each), plain(each["description"])]
        inner = each.get("suboptions", each.get("options", {}))
        yield from _rows(inner, f"{prefix}{name}[]." if each["type"] == "list" else f"{prefix}{name}.")


def _type(option: Mapping[str, Any]) -> str:
    kind: str = f"list of {option['elements']}" if option["type"] == "list" else option["type"]
    return kind + (f": {', '.join(code(str(each)) for each in option['choices'])}" if "choices" in option else "")


def _default(option: Mapping[str, Any]) -> str:
    if option.get("required"):
        return "required"
    return value(option["default"]) if "default" in option else ""
