# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""JSON Schema as words: what a field may be, and the table of an object's fields."""

from collections.abc import Callable, Mapping
from typing import Any

from reference_pages.markdown import code, table, value

Link = Callable[[str], str]
"""Makes a link to the model of this name."""
_WORDS = {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false", "null": "null"}


def name_of(reference: str) -> str:
    """The model that a ``$ref`` names."""
    return reference.rpartition("/")[2]


def kind(schema: Mapping[str, Any], link: Link) -> str:
    """What a value may be, in a few words."""
    if "$ref" in schema:
        return link(name_of(schema["$ref"]))
    if "anyOf" in schema:
        return " or ".join(kind(each, link) for each in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return ", ".join(value(each) for each in schema.get("enum", [schema.get("const")]))
    return _plain(schema, link)


def _plain(schema: Mapping[str, Any], link: Link) -> str:
    word, items = schema.get("type"), schema.get("items")
    named = [*schema.get("patternProperties", {}).values()]
    below = named[0] if named else schema.get("additionalProperties")
    if word == "array":
        return f"list of {kind(items or {}, link)}"
    if word == "object":
        return f"mapping to {kind(below, link)}" if isinstance(below, dict) else "mapping"
    return _WORDS.get(str(word), "any") + _limits(schema)


def _limits(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f", {low} to {high}"
    if low is not None:
        return f", at least {low}"
    longest = schema.get("maxLength")
    return f", at most {longest} characters" if longest else ""


def fields(schema: Mapping[str, Any], link: Link, *, examples: bool = True) -> str:
    """The table of an object's fields, by default with an example of each."""
    required = schema.get("required", [])
    header = ["field", "type", "default", *(["example"] if examples else []), "what it is"]
    rows = []
    for name, each in schema["properties"].items():
        default = "required" if name in required else _default(each)
        example = [_example(each)] if examples else []
        rows.append([code(name), kind(each, link), default, *example, each.get("description", "")])
    return table(header, rows)


def _default(schema: Mapping[str, Any]) -> str:
    default = schema.get("default")
    return "" if default is None else value(default)


def _example(schema: Mapping[str, Any]) -> str:
    places = [schema, *schema.get("anyOf", [])]
    found = [example for each in places for example in each.get("examples", [])]
    return value(found[0]) if found else ""


def undescribed(schema: Mapping[str, Any]) -> list[str]:
    """The fields of which nothing is said."""
    return [name for name, each in schema.get("properties", {}).items() if not each.get("description")]
