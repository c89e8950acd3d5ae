"""What goes wrong in a lab, as one type that a command prints and a test fails with."""

from __future__ import annotations


class LabError(Exception):
    """The lab cannot do what was asked; the message says to which object and what to do."""


class CommandError(LabError):
    """A command ended with a status other than zero."""

    def __init__(self, command: str, returncode: int, output: str, where: str = "") -> None:
        self.command = command
        self.returncode = returncode
        self.output = output
        place = f"{where}: " if where else ""
        super().__init__(f"{place}{command}: exit status {returncode}\n{output.strip()}".rstrip())
