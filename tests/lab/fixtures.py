"""pytest fixtures with labs. A machine that cannot run one fails the tests that want one: it does not skip them.

`lab_factory` makes labs that live until the session ends; `lab` is one of three hosts for the tests of a module;
`healed_lab` is the same, with every fault undone after each test. Names carry the id of the test process, so any number
of them can run at the same time, and what one that crashed left behind is removed by the next.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.lab.cleanup import remove_abandoned
from tests.lab.errors import LabError
from tests.lab.lab import Lab
from tests.lab.requirements import require_machine


@dataclass(slots=True)
class LabFactory:
    """Makes labs for one test process, and takes them down at its end."""

    at_end: ExitStack
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def __call__(self, hosts: Iterable[str] = ("h1", "h2", "h3"), *, wheelhouse: Path | None = None) -> Lab:
        """Return a new lab with `hosts` up."""
        lab = Lab.create(self.new_name(), hosts, wheelhouse=wheelhouse, owner_pid=os.getpid())
        self.at_end.callback(lab.down)
        return lab

    def new_name(self) -> str:
        """Return a name that no other lab of this machine has."""
        return f"t{os.getpid()}-{next(self.numbers)}"


@pytest.fixture(scope="session")
def lab_factory() -> Iterator[LabFactory]:
    try:
        require_machine()
        remove_abandoned()
    except LabError as error:
        pytest.fail(str(error), pytrace=False)
    with ExitStack() as at_end:
        yield LabFactory(at_end)


@pytest.fixture(scope="module")
def lab(lab_factory: LabFactory) -> Iterator[Lab]:
    """Three hosts h1, h2, h3 for the tests of a module."""
    with lab_factory() as made:
        yield made


@pytest.fixture
def healed_lab(lab: Lab) -> Iterator[Lab]:
    """The module's lab; after the test every host is on and every fault undone."""
    yield lab
    lab.heal_all()
