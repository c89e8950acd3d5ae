# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Builds ``zfs-sync-agent.pyz``: ``python packaging/build_pyz.py .build/dist/zfs-sync-agent.pyz``.

One file, pure Python, nothing to install on a storage host. It holds our own packages and the locked pure-Python
dependencies, is the same byte for byte when built twice, and refuses to be built with anything compiled in it.
"""

import argparse
import io
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from importlib.metadata import PackagePath, distribution
from pathlib import Path

SHEBANG = b"#!/usr/bin/python3 -I\n"
EPOCH = (1980, 1, 1, 0, 0, 0)
OURS = ("core", "api", "client", "zfs", "engine", "agent")
LIBRARIES = (
    "annotated-types",
    "attrs",
    "cattrs",
    "certifi",
    "charset-normalizer",
    "idna",
    "PyYAML",
    "requests",
    "typing-extensions",
    "urllib3",
)
# The compiled halves of these two are optional: both fall back to Python without them.
OPTIONAL_COMPILED = ("yaml/_yaml", "charset_normalizer/", "_yaml/")
MAIN = b"from zfs_sync.agent.main import main\n\nraise SystemExit(main())\n"


def own_files(source: Path) -> Iterator[tuple[str, bytes]]:
    """Our packages that a host needs, by their name in the archive."""
    package = source / "zfs_sync"
    yield "zfs_sync/__init__.py", (package / "__init__.py").read_bytes()
    for part in OURS:
        for path in sorted((package / part).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(source).as_posix(), path.read_bytes()


def library_files(name: str) -> Iterator[tuple[str, bytes]]:
    """The files of one installed library, without what is compiled and optional. Raises ValueError for other such."""
    for entry in distribution(name).files or ():
        text = entry.as_posix()
        if text.startswith("..") or "__pycache__" in text:
            continue
        if _compiled(entry):
            if not text.startswith(OPTIONAL_COMPILED):
                raise ValueError(f"{name} carries compiled code: {text}")
            continue
        if text.endswith((".py", ".pem", ".typed", "METADATA")) or ".dist-info/licenses/" in text:
            yield text, Path(str(entry.locate())).read_bytes()


def _compiled(entry: PackagePath) -> bool:
    return entry.name.endswith((".so", ".pyd", ".dylib", str(sysconfig.get_config_var("EXT_SUFFIX"))))


def archive(source: Path) -> bytes:
    """The whole file, shebang first."""
    files = dict(own_files(source))
    for name in LIBRARIES:
        files.update(library_files(name))
    files["__main__.py"] = MAIN
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, files[name])
    return SHEBANG + buffer.getvalue()


def main() -> int:
    """Build the file where it is not as it should be; returns the exit code."""
    parser = argparse.ArgumentParser(description="Build the agent's single file.")
    parser.add_argument("output", type=Path)
    output = parser.parse_args().output
    content = archive(Path(__file__).resolve().parents[1] / "src")
    if not output.is_file() or output.read_bytes() != content:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(content)
        output.chmod(0o755)
        print(f"{output}: {len(content) / 2**20:.1f} MiB", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
