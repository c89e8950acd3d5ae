# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""From what zfs(8) writes on standard error to a code of the catalogue.

The fragments are OpenZFS's own (``libzfs_sendrecv.c``, ``libzfs_util.c``, ``libzfs_dataset.c``) and zfs-fuse's. The
exit status says little (1 for nearly everything), and success is decided by state elsewhere; the text says why.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from zfs_sync.core.errors import ZfsSyncError

LONGEST_DETAIL = 600
AGENT_USER = "zfs-sync"
DELEGATED: Mapping[str, str] = {
    "send": "send,hold,release",
    "receive": "receive,create,mount,readonly,canmount,userprop,hold,release",
    "hold": "hold",
    "release": "release",
    "set": "readonly,canmount,userprop",
    "unmount": "mount",
}
"""What ``zfs allow`` has to give for a verb (zfs-allow(8))."""


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    code: str
    sentence: str
    verbs: frozenset[str] = frozenset()
    hint: str | None = None
    """May hold ``{name}``, the quoted dataset."""


def _rule(pattern: str, code: str, sentence: str, *, verbs: str = "", hint: str | None = None) -> _Rule:
    return _Rule(re.compile(pattern, re.IGNORECASE), code, sentence, frozenset(verbs.split()), hint)


_RULES = (
    _rule(
        r"failed to initialize zfs library|zfs-fuse daemon is running|zfs modules? (are not|cannot be|is not)",
        "E_ZFS_MISSING",
        "ZFS does not run on this host",
    ),
    _rule(r"permission denied", "E_PERMISSION", "zfs may not {verb} {dataset} for this user"),
    _rule(
        r"has been modified since most recent snapshot",
        "E_TARGET_MODIFIED",
        "{dataset} was written to since its newest snapshot; nothing was received",
    ),
    _rule(
        r"does not match incremental source|not an earlier snapshot from the same fs|is not earlier than it",
        "E_PLAN_STALE",
        "The snapshots of {dataset} are no longer those that this transfer was planned for",
    ),
    _rule(
        r"must destroy them to overwrite it|must specify -F to overwrite it",
        "E_TARGET_UNMANAGED",
        "{dataset} exists already; nothing was received into it",
    ),
    _rule(
        r"partially-complete state",
        "E_BUSY",
        "{dataset} holds the rest of an interrupted receive that is not ours",
        hint="Look at it, and discard it on the target's host with: zfs receive -A {name}",
    ),
    _rule(r"out of space|quota exceeded|no space left", "E_SPACE", "There is no room for {dataset}"),
    _rule(r"(target|dataset|device|resource) is busy|device busy", "E_BUSY", "{dataset} is busy"),
    _rule(
        r"key must be loaded|may not be sent .*raw flag|encrypted dataset",
        "E_ENCRYPTED_SOURCE",
        "{dataset} is encrypted and is not sent in clear",
        verbs="send",
    ),
    _rule(
        r"does not exist|no longer exists|could not send|is no longer the same snapshot",
        "E_SOURCE_GONE",
        "A snapshot of {dataset} that was to be sent is gone",
        verbs="send hold",
    ),
    _rule(
        r"dataset does not exist",
        "E_PARENT_MISSING",
        "There is nothing to receive {dataset} into",
        verbs="receive",
    ),
    _rule(
        r"incomplete stream|invalid (backup )?stream|read from stream|broken pipe|signal received",
        "E_INTERRUPTED",
        "The stream of {dataset} ended early",
        verbs="send receive",
    ),
)


def classify(stderr: str, dataset: str, *, verb: str) -> ZfsSyncError:
    """The error of ``zfs VERB`` about ``dataset``, with what zfs said as detail and the command that helps as hint."""
    said = " ".join(stderr.split())
    for rule in _RULES:
        if rule.pattern.search(said) and (not rule.verbs or verb in rule.verbs):
            message = f"{rule.sentence.format(dataset=dataset, verb=verb)} (zfs {verb}: {_shorten(said)})."
            return ZfsSyncError(rule.code, message, hint=_hint(rule, dataset, verb))
    detail = _shorten(said) if said else "it said nothing"
    return ZfsSyncError("E_ZFS_FAILED", f"zfs {verb} failed for {dataset}: {detail}.")


def _hint(rule: _Rule, dataset: str, verb: str) -> str | None:
    if rule.code == "E_PERMISSION":
        granted = DELEGATED.get(verb, verb)
        return f"Allow it on that host with: zfs allow -u {AGENT_USER} {granted} {shlex.quote(dataset)}"
    return rule.hint.format(name=shlex.quote(dataset)) if rule.hint else None


def _shorten(text: str) -> str:
    plain = text.rstrip(". ")
    return plain if len(plain) <= LONGEST_DETAIL else plain[:LONGEST_DETAIL] + "..."


def target_modified(dataset: str, head: str) -> ZfsSyncError:
    """E_TARGET_MODIFIED whose hint is the one command that mends it, ready to be pasted."""
    return ZfsSyncError(
        "E_TARGET_MODIFIED",
        f"{dataset} was written to since its newest snapshot {head}; nothing was received or thrown away.",
        hint=f"zfs rollback {shlex.quote(f'{dataset}@{head}')}",
    )
