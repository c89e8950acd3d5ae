# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Reading ``agent.conf``: every fault at once, each with the line that it stands on."""

import difflib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml

from zfs_sync.agent.config import AgentConfig, AllowRule, SshConfig, WitnessConfig
from zfs_sync.api.structure import structure
from zfs_sync.client.address import check_url
from zfs_sync.core.errors import Fault, ZfsSyncError, pointer

LARGEST_BYTES = 1_000_000
UNKNOWN_KEY = "this key is not known"


def load(path: Path) -> AgentConfig:
    """The configuration in this file. Raises E_CONFIG with a line for each fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ZfsSyncError(
            "E_CONFIG",
            f"The configuration {path} cannot be read: {reason}.",
            hint=f"Write it, or put it in place with: zfs-sync-agent install --config FILE (it becomes {path}).",
        ) from error
    return parse(text, str(path))


def parse(text: str, name: str) -> AgentConfig:
    """The configuration in ``text``; ``name`` is what messages call it. Raises E_CONFIG."""
    lines, duplicates = _lines(text, name)
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _not_yaml(error, name) from error
    config, faults = _structured(raw)
    faults = [*duplicates, *faults, *(_plain_http(config) if config else ())]
    if config is None or faults:
        placed = sorted((_line(lines, fault.pointer), _sentence(fault)) for fault in faults)
        named = [Fault(f"{name}:{line}", sentence) for line, sentence in placed]
        raise ZfsSyncError("E_CONFIG", f"{name} has {_count(len(faults))}.", faults=named)
    return config


def from_document(document: object) -> AgentConfig:
    """The configuration in a parsed document. Raises E_CONFIG with a JSON pointer for each fault."""
    config, faults = _structured(document)
    faults = [*faults, *(_plain_http(config) if config else ())]
    if config is None or faults:
        named = [Fault(fault.pointer, _sentence(fault)) for fault in faults]
        raise ZfsSyncError("E_CONFIG", f"The configuration has {_count(len(faults))}.", faults=named)
    return config


def _structured(raw: object) -> tuple[AgentConfig | None, list[Fault]]:
    try:
        return structure(AgentConfig, raw), []
    except ZfsSyncError as error:
        return None, list(error.faults)


def _plain_http(config: AgentConfig) -> Iterator[Fault]:
    try:
        check_url(config.witness.url, allow_plain_http=config.witness.allow_plain_http)
    except ValueError as error:
        yield Fault(pointer("witness", "url"), str(error))


def _count(number: int) -> str:
    return "a fault" if number == 1 else f"{number} faults"


def _sentence(fault: Fault) -> str:
    """The fault in a way that a person finds it, a key that may have been mistyped with what it may have been."""
    parent, _, key = fault.pointer.rpartition("/")
    where = fault.pointer.strip("/").replace("/", ".")
    if fault.message != UNKNOWN_KEY:
        return f"{where}: {fault.message}" if where else fault.message
    close = difflib.get_close_matches(key, _known_keys(parent), n=1)
    suggestion = f"; did you mean '{close[0]}'?" if close else ""
    return f"{where}: this key is not known{suggestion}"


def _known_keys(parent: str) -> list[str]:
    sections: dict[str, type] = {"": AgentConfig, "witness": WitnessConfig, "ssh": SshConfig, "allow": AllowRule}
    kind: Any = sections.get(parent.strip("/").split("/")[0])
    return [each.name for each in fields(kind)] if kind else []


def _lines(text: str, name: str) -> tuple[dict[str, int], list[Fault]]:
    """The line of each place in the document, by JSON pointer, and the keys that are given twice."""
    if len(text) > LARGEST_BYTES:
        raise ZfsSyncError("E_CONFIG", f"{name} is larger than {LARGEST_BYTES} bytes.")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise _not_yaml(error, name) from error
    lines: dict[str, int] = {"": 1}
    faults: list[Fault] = []
    if root is not None:
        _walk(root, (), lines, faults, set())
    return lines, faults


def _walk(
    node: yaml.Node, path: tuple[str | int, ...], lines: dict[str, int], faults: list[Fault], seen: set[int]
) -> None:
    if id(node) in seen:  # by an alias, which may lead back to itself, or to more than there is memory for
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = (*path, str(key.value))
            if pointer(*place) in lines:
                faults.append(Fault(pointer(*place), "this key is given twice"))
            lines[pointer(*place)] = key.start_mark.line + 1
            _walk(value, place, lines, faults, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[pointer(*path, index)] = value.start_mark.line + 1
            _walk(value, (*path, index), lines, faults, seen)


def _line(lines: dict[str, int], place: str) -> int:
    """The line of this place, or of the nearest one above it (a key that is missing has none)."""
    while place not in lines:
        place = place.rpartition("/")[0]
    return lines[place]


def _not_yaml(error: yaml.YAMLError, name: str) -> ZfsSyncError:
    mark = getattr(error, "problem_mark", None)
    line = f":{mark.line + 1}" if mark else ""
    problem = getattr(error, "problem", None) or "it cannot be read"
    return ZfsSyncError("E_CONFIG", f"{name} is not YAML.", faults=[Fault(f"{name}{line}", str(problem))])
