# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""commands.md: every command and option, from the parsers that read them."""

import argparse
import contextlib
import io
import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from unittest.mock import patch

from reference_pages.markdown import code, note, table
from tests.lab import cli as lab
from zfs_sync.agent import commands as agent
from zfs_sync.witness import main as witness

_INTRODUCTION = """\
# Commands

`zfs-sync-witness` is on the witness's host. `zfs-sync-agent` is on each host with an agent; it is the file
`zfs-sync-agent.pyz`, which also runs as `python3 zfs-sync-agent.pyz`. `python -m tests.lab` works in a clone of
the project ([the lab](lab.md)). Exit status: 0, or 1 with an error of the [catalogue](../errors/README.md),
or 2 for wrong usage.
"""


def page() -> str:
    """The text of the page."""
    return note("the commands' parsers") + _INTRODUCTION + "".join(_program(each) for each in programs())


@cache
def programs() -> tuple[argparse.ArgumentParser, ...]:
    """The parsers of the programs."""
    with patch.dict(os.environ):
        os.environ.pop("ZFS_SYNC_LAB", None)
        return witness.make_parser(), agent.make_parser(), lab.make_parser()


def refusal(words: Sequence[str]) -> str | None:
    """What is wrong with a command line of one of the programs; None for a good one, and for other programs."""
    line = ["zfs-sync-agent", *words[2:]] if words[:2] == ["python3", "zfs-sync-agent.pyz"] else list(words)
    if line:
        line[0] = Path(line[0]).name.replace("python3", "python")
    for parser in programs():
        name = parser.prog.split()
        if len(line) > len(name) and line[: len(name)] == name:
            return _refusal(parser, line[len(name) :])
    return None


def _refusal(parser: argparse.ArgumentParser, words: Sequence[str]) -> str | None:
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            parser.parse_args(words)
    except SystemExit as end:
        return said.getvalue() or "refused" if end.code else None
    return None


def every_command(parser: argparse.ArgumentParser) -> Iterator[tuple[argparse.ArgumentParser, str]]:
    """The parsers of a program that run something, each with what its parent says of it."""
    return _below(parser, "")


def _below(parser: argparse.ArgumentParser, text: str) -> Iterator[tuple[argparse.ArgumentParser, str]]:
    groups = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    if not groups:
        yield parser, text
    for group in groups:
        helps = {each.dest: each.help or "" for each in group._choices_actions}
        for name, below in group.choices.items():
            yield from _below(below, helps.get(name, ""))


def _program(parser: argparse.ArgumentParser) -> str:
    text = f"\n## {parser.prog}\n\n{(parser.description or '').strip()}\n"
    for command, said in every_command(parser):
        text += f"\n### {command.prog}\n\n{_sentence(said)}\n\n{_options(command)}"
    return text


def _options(parser: argparse.ArgumentParser) -> str:
    rows = [[_spelling(each), _help(each)] for each in parser._actions if each.dest != "help"]
    return table(["argument", "what it does"], rows) if rows else "It takes no options.\n"


def _spelling(action: argparse.Action) -> str:
    metavar = action.metavar if isinstance(action.metavar, str) else None
    word = metavar or ("\\|".join(map(str, action.choices)) if action.choices else action.dest.upper())
    if not action.option_strings:
        return code((action.metavar if isinstance(action.metavar, str) else None) or action.dest)
    spelled = ", ".join(action.option_strings) + ("" if action.nargs == 0 else f" {word}")
    return code(spelled) + (" (required)" if action.required else "")


def _help(action: argparse.Action) -> str:
    text = (action.help or "").replace("%(default)s", str(action.default))
    return _sentence(text) if text else ""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "." if text else ""
