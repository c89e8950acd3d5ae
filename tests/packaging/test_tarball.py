# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What the tarball carries."""

import fnmatch
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

import zfs_sync
from tests.packaging.unpacked import Unpacked

KEY = re.compile(rb"zs_(admin|operator|viewer|agent|enrol)_[a-z2-7]{8}_[A-Za-z0-9_-]{43}|PRIVATE KEY-----\n[A-Za-z0-9]")
LICENCES = {"LICENSE", "LICENSES/GPL-3.0-or-later.txt", "LICENSES/Apache-2.0.txt"}
GPL = "GPL-3.0-or-later"
HEADER = re.compile(rb"SPDX-License-Identifie[r]: (\S+)")  # this line is no header, for reuse either
FOREIGN = re.compile(r"(^|/)(__pycache__|\.git|\.build|\.pytest_cache|\.mypy_cache|\.ruff_cache|output)(/|$)|\.pyc$")


def files_of(unpacked: Unpacked) -> list[Path]:
    return [unpacked.folder / name for name in sorted(unpacked.names())]


def test_the_collection_and_what_it_installs_are_of_one_version(unpacked: Unpacked) -> None:
    manifest = json.loads((unpacked.folder / "MANIFEST.json").read_text())
    assert manifest["collection_info"]["version"] == zfs_sync.__version__
    wheels = [path.name for path in (unpacked.folder / "roles/witness/files").glob("*.whl")]
    assert wheels == [f"zfs_sync-{zfs_sync.__version__}-py3-none-any.whl"]
    package = unpacked.folder / "roles/agent/files/zfs-sync-agent.pyz"
    done = subprocess.run([sys.executable, package, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == zfs_sync.__version__


def test_the_licences_travel_with_it(unpacked: Unpacked) -> None:
    assert unpacked.names() >= LICENCES
    with zipfile.ZipFile(next((unpacked.folder / "roles/witness/files").glob("*.whl"))) as wheel:
        assert any(name.endswith("Apache-2.0.txt") for name in wheel.namelist())


def test_each_header_names_the_licence_of_its_place(unpacked: Unpacked) -> None:
    """But for templates, which become files of the host's own."""
    general, collection = tomllib.loads((unpacked.folder / "REUSE.toml").read_text())["annotations"]
    assert (general["SPDX-License-Identifier"], collection["SPDX-License-Identifier"]) == ("Apache-2.0", GPL)
    names = [
        name for name in sorted(unpacked.names()) if any(fnmatch.fnmatch(name, each) for each in collection["path"])
    ]
    said = {name: HEADER.search((unpacked.folder / name).read_bytes()) for name in names if "/templates/" not in name}
    wrong = [name for name, found in said.items() if found and found.group(1).decode() != GPL]
    assert len(names) > 80
    assert wrong == []


def test_nothing_of_a_build_or_of_another_tool_is_in_it(unpacked: Unpacked) -> None:
    assert [name for name in unpacked.names() if FOREIGN.search(name)] == []
    with zipfile.ZipFile(next((unpacked.folder / "roles/witness/files").glob("*.whl"))) as wheel:
        assert [name for name in wheel.namelist() if FOREIGN.search(name)] == []


def test_no_key_is_in_it(unpacked: Unpacked) -> None:
    assert [path.name for path in files_of(unpacked) if KEY.search(path.read_bytes())] == []


@pytest.mark.parametrize("folder", ["roles", "playbooks"])
def test_nothing_is_trusted_blindly(unpacked: Unpacked, folder: str) -> None:
    blind = re.compile(
        r"trusted=yes|StrictHostKeyChecking[= ]+\"?(no|off|accept-new)|validate_certs: *(false|no)", re.IGNORECASE
    )
    texts = [path for path in (unpacked.folder / folder).rglob("*") if path.suffix in (".yml", ".j2")]
    assert texts
    assert [path.name for path in texts if blind.search(path.read_text())] == []


def test_nothing_unpinned_is_downloaded(unpacked: Unpacked) -> None:
    fetching = re.compile(r"get_url|curl |wget |ansible\.builtin\.(git|subversion)\b")
    tasks = [*(unpacked.folder / "roles").rglob("tasks/*.yml"), *(unpacked.folder / "playbooks").glob("*.yml")]
    assert [path.name for path in tasks if fetching.search(path.read_text())] == []
    requirements = (unpacked.folder / "roles/witness/files/requirements.txt").read_text()
    pinned = re.findall(r"^([A-Za-z0-9._\[\]-]+)(.*)$", requirements, re.MULTILINE)
    assert pinned
    assert [name for name, rest in pinned if not rest.startswith("==")] == []
    assert requirements.count("--hash=sha256:") >= len(pinned)
    assert "--require-hashes" in (unpacked.folder / "roles/witness/tasks/release.yml").read_text()


def test_every_role_states_its_arguments(unpacked: Unpacked) -> None:
    for role in (unpacked.folder / "roles").iterdir():
        specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]
        defaults = yaml.safe_load((role / "defaults/main.yml").read_text())
        assert set(defaults) <= set(specs["main"]["options"]), role.name
