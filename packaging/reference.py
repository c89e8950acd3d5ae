# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the reference pages that are made from the code: ``python packaging/reference.py docs/reference [--check]``.

What a page says of a route, a setting, an option, a field or a variable stands beside the code that defines it, so that
nothing can be there without being described, and no page can be older than the code.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from reference_pages import PAGES  # noqa: E402  (the lab, whose commands are described, is at the top)


def main() -> int:
    """Write or check the pages; returns the exit code."""
    parser = argparse.ArgumentParser(description="Write the reference pages that are made from the code.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true", help="only say which are out of date")
    arguments = parser.parse_args()
    stale = 0
    for name, make in PAGES.items():
        path, text = arguments.folder / name, make()
        if path.is_file() and path.read_text() == text:
            continue
        stale += 1
        if arguments.check:
            print(f"{path} is out of date: run make docs", file=sys.stderr)
        else:
            path.write_text(text)
    return 1 if stale and arguments.check else 0


if __name__ == "__main__":
    raise SystemExit(main())
