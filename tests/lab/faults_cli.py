"""The `fault` commands of the lab's command line; each has an opposite, and both may be repeated."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from tests.lab.host import Host
from tests.lab.lab import Lab

Commands = argparse._SubParsersAction  # argparse has no public name for it

_ON_A_HOST: dict[str, tuple[Callable[[Host], None], str]] = {
    "power-cut": (Host.power_cut, "end it at once"),
    "power-on": (Host.power_on, "boot it again; its state is kept"),
    "poweroff": (Host.poweroff, "shut it down in order"),
    "freeze": (Host.freeze, "let it hang: its network answers, no process does"),
    "thaw": (Host.thaw, "let it go on"),
    "clear": (Host.clear, "undo delay"),
}


def add_faults(commands: Commands[argparse.ArgumentParser], name: argparse.ArgumentParser) -> None:
    """Add `fault` and all below it."""
    faults = commands.add_parser("fault", help="break something, or heal it")
    kinds = faults.add_subparsers(required=True, metavar="KIND")
    for kind, (action, text) in _ON_A_HOST.items():
        _add_host_fault(kinds, name, kind, text).set_defaults(command=_on_host(action))
    _add_link(kinds, name)
    _add_partition(kinds, name)
    _add_delay(kinds, name)
    _add_memory(kinds, name)


def _add_host_fault(
    kinds: Commands[argparse.ArgumentParser], name: argparse.ArgumentParser, kind: str, text: str
) -> argparse.ArgumentParser:
    parser = kinds.add_parser(kind, parents=[name], help=text)
    parser.add_argument("host", help="which host")
    return parser


def _on_host(action: Callable[[Host], None]) -> Callable[[argparse.Namespace], None]:
    return lambda options: action(_host(options))


def _host(options: argparse.Namespace) -> Host:
    return Lab.open(options.name).host(options.host)


def _add_link(kinds: Commands[argparse.ArgumentParser], name: argparse.ArgumentParser) -> None:
    link = _add_host_fault(kinds, name, "link", "pull or plug its network cable")
    link.add_argument("position", choices=("down", "up"), help="down: pulled; up: plugged")
    link.set_defaults(command=lambda options: _host(options).link(options.position == "up"))


def _add_partition(kinds: Commands[argparse.ArgumentParser], name: argparse.ArgumentParser) -> None:
    for kind, action, text in (
        ("partition", Lab.partition, "cut two hosts off from each other; one may be `controller`"),
        ("heal", Lab.heal, "undo partition"),
    ):
        pair = kinds.add_parser(kind, parents=[name], help=text)
        pair.add_argument("a", help="one host")
        pair.add_argument("b", help="the other")
        pair.set_defaults(command=_on_pair(action))


def _on_pair(action: Callable[[Lab, str, str], None]) -> Callable[[argparse.Namespace], None]:
    return lambda options: action(Lab.open(options.name), options.a, options.b)


def _add_delay(kinds: Commands[argparse.ArgumentParser], name: argparse.ArgumentParser) -> None:
    delay = _add_host_fault(kinds, name, "delay", "make its cable long, bad or narrow, in each direction")
    delay.add_argument("--delay", type=float, default=0, metavar="MS", help="added to each packet")
    delay.add_argument("--jitter", type=float, default=0, metavar="MS", help="by how much that varies")
    delay.add_argument("--loss", type=float, default=0, metavar="PERCENT", help="of packets that are lost")
    delay.add_argument("--rate", type=float, default=0, metavar="KB/s", help="the most that passes")
    delay.set_defaults(command=_delay)


def _delay(options: argparse.Namespace) -> None:
    _host(options).delay(
        options.delay,
        jitter_ms=options.jitter,
        loss_percent=options.loss,
        rate_kilobytes_per_second=options.rate,
    )


def _add_memory(kinds: Commands[argparse.ArgumentParser], name: argparse.ArgumentParser) -> None:
    memory = _add_host_fault(kinds, name, "memory", "limit its memory")
    memory.add_argument("size", metavar="SIZE|none", help="as 300M; none lifts the limit")
    memory.set_defaults(
        command=lambda options: _host(options).limit_memory(None if options.size == "none" else options.size)
    )
