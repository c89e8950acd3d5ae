"""The lab's command line: `python -m tests.lab`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.lab import record as records
from tests.lab.cleanup import labs_on_machine, remove_lab
from tests.lab.errors import LabError
from tests.lab.faults_cli import add_faults
from tests.lab.image import remove_unused
from tests.lab.lab import Lab
from tests.lab.requirements import require_machine

_DEFAULT_HOSTS = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status. Whatever the lab cannot do is one sentence on standard error."""
    options = make_parser().parse_args(argv)
    try:
        require_machine()
        status = options.command(options) or 0
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, as head(1), has enough; nothing is wrong
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (LabError, subprocess.TimeoutExpired) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return status


def make_parser() -> argparse.ArgumentParser:
    """All commands and their options; docs/reference/commands.md is made from it."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description="Hosts with ZFS on one machine.")
    name = argparse.ArgumentParser(add_help=False)
    default = os.environ.get("ZFS_SYNC_LAB", "lab")
    name.add_argument("--name", default=default, help="which lab (default: $ZFS_SYNC_LAB, else lab)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_up_and_down(commands, name)
    _add_access(commands, name)
    _add_pool(commands, name)
    add_faults(commands, name)
    return parser


def _add_up_and_down(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: argparse.ArgumentParser
) -> None:
    up = commands.add_parser("up", parents=[name], help="make hosts and boot them; those that are there stay")
    up.add_argument("hosts", nargs="*", metavar="NUMBER|HOST", help="how many (h1, h2, ...), or their names; default 3")
    up.add_argument("--wheelhouse", type=Path, metavar="DIR", help="what pip finds in the hosts (.build/wheelhouse)")
    up.add_argument("--state-dir", type=Path, metavar="DIR", help="where the lab keeps its files (.build/lab/NAME)")
    up.add_argument("--pool", metavar="POOL", help="make a pool of this name in each host")
    up.add_argument("--size", default="512M", help="its size (512M)")
    up.set_defaults(command=_up)
    down = commands.add_parser("down", parents=[name], help="remove the lab and everything of it")
    down.add_argument("--all", action="store_true", help="all labs of this machine")
    down.set_defaults(command=_down)
    clean = commands.add_parser("clean", help="delete the cached bases and package repositories that no lab uses")
    clean.set_defaults(command=_clean)
    status = commands.add_parser("status", parents=[name], help="hosts, addresses, states, faults")
    status.add_argument("--json", action="store_true", help="for programs")
    status.set_defaults(command=_status)


def _add_access(commands: argparse._SubParsersAction[argparse.ArgumentParser], name: argparse.ArgumentParser) -> None:
    ssh = commands.add_parser("ssh", parents=[name], help="a shell, or a command, in a host")
    ssh.add_argument("host", help="which host")
    ssh.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND", help="run as root; without one, a shell")
    ssh.set_defaults(command=_ssh)
    run = commands.add_parser("run", parents=[name], help="run a command on the controller, inside the lab's network")
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND", help="with its arguments")
    run.set_defaults(command=_run)


def _add_pool(commands: argparse._SubParsersAction[argparse.ArgumentParser], name: argparse.ArgumentParser) -> None:
    pool = commands.add_parser("pool", help="pools on files").add_subparsers(required=True, metavar="ACTION")
    create = pool.add_parser("create", parents=[name], help="make a pool, unless the host has it")
    create.add_argument("host", help="which host")
    create.add_argument("pool", help="its name")
    create.add_argument("--size", default="512M", help="its size (512M)")
    create.set_defaults(command=_create_pool)


def _up(options: argparse.Namespace) -> None:
    lab = Lab.create(
        options.name,
        _host_names(options.hosts),
        wheelhouse=options.wheelhouse,
        state=options.state_dir,
        say=lambda text: print(text, flush=True),
    )
    for host in lab.hosts.values() if options.pool else ():
        host.create_pool(options.pool, options.size)
    _print_table(lab)


def _host_names(words: list[str]) -> list[str]:
    if not words or (len(words) == 1 and words[0].isdecimal()):
        return [f"h{number + 1}" for number in range(int(words[0]) if words else _DEFAULT_HOSTS)]
    return words


def _down(options: argparse.Namespace) -> None:
    names = labs_on_machine() if options.all else [options.name]
    for name in names:
        print(f"lab {name}: {'removed' if remove_lab(name) else 'there is none'}")
    if not names:
        print("there is no lab")


def _clean(_: argparse.Namespace) -> None:
    with records.register_locked():
        found = [records.read(records.locate(name)) for name in records.registered_labs()]
        used = {folder for record in found if record for folder in (record.base, record.packages)}
        for folder in remove_unused(used):
            print(f"deleted {folder}")


def _status(options: argparse.Namespace) -> None:
    lab = Lab.open(options.name)
    if options.json:
        print(json.dumps({"name": lab.name, "state": str(lab.paths.state), "hosts": _rows(lab)}, indent=2))
    else:
        _print_table(lab)


def _rows(lab: Lab) -> list[dict[str, object]]:
    return [
        {
            "name": host.name,
            "address": host.address,
            "state": host.state,
            "leader": host.container.leader,
            "faults": host.faults,
        }
        for host in lab.hosts.values()
    ]


def _print_table(lab: Lab) -> None:
    width = max(4, *map(len, lab.hosts)) if lab.hosts else 4
    print(f"{'NAME':<{width}}  {'ADDRESS':<13}  {'STATE':<8}  {'LEADER':<8}  FAULTS")
    for host in lab.hosts.values():
        leader = host.container.leader or "-"
        faults = ", ".join(host.faults) or "-"
        print(f"{host.name:<{width}}  {host.address:<13}  {host.state:<8}  {leader:<8}  {faults}")


def _ssh(options: argparse.Namespace) -> None:
    lab = Lab.open(options.name)
    argv = lab.secure_shell.argv(lab.host(options.host).name, *options.words)
    os.execvp(argv[0], argv)


def _run(options: argparse.Namespace) -> None:
    words = options.words[1:] if options.words[:1] == ["--"] else options.words
    if not words:
        raise LabError("run what? python -m tests.lab run COMMAND...")
    argv = [*Lab.open(options.name).network.inside(), *words]
    os.execvp(argv[0], argv)


def _create_pool(options: argparse.Namespace) -> None:
    Lab.open(options.name).host(options.host).create_pool(options.pool, options.size)
