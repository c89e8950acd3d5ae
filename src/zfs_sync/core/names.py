# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What may name a dataset, a snapshot, a system, a group, a host, a user.

The rules for datasets and snapshots are those of OpenZFS ``module/zcommon/zfs_namecheck.c``: spaces and leading
dashes are legal, everything outside the alphabet is not. Every name that reaches an argv passes through here twice,
at the API and again on the host.
"""

import ipaddress
import re

MAX_DATASET_BYTES = 255

_COMPONENT = re.compile(r"[A-Za-z0-9 _.:-]+")
_POOL = re.compile(r"[A-Za-z][A-Za-z0-9 _.:-]*")
_POOL_RESERVED = re.compile(r"(c[0-9]|mirror|raidz|draid|spare).*|log")
_OBJECT = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*")
_USER = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")


def _show(text: str) -> str:
    """The text as it may stand in a message: printable, and not longer than a line."""
    shown = ascii(text[:80])
    return shown + "..." if len(text) > 80 else shown


def check_dataset(text: str) -> str:
    """Return ``text`` if ZFS allows it as the path of a filesystem or volume, else raise ValueError."""
    if not text or len(text.encode()) > MAX_DATASET_BYTES:
        raise ValueError(f"{_show(text)} is not a dataset: a path has 1 to {MAX_DATASET_BYTES} bytes")
    for component in text.split("/"):
        _check_component(component, text)
    _check_pool(text.split("/", maxsplit=1)[0], text)
    return text


def _check_component(component: str, whole: str) -> None:
    if not component:
        raise ValueError(f"{_show(whole)} is not a dataset: a component between slashes is empty")
    if component in (".", ".."):
        raise ValueError(f"{_show(whole)} is not a dataset: '{component}' is not allowed as a component")
    if not _COMPONENT.fullmatch(component):
        raise ValueError(f"{_show(whole)} is not a dataset: use letters, digits, space and _ . : - only")


def _check_pool(pool: str, whole: str) -> None:
    if not _POOL.fullmatch(pool) or _POOL_RESERVED.fullmatch(pool):
        raise ValueError(f"{_show(whole)} is not a dataset: {_show(pool)} cannot be the name of a pool")


def check_relative(text: str) -> str:
    """Return ``text`` if it names a dataset below a root (``""`` is the root itself), else raise ValueError."""
    if text:
        for component in text.split("/"):
            _check_component(component, text)
    return text


def check_snapshot_label(text: str) -> str:
    """Return ``text`` if ZFS allows it behind the ``@`` of a snapshot, else raise ValueError."""
    if len(text.encode()) >= MAX_DATASET_BYTES or not _COMPONENT.fullmatch(text):
        raise ValueError(f"{_show(text)} is not a snapshot name: use letters, digits, space and _ . : - only")
    return text


def _check_object(text: str, kind: str) -> str:
    if not _OBJECT.fullmatch(text):
        raise ValueError(
            f"{_show(text)} cannot name a {kind}: use 1 to 63 of a-z 0-9 . _ - and begin with a letter or digit"
        )
    return text


def check_system_name(text: str) -> str:
    """Return ``text`` if it may name a system, else raise ValueError."""
    return _check_object(text, "system")


def check_group_name(text: str) -> str:
    """Return ``text`` if it may name a sync group, else raise ValueError."""
    return _check_object(text, "sync group")


def check_host(text: str) -> str:
    """Return ``text`` if it is a host name or an IP address that ssh can be given, else raise ValueError."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        if not _HOST.fullmatch(text):
            raise ValueError(f"{_show(text)} is neither a host name nor an IP address") from None
    return text


def check_user(text: str) -> str:
    """Return ``text`` if it can be a login name, else raise ValueError."""
    if not _USER.fullmatch(text):
        raise ValueError(f"{_show(text)} is not a login name: use a-z 0-9 . _ - and begin with a letter or _")
    return text


def pool_of(path: str) -> str:
    """The pool that holds ``path``."""
    return path.split("/", 1)[0]


def parent(path: str) -> str | None:
    """The dataset above ``path``; None for the root dataset of a pool."""
    head, slash, _ = path.rpartition("/")
    return head if slash else None


def is_inside(path: str, root: str) -> bool:
    """Whether ``path`` is ``root`` or lies below it."""
    return path == root or path.startswith(root + "/")


def relative(path: str, root: str) -> str:
    """``path`` as seen from ``root``: ``""`` for the root itself. Raises ValueError outside of it."""
    if path == root:
        return ""
    if not path.startswith(root + "/"):
        raise ValueError(f"{_show(path)} does not lie below {_show(root)}")
    return path[len(root) + 1 :]


def join(root: str, below: str) -> str:
    """The full path of ``below`` under ``root``."""
    return f"{root}/{below}" if below else root
