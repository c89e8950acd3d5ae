# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Writes ``docs/errors/``: ``python -m zfs_sync.core.error_pages docs/errors [--check]``.

The pages come from the catalogue, so a code without a page cannot exist.
"""

import argparse
import sys
from pathlib import Path

from zfs_sync.core.errors import CATALOGUE, CatalogueEntry


def page(entry: CatalogueEntry) -> str:
    """The page of one error, in Markdown."""
    return (
        f"# {entry.code}: {entry.title}\n\n"
        f"{entry.explanation}\n\n"
        f"HTTP status: {entry.status}\n\n"
        f"## What to do\n\n{entry.remedy}\n\n"
        f"```console\n$ {entry.example}\n```\n"
    )


def index() -> str:
    """The table of all errors, in Markdown."""
    rows = "".join(f"| [{entry.code}]({entry.code}.md) | {entry.title} |\n" for entry in CATALOGUE.values())
    intro = "Every error has a code, says what happened to which object, and what to do."
    return f"# Errors\n\n{intro}\n\n| code | meaning |\n|---|---|\n{rows}"


def pages() -> dict[str, str]:
    """All files of the folder by name."""
    return {"README.md": index(), **{f"{entry.code}.md": page(entry) for entry in CATALOGUE.values()}}


def stale(folder: Path) -> list[str]:
    """The files of ``folder`` that are missing, differ, or belong to no error."""
    wanted = pages()
    present = {path.name: path.read_text() for path in folder.glob("*.md")}
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))


def write(folder: Path) -> None:
    """Make the folder's pages those of the catalogue."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in stale(folder):
        text = pages().get(name)
        if text is None:
            (folder / name).unlink()
        else:
            (folder / name).write_text(text)


def main() -> int:
    """Write or check the pages; returns the exit code."""
    parser = argparse.ArgumentParser(description="Write the pages of the error catalogue.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true", help="only say which pages are out of date")
    arguments = parser.parse_args()
    if not arguments.check:
        write(arguments.folder)
    names = stale(arguments.folder)
    for name in names:
        print(f"{arguments.folder / name} is out of date", file=sys.stderr)
    return 1 if names else 0


if __name__ == "__main__":
    raise SystemExit(main())
