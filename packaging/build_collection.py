# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Builds the collection that ships: ``python packaging/build_collection.py .build/dist --install .build/collections``.

What git tracks of the collection is staged, the agent's single file, the wheel of the same version and the witness's
locked requirements are put into the roles that install them, and ``ansible-galaxy`` makes the tarball of that. Nothing
is done again for the same sources, and two builds at once wait for each other.
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.executable).parent
COLLECTION = (
    "galaxy.yml", "meta", "plugins", "roles", "playbooks", "extensions", "changelogs", "tests/config.yml",
    "tests/sanity", "tests/unit/plugins", "README.md", "CHANGELOG.md", "LICENSES", "LICENSE", "REUSE.toml",
)  # fmt: skip
DISTRIBUTION = ("pyproject.toml", "packaging", "requirements", "src")
MADE_OF = ".made-of"


def tracked(*places: str) -> list[str]:
    """The files in ``places`` that git tracks, or would: what is ignored is never shipped."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *places]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in sorted(set(done.stdout.split("\0"))) if name and (ROOT / name).is_file()]


def digest(names: Iterable[str]) -> str:
    """What the tarball is made of, as a hash of names and contents."""
    total = hashlib.sha256(sys.version.encode())
    for name in names:
        total.update(f"{name}\0{hashlib.sha256((ROOT / name).read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def stage(folder: Path, built: Path) -> None:
    """Lay out the collection as it will be in the tarball."""
    shutil.rmtree(folder, ignore_errors=True)
    places = {folder / name: ROOT / name for name in tracked(*COLLECTION)}
    package = wheel(built)
    places[folder / "roles/agent/files/zfs-sync-agent.pyz"] = built / "zfs-sync-agent.pyz"
    places[folder / "roles/witness/files" / package.name] = package
    places[folder / "roles/witness/files/requirements.txt"] = ROOT / "requirements" / "witness.txt"
    for place, source in places.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, place)


def wheel(built: Path) -> Path:
    """The wheel of this version, built anew: the same bytes for the same sources."""
    for old in built.glob("zfs_sync-*.whl"):
        old.unlink()
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(built), str(ROOT)]
    run(build, SOURCE_DATE_EPOCH="315532800")
    (found,) = built.glob("zfs_sync-*.whl")
    return found


def run(command: list[str], **environment: str) -> None:
    """Run a quiet command; its output is shown when it fails, and CalledProcessError is raised."""
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
    done.check_returncode()


def build(built: Path) -> Path:
    """The tarball, built where its sources differ from those of the last one."""
    made_of = built / MADE_OF
    key = digest(tracked(*COLLECTION, *DISTRIBUTION))
    if not made_of.is_file() or made_of.read_text() != key:
        made_of.unlink(missing_ok=True)
        for old in built.glob("zfs_sync-fleet-*.tar.gz"):
            old.unlink()
        subprocess.run([sys.executable, ROOT / "packaging" / "build_pyz.py", built / "zfs-sync-agent.pyz"], check=True)
        staging = built / "collection"
        stage(staging, built)
        run([str(TOOLS / "ansible-galaxy"), "collection", "build", "--output-path", str(built), str(staging)])
        made_of.write_text(key)
    (found,) = built.glob("zfs_sync-fleet-*.tar.gz")
    return found


def install(tarball: Path, collections: Path) -> None:
    """Install the tarball, and nothing from anywhere else, under ``collections``."""
    made_of = collections / MADE_OF
    key = hashlib.sha256(tarball.read_bytes()).hexdigest()
    if made_of.is_file() and made_of.read_text() == key:
        return
    shutil.rmtree(collections, ignore_errors=True)
    command = ["collection", "install", "--offline", "--force", "-p", str(collections), str(tarball)]
    run([str(TOOLS / "ansible-galaxy"), *command])
    made_of.write_text(key)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold ``folder`` against another build in it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Build single file, wheel and tarball, install the tarball where asked; returns the exit code."""
    parser = argparse.ArgumentParser(description="Build the collection's tarball.")
    parser.add_argument("output", type=Path, help="folder of what is built")
    parser.add_argument("--install", type=Path, metavar="FOLDER", help="install the tarball there as well")
    arguments = parser.parse_args()
    built: Path = arguments.output.resolve()
    with alone(built):
        tarball = build(built)
        if arguments.install:
            install(tarball, arguments.install.resolve())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
