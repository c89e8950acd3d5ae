# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The properties that a sync group may set on its new targets: an allow-list of names, each with its values.

The witness says what is set, and a host does it as root, so nothing is in the list by which one could reach out of the
dataset: no place to be mounted at (``mountpoint=/etc`` would be mounted over it at the next boot), nothing that shares
it over the network, no key. Both ends check, since neither believes the other.
"""

import re
from collections.abc import Mapping

from zfs_sync.core.numbers import format_size, parse_size

DEFAULTS: Mapping[str, str] = {"readonly": "on", "canmount": "noauto"}
"""Set on every new target, unless a group says another value."""
OURS = "zfs-sync:"
LONGEST_NAME = 255
LONGEST_VALUE = 1024

_USER = re.compile(r"[a-z0-9._-]*:[a-z0-9:._-]*")
_ON_OFF = ("off", "on")
_CACHED = ("all", "metadata", "none")
_COMPRESSION = (
    "gzip", *(f"gzip-{level}" for level in range(1, 10)), "lz4", "lzjb", *_ON_OFF, "zle", "zstd",
    *(f"zstd-{level}" for level in range(1, 20)), "zstd-fast",
)  # fmt: skip
_SIZE = ("none", "a size such as 10GiB")
_VALUES: Mapping[str, tuple[str, ...]] = {
    "acltype": ("nfsv4", "off", "posix"),
    "atime": _ON_OFF,
    "canmount": ("noauto", *_ON_OFF),
    "compression": _COMPRESSION,
    "copies": ("1", "2", "3"),
    "devices": _ON_OFF,
    "exec": _ON_OFF,
    "logbias": ("latency", "throughput"),
    "mountpoint": ("legacy", "none"),
    "primarycache": _CACHED,
    "quota": _SIZE,
    "readonly": _ON_OFF,
    "refquota": _SIZE,
    "refreservation": _SIZE,
    "relatime": _ON_OFF,
    "reservation": _SIZE,
    "secondarycache": _CACHED,
    "setuid": _ON_OFF,
    "snapdev": ("hidden", "visible"),
    "snapdir": ("hidden", "visible"),
    "sync": ("always", "disabled", "standard"),
    "volmode": ("default", "dev", "full", "geom", "none"),
    "xattr": ("dir", *_ON_OFF, "sa"),
}
SETTABLE = tuple(sorted(_VALUES))
"""ZFS's own properties that may be set. Besides them, those of users may, whose names have a colon."""
_OF_FILESYSTEMS = frozenset(
    ("acltype", "atime", "canmount", "devices", "exec", "mountpoint", "quota", "refquota", "relatime", "setuid")
) | {"snapdir", "xattr"}
_OF_VOLUMES = frozenset(("snapdev", "volmode"))


def check_property_name(text: str) -> str:
    """Return ``text`` if it names a property that may be set, else raise ValueError."""
    if text in _VALUES or (_USER.fullmatch(text) and len(text) <= LONGEST_NAME and not text.startswith((OURS, "-"))):
        return text
    names = ", ".join(SETTABLE)
    raise ValueError(f"{text[:80]!a} is not set by a sync group: take {names}, or a user property with a colon")


def canonical_property(name: str, value: str | bool) -> str:
    """The value in the form in which it is compared and shown. Raises ValueError with what ``name`` may be."""
    text = ("off", "on")[value] if isinstance(value, bool) else value
    allowed = _VALUES.get(name)
    if allowed is None:
        if not text.isprintable() or not 0 < len(text.encode()) <= LONGEST_VALUE:
            raise ValueError(f"{name} must be one printable line of 1 to {LONGEST_VALUE} bytes")
        return text
    if text in allowed and text not in _SIZE[1:]:
        return text
    if allowed is _SIZE:
        return _size(name, text)
    raise ValueError(f"{name} must be one of {', '.join(allowed)}")


def _size(name: str, text: str) -> str:
    try:
        count = parse_size(text)
    except ValueError as error:
        raise ValueError(f"{name} must be {' or '.join(_SIZE)}: {error}") from error
    if count == 0:
        raise ValueError(f"{name} must be {' or '.join(_SIZE)}")
    return format_size(count)


def check_properties(properties: Mapping[str, str | bool]) -> None:
    """Raise ValueError, with a sentence per fault, unless each property may be set to its value."""
    faults = [fault for name, value in properties.items() if (fault := _fault(name, value)) is not None]
    if faults:
        raise ValueError("; ".join(faults))


def _fault(name: str, value: str | bool) -> str | None:
    try:
        canonical_property(check_property_name(name), value)
    except ValueError as error:
        return str(error)
    return None


def for_dataset(properties: Mapping[str, str], kind: str) -> dict[str, str]:
    """Those that a dataset of this kind (``filesystem`` or ``volume``) can have, as zfs(8) takes them."""
    foreign = _OF_FILESYSTEMS if kind == "volume" else _OF_VOLUMES
    return {name: _as_taken(name, value) for name, value in properties.items() if name not in foreign}


def _as_taken(name: str, value: str) -> str:
    """Sizes in bytes: what other units are called depends on the age of the platform."""
    return str(parse_size(value)) if _VALUES.get(name) is _SIZE and value != "none" else value
