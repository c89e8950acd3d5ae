# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Builds ``zfs-sync-agent.pyz``: ``python packaging/build_pyz.py .build/dist/zfs-sync-agent.pyz``.

One file, pure Python, nothing to install on a storage host. It holds our own packages and the pure-Python libraries of
``requirements/agent.txt``, is the same byte for byte when built twice, and refuses to be built with anything compiled
to machine code in it. Each module travels as source and as bytecode of the Python that builds: a host with that Python
saves half a second of CPU at each start, and any other one falls back to the source.
"""

import argparse
import importlib.util
import io
import marshal
import re
import sys
import zipfile
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "agent.txt"
SHEBANG = b"#!/usr/bin/python3 -I\n"
EPOCH = (1980, 1, 1, 0, 0, 0)
OURS = ("core", "api", "client", "zfs", "engine", "agent")
MACHINE_CODE = (*EXTENSION_SUFFIXES, ".dll", ".dylib", ".pyd", ".so")
# The compiled halves of these two are optional: both fall back to Python without them.
OPTIONAL_MACHINE_CODE = ("_yaml/", "charset_normalizer/", "yaml/_yaml")
KEPT = (".pem", ".py", ".typed")
MAIN = b"""\
import sys

if sys.version_info < (3, 11):
    sys.exit("zfs-sync-agent needs Python 3.11 or later; %s is %s" % (sys.executable, sys.version.split()[0]))

from zfs_sync.agent.main import main

raise SystemExit(main())
"""
UNCHECKED_HASH = (1).to_bytes(4, "little")  # PEP 552: the loader does not compare the source


def own_files(source: Path) -> Iterator[tuple[str, bytes]]:
    """Our packages that a host needs, by their name in the archive."""
    package = source / "zfs_sync"
    yield "zfs_sync/__init__.py", (package / "__init__.py").read_bytes()
    for part in OURS:
        for path in sorted((package / part).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(source).as_posix(), path.read_bytes()


def locked_libraries(lock: Path) -> dict[str, str]:
    """Name and version of each library in the lock."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock.read_text(), flags=re.MULTILINE))


def library_files(name: str, version: str) -> Iterator[tuple[str, bytes]]:
    """The modules, data and licences of one installed library.

    Raises:
        ValueError: It is not the locked version, or has machine code that it cannot do without.
    """
    library = distribution(name)
    if library.version != version:
        raise ValueError(f"{name} {library.version} is installed, but {LOCK.name} says {version}: run make setup")
    for entry in library.files or ():
        text = entry.as_posix()
        if text.endswith(MACHINE_CODE) and not text.startswith(OPTIONAL_MACHINE_CODE):
            raise ValueError(f"{name} carries machine code: {text}")
        if not text.startswith("..") and (text.endswith(KEPT) or ".dist-info/licenses/" in text):
            yield text, Path(str(entry.locate())).read_bytes()


def bytecode(name: str, source: bytes) -> bytes:
    """``source`` compiled, as a .pyc that is trusted as it is.

    Format 2 of marshal has no references between objects, which would differ from build to build.
    """
    code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    return importlib.util.MAGIC_NUMBER + UNCHECKED_HASH + importlib.util.source_hash(source) + marshal.dumps(code, 2)


def archive(source: Path) -> bytes:
    """The whole file, shebang first."""
    files = dict(own_files(source))
    for name, version in locked_libraries(LOCK).items():
        files.update(library_files(name, version))
    files["__main__.py"] = MAIN
    modules = {f"{name}c": bytecode(name, content) for name, content in files.items() if name.endswith(".py")}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content in sorted((files | modules).items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            target.writestr(entry, content, zipfile.ZIP_DEFLATED, 9)
    return SHEBANG + buffer.getvalue()


def main() -> int:
    """Build the file where it is not as it should be; returns the exit code."""
    parser = argparse.ArgumentParser(description="Build the agent's single file.")
    parser.add_argument("output", type=Path)
    output: Path = parser.parse_args().output
    content = archive(ROOT / "src")
    if not output.is_file() or output.read_bytes() != content:
        output.parent.mkdir(parents=True, exist_ok=True)
        partial = output.with_suffix(".partial")
        partial.write_bytes(content)
        partial.chmod(0o755)
        partial.replace(output)
        print(f"{output}: {len(content) / 2**20:.1f} MiB", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
