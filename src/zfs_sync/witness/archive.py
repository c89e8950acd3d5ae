# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""A backup as a file: a compressed tar whose first member lists the others with their SHA-256.

What is read from one is taken as a stranger's: members are found by name and read to memory or to a file that the
caller named, never unpacked to where the archive says.
"""

import hashlib
import io
import json
import os
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from zfs_sync.core.errors import ZfsSyncError

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "witness.db"
SMALL = ("admin.key", "tls/ca.crt", "tls/ca.key", "tls/server.crt", "tls/server.key")
"""What else a witness is made of: files beside its database, each there or not."""
_MOST_SMALL = 1024 * 1024
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds."""

    created: str
    version: str
    """Of the program that made it."""
    revision: str
    """Of the database."""
    counts: Mapping[str, int]
    """Rows of each table."""
    files: Mapping[str, str]
    """The SHA-256 of each member by its name."""


def sha256(stream: IO[bytes]) -> str:
    """The SHA-256 of what is left of a stream, in hexadecimal."""
    digest = hashlib.sha256()
    while block := stream.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as stream:
        return sha256(stream)


def write(path: Path, manifest: Manifest, files: Mapping[str, Path]) -> None:
    """Make the archive at ``path``, which must not exist, for its owner's eyes only, and on the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as archive:
            _add(archive, MANIFEST, json.dumps(_shown(manifest), indent=2).encode())
            for name, file in files.items():
                member = archive.gettarinfo(file, name)
                member.mode, member.uid, member.gid, member.uname, member.gname = 0o600, 0, 0, "", ""
                with file.open("rb") as content:
                    archive.addfile(member, content)
        stream.flush()
        os.fsync(stream.fileno())


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    archive.addfile(member, io.BytesIO(content))


def _shown(manifest: Manifest) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "created": manifest.created,
        "version": manifest.version,
        "revision": manifest.revision,
        "counts": dict(manifest.counts),
        "files": dict(manifest.files),
    }


def verify(path: Path) -> Manifest:
    """What the archive says that it holds, once every byte of it was read. Raises E_BACKUP_INVALID."""
    with _opened(path) as archive:
        manifest = _manifest(path, archive)
        for name, wanted in manifest.files.items():
            if sha256(_member(path, archive, name)) != wanted:
                raise invalid(path, f"'{name}' is not what was written")
        return manifest


def small_file(path: Path, name: str) -> bytes:
    """The content of one of the small files of a verified archive."""
    with _opened(path) as archive:
        return _member(path, archive, name).read(_MOST_SMALL)


def take_database(path: Path, target: Path) -> None:
    """Write the database of a verified archive to ``target``, which must not exist, mode 0600."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as stream, _opened(path) as archive:
        content = _member(path, archive, DATABASE)
        while block := content.read(_BLOCK):
            stream.write(block)
        stream.flush()
        os.fsync(stream.fileno())


def invalid(path: Path, why: str) -> ZfsSyncError:
    """The error of an archive that cannot be used."""
    return ZfsSyncError("E_BACKUP_INVALID", f"{path} cannot be restored: {why}.")


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, "r:gz") as archive:
            yield archive
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise invalid(path, f"it is damaged or no backup ({error})") from error
    except OSError as error:
        raise invalid(path, f"it cannot be read ({error.strerror or error})") from error


def _member(path: Path, archive: tarfile.TarFile, name: str) -> IO[bytes]:
    try:
        found = archive.extractfile(name)
    except KeyError:
        found = None
    if found is None:
        raise invalid(path, f"it has no '{name}'")
    return found


def _manifest(path: Path, archive: tarfile.TarFile) -> Manifest:
    try:
        said = json.loads(_member(path, archive, MANIFEST).read(_MOST_SMALL))
        number = said["format"]
        counts = {str(name): int(count) for name, count in said["counts"].items()}
        files = {str(name): str(digest) for name, digest in said["files"].items()}
        manifest = Manifest(str(said["created"]), str(said["version"]), str(said["revision"]), counts, files)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise invalid(path, "its list of contents is damaged") from error
    if number != FORMAT:
        raise invalid(path, f"it has format {number!r}, and this version reads {FORMAT}")
    if DATABASE not in files or not set(files) <= {DATABASE, *SMALL}:
        raise invalid(path, "it does not hold what a backup of a witness holds")
    return manifest
