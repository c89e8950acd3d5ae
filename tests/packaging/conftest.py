# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""One tarball for all tests of it."""

import pytest

from tests.integration.collection.controller import BUILD, build_collection
from tests.packaging.unpacked import Unpacked, unpack


@pytest.fixture(scope="session")
def unpacked() -> Unpacked:
    build_collection()
    (tarball,) = (BUILD / "dist").glob("zfs_sync-fleet-*.tar.gz")
    return unpack(tarball, BUILD / "tarball")
