# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""``key create|list|revoke|rotate``: API keys, for whoever is on the witness's machine anyway."""

from argparse import Namespace
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, or_, select

from zfs_sync.core.errors import Fault, ZfsSyncError
from zfs_sync.core.names import check_system_name
from zfs_sync.core.numbers import parse_duration
from zfs_sync.core.tokens import Token
from zfs_sync.witness.clock import instant, system_clock
from zfs_sync.witness.commands.opening import opened
from zfs_sync.witness.commands.secret_file import check_outlet, write_secret
from zfs_sync.witness.db.desired import api_keys
from zfs_sync.witness.principal import COMMAND_LINE
from zfs_sync.witness.services import access, keys
from zfs_sync.witness.services.keys import KeyRow, NewKey
from zfs_sync.witness.settings import load

Make = Callable[[Connection], tuple[KeyRow, Token | None]]


def create(options: Namespace) -> dict[str, Any]:
    """Make a key."""
    new = _checked(options)
    return _made(options, lambda connection: keys.create(connection, COMMAND_LINE, new, system_clock()))


def rotate(options: Namespace) -> dict[str, Any]:
    """Replace a key, or ask an agent to replace its own."""
    faults: list[Fault] = []
    overlap = _seconds("--overlap", options.overlap, faults)
    if faults:
        raise ZfsSyncError("E_VALIDATION", "The key cannot be replaced so.", faults=faults)
    if _role(options) == "agent":
        return _asked(options, overlap or 0)
    return _made(
        options,
        lambda connection: keys.rotate(
            connection, COMMAND_LINE, _find(connection, options.key), system_clock(), overlap or 0
        ),
    )


def _role(options: Namespace) -> str:
    """The role of the key that is named."""
    with opened(load(file=options.config).database) as database:
        row = database.read(lambda connection: keys.get(connection, _find(connection, options.key)))
    return str(row.role)


def _asked(options: Namespace, overlap_seconds: int) -> dict[str, Any]:
    def write(connection: Connection) -> KeyRow:
        key = _find(connection, options.key)
        return keys.rotate(connection, COMMAND_LINE, key, system_clock(), overlap_seconds)[0]

    with opened(load(file=options.config).database) as database:
        row = database.write(write)
    text = f"The agent of {row.system} is asked for a new key; '{row.name}' goes on until it has one."
    return {"changed": True, **_shown(row), "text": text}


def revoke(options: Namespace) -> dict[str, Any]:
    """End a key."""
    with opened(load(file=options.config).database) as database:
        row, _ = database.write(
            lambda connection: access.revoke(connection, COMMAND_LINE, _find(connection, options.key), system_clock())
        )
    return {"changed": True, **_shown(row), "text": f"The key '{row.name}' ({row.id}) was revoked."}


def list_keys(options: Namespace) -> dict[str, Any]:
    """List live keys."""
    with opened(load(file=options.config).database) as database:
        rows = database.read(lambda connection: keys.live(connection, after=None, limit=-1))
    lines = [f"{'ID':10}{'ROLE':10}{'SYSTEM':20}{'EXPIRES':22}{'LAST USED':22}NAME"]
    for each in map(_shown, rows):
        cells = (each["id"], each["role"], each["system"], each["expires"], each["last_used"])
        lines.append("{:10}{:10}{:20}{:22}{:22}{}".format(*(cell or "-" for cell in cells), each["name"]))
    return {"keys": [_shown(row) for row in rows], "text": "\n".join(lines)}


def _checked(options: Namespace) -> NewKey:
    faults: list[Fault] = []
    seconds = _seconds("--expires-in", options.expires_in, faults)
    try:
        check_system_name(options.system or "x")
    except ValueError as error:
        faults.append(Fault("--system", str(error)))
    if not 1 <= len(options.name) <= 128:
        faults.append(Fault("name", "this must have 1 to 128 characters"))
    if faults:
        raise ZfsSyncError("E_VALIDATION", "The key has faults.", faults=faults)
    return NewKey(options.name, options.role, options.system, seconds, options.uses)


def _seconds(option: str, text: str | None, faults: list[Fault]) -> int | None:
    """A duration of the command line, or another fault."""
    try:
        return None if text is None else parse_duration(text)
    except ValueError as error:
        faults.append(Fault(option, str(error)))
        return None


def _made(options: Namespace, make: Make) -> dict[str, Any]:
    check_outlet(options.key_file, printed=options.print)
    with opened(load(file=options.config).database) as database:

        def write(connection: Connection) -> tuple[KeyRow, Token]:
            row, token = make(connection)
            if token is None:
                raise AssertionError("every key but an agent's is made here")
            if options.key_file is not None:  # inside the transaction: a key that cannot be handed out is not made
                write_secret(options.key_file, token.text)
            return row, token

        row, token = database.write(write)
    result = {"changed": True, **_shown(row), "key_file": str(options.key_file) if options.key_file else None}
    if options.key_file is not None:
        return {**result, "text": f"The key '{row.name}' ({row.id}) is in {options.key_file} (mode 0600)."}
    return {**result, "token": token.text, "text": token.text}


def _find(connection: Connection, key: str) -> str:
    """The id of the live key of this id or name."""
    live = api_keys.c.revoked_at.is_(None)
    statement = select(api_keys.c.id).where(live, or_(api_keys.c.id == key, api_keys.c.name == key)).limit(1)
    found: str | None = connection.execute(statement).scalar_one_or_none()
    if found is None:
        raise ZfsSyncError("E_KEY_NOT_FOUND", f"There is no live API key with the id or name {ascii(key)[:80]}.")
    return found


def _shown(row: KeyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "role": row.role,
        "system": row.system,
        "created": instant(row.created_at),
        "expires": None if row.expires_at is None else instant(row.expires_at),
        "last_used": None if row.last_used_at is None else instant(row.last_used_at),
    }
