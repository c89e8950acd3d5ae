"""`python -m tests.demo [show|status]`: the main job, for real, in one command; or how its fleet is now."""

from __future__ import annotations

import argparse
import sys

from tests.demo.show import show, status
from tests.demo.stage import NAME

parser = argparse.ArgumentParser(prog="python -m tests.demo", description="The main job on three lab hosts.")
parser.add_argument(
    "what",
    nargs="?",
    choices=("show", "status"),
    default="show",
    help="show: every step, on hosts that are booted when they are not there; status: who is in sync in its fleet",
)
parser.add_argument("--name", default=NAME, help="the name of the lab (default: %(default)s)")
arguments = parser.parse_args()
sys.exit(show(arguments.name) if arguments.what == "show" else status(arguments.name))
