"""Running the programs that the lab is made of: argv in, text out, and an error that carries what they said."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.lab.errors import CommandError, LabError


def run(
    argv: Sequence[str], *, check: bool = True, stdin: bytes | None = None, timeout_seconds: float | None = 60
) -> subprocess.CompletedProcess[str]:
    """Run `argv`, feed it `stdin`, and return its result as text. Raises CommandError unless `check` is off."""
    done = subprocess.run(
        list(argv),
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        timeout=timeout_seconds,
        check=False,
    )
    stdout, stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    if check and done.returncode:
        raise CommandError(shlex.join(argv), done.returncode, stderr or stdout)
    return subprocess.CompletedProcess(list(argv), done.returncode, stdout, stderr)


def spawn(argv: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
    """Start `argv` as a process of its own session that nobody waits for, its output appended to `log`.

    `setsid --fork` gives it to init: a controller that lives long (pytest) collects no zombies, and one that ends
    (the command line) takes nothing with it.
    """
    with log.open("ab") as out:
        subprocess.run(
            list(argv), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=environment, check=True
        )


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = 20, poll_seconds: float = 0.02) -> None:
    """Poll `condition` until it holds. Raises LabError naming `what` when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(poll_seconds)
