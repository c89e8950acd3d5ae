# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""An interpreter that is old enough for modules and too old for the agent, where this machine has one."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

VERSIONS = ("3.8", "3.9", "3.10")


def old_python() -> Path:
    """The oldest interpreter from 3.8 on; a test that needs one is skipped where the machine has none."""
    for version in VERSIONS:
        pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
        found = [path / "bin" / f"python{version}" for path in sorted(pyenv.glob(f"{version}.*"))]
        system = shutil.which(f"python{version}", path="/usr/bin:/usr/local/bin")
        for path in [*found, *([Path(system)] if system else [])]:
            if path.is_file():
                return path
    pytest.skip(f"this machine has no Python {' or '.join(VERSIONS)}")


def packed(interpreter: Path) -> bytes:
    """The interpreter with its library, as a tar archive from the root of the file system."""
    root = interpreter.parents[1]
    version = re.sub(r"\.\d+$", "", root.name) if root.name != "usr" else interpreter.name.removeprefix("python")
    left_out = [f"--exclude={each}" for each in ("test", "__pycache__", "*.a", "site-packages")]
    parts = [interpreter, *sorted((root / "lib").glob("libpython*.so*")), root / "lib" / f"python{version}"]
    command = ["tar", "--create", "--directory=/", *left_out, *(str(part.relative_to("/")) for part in parts)]
    return subprocess.run(command, check=True, capture_output=True).stdout
