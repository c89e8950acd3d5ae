# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The Markdown of the repository, taken apart."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reference_pages.markdown import anchor

ROOT = Path(__file__).parents[3]
_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_INDENTED = re.compile(r"(?:^    .*\n)+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Page:
    """One file of Markdown."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """The text without its blocks of code."""
        return _INDENTED.sub("", _FENCE.sub("", self.text))

    @property
    def links(self) -> list[str]:
        return _LINK.findall(_SPAN.sub("", self.prose)) + _LINK.findall("\n".join(_headless(self.prose)))

    @property
    def anchors(self) -> set[str]:
        """What a link into this page may name."""
        heads = [line.lstrip("#").strip() for line in self.prose.splitlines() if line.startswith("#")]
        return {anchor(head.replace("`", "")) for head in heads}

    def blocks(self, language: str) -> list[str]:
        """The blocks of code of a language."""
        return [body for _, tongue, body in _FENCE.findall(self.text) if tongue == language]

    @property
    def commands(self) -> list[str]:
        """Lines of blocks of code: whatever may be a command."""
        lines = [line for _, _, body in _FENCE.findall(self.text) for line in _joined(body)]
        lines += [line for block in _INDENTED.findall(self.text) for line in _joined(block)]
        return [re.sub(r"^\s*(?:[a-z0-9]*[$#] )?(?:sudo )?", "", line) for line in lines]

    @property
    def spans(self) -> list[str]:
        """Code in lines of prose, commands and names of commands among it."""
        return _SPAN.findall(self.prose)


def _headless(prose: str) -> Iterator[str]:
    """Lines of tables whose links have code as their text."""
    return (line for line in prose.splitlines() if line.startswith("| [`"))


def _joined(body: str) -> list[str]:
    return re.sub(r"\\\n\s*", "", body).splitlines()


def pages() -> list[Page]:
    """Every page that git tracks, or would."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.md"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [Page(ROOT / name) for name in sorted(set(names)) if name and (ROOT / name).is_file()]
