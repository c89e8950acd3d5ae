# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The command ``zfs-sync-witness``. Whatever a command needs is imported when that command runs: ``--help`` is fast."""

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zfs_sync import __version__
from zfs_sync.api.problem import problem
from zfs_sync.core.errors import ZfsSyncError

Result = Mapping[str, Any] | None
"""What a command did, as JSON shows it; None for a command that has written its own output."""

DESCRIPTION = """\
The witness keeps what the fleet should be and what it is, plans the transfers, and hands them to the agents. It runs no
zfs itself. Settings come from /etc/zfs-sync/witness.yml and from ZFS_SYNC_WITNESS_... in the environment.

First time:  zfs-sync-witness init && zfs-sync-witness tls init --host NAME && zfs-sync-witness serve
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 for an error of the catalogue, 2 for wrong usage."""
    options = make_parser().parse_args(arguments)
    try:
        command = _command(options.run)
        result = command(options)
    except ZfsSyncError as error:
        _show_error(error, as_json=options.json)
        return 1
    if result is not None:
        _show(result, as_json=options.json)
    return 0


def _command(path: str) -> Callable[[argparse.Namespace], Result]:
    module, _, function = path.partition(":")
    found: Callable[[argparse.Namespace], Result] = getattr(
        importlib.import_module(f"zfs_sync.witness.commands.{module}"), function
    )
    return found


def _show(result: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({name: value for name, value in result.items() if name != "text"}, indent=2))
    else:
        print(result["text"])


def _show_error(error: ZfsSyncError, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(problem(error, ""), indent=2))
        return
    lines = [f"{error.code}: {error.message}"]
    lines += [f"  {fault.pointer or '/'}: {fault.message}" for fault in error.faults]
    print("\n".join([*lines, f"What to do: {error.hint}"]), file=sys.stderr)


def make_parser() -> argparse.ArgumentParser:
    """All commands and their options; docs/reference/commands.md is made from it."""
    parser = argparse.ArgumentParser(
        prog="zfs-sync-witness", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"zfs-sync-witness {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    init = _add(
        commands, "init", "setup:init", "make the database and the first admin key; run again, it changes nothing"
    )
    init.add_argument("--key-file", type=Path, help="where the admin key goes (default: admin.key beside the database)")
    _add(commands, "serve", "serve:serve", "serve the API until SIGTERM")
    migrate = _add(commands, "migrate", "setup:migrate", "bring the database to this version; stop the witness first")
    migrate.add_argument("--check", action="store_true", help="only say whether there is something to do")
    _add_backup(commands)
    _add(commands, "check", "check:check", "say whether the settings are valid, with all faults if they are not")
    _add(commands, "openapi", "openapi:openapi", "print the OpenAPI document")
    _add_tls(commands)
    _add_key(commands)
    return parser


Commands = Any
"""argparse's action of subparsers, whose class is private."""


def _add(commands: Commands, name: str, run: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings (default: /etc/zfs-sync/witness.yml)")
    parser.add_argument("--json", action="store_true", help="print the result, or the error, as JSON")
    parser.set_defaults(run=run)
    return parser


def _add_backup(commands: Commands) -> None:
    backup = _add(
        commands,
        "backup",
        "backup:backup",
        "write database, admin key and TLS files to one file, while the witness serves",
    )
    backup.add_argument("to", type=Path, metavar="FILE|FOLDER", help="the file, or a folder in which it gets a name")
    restore = _add(commands, "restore", "restore:restore", "make a witness from its backup; stop the witness first")
    restore.add_argument("file", type=Path, metavar="FILE", help="what backup wrote")
    restore.add_argument("--check", action="store_true", help="only say whether the backup is whole and of use here")
    restore.add_argument(
        "--replace",
        action="store_true",
        help="where a witness lives already: move its files aside and take their place",
    )


def _add_tls(commands: Commands) -> None:
    text = "make and renew the witness's own small CA and certificate"
    tls = commands.add_parser("tls", help=text, description=text).add_subparsers(required=True, metavar="COMMAND")
    folder = "where the files lie (default: tls beside the database)"
    init = _add(tls, "init", "tls:init", "make CA and certificate; run again with the same hosts, it changes nothing")
    init.add_argument(
        "--host", action="append", required=True, metavar="NAME|IP", help="a name or address of the witness; repeatable"
    )
    init.add_argument("--directory", type=Path, help=folder)
    init.add_argument("--check", action="store_true", help="only say whether there is something to do")
    renew = _add(tls, "renew", "tls:renew", "make a new certificate for the same hosts, from the same CA")
    renew.add_argument("--directory", type=Path, help=folder)


def _add_key(commands: Commands) -> None:
    text = "make, list, revoke and rotate API keys on this machine, without the API"
    key = commands.add_parser("key", help=text, description=text).add_subparsers(required=True, metavar="COMMAND")
    create = _add(key, "create", "key:create", "make a key")
    create.add_argument("name", help="what it is for; one live key per name")
    roles = ("admin", "operator", "viewer", "agent", "enrol")
    create.add_argument("--role", required=True, choices=roles, help="what it may do")
    create.add_argument("--system", help="the system that an agent or enrol key is bound to")
    create.add_argument("--uses", type=int, help="how many agents an enrol key without a system lets in; 1 by default")
    create.add_argument("--expires-in", metavar="DURATION", help="such as 1h or 30d (default: never; enrol: 1h)")
    rotate = _add(key, "rotate", "key:rotate", "make a new key in the place of a live one")
    rotate.add_argument("--overlap", help="how long the old key goes on, as 1h; not at all by default")
    revoke = _add(key, "revoke", "key:revoke", "end a key at once")
    for each in (rotate, revoke):
        each.add_argument("key", help="the key's id or name")
    for each in (create, rotate):
        each.add_argument("--key-file", type=Path, help="write the key there, mode 0600, instead of showing it")
        each.add_argument("--print", action="store_true", help="print the key even where no terminal reads it")
    _add(key, "list", "key:list_keys", "list live keys, without their text")


if __name__ == "__main__":
    sys.exit(main())
