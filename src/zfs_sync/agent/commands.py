# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The subcommands and their options. What each of them needs is imported when it runs."""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zfs_sync import __version__
from zfs_sync.agent.config import DEFAULT_PATH
from zfs_sync.core.errors import ZfsSyncError

FAILED = 1
USAGE = 2


def main(argv: list[str]) -> int:
    """Run one subcommand; its exit status."""
    arguments = make_parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
    except ZfsSyncError as error:
        _print_error(error, as_json=getattr(arguments, "json", False))
        return FAILED
    except PermissionError as error:
        refused = ZfsSyncError("E_PERMISSION", f"{error.filename}: {error.strerror}.", hint="Run it as root.")
        _print_error(refused, as_json=getattr(arguments, "json", False))
        return FAILED
    return status


def make_parser() -> argparse.ArgumentParser:
    """All commands and their options; docs/reference/commands.md is made from it."""
    parser = argparse.ArgumentParser(prog="zfs-sync-agent", description="The agent of ZFS Sync on a storage host.")
    parser.add_argument("--version", action="version", version=f"zfs-sync-agent {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_daemon(commands)
    _add_trust(commands)
    _add_install(commands)
    _add_allow(commands)
    _add_doctor(commands)
    _add_holds(commands)
    return parser


def _add_daemon(commands: Any) -> None:
    for name, function, text in (
        ("run", _run, "run as a service: report, take jobs, guard the gate"),
        ("once", _once, "report once, run every job that waits, and end"),
        ("serve-gate", _serve_gate, "answer peers on the socket that systemd passes, until none asks any more"),
    ):
        parser = commands.add_parser(name, help=text, description=text)
        _config_option(parser)
        parser.set_defaults(run=function)
    gate = commands.add_parser("gate", help="the forced command of sshd for a peer; not for people")
    # Only for the help: the gate reads its options itself, for it imports next to nothing.
    gate.add_argument("--peer", required=True, metavar="NAME", help="who logs in, as its line in authorized_keys says")
    gate.add_argument("--socket", metavar="PATH", help="the agent's socket, default /run/zfs-sync/gate.sock")


def _add_trust(commands: Any) -> None:
    trust = commands.add_parser("trust", help="who may log in here, and whom this host believes")
    verbs = trust.add_subparsers(metavar="VERB", required=True)
    for verb, which in (("set", "and no others"), ("add", "and those trusted before")):
        put = verbs.add_parser(verb, help=f'trust the peers on standard input, {{"peers": [...]}}, {which}')
        _check_options(put)
        _config_option(put)
        put.set_defaults(run=_trust_change, verb=verb)
    show = verbs.add_parser("show", help="this host's public key, its host keys, and the peers that it trusts")
    show.add_argument("--json", action="store_true", help="print one JSON object")
    _config_option(show)
    show.set_defaults(run=_trust_show)


def _add_install(commands: Any) -> None:
    for name, text in (
        ("install", "put the agent in place: user, folders, program, service, configuration, key"),
        ("upgrade", "put this version in the place of the installed one; its configuration stays"),
    ):
        parser = commands.add_parser(name, help=text, description=text)
        _check_options(parser)
        parser.add_argument("--document", metavar="FILE", help="config, ca_certificate, enrol_key; - is standard input")
        parser.add_argument("--config", type=Path, metavar="FILE", help="take this file as agent.conf")
        parser.add_argument("--ca-file", type=Path, metavar="FILE", help="the witness's CA certificate")
        parser.add_argument("--enrol-key-file", type=Path, metavar="FILE", help="holds the single-use enrol key")
        parser.add_argument(
            "--timer", metavar="DURATION", help="run by a systemd timer, such as 5m; off: as a service all the time"
        )
        parser.add_argument("--no-start", action="store_true", help="neither enable nor start the service")
        parser.set_defaults(run=_install)
        if name == "upgrade":
            parser.add_argument("--rollback", action="store_true", help="go back to the version before")
            parser.set_defaults(run=_upgrade)
    parser = commands.add_parser("uninstall", help="remove the agent and its holds; no dataset is touched")
    _check_options(parser)
    parser.add_argument("--purge", action="store_true", help="its configuration, keys and state too")
    parser.set_defaults(run=_uninstall)


def _add_allow(commands: Any) -> None:
    text = "let replication do something with a dataset of this host and all below it"
    parser = commands.add_parser("allow", help=text, description=text)
    parser.add_argument("dataset", help="the top of the subtree")
    parser.add_argument("operations", nargs="+", metavar="OPERATION", help="send, receive")
    _check_options(parser)
    _config_option(parser)
    parser.set_defaults(run=_allow)


def _add_doctor(commands: Any) -> None:
    parser = commands.add_parser("doctor", help="what works here, what does not, and the command that mends it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    _config_option(parser)
    parser.set_defaults(run=_doctor)


def _add_holds(commands: Any) -> None:
    parser = commands.add_parser(
        "holds", help="the holds of ours on snapshots here, and whose incremental base they are"
    )
    parser.add_argument("--release", action="store_true", help="give all of them back; the agent must be stopped")
    _check_options(parser)
    _config_option(parser)
    parser.set_defaults(run=_holds)


def _config_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=DEFAULT_PATH, metavar="FILE", help=f"default {DEFAULT_PATH}")


def _check_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="say what would change, and change nothing")
    parser.add_argument("--diff", action="store_true", help="show the differences too")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _run(arguments: argparse.Namespace) -> int:
    _leave_link()
    from zfs_sync.agent.daemon import run  # noqa: PLC0415

    return run(arguments.config)


def _leave_link() -> None:
    """Start again by the file itself, where a link led to it: a later upgrade switches the link under our feet."""
    started = Path(sys.argv[0])
    if started.is_symlink() or (started.exists() and started.resolve() != started.absolute()):
        real = str(started.resolve())
        if real.endswith(".pyz"):
            os.execv(sys.executable, [sys.executable, "-I", real, *sys.argv[1:]])  # noqa: S606


def _once(arguments: argparse.Namespace) -> int:
    from zfs_sync.agent.daemon import once  # noqa: PLC0415

    return once(arguments.config)


def _serve_gate(arguments: argparse.Namespace) -> int:
    from zfs_sync.agent.daemon import serve_gate  # noqa: PLC0415

    return serve_gate(arguments.config)


def _trust_change(arguments: argparse.Namespace) -> int:
    from zfs_sync.agent import config_file, trust, trust_add  # noqa: PLC0415
    from zfs_sync.agent.install.layout import Layout  # noqa: PLC0415

    config = config_file.load(arguments.config)
    peers = trust.read_document(sys.stdin.read())
    change = trust_add.add_trust if arguments.verb == "add" else trust.set_trust
    _print_changes(change(peers, config, Layout(), check=arguments.check), arguments)
    return 0


def _trust_show(arguments: argparse.Namespace) -> int:
    from zfs_sync.agent import config_file, trust  # noqa: PLC0415
    from zfs_sync.agent.install.layout import Layout  # noqa: PLC0415

    answer = trust.show(config_file.load(arguments.config), Layout())
    if arguments.json:
        print(json.dumps(answer))
        return 0
    print(f"{answer['system']}: {answer['public_key'] or 'no ssh key yet'}")
    print("host keys:", *(answer["host_keys"] or ["none"]), sep="\n  ")
    print("may log in:", ", ".join(answer["peers"]) or "nobody")
    return 0


def _install(arguments: argparse.Namespace) -> int:
    from zfs_sync.agent.install import archive, document, installer  # noqa: PLC0415
    from zfs_sync.agent.install.layout import Layout  # noqa: PLC0415

    layout = Layout()
    request = document.request(_document(arguments), layout, _text(arguments.config), timer=arguments.timer)
    work = installer.Installer(layout, archive.running_archive(), request, check=arguments.check)
    _print_changes(work.run(start=not arguments.no_start), arguments)
    return 0


def _document(arguments: argparse.Namespace) -> Any:
    from zfs_sync.agent.install import document  # noqa: PLC0415

    if arguments.document:
        return document.read_document(
            sys.stdin.read() if arguments.document == "-" else _text(Path(arguments.document))
        )
    return document.InstallDocument(
        ca_certificate=_text(arguments.ca_file), enrol_key=(_text(arguments.enrol_key_file) or "").strip() or None
    )


def _text(path: Path | None) -> Any:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ZfsSyncError("E_INSTALL", f"There is no file {path}.") from error


def _upgrade(arguments: argparse.Namespace) -> int:
    from zfs_sync.agent import config_file  # noqa: PLC0415
    from zfs_sync.agent.install import installer  # noqa: PLC0415
    from zfs_sync.agent.install.layout import Layout  # noqa: PLC0415

    layout = Layout()
    if installer.installed_version(layout) is None:
        raise ZfsSyncError("E_INSTALL", "No agent is installed on this host: use install.")
    if not arguments.rollback:
        return _install(arguments)
    answer = installer.rollback(layout, config_file.load(layout.config), check=arguments.check)
    _print_changes(answer, arguments)
    return 0


def _uninstall(arguments: argparse.Namespace) -> int:
    from zfs_sync.agent import config_file  # noqa: PLC0415
    from zfs_sync.agent.install.layout import Layout  # noqa: PLC0415
    from zfs_sync.agent.install.uninstaller import uninstall  # noqa: PLC0415

    layout = Layout()
    config, warnings = None, []
    try:
        config = config_file.load(layout.config) if layout.config.is_file() else None
    except ZfsSyncError as error:  # a host whose configuration is broken can still be rid of its agent
        warnings.append(f"{error.message} Files that it keeps outside of {layout.home} stay.")
    answer = uninstall(layout, config, check=arguments.check, purge=arguments.purge)
    _print_changes({**answer, "warnings": [*answer["warnings"], *warnings]}, arguments)
    return 0


def _allow(arguments: argparse.Namespace) -> int:
    from zfs_sync.agent import allow_rule  # noqa: PLC0415

    answer = allow_rule.add(arguments.config, arguments.dataset, arguments.operations, check=arguments.check)
    _print_changes(answer, arguments)
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from zfs_sync.agent import doctor  # noqa: PLC0415

    return doctor.run(arguments.config, as_json=arguments.json)


def _holds(arguments: argparse.Namespace) -> int:
    from zfs_sync.agent import config_file, daemon, holds  # noqa: PLC0415
    from zfs_sync.agent.install.resource import Ledger  # noqa: PLC0415

    config = config_file.load(arguments.config)
    if arguments.release:
        with daemon.alone(config):
            ledger = Ledger(arguments.check)
            ledger.bring([holds.NoHolds(config)])
        _print_changes(ledger.answer(), arguments)
        return 0
    found = holds.listing(config)
    print(*([json.dumps(found.document())] if arguments.json else found.lines() or ["no holds"]), sep="\n")
    return 0


def _print_changes(answer: Mapping[str, Any], arguments: argparse.Namespace) -> None:
    if arguments.json:
        print(json.dumps(answer))
        return
    for action in answer["actions"]:
        print(f"would {action}" if answer["check"] else action)
    if arguments.diff:
        print(*(_diff_lines(answer)), sep="\n")
    for warning in answer["warnings"]:
        print(f"warning: {warning}", file=sys.stderr)
    if not answer["changed"]:
        print("nothing to change")


def _diff_lines(answer: Mapping[str, Any]) -> list[str]:
    import difflib  # noqa: PLC0415

    lines: list[str] = []
    for each in answer["diff"]:
        before, after = each["before"].splitlines(), each["after"].splitlines()
        lines += difflib.unified_diff(before, after, each["path"], each["path"], lineterm="")
    return lines


def _print_error(error: ZfsSyncError, *, as_json: bool) -> None:
    if as_json:
        faults = [{"pointer": fault.pointer, "message": fault.message} for fault in error.faults]
        print(
            json.dumps({"error": {"code": error.code, "message": error.message, "hint": error.hint, "faults": faults}})
        )
        return
    print(f"{error.code}: {error.message}", file=sys.stderr)
    for fault in error.faults:
        print(f"  {fault.pointer}: {fault.message}", file=sys.stderr)
    print(f"  {error.hint}", file=sys.stderr)
