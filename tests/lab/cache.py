"""A cache of folders that are dear to build: each keyed by what it was built from and appears whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_root() -> Path:
    """Return the lab's folder in the user's cache; it holds no secrets and a wipe only costs a rebuild."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "zfs-sync" / "lab"


def key_of(parts: Iterable[Path | str]) -> str:
    """Return a short key of contents: strings as they are; of files and whole trees, names, modes and bytes."""
    digest = hashlib.sha256()
    for part in parts:
        for file in _files_of(part) if isinstance(part, Path) else ():
            digest.update(f"{file.name}\0{file.stat().st_mode:o}\0".encode() + file.read_bytes())
        if isinstance(part, str):
            digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:16]


def _files_of(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(found for found in path.rglob("*") if found.is_file())


def build_once(name: str, build: Callable[[Path], None], say: Callable[[str], None]) -> Path:
    """Return the cached folder `name`; if there is none, let `build` fill a new folder and put it there atomically."""
    final = cache_root() / name
    if final.exists():
        return final
    with _locked(cache_root()):
        if not final.exists():
            _remove_unfinished(cache_root())
            unfinished = cache_root() / f"unfinished-{name}"
            say(f"building {name} (once; cached in {cache_root()})")
            build(unfinished)
            unfinished.rename(final)
    return final


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove_unfinished(folder: Path) -> None:
    """Under the lock nobody builds, so what is unfinished was left by a crash."""
    for left in folder.glob("unfinished-*"):
        shutil.rmtree(left)
