# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""``allow``: one rule more in agent.conf, for a person with a shell; the rest of the file stays as it was written."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zfs_sync.agent import config_file
from zfs_sync.agent.allow import AllowList
from zfs_sync.agent.config import AgentConfig
from zfs_sync.agent.install import service
from zfs_sync.agent.install.files import File
from zfs_sync.agent.install.layout import ROOT
from zfs_sync.agent.install.resource import Ledger
from zfs_sync.core.errors import ZfsSyncError

MODE = 0o644

_BLOCK = re.compile(r"^allow:[ \t]*\n(?P<indent>[ \t]*)- ", re.MULTILINE)
_EMPTY = re.compile(r"^allow:[ \t]*\[[ \t]*\][ \t]*$", re.MULTILINE)
_ANY = re.compile(r"^allow:", re.MULTILINE)


def add(path: Path, dataset: str, operations: Sequence[str], *, check: bool) -> dict[str, Any]:
    """Allow the operations on the dataset and what is below it, and let the running agent know; the answer.

    Raises E_CONFIG for what is no dataset or no operation, and for a file whose list is not written item by item.
    """
    config = config_file.load(path)
    text = path.read_text(encoding="utf-8")
    wanted = config_file.parse(_with_rule(text, path, dataset, list(dict.fromkeys(operations))), str(path))
    allowed = AllowList(config.allow, str(path))
    rule = wanted.allow[0]
    missing = [each for each in rule.operations if not allowed.allows(each, rule.dataset)]
    ledger = Ledger(check)
    if missing:
        content = _with_rule(text, path, dataset, missing)
        _verify(config, config_file.parse(content, str(path)), path)
        stale = ledger.bring([File(path, content.encode(), MODE, ROOT)])
        if service.systemd_runs():
            ledger.bring([service.Started(service.form_of(config), stale)])
    return ledger.answer()


def _with_rule(text: str, path: Path, dataset: str, operations: Sequence[str]) -> str:
    """The text with the rule before the others. JSON is YAML: its strings need no rules of quoting of their own."""
    rule = f"- {{dataset: {json.dumps(dataset)}, operations: {json.dumps(operations)}}}"
    if found := _BLOCK.search(text):
        at = found.start("indent")
        return f"{text[:at]}{found['indent']}{rule}\n{text[at:]}"
    if _EMPTY.search(text):
        return _EMPTY.sub(lambda _: f"allow:\n{rule}", text, count=1)
    if _ANY.search(text):
        raise ZfsSyncError(
            "E_CONFIG",
            f"'allow' in {path} is not written item by item, so no item can be added to it.",
            hint=f"Add to it by hand: {rule.removeprefix('- ')}",
        )
    return f"{text.rstrip()}\nallow:\n{rule}\n"


def _verify(before: AgentConfig, after: AgentConfig, path: Path) -> None:
    """Nothing but the one rule may have come in."""
    if after.allow[1:] != before.allow:
        raise ZfsSyncError("E_CONFIG", f"A rule cannot be added to {path} as it is written.", hint="Add it by hand.")
