"""What all hosts of a lab share: a Debian root, and a small package repository for what roles install."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from tests.lab import apt_source
from tests.lab.cache import build_once, cache_root, key_of
from tests.lab.process import run

RECIPE = Path(__file__).parent
_BUILD_SECONDS = 900


def shared_base(say: Callable[[str], None]) -> Path:
    """Return the root file system of a host, built with mmdebstrap if it is not cached."""
    return build_once(f"base-{_base_key()}", _build_base, say)


def package_repository(base: Path, say: Callable[[str], None]) -> Path:
    """Return a flat apt repository: the packages of repo-packages.txt and what they need beyond `base`."""
    key = key_of([_base_key(), RECIPE / "repo-packages.txt"])
    return build_once(f"repo-{key}", lambda folder: _build_repository(folder, base), say)


def remove_unused(used: Collection[str]) -> list[Path]:
    """Delete the cached bases and repositories whose paths are not in `used`; return them."""
    unused = [
        folder for kind in ("base", "repo") for folder in cache_root().glob(f"{kind}-*") if str(folder) not in used
    ]
    for folder in unused:
        shutil.rmtree(folder)
    return unused


def _base_key() -> str:
    files = [RECIPE / "base-packages.txt", RECIPE / "customise.sh", RECIPE / "files", Path(__file__)]
    return key_of([apt_source.SUITE, *files])


def _packages(file: str) -> list[str]:
    return (RECIPE / file).read_text().split()


def _build_base(root: Path) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as settings:
        settings.write(apt_source.acquire_settings())
        settings.flush()
        run(_mmdebstrap(root, settings.name), timeout_seconds=_BUILD_SECONDS)
    # An image whose lists are empty but young counts as updated for ansible's cache_valid_time.
    os.utime(root / "var/lib/apt/lists", (0, 0))


def _mmdebstrap(root: Path, apt_settings: str) -> list[str]:
    unneeded = [f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("man", "locale", "doc")]
    return [
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--variant=minbase",
        *unneeded,
        f"--aptopt={apt_settings}",
        f"--include={','.join(_packages('base-packages.txt'))}",
        f"--customize-hook={RECIPE / 'customise.sh'}",
        apt_source.SUITE,
        str(root),
        apt_source.source_line(),
    ]


def _build_repository(folder: Path, base: Path) -> None:
    """Let the machine's apt download for the base: the base's dpkg status says what is there already."""
    folder.mkdir()
    with tempfile.TemporaryDirectory(prefix="zfs-sync-lab-apt-") as scratch:
        apt = _apt_for(base, Path(scratch))
        run([*apt, "update"], timeout_seconds=_BUILD_SECONDS)
        run(
            [*apt, "--yes", "--download-only", "install", *_packages("repo-packages.txt")],
            timeout_seconds=_BUILD_SECONDS,
        )
        for package in (Path(scratch) / "cache/archives").glob("*.deb"):
            shutil.move(package, folder / package.name)
    for index in ("Packages", "Release"):
        made = run(["env", f"--chdir={folder}", "apt-ftparchive", index.lower(), "."])
        (folder / index).write_text(made.stdout)


def _apt_for(base: Path, scratch: Path) -> list[str]:
    for part in ("lists/partial", "cache/archives/partial"):
        (scratch / part).mkdir(parents=True)
    (scratch / "sources.list").write_text(apt_source.source_line() + "\n")
    settings = {
        "Dir::Etc::SourceList": scratch / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::Etc::Preferences": "/dev/null",
        "Dir::Etc::PreferencesParts": "/dev/null",
        "Dir::State::Lists": scratch / "lists",
        "Dir::State::status": base / "var/lib/dpkg/status",
        "Dir::State::extended_states": scratch / "extended_states",
        "Dir::Cache": scratch / "cache",
        "Debug::NoLocking": 1,
        "APT::Install-Recommends": 0,
        "APT::Sandbox::User": "root",
    }
    return ["apt-get", "--quiet=2", *(word for key, value in settings.items() for word in ("-o", f"{key}={value}"))]
