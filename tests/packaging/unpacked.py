# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The tarball, unpacked where ansible-test accepts it, and ansible-test run on it.

ansible-test looks at the files that git does not ignore and passes silently when it sees none: the unpacked tarball is
a repository of its own, and what was seen is asserted by the tests.
"""

import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tests.lab.cache import cache_root, key_of

TOOLS = Path(sys.executable).parent
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
# What ansible-test would download as get-pip.py: the pip that Python brings, then the versions that it asks for.
GET_PIP = """\
import subprocess
import sys

subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"])
wanted = [each for each in sys.argv[1:] if each not in ("--no-setuptools", "--no-wheel")]
subprocess.check_call([sys.executable, "-m", "pip", "install", *wanted])
"""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The collection as it ships, in a git repository of its own."""

    tarball: Path
    folder: Path

    def ansible_test(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ansible-test, its environments kept from one run to the next."""
        path = os.pathsep.join([str(TOOLS), os.environ["PATH"]])
        return subprocess.run(
            [TOOLS / "ansible-test", *words],
            cwd=self.folder,
            env={"PATH": path, "HOME": str(home()), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )

    def names(self) -> set[str]:
        """The files of the tarball."""
        with tarfile.open(self.tarball) as archive:
            return {each.name for each in archive.getmembers() if each.isfile()}


def unpack(tarball: Path, root: Path) -> Unpacked:
    """Unpack the tarball below ``root`` and commit it."""
    folder = root / "ansible_collections" / "zfs_sync" / "fleet"
    shutil.rmtree(root, ignore_errors=True)
    folder.mkdir(parents=True)
    subprocess.run(["tar", "--extract", "--file", tarball, "--directory", folder], check=True)
    author = ["-c", "user.name=tests", "-c", "user.email=tests@localhost"]
    for words in (
        ["init", "--quiet"],
        ["add", "--all", "--force"],
        [*author, "commit", "--quiet", "-m", "the tarball"],
    ):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return Unpacked(tarball, folder)


def home() -> Path:
    """The home of ansible-test's own environments, in the user's cache: one for each version of it and of Python."""
    folder = cache_root().parent / "ansible-test" / key_of([version("ansible-core"), sys.version, GET_PIP])
    downloads = folder / ".ansible" / "test" / "cache"
    downloads.mkdir(parents=True, exist_ok=True)
    for name in ("get_pip_24_2.py", "get_pip_25_2.py"):
        (downloads / name).write_text(GET_PIP)
    return folder
