# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Builds the collection that ships: ``python packaging/build_collection.py .build/dist``.

What git tracks of the collection is staged, the agent's single file, the wheel of the same version and the witness's
locked requirements are put into the roles that install them, and ``ansible-galaxy`` makes the tarball of that.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLLECTION = (
    "galaxy.yml", "meta", "plugins", "roles", "playbooks", "changelogs", "tests/sanity", "tests/unit/plugins",
    "README.md", "CHANGELOG.md", "LICENSES", "LICENSE", "REUSE.toml",
)  # fmt: skip


def tracked() -> list[str]:
    """The collection's files that git tracks, or would: what is ignored is never shipped."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *COLLECTION]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in sorted(set(done.stdout.split("\0"))) if name and (ROOT / name).is_file()]


def stage(folder: Path, built: Path) -> None:
    """Lay out the collection as it will be in the tarball."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    for source, target in (
        (built / "zfs-sync-agent.pyz", "roles/agent/files"),
        (wheel(built), "roles/witness/files"),
        (ROOT / "requirements" / "witness.txt", "roles/witness/files/requirements.txt"),
    ):
        place = folder / target
        (place if not place.suffix else place.parent).mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, place)


def wheel(built: Path) -> Path:
    """The wheel of this version, built anew: the same bytes for the same sources."""
    for old in built.glob("zfs_sync-*.whl"):
        old.unlink()
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(built), str(ROOT)],
        check=True,
        capture_output=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": "315532800"},
    )
    (found,) = built.glob("zfs_sync-*.whl")
    return found


def main() -> int:
    """Build single file, wheel and tarball; returns the exit code."""
    parser = argparse.ArgumentParser(description="Build the collection's tarball.")
    parser.add_argument("output", type=Path)
    built = parser.parse_args().output.resolve()
    built.mkdir(parents=True, exist_ok=True)
    here = Path(__file__).parent
    subprocess.run([sys.executable, str(here / "build_pyz.py"), str(built / "zfs-sync-agent.pyz")], check=True)
    stage(ROOT / ".build" / "collection", built)
    galaxy = Path(sys.executable).parent / "ansible-galaxy"
    subprocess.run(
        [galaxy, "collection", "build", "--force", "--output-path", str(built), str(ROOT / ".build" / "collection")],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
